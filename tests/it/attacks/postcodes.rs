//! Postcodes from encodings: the small area beside them names the sector, and the filters of earlier versions tell the letters of the unit.
//! Where there are no filters, the codes of an area and a sector are drawn by lot.
//!
//! Of a sector the public directory has a few codes, which differ in their last two letters. A letter at a place sets the same bits
//! wherever it stands, so filters of many sectors, each lined up with its codes, teach the bits of each letter (expectation and
//! maximisation: codes are lined up by what the letters were taught, and letters are taught by how codes are lined up).

use std::collections::{BTreeMap, BTreeSet};

use super::linear::{Random, add, apart, assign, bits, solve};

/// What lies beside the encoding of a postcode.
pub struct Home<'a> {
    pub whole: u64,
    pub sector: u64,
    pub filter: &'a [u8],
    pub area: &'a str,
}

/// Code by its token. `directory` has every code with its small area.
pub fn postcodes(homes: &[Home<'_>], directory: &[(String, String)], seed: u64) -> BTreeMap<u64, String> {
    let sectors = sectors(homes, directory);
    let mut groups = Vec::new();
    let mut codes_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    directory.iter().for_each(|(code, _)| codes_of.entry(sector(code)).or_default().push(code));
    for (token, name) in &sectors {
        let mut filters: BTreeMap<u64, &[u8]> = BTreeMap::new();
        filters.extend(homes.iter().filter(|h| h.sector == *token).map(|h| (h.whole, h.filter)));
        let codes = codes_of[name.as_str()].clone();
        // A code that was written wrongly is in no directory; the rarest go where there are too many.
        let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
        homes.iter().filter(|h| h.sector == *token).for_each(|h| *seen.entry(h.whole).or_default() += 1);
        let mut tokens: Vec<u64> = filters.keys().copied().collect();
        tokens.sort_by_key(|t| (std::cmp::Reverse(seen[t]), *t));
        tokens.truncate(codes.len());
        let rows: Vec<Vec<f64>> = tokens.iter().map(|t| bits(filters[t])).collect();
        groups.push(Group::new(tokens, rows, codes));
    }
    let mut random = Random(seed);
    let mut best: Option<(f64, Vec<Vec<usize>>)> = None;
    for _ in 0..STARTS {
        let found = lined_up(&groups, &mut random);
        // Many beginnings end in the same best one, each of the others in one of its own.
        let again = best.as_ref().is_some_and(|(cost, _)| (found.0 / cost - 1.0).abs() < 1e-4);
        if best.as_ref().is_none_or(|(cost, _)| found.0 < *cost) {
            best = Some(found);
        }
        if again {
            break;
        }
    }
    let lined = best.map(|(_, lined)| lined).unwrap_or_default();
    let named = groups.iter().zip(lined).flat_map(|(group, lined)| {
        group.tokens.iter().zip(lined).map(|(token, code)| (*token, group.codes[code].to_owned())).collect::<Vec<_>>()
    });
    named.collect()
}

/// Code by its token where no filter tells it: by lot, each code once, of those that the small area has. `with_sector` says that the tokens
/// of sectors are equal wherever the sector is: then of those that it has too.
pub fn by_lot(
    homes: &[Home<'_>],
    directory: &[(String, String)],
    with_sector: bool,
    random: &mut Random,
) -> BTreeMap<u64, String> {
    let sectors = if with_sector { sectors(homes, directory) } else { BTreeMap::new() };
    let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    directory.iter().for_each(|(code, area)| left.entry(area).or_default().push(code));
    let mut named: BTreeMap<u64, String> = BTreeMap::new();
    for home in homes {
        let Some(codes) = left.get_mut(home.area).filter(|_| !named.contains_key(&home.whole)) else { continue };
        let of_sector = sectors.get(&home.sector);
        let within = |code: &str| of_sector.is_none_or(|name| sector(code) == name);
        let mut places: Vec<usize> = (0..codes.len()).filter(|at| within(codes[*at])).collect();
        if places.is_empty() {
            places = (0..codes.len()).collect();
        }
        if let Some(at) = places.get(random.below(places.len().max(1))) {
            named.insert(home.whole, codes.swap_remove(*at).to_owned());
        }
    }
    named
}

/// Most times that the letters are learned from another beginning; the best is kept.
const STARTS: usize = 10;
const ROUNDS: usize = 25;

/// The outward code and the digit of the inward one.
fn sector(code: &str) -> &str {
    &code[..code.len() - 2]
}

/// The sector of each sector token: the one that has most of its small areas.
fn sectors(homes: &[Home<'_>], directory: &[(String, String)]) -> BTreeMap<u64, String> {
    let mut areas: BTreeMap<u64, BTreeMap<&str, f64>> = BTreeMap::new();
    homes.iter().for_each(|h| *areas.entry(h.sector).or_default().entry(h.area).or_default() += 1.0);
    // A sector that few homes name is a slip of the pen.
    areas.retain(|_, seen| seen.values().sum::<f64>() >= 3.0);
    let names: Vec<&str> = directory.iter().map(|(c, _)| sector(c)).collect::<BTreeSet<_>>().into_iter().collect();
    let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    directory.iter().for_each(|(code, area)| held.entry(sector(code)).or_default().extend([area.as_str()]));
    let mut rows: Vec<(u64, Vec<f64>)> = Vec::new();
    for (token, seen) in &areas {
        let all: f64 = seen.values().sum();
        let within = |name: &&str| seen.iter().filter(|(a, _)| held[name].contains(*a)).map(|(_, n)| n).sum::<f64>();
        rows.push((*token, names.iter().map(|name| 1.0 - within(name) / all).collect()));
    }
    // More tokens than sectors: the rest is slips again.
    rows.sort_by_key(|(token, _)| (std::cmp::Reverse(areas[token].values().sum::<f64>() as u64), *token));
    rows.truncate(names.len());
    let costs: Vec<Vec<f64>> = rows.iter().map(|(_, cost)| cost.clone()).collect();
    let given = assign(&costs);
    rows.iter().zip(given).map(|((token, _), name)| (*token, names[name].to_owned())).collect()
}

/// The filters of one sector, less what all of them share, and the codes that they are of.
struct Group<'a> {
    tokens: Vec<u64>,
    rows: Vec<Vec<f64>>,
    codes: Vec<&'a str>,
}

impl<'a> Group<'a> {
    fn new(tokens: Vec<u64>, mut rows: Vec<Vec<f64>>, codes: Vec<&'a str>) -> Self {
        let mut mean = vec![0.0; rows.first().map_or(0, Vec::len)];
        rows.iter().for_each(|row| add(&mut mean, row, 1.0 / rows.len() as f64));
        rows.iter_mut().for_each(|row| add(row, &mean, -1.0));
        Self { tokens, rows, codes }
    }
}

/// The two letters of the unit as numbers: of the last place, of the place before.
fn letters(code: &str) -> [usize; 2] {
    let bytes = code.as_bytes();
    let of = |at: usize| usize::from(bytes[at] - b'A');
    [of(bytes.len() - 1), LETTERS + of(bytes.len() - 2)]
}

const LETTERS: usize = 26;

/// Cost and assignment that one beginning leads to.
fn lined_up(groups: &[Group<'_>], random: &mut Random) -> (f64, Vec<Vec<usize>>) {
    let width = groups.iter().find_map(|g| g.rows.first().map(Vec::len)).unwrap_or_default();
    // How much each filter is taken to be of each code.
    let mut shares: Vec<Vec<Vec<f64>>> = groups
        .iter()
        .map(|g| g.rows.iter().map(|_| (0..g.codes.len()).map(|_| 0.5 + random.unit()).collect()).collect())
        .collect();
    let mut cost = f64::INFINITY;
    let mut lined = Vec::new();
    for round in 0..ROUNDS {
        // Codes that no filter is of are as likely as the others.
        shares.iter_mut().for_each(|of_group| balance(of_group));
        let taught = teach(groups, &shares, width);
        let sharp = 0.03 * 1.3f64.powi(round as i32);
        let mut all = 0.0;
        lined.clear();
        for (group, shares) in groups.iter().zip(&mut shares) {
            let costs = costs(group, &taught, width);
            let given = assign(&costs);
            all += given.iter().zip(&costs).map(|(code, cost)| cost[*code]).sum::<f64>();
            for (share, cost) in shares.iter_mut().zip(&costs) {
                let least = cost.iter().copied().fold(f64::INFINITY, f64::min);
                share.iter_mut().zip(cost).for_each(|(s, c)| *s = (-(c - least) * sharp).exp().max(1e-9));
            }
            lined.push(given);
        }
        if round + 1 >= ROUNDS / 2 && (cost - all).abs() < 1e-6 * all {
            break;
        }
        cost = all;
    }
    (cost, lined)
}

/// Makes the shares of each filter one, and those of each code alike, as far as both go together.
fn balance(shares: &mut [Vec<f64>]) {
    for _ in 0..8 {
        for code in 0..shares.first().map_or(0, Vec::len) {
            let sum: f64 = shares.iter().map(|row| row[code]).sum();
            let most = sum.max(1.0);
            shares.iter_mut().for_each(|row| row[code] /= most);
        }
        for row in shares.iter_mut() {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|s| *s /= sum);
        }
    }
}

/// What each letter adds to a filter.
fn teach(groups: &[Group<'_>], shares: &[Vec<Vec<f64>>], width: usize) -> Vec<Vec<f64>> {
    let n = 2 * LETTERS;
    let (mut a, mut b) = (vec![vec![0.0; n]; n], vec![vec![0.0; width]; n]);
    for (group, shares) in groups.iter().zip(shares) {
        let rows = group.rows.len() as f64;
        let mut mean = vec![0.0; n];
        let mut given: Vec<Vec<f64>> = Vec::new();
        for share in shares {
            let mut x = vec![0.0; n];
            group.codes.iter().zip(share).for_each(|(code, s)| letters(code).into_iter().for_each(|l| x[l] += s));
            add(&mut mean, &x, 1.0 / rows);
            given.push(x);
        }
        for (x, row) in given.iter_mut().zip(&group.rows) {
            add(x, &mean, -1.0);
            for l in (0..n).filter(|l| x[*l] != 0.0) {
                let (times, other) = (x[l], x.clone());
                add(&mut a[l], &other, times);
                add(&mut b[l], row, times);
            }
        }
    }
    solve(a, 1.0, b)
}

/// How far each filter is from each code.
fn costs(group: &Group<'_>, taught: &[Vec<f64>], width: usize) -> Vec<Vec<f64>> {
    let expected = |code: &&str| {
        let mut out = vec![0.0; width];
        letters(code).into_iter().for_each(|l| add(&mut out, &taught[l], 1.0));
        out
    };
    let mut expected: Vec<Vec<f64>> = group.codes.iter().map(expected).collect();
    let mut mean = vec![0.0; width];
    expected.iter().for_each(|e| add(&mut mean, e, 1.0 / group.codes.len() as f64));
    expected.iter_mut().for_each(|e| add(e, &mean, -1.0));
    group.rows.iter().map(|row| expected.iter().map(|e| apart(row, e)).collect()).collect()
}
