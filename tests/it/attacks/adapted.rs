//! The attacks of its neighbours, by somebody who knows how encodings were hardened and works with what is left.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::encoding::{FILTER_BYTES, MONTH_DAY, Place, WHOLE, YEAR_DAY, YEAR_MONTH, token_at};

use super::linear::{Random, add, bits, solve};
use super::loot::{Date, Loot, Person, day, days_since};
use super::{names, postcodes};

/// Days of a year in which there is a 29th of February, by number; 0 is the first of January.
const DAYS: usize = 366;
const LEAP: i32 = 2000;

fn of_year(number: usize) -> (usize, usize) {
    let (_, month, at) = day(days_since((LEAP, 1, 1)) + number as i64);
    (month, at)
}

/// One whole date: its token, the year that lies beside it, the days of the year that ages leave, and its encoding.
struct Whole<'a> {
    year: i32,
    possible: Vec<bool>,
    encoding: &'a [u8],
}

/// Every whole date by its token. Ages of all records that share it narrow it together.
fn wholes(loot: &Loot) -> BTreeMap<u64, Whole<'_>> {
    let ages = loot.ages();
    let mut out: BTreeMap<u64, Whole<'_>> = BTreeMap::new();
    for person in &loot.people {
        let (Some(birth), Some(year)) = (person.birth.as_deref(), person.birth_year) else { continue };
        let Some(token) = token_at(birth, WHOLE) else { continue };
        let whole = out.entry(token).or_insert_with(|| Whole { year, possible: vec![true; DAYS], encoding: birth });
        let Some(((y, m, d), (age, greatest))) = ages.get(&(person.record.as_str(), person.event.as_str())) else {
            continue;
        };
        // A band says nothing of a birthday within a year.
        if age != greatest {
            continue;
        }
        // The birthday of the year lies behind, or ahead.
        let behind = y - year == *age;
        let narrowed: Vec<bool> = whole
            .possible
            .iter()
            .enumerate()
            .map(|(number, possible)| *possible && (of_year(number) <= (*m, *d)) == behind)
            .collect();
        // An age that contradicts the others is a slip.
        if narrowed.iter().any(|p| *p) && (y - year - age).abs() <= 1 {
            whole.possible = narrowed;
        }
    }
    out
}

/// Dates of birth where parts of a date have tokens only together with a name. `digits` says that filters of digits are there.
pub fn births(loot: &Loot, digits: bool, random: &mut Random) -> BTreeMap<String, Date> {
    let mut wholes = wholes(loot);
    let named = if digits { by_digits(&wholes, random) } else { by_ties(&mut wholes, loot, random) };
    let mut out = BTreeMap::new();
    for person in &loot.people {
        let (Some(birth), Some(year)) = (person.birth.as_deref(), person.birth_year) else { continue };
        if let Some((month, at)) = token_at(birth, WHOLE).and_then(|token| named.get(&token)) {
            out.insert(person.record.clone(), (year, *month, *at));
        }
    }
    out
}

/// What records of one name share of a date narrows the dates of all of them; then a day is guessed.
fn by_ties(wholes: &mut BTreeMap<u64, Whole<'_>>, loot: &Loot, random: &mut Random) -> BTreeMap<u64, (usize, usize)> {
    let ties = |place: Place| {
        let mut ties: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for birth in loot.people.iter().filter_map(|p| p.birth.as_deref()) {
            if let (Some(part), Some(whole)) = (token_at(birth, place), token_at(birth, WHOLE)) {
                ties.entry(part).or_default().insert(whole);
            }
        }
        ties.into_values().filter(|members| members.len() > 1).collect::<Vec<_>>()
    };
    type Shared = fn((usize, usize)) -> usize;
    let all: [(Vec<BTreeSet<u64>>, Shared); 3] = [
        (ties(MONTH_DAY), |(month, at)| month * 32 + at),
        (ties(YEAR_MONTH), |(month, _)| month),
        (ties(YEAR_DAY), |(_, at)| at),
    ];
    for _ in 0..4 {
        for (groups, shared) in &all {
            for members in groups {
                let mut left: Option<BTreeSet<usize>> = None;
                for whole in members.iter().filter_map(|token| wholes.get(token)) {
                    let of = (0..DAYS).filter(|number| whole.possible[*number]).map(|n| shared(of_year(n)));
                    let of: BTreeSet<usize> = of.collect();
                    left = Some(left.map_or(of.clone(), |left| left.intersection(&of).copied().collect()));
                }
                let Some(left) = left.filter(|left| !left.is_empty()) else { continue };
                for token in members {
                    let Some(whole) = wholes.get_mut(token) else { continue };
                    let keep = |number: usize| left.contains(&shared(of_year(number)));
                    whole.possible.iter_mut().enumerate().for_each(|(number, p)| *p = *p && keep(number));
                }
            }
        }
    }
    let guess = |whole: &Whole<'_>, random: &mut Random| {
        let left: Vec<usize> = (0..DAYS).filter(|number| whole.possible[*number]).collect();
        of_year(left.get(random.below(left.len())).copied().unwrap_or_default())
    };
    wholes.iter().map(|(token, whole)| (*token, guess(whole, random))).collect()
}

