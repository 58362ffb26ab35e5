//! Answers of clkhash 0.18.3 under CPython 3.11.

use serde_json::{Value, json};

use super::*;
use crate::dates::DateFormat;

/// A schema of every kind of feature; `hash`: what each says of its hash.
fn schema(config: &Value, hash: Option<&Value>) -> String {
    let hashing = |comparison: Value, strategy: Value, missing: Value| {
        let mut all = json!({"comparison": comparison, "strategy": strategy});
        if let Some(hash) = hash {
            all["hash"] = hash.clone();
        }
        if !missing.is_null() {
            all["missingValue"] = missing;
        }
        all
    };
    let numeric = json!({"type": "numeric", "thresholdDistance": 2.5, "resolution": 3, "fractional_precision": 1});
    let mut config = config.clone();
    config["kdf"] = json!({"type": "HKDF", "hash": "SHA512", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 33});
    json!({"version": 3, "clkConfig": config, "features": [
        {"identifier": "row", "ignored": true},
        {"identifier": "name", "format": {"type": "string"},
         "hashing": hashing(json!({"type": "ngram", "n": 2}), json!({"bitsPerToken": 3}), Value::Null)},
        {"identifier": "wide", "format": {"type": "string", "encoding": "utf-16"},
         "hashing": hashing(json!({"type": "ngram", "n": 3, "positional": true}), json!({"bitsPerFeature": 20}), Value::Null)},
        {"identifier": "born", "format": {"type": "date", "format": "%d/%m/%Y"},
         "hashing": hashing(json!({"type": "ngram", "n": 1, "positional": true}), json!({"bitsPerToken": 2}),
                            json!({"sentinel": "N/A", "replaceWith": "1900"}))},
        {"identifier": "count", "format": {"type": "integer"},
         "hashing": hashing(json!({"type": "exact"}), json!({"bitsPerFeature": 40}), json!({"sentinel": ""}))},
        {"identifier": "height", "format": {"type": "string"},
         "hashing": hashing(numeric, json!({"bitsPerToken": 2}), Value::Null)},
    ]})
    .to_string()
}

const RECORDS: [[&str; 6]; 4] = [
    ["1", "Zoë O'Hara", "Ωmega😀", "3/04/1985", " +007 ", "-12.25"],
    ["2", "", "a", "N/A", "", "1e3"],
    ["3", "李", "", "29/02/2000", "-1_000", "17"],
    ["4", "x", "x", "01/1/0999", "\u{663}\u{664}", ""],
];

fn encoded(schema: &str, secret: &str) -> Vec<String> {
    let mut encoder = ClkEncoder::new(&ClkSchema::parse(schema).unwrap(), secret.as_bytes()).unwrap();
    // Twice, so that the second time everything comes out of memory.
    let mut round = || RECORDS.map(|record| hex::encode(encoder.encode(&record).unwrap())).to_vec();
    let first = round();
    assert_eq!(first, round());
    first
}

#[test]
fn every_kind_of_feature_as_clkhash_has_it() {
    assert_eq!(
        encoded(&schema(&json!({"l": 256, "xor_folds": 1}), None), "secret"),
        [
            "c2cab188088c1062caa55cb006006440aa9408c20055668430012c4601033098",
            "040090082a444008a00208000040008808080000808600009410014091008009",
            "b440804046808118a18200149200d000800405110aa140803028002087030864",
            "401330280821000580000410408182c043c5327400e01a414008d08c032220cb",
        ]
    );
    // A length that fills no whole bytes, folded twice.
    assert_eq!(
        encoded(&schema(&json!({"l": 90, "xor_folds": 2}), Some(&json!({"type": "doubleHash"}))), "secret"),
        [
            "8c1c662efa303cfb34cc0500",
            "041bca2c1838810410483840",
            "80a6eebe82e10bf52f8e2bc0",
            "4b2003d44890250451011040"
        ]
    );
    let prevent = json!({"type": "doubleHash", "prevent_singularity": true});
    assert_eq!(encoded(&schema(&json!({"l": 5}), Some(&prevent)), "secret"), ["f8"; 4]);
}

#[test]
fn older_schemas_as_clkhash_converts_them() {
    let text = json!({"type": "string"});
    let one = json!({"version": 1, "clkConfig": {"l": 64, "k": 5, "kdf": {"type": "HKDF"}, "hash": {"type": "doubleHash"}},
        "features": [
            {"identifier": "a", "format": text, "hashing": {"ngram": 2, "weight": 0.5}},
            {"identifier": "b", "format": text, "hashing": {"ngram": 1, "positional": true, "weight": 0}},
            {"identifier": "c", "format": text, "hashing": {"ngram": 1, "positional": true}}]});
    let two = json!({"version": 2, "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}}, "features": [
        {"identifier": "a", "format": text, "hashing": {"ngram": 2, "strategy": {"k": 3}}},
        {"identifier": "b", "format": text, "hashing": {"ngram": 1, "positional": true, "strategy": {"numBits": 17}}}]});
    let clk = |schema: &Value, record: &[&str]| {
        let schema = ClkSchema::parse(&schema.to_string()).unwrap();
        hex::encode(ClkEncoder::new(&schema, b"s").unwrap().encode(record).unwrap())
    };
    assert_eq!(clk(&one, &["anna", "bob", "carl"]), "85c1868619847403");
    assert_eq!(clk(&two, &["anna", "bob"]), "67d6516048109b11");
}

