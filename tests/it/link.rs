//! Linkage, end to end: families that are known to be hard, people that persist, keys that rotate, erasure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{
    CLOCK, KEY, OTHER_KEY, Ran, Table, aloud, asks_for_people, bench_lakes, copy_folder, files_under, flat_text, root,
    sql_under, svp,
};

/// A site of two sources of people, `first` (police) and `second` (health), in plain CSV files.
pub(crate) struct People {
    folder: TempDir,
}

const COLUMNS: &str = "id,forename,surname,birth,postcode,sex,nhs\n";

impl People {
    pub(crate) fn new(once: bool) -> Self {
        let people = Self { folder: TempDir::new().unwrap() };
        let site = people.path("site/pipelines");
        copy_folder(&root().join("pipelines"), &site);
        let street = fs::read_to_string(root().join("pipelines/sources/police_street.toml")).unwrap();
        let law = &street[street.find("[law]").unwrap()..street.find("[maps").unwrap()];
        for (source, agency) in [("first", "police"), ("second", "health")] {
            let text = format!(
                r#"name = "{source}"
title = "People"
description = "People of a test."
agency = "{agency}"
people_once = {once}

[files]
slot = '(?<slot>{source}_\d+)'

[reader]
kind = "csv"

{law}

[maps.sex]
M = "male"
F = "female"

[[feed]]
name = "person"
columns = ["id", "forename", "surname", "birth", "postcode", "sex", "nhs"]
record_id = '"id"'

[feed.person_record]
person_id = '"id"'
agency = "'{agency}'"
forename = 'name_key("forename")'
surname = 'name_key("surname")'
birth_date = '''birth_date("birth", 'yyyy-mm-dd')'''
postcode = 'postcode("postcode")'
sex = '''code_map('sex', "sex")'''
nhs_number = 'nhs_number("nhs")'
"#
            );
            fs::write(site.join(format!("sources/{source}.toml")), text).unwrap();
        }
        let area = r#"name = "people"
title = "People"
description = "An area file that names the sources of a test."
police_force = "E23990001"
easting = [0, 1]
northing = [0, 1]
reference_root = "."
input_root = "."
definitions = []
outputs = []
audience = "partner"
attribution = ["Invented."]

[period]
from = "2020-01"
to = "2030-12"

[[district]]
code = "E07990001"
name = "Nowhere"
csp = "Nowhere"

[[input]]
source = "first"
path = ["first_*.csv"]

[[input]]
source = "second"
path = ["second_*.csv"]
"#;
        fs::write(site.join("areas/people.toml"), area).unwrap();
        fs::create_dir_all(people.path("in")).unwrap();
        fs::write(people.path("key"), KEY).unwrap();
        people
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn give(&self, file: &str, rows: &[String]) {
        fs::write(self.path("in").join(file), format!("{COLUMNS}{}\n", rows.join("\n"))).unwrap();
    }

    pub(crate) fn svp(&self) -> crate::support::Svp {
        svp(["--site"]).arg(self.path("site"))
    }

    pub(crate) fn run(&self, more: &[&str]) -> Ran {
        self.run_with("key", more)
    }

    fn run_with(&self, key: &str, more: &[&str]) -> Ran {
        let run = self.svp().args(["run", "--area", "people", "--clock", CLOCK, "--lake"]).arg(self.path("lake"));
        run.arg("--extracts").arg(self.path("in")).arg("--key").arg(self.path(key)).args(more).run().good()
    }

    pub(crate) fn sql(&self, query: &str) -> Table {
        self.sql_under("key", query)
    }

    /// As [`Self::sql`], under the key in another file.
    fn sql_under(&self, key: &str, query: &str) -> Table {
        let lake = self.path("lake");
        if asks_for_people(query) {
            return sql_under(&lake, &fs::read_to_string(self.path(key)).unwrap(), query);
        }
        let ran = self.svp().args(["sql", "--format", "csv", "--lake"]).arg(lake).arg(query).run().good();
        Table::parse(&ran.stdout)
    }

    /// The token of a person's id, made at the desk.
    fn token(&self, source: &str, id: &str) -> String {
        let ids = self.path("ids");
        fs::write(&ids, id).unwrap();
        let out = std::process::Command::new(crate::support::svp_bin())
            .args(["--site".as_ref(), self.path("site").as_os_str(), "key".as_ref(), "token".as_ref()])
            .args(["--source".as_ref(), source.as_ref(), "--key".as_ref(), self.path("key").as_os_str()])
            .stdin(fs::File::open(ids).unwrap())
            .output()
            .unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// Person keys by id, of ids that are unique over the sources.
    pub(crate) fn keys(&self, ids: &[(&str, &str)]) -> Vec<String> {
        let links = self.sql("SELECT person_record_id, person_key FROM person_link");
        let by: BTreeMap<&str, &str> =
            links.column("person_record_id").into_iter().zip(links.column("person_key")).collect();
        ids.iter().map(|(source, id)| by[self.token(source, id).as_str()].to_owned()).collect()
    }
}

/// A crowd of different people who are in both sources, so that there is something to learn from. Every ninth has a slip
/// in the second source.
pub(crate) fn crowd() -> (Vec<String>, Vec<String>) {
    const FORENAMES: [&str; 24] = [
        "Alice", "Brian", "Carol", "Derek", "Edith", "Fiona", "Gavin", "Hazel", "Irene", "James", "Karen", "Lewis",
        "Megan", "Nigel", "Olive", "Peter", "Queenie", "Ronald", "Sheila", "Trevor", "Ursula", "Victor", "Wilma",
        "Yvonne",
    ];
    const SURNAMES: [&str; 29] = [
        "Abbott", "Barker", "Carver", "Dawson", "Elliot", "Farrow", "Garner", "Hobson", "Ingram", "Jarvis", "Kemble",
        "Lawton", "Mercer", "Norris", "Osgood", "Parfitt", "Quarles", "Rudge", "Selby", "Tranter", "Upjohn", "Vickers",
        "Wadham", "Yelland", "Zeal", "Braddock", "Chesney", "Dunstan", "Everett",
    ];
    // Letters that the second part of a postcode may have.
    const INWARD: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for i in 0..600usize {
        let (forename, surname) = (FORENAMES[i * 7 % 24], SURNAMES[i * 11 % 29]);
        let birth = format!("{}-{:02}-{:02}", 1940 + i * 13 % 70, 1 + i * 5 % 12, 1 + i * 17 % 28);
        let letters = [INWARD[i % 19], INWARD[i * 3 % 20]];
        let postcode = format!("EX{} {}{}", 1 + i % 30, i % 9 + 1, String::from_utf8_lossy(&letters));
        let sex = if i * 7 % 24 % 2 == 0 { "F" } else { "M" };
        first.push(format!("p{i},{forename},{surname},{birth},{postcode},{sex},"));
        let (surname, postcode) = match i % 9 {
            3 => (format!("{surname}e"), postcode),
            6 => (surname.to_owned(), "PL1 1AA".to_owned()),
            _ => (surname.to_owned(), postcode),
        };
        second.push(format!("h{i},{forename},{surname},{birth},{postcode},{sex},"));
    }
    (first, second)
}

fn family() -> (Vec<String>, Vec<String>) {
    let rows = |text: &str| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    let first: Vec<String> = rows(
        "twin-anna,Anna,Fennimore,2009-05-14,TQ1 1AB,F,
         lone-twin,Imogen,Castellan,2011-08-23,TQ2 5CD,F,
         father,John,Haleworth,1960-02-13,EX20 1XY,M,
         reused-a,Martin,Oldacre,1955-03-21,EX31 4GH,M,9434765919
         child,Sophie,Brantley,2012-10-17,EX39 2JK,F,4505577104
         placeholder-a,Oliver,Pemberley,1900-01-01,,M,
         nick,William,Thackery,1971-06-18,PL19 8LM,M,
         nobody-a,,,,,,
         slip,Katherine,Underhay,1984-12-23,TR4 9ZZ,F,",
    );
    let second = rows(
        "twin-anna-h,Anna,Fennimore,2009-05-14,TQ1 1AB,F,
         twin-ella-h,Ella,Fennimore,2009-05-14,TQ1 1AB,F,
         lone-other,Beatrice,Castellan,2011-08-23,TQ2 5CD,F,
         son,John,Haleworth,1988-11-29,EX20 1XY,M,
         reused-b,Patricia,Winslade,1979-09-04,TR1 2AB,F,9434765919
         child-h,Sophie,Merriweather,2012-10-17,TQ14 8RS,F,4505577104
         placeholder-b,Oliver,Quennell,1900-01-01,,M,
         nick-h,Bill,Thackery,1971-06-18,PL19 8LM,M,
         nobody-b,,,,,,
         slip-h,Kathrine,Underhay,1984-12-32,TR4 9ZZ,F,",
    );
    (first, second)
}

#[test]
fn families_that_are_hard_to_tell_apart() {
    let people = People::new(false);
    let (mut first, mut second) = crowd();
    let (a, b) = family();
    first.extend(a);
    second.extend(b);
    // A hostel: thirty people who share nothing but the address.
    for i in 0..30 {
        let row = |id: &str, n: usize| {
            format!(
                "{id}{n},{},{},{}-{:02}-{:02},EX4 4QJ,M,",
                ["Adam", "Boris", "Cyril", "Dylan", "Edgar"][n % 5],
                ["Marlowe", "Nettleton", "Ormerod", "Pascoe", "Quick", "Rosewarne"][n % 6],
                1950 + n,
                1 + n % 12,
                1 + n * 3 % 28
            )
        };
        if i % 2 == 0 { first.push(row("hostel-", i)) } else { second.push(row("hostel-", i)) }
    }
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    let ran = people.run(&[]);
    assert!(ran.stderr.contains("2 records say nothing of anybody"), "{}", ran.stderr);
    let same = |a: (&str, &str), b: (&str, &str)| {
        let keys = people.keys(&[a, b]);
        keys[0] == keys[1]
    };
    let mut wrong = Vec::new();
    for (a, b, is_one) in [
        ("twin-anna", "twin-anna-h", true),
        ("twin-anna", "twin-ella-h", false),
        ("lone-twin", "lone-other", false),
        ("father", "son", false),
        ("reused-a", "reused-b", false),
        ("child", "child-h", true),
        ("placeholder-a", "placeholder-b", false),
        ("nick", "nick-h", true),
        ("nobody-a", "nobody-b", false),
        ("slip", "slip-h", true),
    ] {
        if same(("first", a), ("second", b)) != is_one {
            wrong.push(format!("{a} and {b} are {}one person", if is_one { "" } else { "not " }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}\n{}", ran.stderr);
    let hostel: Vec<String> = (0..30).map(|i| format!("hostel-{i}")).collect();
    let ids: Vec<(&str, &str)> =
        hostel.iter().enumerate().map(|(i, id)| (if i % 2 == 0 { "first" } else { "second" }, id.as_str())).collect();
    let keys: BTreeSet<String> = people.keys(&ids).into_iter().collect();
    assert_eq!(keys.len(), 30, "people of one hostel were merged");
}

/// The whole crowd is found again, nobody is made one with another, and the measures say so.
#[test]
fn a_crowd_in_two_sources_is_linked_and_measured() {
    let people = People::new(true);
    let (first, second) = crowd();
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    people.run(&["--ingest-only"]);
    let mut truth = String::from("source,person_id,person\n");
    for i in 0..600 {
        let _ = writeln!(truth, "first,p{i},{i}\nsecond,h{i},{i}");
    }
    fs::write(people.path("truth.csv"), truth).unwrap();
    let link = people.svp().args(["link", "--explain", "--timings", "--lake"]).arg(people.path("lake"));
    let ran = link.arg("--key").arg(people.path("key")).arg("--evaluate").arg(people.path("truth.csv")).run().good();
    let closed = ran.stdout.lines().find(|l| l.starts_with("people, closed pairs")).unwrap();
    let f1: f64 = closed.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(f1 > 0.99, "{closed}");
    for words in ["blocking rules", "forename.usual + surname.whole", "usual form equal", "one pair in", "household"] {
        assert!(ran.stdout.contains(words), "{words} is not explained");
    }
    let ids = people.sql("SELECT person_record_id FROM person_record ORDER BY 1 LIMIT 2");
    let pair = people.svp().args(["link", "--lake"]).arg(people.path("lake"));
    let pair = pair.arg("--key").arg(people.path("key")).arg("--pair");
    let ran = pair.args(ids.column("person_record_id")).run().good();
    assert!(ran.stdout.contains("probability that they are one person"), "{}", ran.stdout);

    // Without the key, and with another one, nothing is opened.
    let without =
        |key: &[&str]| people.svp().args(["link", "--explain", "--lake"]).arg(people.path("lake")).args(key).run();
    without(&[]).ended(5).says(&["person records are sealed", "hint: ", "--key"]);
    fs::write(people.path("other"), OTHER_KEY).unwrap();
    let other = people.path("other").display().to_string();
    without(&["--key", &other]).ended(5).says(&["this is not the key of the lake"]);
}

/// A source that promised to have each person once, and does not, is reported, and none of its records are merged.
#[test]
fn a_broken_promise_is_reported() {
    let people = People::new(true);
    let (mut first, second) = crowd();
    first.push(first[0].replacen("p0,", "again,", 1));
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    let ran = people.run(&[]);
    let said = "source first promises each person once, but 2 of its records";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let keys = people.keys(&[("first", "p0"), ("first", "again")]);
    assert_ne!(keys[0], keys[1]);
}

/// A giant block is capped and named, and the run goes on.
#[test]
fn a_giant_block_is_capped_and_named() {
    let people = People::new(false);
    let (mut first, second) = crowd();
    first.extend((0..700).map(|i| format!("crowded{i},,,{}-01-01,EX9 9ZZ,,", 1950 + i % 50)));
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    let ran = people.run(&[]);
    let named = ran.stderr.lines().any(|l| l.contains("rule postcode.whole") && l.contains("left out"));
    assert!(named, "{}", ran.stderr);
}

/// People keep their keys from run to run; a new record joins them; a full linkage later keeps them too.
#[test]
fn people_persist() {
    let people = People::new(false);
    let (first, second) = crowd();
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second[..500]);
    people.run(&[]);
    let before = people.keys(&[("first", "p0"), ("first", "p550")]);
    let all = |p: &People| -> BTreeMap<String, String> {
        let links = p.sql("SELECT person_record_id, person_key FROM person_link");
        let column = |c| links.column(c).into_iter().map(str::to_owned).collect::<Vec<_>>();
        column("person_record_id").into_iter().zip(column("person_key")).collect()
    };
    let old = all(&people);

    people.give("second_2.csv", &second[500..]);
    let ran = people.run(&[]);
    assert!(ran.stderr.contains("new records joined"), "{}", ran.stderr);
    let after = people.keys(&[("first", "p0"), ("first", "p550"), ("second", "h550")]);
    assert_eq!(before, after[..2]);
    assert_eq!(after[1], after[2], "the new record did not join its person");
    let joined = all(&people);
    assert!(old.iter().all(|(id, key)| joined[id] == *key), "a person lost its key");

    let ran = people.run(&["--relink"]);
    assert!(ran.stderr.contains("all records were judged"), "{}", ran.stderr);
    let again = all(&people);
    let kept = joined.iter().filter(|(id, key)| again[*id] == **key).count();
    assert!(kept * 100 >= joined.len() * 99, "only {kept} of {} records kept their person", joined.len());
    // A change of hands is logged with run and reason.
    let history = people.sql("SELECT run, event, person_key, reason FROM person_history");
    let changed: BTreeSet<&String> = joined.iter().filter(|(id, k)| again[*id] != **k).map(|(_, k)| k).collect();
    let logged: BTreeSet<&str> = history.column("person_key").into_iter().collect();
    assert!(changed.iter().all(|k| logged.contains(k.as_str())));
}

/// Every run of 32 hexadecimal digits in every byte of a folder, compressed or not.
fn tokens_in(folder: &Path) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (name, path) in files_under(folder) {
        // The digests of run records and of the ledger are no tokens.
        if name.starts_with("runs/") || name.starts_with("ledger/") {
            continue;
        }
        let text = flat_text(&path);
        for word in text.split(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')).filter(|w| w.len() == 32) {
            out.insert(String::from_utf8_lossy(word).into_owned());
        }
    }
    out
}

/// Hexadecimal forms of all 64-bit tokens inside encodings.
fn parts_in(people: &People, key: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for column in ["enc_forename", "enc_surname", "enc_postcode"] {
        let query =
            format!("SELECT DISTINCT encode({column}, 'hex') AS e FROM person_record WHERE {column} IS NOT NULL");
        let table = people.sql_under(key, &query);
        for text in table.column("e") {
            out.extend((0..3).map(|i| text[16 * i..16 * i + 16].to_owned()).filter(|p| !p.bytes().all(|b| b == b'0')));
        }
    }
    out
}

#[test]
fn a_rotated_key_leaves_nothing_of_the_old_one() {
    let people = People::new(false);
    let (first, second) = crowd();
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second[..300]);
    people.run(&[]);
    let (old_tokens, old_parts) = (tokens_in(&people.path("lake")), parts_in(&people, "key"));
    assert!(old_tokens.len() > 1_200 && old_parts.len() > 500);
    let count = "SELECT count(DISTINCT person_key) AS n, count(*) AS m FROM person_link";
    let before = people.sql(count);

    let rotate = people.svp().args(["key", "rotate", "--lake"]).arg(people.path("lake"));
    rotate.arg("--key").arg(people.path("key")).arg("--out").arg(people.path("next")).run().good();
    let new_tokens = tokens_in(&people.path("lake"));
    assert!(new_tokens.len() > 1_200);
    let left: Vec<_> = new_tokens.intersection(&old_tokens).collect();
    assert!(left.is_empty(), "tokens of the old key are still there: {left:?}");
    assert_eq!(
        parts_in(&people, "next").intersection(&old_parts).count(),
        0,
        "encodings of the old key are still there"
    );
    assert_eq!(before.rows, people.sql(count).rows);

    // The old key is refused; under the new one the next extract meets the people that are there, and they keep their keys.
    let run = people.svp().args(["run", "--area", "people", "--clock", CLOCK, "--lake"]).arg(people.path("lake"));
    let refused = run.arg("--extracts").arg(people.path("in")).arg("--key").arg(people.path("key")).run();
    assert!(refused.stderr.contains("this is not the key of the lake"), "{}", refused.stderr);
    let keys =
        |p: &People| p.sql("SELECT DISTINCT person_key FROM person_link").rows.into_iter().collect::<BTreeSet<_>>();
    let rotated = keys(&people);
    people.give("second_2.csv", &second[300..]);
    people.run_with("next", &[]);
    let after = keys(&people);
    assert!(rotated.intersection(&after).count() * 100 >= rotated.len() * 98, "people lost their keys by the rotation");
    assert!(after.len() < 630, "the new extract did not meet the rotated records: {} people", after.len());
}

#[test]
fn an_erased_person_is_in_no_byte_and_does_not_come_back() {
    let people = People::new(false);
    let (first, second) = crowd();
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    people.run(&[]);
    let token = people.token("first", "p7");
    assert!(tokens_in(&people.path("lake")).contains(&token));
    let erase = |token: &str| {
        let erase = people.svp().args(["erase", "--token", token, "--lake"]).arg(people.path("lake"));
        erase.arg("--key").arg(people.path("key")).run()
    };
    let keyless = people.svp().args(["erase", "--token", &token, "--lake"]).arg(people.path("lake")).run();
    keyless.ended(5).says(&["person records are sealed", "--key"]);
    let nobody = erase("00000000000000000000000000000000");
    assert!(nobody.stderr.contains("no record of the lake has this token"), "{}", nobody.stderr);
    erase(&token).good();
    let searched = |p: &People| {
        files_under(&p.path("lake"))
            .into_values()
            .any(|f| flat_text(&f).windows(token.len()).any(|w| w == token.as_bytes()))
    };
    assert!(!searched(&people), "the token is still in the lake");
    assert_eq!(people.sql("SELECT count(*) AS n FROM person_record").one(), "1199");

    // The same person in a later extract of the same source.
    people.give("first_2.csv", &[first[7].clone(), "fresh,Zelda,Quickly,1991-02-22,EX2 2AA,F,".to_owned()]);
    people.run(&[]);
    assert!(!searched(&people), "the erased record came back");
    assert_eq!(people.sql("SELECT count(*) AS n FROM person_record").one(), "1200");
}

/// Historical figures and FEBRL 4, from encodings alone: the figures of docs/evidence.md hold.
#[test]
fn published_truth_is_found_from_encodings() {
    let Ok(data) = std::env::var("SVP_DATA") else {
        aloud("skipped: published_truth_is_found_from_encodings needs SVP_DATA");
        return;
    };
    let folder = bench_lakes(&data);
    let at = |name: &str| folder.path().join(name);
    let link = svp(["--site"]).arg(at("site")).args(["link", "--lake"]).arg(at("febrl")).arg("--key").arg(at("key"));
    let ran = link.arg("--evaluate").arg(at("truth.csv")).run().good();
    aloud(&format!("FEBRL 4, half\n{}", ran.stdout));
    let f1 = |name: &str| -> f64 {
        let line = ran.stdout.lines().find(|l| l.starts_with(name)).unwrap();
        line.split("F1 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    assert!(f1("people, closed pairs") >= 0.985, "{}", ran.stdout);
}
