//! An attack on the encodings: whoever has opened the person records, or what the key opens of an encoded file, and knows exactly how common each
//! name is, lines up values and names by how common they are (frequency alignment; Niedermeyer and others 2014 for filters). It is a weak
//! attack: it does not use the clear columns beside the encodings, or names that are known.

use std::collections::{BTreeMap, HashMap};

use svp_contract::EncodingKind;
use svp_functions::person::name_key::name_key;
use svp_pseudonymise::Key;
use svp_pseudonymise::encode::Encoder;

use crate::support::{KEY, Table, aloud, sample, sample_data, sql};

/// Share of the values, and of the rows, whose name the attack says rightly, for one column. Lines up the `most` commonest.
fn aligned(column: &str, names: &[String], seen: &[(String, u64)], most: usize) -> (f64, f64) {
    let key = Key::parse(KEY).unwrap();
    let mut encoder = Encoder::new(&key, EncodingKind::Name, "name", column);
    let mut common: BTreeMap<&str, u64> = BTreeMap::new();
    names.iter().for_each(|n| *common.entry(n).or_default() += 1);
    let mut common: Vec<(&str, u64)> = common.into_iter().collect();
    common.sort_by(|x, y| y.1.cmp(&x.1).then(x.0.cmp(y.0)));
    // What the key alone can tell: the encoding of each name, to see whether the attack was right.
    let truth: HashMap<String, &str> = common
        .iter()
        .map(|(name, _)| {
            let mut out = Vec::new();
            encoder.encode(&[Some(name), None, None], &mut out);
            (hex::encode(&out[..8]), *name)
        })
        .collect();
    let (mut values, mut rows, mut all_rows) = (0.0, 0.0, 0.0);
    let lined = seen.iter().zip(&common).take(most).collect::<Vec<_>>();
    for ((encoding, n), (name, _)) in &lined {
        all_rows += *n as f64;
        if truth.get(&encoding[..16]).is_some_and(|t| t == name) {
            values += 1.0;
            rows += *n as f64;
        }
    }
    (values / lined.len() as f64, rows / all_rows)
}

fn seen(column: &str) -> Vec<(String, u64)> {
    let query = format!(
        "SELECT encode({column}, 'hex') AS e, count(DISTINCT person_record_id) AS n FROM person_record \
         WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    );
    let table = sql(&sample().lake, &query);
    table.rows.iter().map(|r| (r[0].clone(), r[1].parse().unwrap())).collect()
}

#[test]
fn lining_up_by_frequency_finds_few_names() {
    // A generous attacker: the very list of appearances that the extracts were made from.
    let table = Table::read(&sample_data("truth/appearances.csv"));
    for (column, name, bound) in [("enc_surname", "surname", 0.10), ("enc_forename", "forename", 0.35)] {
        let names: Vec<String> = table.column(name).into_iter().filter_map(name_key).collect();
        let seen = seen(column);
        let whole = aligned(column, &names, &seen, usize::MAX);
        let top = aligned(column, &names, &seen, 20);
        aloud(&format!(
            "frequency alignment, {name}: {:.1} % of {} values and {:.1} % of rows are named rightly; {:.0} % of the 20 commonest",
            100.0 * whole.0,
            seen.len(),
            100.0 * whole.1,
            100.0 * top.0
        ));
        assert!(whole.0 < bound, "{name}: {:.3} of the values were named", whole.0);
    }
}