/// `clkhash/data/randomnames-schema-v2.json`, the schema of its invented people.
fn people() -> Value {
    let salt = "SCbL2zHNnmsckfzchsNkZY9XoHk96P/G5nUBrM7ybymlEFsMV6PAeDZCNp3rfNUPCtLDMOGQHG4pCQpfhiHCyA==";
    json!({"version": 3, "clkConfig": {"l": 1024, "kdf": {
            "type": "HKDF", "hash": "SHA256", "salt": salt, "info": "c2NoZW1hX2V4YW1wbGU=", "keySize": 64}},
        "features": [
            {"identifier": "INDEX", "ignored": true},
            {"identifier": "NAME freetext",
             "format": {"type": "string", "encoding": "utf-8", "case": "mixed", "minLength": 3},
             "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 15}, "hash": {"type": "blakeHash"}}},
            {"identifier": "DOB YYYY/MM/DD", "format": {"type": "date", "description": "year first", "format": "%Y/%m/%d"},
             "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerToken": 30}}},
            {"identifier": "GENDER M or F", "format": {"type": "enum", "values": ["M", "F"]},
             "hashing": {"comparison": {"type": "ngram", "n": 1}, "strategy": {"bitsPerToken": 60}}}]})
}

#[test]
fn the_people_of_clkhash() {
    let schema = ClkSchema::parse(&people().to_string()).unwrap();
    assert_eq!(schema.identifiers().nth(2), Some("DOB YYYY/MM/DD"));
    let mut encoder = ClkEncoder::new(&schema, b"horse staple").unwrap();
    let record = ["0", "Jesse Tester", "1985/02/17", "F"];
    encoder.check(&record).unwrap();
    let clk = encoder.encode(&record).unwrap();
    let text = "AdErfeDYwrODViiDDHLgVoUERYqKFGtMwGXEQUk5emmKCZgo6KQ4dlkFAQhOABguBYlgd3SpMgC7YRYEOyZQwE2AyAVBMgoQWCIUjBWg/ItYBASIhAGJDMBdoldrCYGCMNwKlHDgQBVdQgAizliIcFj0ckxEKWlbzRCSSKxZnjM=";
    assert_eq!(to_base64(&clk), text);
    assert_eq!(from_base64(text).unwrap(), clk);
    assert!(from_base64("abc").is_none() && from_base64("ab=c").is_none() && from_base64("====").is_none());
    // A wrong value is told by its feature, never by itself.
    for (record, at) in [
        (["0", "Al", "1985/02/17", "F"], "feature NAME freetext: it is too short"),
        (["0", "Albert", "1985/02/30", "F"], "feature DOB YYYY/MM/DD: it is not a date of the format"),
        (["0", "Albert", "1985/02/17", "X"], "feature GENDER M or F: it is none of the values that the schema lists"),
    ] {
        assert_eq!(encoder.check(&record).unwrap_err().to_string(), at);
    }
    assert!(matches!(encoder.encode(&["0"]), Err(ClkError::Length { wanted: 4, found: 1 })));
    assert!(encoder.encode(&["0", "Al", "1985/02/30", "F"]).is_err());
    assert!(!format!("{encoder:?}").contains("staple"));
}

#[test]
fn the_fingerprint_is_of_what_is_decided() {
    let print = |schema: &Value| ClkSchema::parse(&schema.to_string()).unwrap().fingerprint().to_owned();
    let schema = people();
    let mut same = schema.clone();
    same["clkConfig"]["kdf"].as_object_mut().unwrap().remove("keySize");
    same["features"][1]["hashing"].as_object_mut().unwrap().remove("hash");
    same["features"][2]["format"]["description"] = json!("otherwise");
    assert_eq!(print(&schema), print(&same));
    assert_eq!(print(&schema), "084d2ee6203dc25b795060ac903112c856704141581bdef53bb63f3d4602e1b7");
    let mut other = schema.clone();
    other["features"][2]["hashing"]["strategy"]["bitsPerToken"] = json!(31);
    assert_ne!(print(&schema), print(&other));
}

