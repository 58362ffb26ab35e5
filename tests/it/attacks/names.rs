//! Names from encodings, when some people are known: their filters teach what each pair of letters sets, and every other filter is held
//! against a list of names (ridge regression in its dual form).

use std::collections::{BTreeMap, HashMap};

use super::linear::{add, apart, bits, solve};

/// Name by its token. `known` are tokens of which the name is known, `list` the names that people have.
pub fn names(filters: &BTreeMap<u64, &[u8]>, known: &BTreeMap<u64, String>, list: &[String]) -> BTreeMap<u64, String> {
    let mut out: BTreeMap<u64, String> = known.clone();
    let taught: Vec<(&u64, &String)> = known.iter().filter(|(token, _)| filters.contains_key(token)).collect();
    if taught.len() < 5 {
        return out;
    }
    let grams: Vec<HashMap<[u8; 2], f64>> = taught.iter().map(|(_, name)| pairs(name)).collect();
    let mut mean = vec![0.0; filters[taught[0].0].len() * 8];
    let mut rows: Vec<Vec<f64>> = taught.iter().map(|(token, _)| bits(filters[*token])).collect();
    rows.iter().for_each(|row| add(&mut mean, row, 1.0 / taught.len() as f64));
    rows.iter_mut().for_each(|row| add(row, &mean, -1.0));
    let gram = grams.iter().map(|a| grams.iter().map(|b| alike(a, b)).collect()).collect();
    let weights = solve(gram, RIDGE, rows);
    // What the filter of each name of the list would look like, in full and as its likeliest bits.
    let expected: Vec<(&String, Vec<f64>, Vec<u64>)> = list
        .iter()
        .map(|name| {
            let of = pairs(name);
            let mut row = mean.clone();
            grams.iter().zip(&weights).for_each(|(g, w)| match alike(&of, g) {
                0.0 => {}
                times => add(&mut row, w, times),
            });
            let words = words(row.iter().map(|p| *p > 0.5));
            (name, row, words)
        })
        .collect();
    for (token, filter) in filters {
        if out.contains_key(token) {
            continue;
        }
        let seen = bits(filter);
        let seen_words = words(seen.iter().map(|b| *b > 0.5));
        let mut near: Vec<(u32, usize)> = expected
            .iter()
            .enumerate()
            .map(|(i, (_, _, words))| (words.iter().zip(&seen_words).map(|(a, b)| (a ^ b).count_ones()).sum(), i))
            .collect();
        near.sort_unstable();
        let best = near
            .iter()
            .take(NEAR)
            .min_by(|a, b| apart(&expected[a.1].1, &seen).total_cmp(&apart(&expected[b.1].1, &seen)));
        if let Some((_, i)) = best {
            out.insert(*token, expected[*i].0.clone());
        }
    }
    out
}

const RIDGE: f64 = 1.0;
/// Names of the list that are looked at closely.
const NEAR: usize = 40;

/// The pairs of letters of a name with a blank at both ends.
fn pairs(name: &str) -> HashMap<[u8; 2], f64> {
    let text = format!(" {name} ");
    text.as_bytes().windows(2).map(|pair| ([pair[0], pair[1]], 1.0)).collect()
}

fn alike(a: &HashMap<[u8; 2], f64>, b: &HashMap<[u8; 2], f64>) -> f64 {
    a.keys().filter(|pair| b.contains_key(*pair)).count() as f64
}

fn words(bits: impl Iterator<Item = bool>) -> Vec<u64> {
    let bits: Vec<bool> = bits.collect();
    bits.chunks(64).map(|word| word.iter().fold(0, |sum, bit| sum << 1 | u64::from(*bit))).collect()
}