/// Features of a day: tens and units of month and day.
const FEATURES: usize = 26;
const ROUNDS: usize = 25;
const STARTS: usize = 4;

fn features(number: usize) -> [usize; 4] {
    let (month, at) = of_year(number);
    [month / 10, 2 + month % 10, 12 + at / 10, 16 + at % 10]
}

/// A digit at its place sets the same bits in every filter: what each adds is learned from days that are taken for likely, and days are
/// held against what was learned, by turns.
fn by_digits(wholes: &BTreeMap<u64, Whole<'_>>, random: &mut Random) -> BTreeMap<u64, (usize, usize)> {
    let width = FILTER_BYTES * 8;
    let all: Vec<(u64, &Whole<'_>)> = wholes.iter().map(|(token, whole)| (*token, whole)).collect();
    let mut of_years: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    all.iter().enumerate().for_each(|(i, (_, whole))| of_years.entry(whole.year).or_default().push(i));
    let mut rows: Vec<Vec<f64>> =
        all.iter().map(|(_, w)| bits(&w.encoding[w.encoding.len() - FILTER_BYTES..])).collect();
    for members in of_years.values() {
        let mean = mean(members.iter().map(|i| &rows[*i]), width);
        members.iter().for_each(|i| add(&mut rows[*i], &mean, -1.0));
    }
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..STARTS {
        let mut shares: Vec<Vec<f64>> = all
            .iter()
            .map(|(_, w)| w.possible.iter().map(|p| if *p { 0.5 + random.unit() } else { 0.0 }).collect())
            .collect();
        let (mut given, mut cost) = (vec![0; all.len()], 0.0);
        for round in 0..ROUNDS {
            let mut seen: Vec<Vec<f64>> = shares
                .iter()
                .map(|share| {
                    let (mut out, sum) = (vec![0.0; FEATURES], share.iter().sum::<f64>());
                    for (number, s) in share.iter().enumerate().filter(|(_, s)| **s > 0.0) {
                        features(number).into_iter().for_each(|f| out[f] += s / sum);
                    }
                    out
                })
                .collect();
            let mut middles = BTreeMap::new();
            for (year, members) in &of_years {
                let mean = mean(members.iter().map(|i| &seen[*i]), FEATURES);
                members.iter().for_each(|i| add(&mut seen[*i], &mean, -1.0));
                middles.insert(*year, mean);
            }
            let (mut a, mut b) = (vec![vec![0.0; FEATURES]; FEATURES], vec![vec![0.0; width]; FEATURES]);
            for (of, row) in seen.iter().zip(&rows) {
                for f in (0..FEATURES).filter(|f| of[*f] != 0.0) {
                    add(&mut a[f], of, of[f]);
                    add(&mut b[f], row, of[f]);
                }
            }
            let taught = solve(a, 1.0, b);
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
            let among: Vec<Vec<f64>> = taught.iter().map(|x| taught.iter().map(|y| dot(x, y)).collect()).collect();
            let own: Vec<f64> = (0..DAYS)
                .map(|n| features(n).iter().map(|f| features(n).iter().map(|g| among[*f][*g]).sum::<f64>()).sum())
                .collect();
            let sharp = 0.03 * 1.3f64.powi(round as i32);
            cost = 0.0;
            for (year, members) in &of_years {
                let mut middle = vec![0.0; width];
                taught.iter().zip(&middles[year]).for_each(|(row, times)| add(&mut middle, row, *times));
                for i in members {
                    let mut row = rows[*i].clone();
                    add(&mut row, &middle, 1.0);
                    let met: Vec<f64> = taught.iter().map(|t| dot(&row, t)).collect();
                    let cost_of = |n: usize| own[n] - 2.0 * features(n).iter().map(|f| met[*f]).sum::<f64>();
                    let costs: Vec<(usize, f64)> =
                        (0..DAYS).filter(|n| all[*i].1.possible[*n]).map(|n| (n, cost_of(n))).collect();
                    let Some(least) = costs.iter().min_by(|x, y| x.1.total_cmp(&y.1)) else { continue };
                    given[*i] = least.0;
                    cost += least.1 + dot(&row, &row);
                    costs.iter().for_each(|(n, c)| shares[*i][*n] = (-(c - least.1) * sharp).exp().max(1e-9));
                }
            }
        }
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, given));
        }
    }
    let given = best.map(|(_, given)| given).unwrap_or_default();
    all.iter().zip(given).map(|((token, _), number)| (*token, of_year(number))).collect()
}

