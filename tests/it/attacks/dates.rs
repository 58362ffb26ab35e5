//! Dates of birth from encodings: tokens of parts of the date say which days share a month, a day of the month or an exchange of the
//! two, and ages beside exact times say whether a birthday lies before or after a day.

use std::collections::{BTreeMap, BTreeSet};

use super::linear::{add, apart, assign, bits};

/// An encoding of a date with what lies beside it.
pub struct Born<'a> {
    pub whole: u64,
    pub swapped: u64,
    pub year_month: u64,
    pub month_day: u64,
    pub year_day: u64,
    pub filter: &'a [u8],
    pub year: i32,
    /// Age in years on a day: year, month, day, age.
    pub ages: Vec<(i32, usize, usize, i32)>,
}

/// Month, from 1, and day of each token of month and day.
pub fn days_of_the_year(born: &[Born<'_>]) -> BTreeMap<u64, (usize, usize)> {
    let months = Groups::of(born.iter().map(|b| (b.month_day, b.year_month)));
    let days = Groups::of(born.iter().map(|b| (b.month_day, b.year_day)));
    let facts = facts(born);
    let month_of = months.numbered(12, |group, month| {
        let wrong = |facts: &Facts| -> f64 {
            let sum = |counts: &[[u32; 32]; 13], months: std::ops::Range<usize>| -> f64 {
                months.map(|m| counts[m].iter().sum::<u32>()).sum::<u32>().into()
            };
            sum(&facts.not_after, 1..month) + sum(&facts.after, month + 1..13)
        };
        months.members[group].iter().filter_map(|token| facts.get(token)).map(wrong).sum()
    });
    // The days 1 to 12 are months when they are exchanged.
    let mut exchanged = vec![[0.0; 13]; days.members.len()];
    let by_whole: BTreeMap<u64, &Born<'_>> = born.iter().map(|b| (b.whole, b)).collect();
    for one in by_whole.values() {
        if let Some(other) = by_whole.get(&one.swapped) {
            exchanged[days.at[&one.month_day]][month_of[months.at[&other.month_day]]] += 1.0;
        }
    }
    let filters = filters(born, &days);
    let told = |group: usize, day: usize| -> f64 {
        let wrong = |token: &u64| -> f64 {
            let Some(facts) = facts.get(token) else { return 0.0 };
            let month = month_of[months.at[token]];
            let sum = |counts: &[[u32; 32]; 13], days: std::ops::Range<usize>| -> f64 {
                days.map(|d| counts[month][d]).sum::<u32>().into()
            };
            sum(&facts.not_after, 1..day) + sum(&facts.after, day..32)
        };
        let facts: f64 = days.members[group].iter().map(wrong).sum();
        let met: f64 = exchanged[group].iter().sum();
        FACT * facts + EXCHANGE * (met - exchanged[group].get(day).copied().unwrap_or_default())
    };
    let told: Vec<Vec<f64>> =
        (0..days.members.len()).map(|group| (0..32).map(|day| told(group, day)).collect()).collect();
    let mut day_of = days.numbered(31, |group, day| told[group][day]);
    // Neighbours that ages do not tell apart are told apart by their filters: they change places where all of it fits better then.
    let whole = |day_of: &[usize]| -> f64 {
        let shapes = shapes_of(&filters, day_of);
        let of = |(group, day): (usize, &usize)| {
            told[group][*day] + UNLIKE * filters[group].1 * apart(&filters[group].0, &shapes[*day])
        };
        day_of.iter().enumerate().map(of).sum()
    };
    let mut cost = whole(&day_of);
    for _ in 0..ROUNDS {
        let before = cost;
        for (one, other) in (0..day_of.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
            if day_of[one].abs_diff(day_of[other]) > 2 {
                continue;
            }
            day_of.swap(one, other);
            let swapped = whole(&day_of);
            if swapped < cost {
                cost = swapped;
            } else {
                day_of.swap(one, other);
            }
        }
        if cost >= before {
            break;
        }
    }
    let named = |token: &u64| (month_of[months.at[token]], day_of[days.at[token]]);
    months.at.keys().map(|token| (*token, named(token))).collect()
}

/// Weights of the three kinds of evidence. That of the filters is low: they are not independent bits.
const FACT: f64 = 5.0;
const EXCHANGE: f64 = 5.0;
const UNLIKE: f64 = 1.0;
/// Times that all neighbours are tried.
const ROUNDS: usize = 5;

/// How often somebody had, or had not yet had, their birthday on a day of the year.
struct Facts {
    not_after: Box<[[u32; 32]; 13]>,
    after: Box<[[u32; 32]; 13]>,
}

fn facts(born: &[Born<'_>]) -> BTreeMap<u64, Facts> {
    let mut out: BTreeMap<u64, Facts> = BTreeMap::new();
    for one in born {
        for (year, month, day, age) in &one.ages {
            let empty = || Facts { not_after: Box::new([[0; 32]; 13]), after: Box::new([[0; 32]; 13]) };
            let facts = out.entry(one.month_day).or_insert_with(empty);
            match year - one.year - age {
                0 => facts.not_after[*month][*day] += 1,
                1 => facts.after[*month][*day] += 1,
                _ => {}
            }
        }
    }
    out
}

/// Tokens that hang together by another token, and the group of each.
struct Groups {
    members: Vec<Vec<u64>>,
    at: BTreeMap<u64, usize>,
}

impl Groups {
    fn of(pairs: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut by_tie: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let mut ties: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for (token, tie) in pairs {
            by_tie.entry(tie).or_default().insert(token);
            ties.entry(token).or_default().insert(tie);
        }
        let (mut members, mut at): (Vec<Vec<u64>>, _) = (Vec::new(), BTreeMap::new());
        for first in ties.keys() {
            let mut open = vec![*first];
            let mut group = Vec::new();
            while let Some(token) = open.pop() {
                if at.contains_key(&token) {
                    continue;
                }
                at.insert(token, members.len());
                group.push(token);
                open.extend(ties[&token].iter().flat_map(|tie| &by_tie[tie]).filter(|t| !at.contains_key(*t)));
            }
            if !group.is_empty() {
                members.push(group);
            }
        }
        Self { members, at }
    }

    /// A number from 1 to `most` for each group, each once, so that `cost` of group and number is least. Where there are more groups than
    /// numbers, the smallest get the number that costs them least.
    fn numbered(&self, most: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
        let costs: Vec<Vec<f64>> =
            (0..self.members.len()).map(|group| (1..=most).map(|number| cost(group, number)).collect()).collect();
        let mut large: Vec<usize> = (0..self.members.len()).collect();
        large.sort_by_key(|group| std::cmp::Reverse(self.members[*group].len()));
        large.truncate(most);
        let given = assign(&large.iter().map(|group| costs[*group].clone()).collect::<Vec<_>>());
        let cheapest = |row: &Vec<f64>| {
            let least = row.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
            least.map_or(1, |(i, _)| i + 1)
        };
        let mut out: Vec<usize> = costs.iter().map(cheapest).collect();
        large.iter().zip(given).for_each(|(group, number)| out[*group] = number + 1);
        out
    }
}

/// For each group of a day of the month the mean filter of its dates, less that of all dates, and the number of dates.
fn filters(born: &[Born<'_>], days: &Groups) -> Vec<(Vec<f64>, f64)> {
    let dates: BTreeMap<u64, &Born<'_>> = born.iter().map(|b| (b.whole, b)).collect();
    let mut sums = vec![(Vec::new(), 0.0); days.members.len()];
    let mut all = Vec::new();
    for date in dates.values() {
        let row = bits(date.filter);
        let (sum, n) = &mut sums[days.at[&date.month_day]];
        if sum.is_empty() {
            *sum = vec![0.0; row.len()];
        }
        all.resize(row.len(), 0.0);
        add(sum, &row, 1.0);
        add(&mut all, &row, 1.0 / dates.len() as f64);
        *n += 1.0;
    }
    for (sum, n) in &mut sums {
        sum.iter_mut().for_each(|x| *x /= *n);
        add(sum, &all, -1.0);
    }
    sums
}

/// What the filters of each day of the month look like: what its first digit adds and what its last digit adds, each as the mean over the
/// groups that are taken for a day with it.
fn shapes_of(filters: &[(Vec<f64>, f64)], day_of: &[usize]) -> [Vec<f64>; 32] {
    let width = filters.first().map_or(0, |(row, _)| row.len());
    let mean = |most: usize, digit: fn(usize) -> usize, rest: &dyn Fn(usize) -> Vec<f64>| {
        let mut sums = vec![(vec![0.0; width], 0.0); most];
        for ((row, dates), day) in filters.iter().zip(day_of) {
            let (sum, n) = &mut sums[digit(*day)];
            add(sum, row, *dates);
            add(sum, &rest(*day), -dates);
            *n += dates;
        }
        let mean = |(mut sum, n): (Vec<f64>, f64)| {
            sum.iter_mut().for_each(|x| *x /= f64::max(n, 1.0));
            sum
        };
        sums.into_iter().map(mean).collect::<Vec<Vec<f64>>>()
    };
    let (mut first, mut last) = (vec![vec![0.0; width]; 4], vec![vec![0.0; width]; 10]);
    // By turns: what one digit adds is what the other one leaves.
    for _ in 0..6 {
        last = mean(10, |day| day % 10, &|day| first[day / 10].clone());
        first = mean(4, |day| day / 10, &|day| last[day % 10].clone());
    }
    std::array::from_fn(|day| {
        let mut shape = first[day / 10].clone();
        add(&mut shape, &last[day % 10], 1.0);
        shape
    })
}