#[test]
fn refuses_schemas_that_clkhash_refuses() {
    let at = |path: &str, value: Value| {
        let mut schema = people();
        *schema.pointer_mut(path).unwrap() = value;
        ClkSchema::parse(&schema.to_string()).and_then(|schema| ClkEncoder::new(&schema, b"s")).unwrap_err().to_string()
    };
    for (path, value) in [
        ("/version", json!(4)),
        ("/clkConfig/l", json!(1000)),
        ("/clkConfig/l", json!(0)),
        ("/clkConfig/l", json!(1u64 << 30)),
        ("/clkConfig/kdf/type", json!("PBKDF2")),
        ("/clkConfig/kdf/salt", json!("not base64")),
        ("/clkConfig/kdf/keySize", json!(65)),
        ("/clkConfig/kdf/keySize", json!(1021)),
        ("/features", json!({})),
        ("/features/1/format/encoding", json!("latin-1")),
        ("/features/1/hashing/comparison/n", json!(0)),
        ("/features/1/hashing/comparison/type", json!("nonComparison")),
        ("/features/1/hashing/strategy", json!({"bitsPerToken": 1, "bitsPerFeature": 2})),
        ("/features/1/hashing/strategy", json!({"k": 1})),
        ("/features/1/hashing/hash", json!({"type": "blakeHash", "prevent_singularity": false})),
        ("/features/1/hashing/comparison", json!({"type": "numeric", "thresholdDistance": 0.01, "resolution": 1})),
        ("/features/2/format/format", json!("%Y %U")),
        ("/features/2/format/format", json!("%Y %Y")),
        ("/features/2/format/format", json!("%")),
    ] {
        let said = at(path, value);
        assert!(said.contains("not usable") || said.contains("cannot be derived"), "{path}: {said}");
    }
    assert!(matches!(ClkSchema::parse("{"), Err(ClkError::Json(_))));
}

/// `datetime.strptime(text, format).strftime("%Y%m%d")`
#[test]
fn dates_as_python_reads_them() {
    for (format, text, wanted) in [
        ("%d%m%Y", "112020", Some("20200101")),
        ("%d%m%Y", "1112020", Some("20200111")),
        ("%Y-%m-%d", "2020-2-3", Some("20200203")),
        ("%Y-%m-%d", "2020-02-30", None),
        ("%Y-%m-%d", "0999-01-01", Some("9990101")),
        ("%d %B %y", "1 MARCH 68", Some("20680301")),
        ("%d %B %y", "1 march 69", Some("19690301")),
        ("%d/%m", "29/02", None),
        ("%d/%m", "28/02", Some("19000228")),
        ("%j %Y", "366 2019", Some("20200101")),
        ("%j %Y", "366 9999", None),
        ("%j%Y", "0602020", Some("20200229")),
        ("%Y-%m-%d", "2020-02-03x", None),
        ("%H%M%d", "1213", Some("19000103")),
        ("%d %m %Y", " 5  6\t2001", Some("20010605")),
        ("%Y", "0000", None),
        ("%m/%Y", "\u{661}/2020", None),
        ("%m/%Y", "1/\u{662}020", Some("20200101")),
        ("%Y%S", "202061", None),
        ("%Y%S", "202059", Some("20200101")),
        ("%a %d%m%Y %I%p", "tue 01022003 12PM", Some("20030201")),
        ("%Y%%", "2020%", Some("20200101")),
        ("%d%f", "312345678", None),
        ("%d.%m.%Y", "31.04.2020", None),
        ("T%dt%m", "t1T2", Some("19000201")),
        ("%d", "32", None),
        ("%yx%Y", "69x2001", Some("20010101")),
        ("%Yx%y", "2001x69", Some("19690101")),
        ("%w%u%Y", "072020", Some("20200101")),
        ("%d\u{a0}%m", "1 2", Some("19000201")),
    ] {
        let mut out = String::new();
        let good = DateFormat::parse(format).unwrap().rewrite(text, &mut out);
        assert_eq!(good.then_some(out.as_str()), wanted, "{format} {text}");
    }
}

/// `int(text, 10)` and `float(text)`
#[test]
fn numbers_as_python_reads_them() {
    for (text, wanted) in [
        ("\u{1c}5", None),
        ("\u{a0}5", Some("5")),
        ("5\u{85}", Some("5")),
        ("\u{663}6", Some("36")),
        ("\u{1c}\u{663}", None),
        ("-0", Some("0")),
        ("1_0", Some("10")),
        ("_1", None),
        ("1__0", None),
        ("+ 5", None),
        ("-0012", Some("-12")),
        ("\u{2212}5", None),
        ("", None),
        ("-", None),
        ("5.0", None),
    ] {
        assert_eq!(python::integer(text).as_deref(), wanted, "{text:?}");
    }
    assert!(python::integer(&"1".repeat(4300)).is_some() && python::integer(&"1".repeat(4301)).is_none());
    for (text, wanted) in [
        ("1_0.5", Some(10.5)),
        ("1_.5", None),
        ("1e1_0", Some(1e10)),
        ("1e_5", None),
        (".5", Some(0.5)),
        ("5.", Some(5.0)),
        (" \u{663}5.1", Some(35.1)),
        ("0x10", None),
        ("1.5\u{1c}", None),
        ("nan", None),
        ("-infinity", None),
    ] {
        assert_eq!(python::float(text), wanted, "{text:?}");
    }
}