fn mean<'a>(rows: impl ExactSizeIterator<Item = &'a Vec<f64>>, width: usize) -> Vec<f64> {
    let (mut out, n) = (vec![0.0; width], rows.len() as f64);
    rows.for_each(|row| add(&mut out, row, 1.0 / n));
    out
}

/// Postcodes where sectors have tokens only together with a name, and codes no filter: by lot, of the codes of the small area.
pub fn homes(loot: &Loot, directory: &[(String, String)], random: &mut Random) -> BTreeMap<String, String> {
    let homes = loot.people.iter().filter_map(|p| {
        let (code, area) = (p.postcode.as_deref()?, p.area.as_deref()?);
        Some((p, postcodes::Home { whole: token_at(code, WHOLE)?, sector: 0, filter: &[], area }))
    });
    let (people, homes): (Vec<&Person>, Vec<postcodes::Home<'_>>) = homes.unzip();
    let named = postcodes::by_lot(&homes, directory, false, random);
    let code = |home: &postcodes::Home<'_>| named.get(&home.whole).cloned();
    people.iter().zip(&homes).filter_map(|(p, home)| Some((p.record.clone(), code(home)?))).collect()
}

/// Names where the filters of each year of birth are others: each year by itself, and what most years say. Whose token is known of some
/// year is known of all.
pub fn named(
    loot: &Loot,
    of: fn(&Person) -> Option<&Vec<u8>>,
    known: &BTreeMap<String, String>,
    list: &[String],
) -> BTreeMap<String, String> {
    let token = |p: &Person| of(p).and_then(|n| token_at(n, WHOLE));
    let mut taught = BTreeMap::new();
    let mut years: BTreeMap<Option<i32>, BTreeMap<u64, &[u8]>> = BTreeMap::new();
    for person in &loot.people {
        let (Some(name), Some(token)) = (of(person), token(person)) else { continue };
        years.entry(person.birth_year).or_default().insert(token, &name[name.len() - FILTER_BYTES..]);
        if let Some(known) = known.get(&person.record) {
            taught.insert(token, known.clone());
        }
    }
    let mut votes: BTreeMap<u64, BTreeMap<String, usize>> = BTreeMap::new();
    for filters in years.values() {
        for (token, name) in names::names(filters, &taught, list) {
            *votes.entry(token).or_default().entry(name).or_default() += 1;
        }
    }
    let most = |votes: &BTreeMap<String, usize>| votes.iter().max_by_key(|(_, n)| **n).map(|(name, _)| name.clone());
    let mut out = BTreeMap::new();
    for person in &loot.people {
        let name = token(person).and_then(|t| taught.get(&t).cloned().or_else(|| votes.get(&t).and_then(most)));
        out.extend(name.map(|name| (person.record.clone(), name)));
    }
    out.extend(known.iter().map(|(record, name)| (record.clone(), name.clone())));
    out
}
