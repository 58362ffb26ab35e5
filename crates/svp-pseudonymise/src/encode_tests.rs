use proptest::prelude::*;
use svp_contract::encoding::{self, split, token_at};

use super::*;

fn key() -> Key {
    Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
}

fn encode(key: &Key, kind: EncodingKind, name: &str, parts: &[Option<&str>]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(Encoder::new(key, kind, name, name).encode(parts, &mut out));
    out
}

fn dice(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (split(a).unwrap().1, split(b).unwrap().1);
    let ones = |x: &[u8]| x.iter().map(|v| v.count_ones()).sum::<u32>();
    let both: u32 = a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum();
    2.0 * f64::from(both) / f64::from(ones(a) + ones(b))
}

#[test]
fn similar_names_have_similar_filters() {
    let name = |n: &str| encode(&key(), EncodingKind::Name, "surname", &[Some(n), Some(n), None]);
    let same = dice(&name("CHRISTOPHERSON"), &name("CHRISTOPHERSEN"));
    let other = dice(&name("CHRISTOPHERSON"), &name("WALLINGFORD"));
    assert!(same > 0.75 && other < 0.4, "{same} {other}");
    assert_eq!(name("SMITH"), name("SMITH"));
    assert_eq!(token_at(&name("SMITH"), encoding::SOUND), None);
}

#[test]
fn a_date_tells_exchange_parts_and_new_year() {
    let date = |d: &str| encode(&key(), EncodingKind::Date, "birth", &[Some(d)]);
    let (a, b) = (date("1990-03-07"), date("1990-07-03"));
    assert_eq!(token_at(&a, encoding::WHOLE), token_at(&b, encoding::SWAPPED));
    assert_eq!(token_at(&a, encoding::YEAR), token_at(&b, encoding::YEAR));
    assert_ne!(token_at(&a, encoding::YEAR_MONTH), token_at(&b, encoding::YEAR_MONTH));
    assert_eq!(token_at(&date("1990-01-01"), encoding::NEW_YEAR), Some(2));
    assert_eq!(token_at(&a, encoding::NEW_YEAR), Some(1));
    let mut out = Vec::new();
    assert!(!Encoder::new(&key(), EncodingKind::Date, "b", "b").encode(&[Some("1990")], &mut out));
    assert!(out.is_empty());
}

#[test]
fn a_word_meets_the_surname_of_the_same_domain() {
    let mut words = Vec::new();
    Encoder::new(&key(), EncodingKind::Words, "name", "words").encode(&[Some("ANNA MARIA DE SMITH X")], &mut words);
    let mut name = Vec::new();
    Encoder::new(&key(), EncodingKind::Name, "name", "surname").encode(&[Some("SMITH"), None, None], &mut name);
    let tokens = split(&words).unwrap().0;
    assert_eq!(tokens.len(), 4 * encoding::PART_BYTES);
    assert!((0..4).any(|i| token_at(&words, i) == token_at(&name, encoding::WHOLE)));
}

#[test]
fn postcodes_share_sector_and_outward_code() {
    let code = |c: &str| encode(&key(), EncodingKind::Postcode, "postcode", &[Some(c)]);
    let (a, b) = (code("EX4 6TJ"), code("EX4 6QA"));
    assert_ne!(token_at(&a, encoding::WHOLE), token_at(&b, encoding::WHOLE));
    assert_eq!(token_at(&a, encoding::SECTOR), token_at(&b, encoding::SECTOR));
    assert_eq!(token_at(&a, encoding::OUTWARD), token_at(&code("EX41AA"), encoding::OUTWARD));
    assert_eq!(a.len(), 3 * encoding::PART_BYTES, "and nothing behind the tokens");
}

/// What earlier versions made of a postcode has the same tokens, and a rotation drops what stood behind them.
#[test]
fn a_postcode_of_before_has_the_same_tokens_and_loses_its_filter() {
    let old = key();
    let next = old.rotated().unwrap();
    let rotation = old.step_to(&next).unwrap();
    let parts = [Some("EX4 6TJ")];
    let now = encode(&old, EncodingKind::Postcode, "column", &parts);
    let mut before = Vec::new();
    assert!(Encoder::as_before(&old, EncodingKind::Postcode, "column", "column").encode(&parts, &mut before));
    assert_eq!(before.len(), now.len() + FILTER_BYTES);
    assert!(before[now.len()..].iter().any(|byte| *byte != 0));
    assert_eq!(EncodingKind::Postcode.kept(&before), now);
    rotate(EncodingKind::Postcode, &rotation, &rotation.permutation("column"), &mut before);
    assert_eq!(before, encode(&next, EncodingKind::Postcode, "column", &parts));
    // Other kinds are made as they were.
    let mut name = Vec::new();
    let parts = [Some("SMITH"), Some("SMITH"), None];
    assert!(Encoder::as_before(&old, EncodingKind::Name, "name", "name").encode(&parts, &mut name));
    assert_eq!(name, encode(&old, EncodingKind::Name, "name", &parts));
}

#[test]
fn the_same_under_another_key_or_column_is_unlike() {
    let other = Key::generate("test").unwrap();
    let a = encode(&key(), EncodingKind::Text, "place", &[Some("PLYMOUTH")]);
    let b = encode(&other, EncodingKind::Text, "place", &[Some("PLYMOUTH")]);
    let c = encode(&key(), EncodingKind::Text, "work", &[Some("PLYMOUTH")]);
    assert!(dice(&a, &b) < 0.45 && dice(&a, &c) < 0.45);
    assert_ne!(a[..8], b[..8]);
    assert_ne!(a[..8], c[..8]);
}

proptest! {
    #[test]
    fn a_rotation_gives_what_the_next_key_makes(name in "[A-Z]{1,12}", day in 1u32..28, month in 1u32..13) {
        let old = key();
        let next = old.rotated().unwrap();
        let rotation = old.step_to(&next).unwrap();
        let date = format!("19{day:02}-{month:02}-{day:02}");
        for (kind, parts) in [
            (EncodingKind::Name, vec![Some(name.as_str()), Some(name.as_str()), None]),
            (EncodingKind::Words, vec![Some("ANNA MARIA")]),
            (EncodingKind::Date, vec![Some(date.as_str())]),
            (EncodingKind::Postcode, vec![Some("EX4 6TJ")]),
        ] {
            let mut turned = encode(&old, kind, "column", &parts);
            rotate(kind, &rotation, &rotation.permutation("column"), &mut turned);
            prop_assert_eq!(turned, encode(&next, kind, "column", &parts));
        }
    }
}
