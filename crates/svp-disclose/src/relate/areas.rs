//! Areas of one lake as sums of districts: what two areas have in common is one thing, whichever of them is asked.
//!
//! An event lies in an area because its district does, or because nobody knows where it happened. So a number about a
//! district, or about a place inside it, is the same number in every area that has the district; what has no known place
//! is the same in all areas; and a number about the whole of an area is the sum of its districts and of what has no known place.
//! Pairs of nested areas are compared as any nested sets are. Areas that overlap in part, or not at all, lie in no such pair, and
//! three areas can leave nothing of a fourth: of those the districts are the variables, as the atoms of definitions are (see `atoms.rs`).

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Build, Provenance, latent, small};
use super::node::{Key, Node};
use crate::lp::{Program, Solved};
use crate::system::{MARGIN, ProtectionInterval};

/// Kind of the members that areas are made of.
const DISTRICT: &str = "district";
/// Member of that kind for events of which no place is known, as outputs write it.
const UNKNOWN: &str = "unknown";

/// Whether two areas overlap and neither holds the other.
pub(crate) fn partly(a: &[String], b: &[String]) -> bool {
    a.iter().any(|d| b.contains(d)) && !inside(a, b) && !inside(b, a)
}

fn inside(inner: &[String], outer: &[String]) -> bool {
    inner.iter().all(|d| outer.contains(d))
}

/// A number of one area, with its key.
type Member = (Key, Node);

/// Ties the numbers of areas that share events.
pub(super) fn relate(build: &mut Build<'_>) {
    if !build.several_areas {
        return;
    }
    let known: BTreeSet<String> = build.tables.iter().flat_map(|t| &t.set.area_parts).cloned().collect();
    let mut places: BTreeMap<(Key, String), Vec<Member>> = BTreeMap::new();
    let mut wholes: BTreeMap<Key, BTreeMap<Vec<String>, BTreeMap<usize, Member>>> = BTreeMap::new();
    for (key, node) in build.nodes.all() {
        let bare = Key { area: String::new(), area_parts: Vec::new(), release: 0, data: String::new(), ..key.clone() };
        let member = (key.clone(), node.clone());
        match key.at.iter().find_map(|(kind, member)| build.roll_up(kind, member, DISTRICT)) {
            Some(district) => places.entry((bare, district)).or_default().push(member),
            None => {
                let of_area = wholes.entry(bare).or_default().entry(key.area_parts.clone()).or_default();
                of_area.insert(key.release, member);
            }
        }
    }
    for ((_, district), members) in &places {
        // What lies in no area's district has no known place, and counts for all.
        let of = |key: &Key| key.area_parts.contains(district) || !known.contains(district);
        for (i, (ka, a)) in members.iter().enumerate() {
            for (kb, b) in &members[i + 1..] {
                if ka.area_parts != kb.area_parts && of(ka) && of(kb) {
                    build.same_set(a, b, ka, kb);
                    build.one_place.insert((a.number.min(b.number), a.number.max(b.number)));
                }
            }
        }
    }
    for by_area in wholes.values() {
        whole(build, by_area);
    }
}

/// One thing counted for several areas as wholes, by area and release.
fn whole(build: &mut Build<'_>, by_area: &BTreeMap<Vec<String>, BTreeMap<usize, Member>>) {
    let releases: BTreeSet<usize> = by_area.values().flat_map(|r| r.keys().copied()).collect();
    for release in releases {
        let latest: Vec<Member> =
            by_area.values().filter_map(|all| all.range(..=release).next_back().map(|(_, m)| m.clone())).collect();
        let now = latest.iter().find(|m| m.0.release == release).map(|m| m.0.data.clone());
        // Where the data changed in between the numbers may fit all the same: a month that nobody revised does.
        if !tie(build, release, &latest) {
            let same: Vec<Member> = latest.into_iter().filter(|m| Some(&m.0.data) == now.as_ref()).collect();
            tie(build, release, &same);
        }
    }
}

/// A part of areas: the districts that the same of them have, or what has no known place.
struct Part {
    /// For each member whether it has the part.
    of: Vec<bool>,
    /// The numbers that are known of it; none where one of its districts stands in no table.
    numbers: Option<Vec<usize>>,
    label: String,
}

/// Each whole is the sum of its parts. False where no assignment of them fits the numbers.
fn tie(build: &mut Build<'_>, release: usize, members: &[Member]) -> bool {
    let apart =
        |a: &Member, b: &Member| !inside(&a.0.area_parts, &b.0.area_parts) && !inside(&b.0.area_parts, &a.0.area_parts);
    if !members.iter().enumerate().any(|(i, a)| members[i + 1..].iter().any(|b| apart(a, b))) {
        return true;
    }
    let Some(places) = districts(build, members) else { return true };
    let mut groups: BTreeMap<Vec<bool>, Vec<&String>> = BTreeMap::new();
    for district in &places.all {
        groups.entry(members.iter().map(|m| m.0.area_parts.contains(*district)).collect()).or_default().push(*district);
    }
    let names: Vec<&str> = members.iter().map(|m| m.0.area.as_str()).collect();
    let mut parts: Vec<Part> = groups
        .into_iter()
        .map(|(of, districts)| {
            let at = |district: &&String| place(build, members, &of, district);
            let numbers = districts.iter().map(at).collect();
            Part { label: format!("what lies in {}", among(&names, &of)), numbers, of }
        })
        .collect();
    if places.bounded {
        // A coordinate that is a place itself: what has no known place is elsewhere.
        return assign(build, release, members, &parts);
    }
    let districts = parts.len();
    let nowhere = |build: &Build<'_>, of: Vec<bool>| Part {
        numbers: place(build, members, &of, UNKNOWN).map(|n| vec![n]),
        label: format!("what has no known place in {}", among(&names, &of)),
        of,
    };
    parts.push(nowhere(build, vec![true; members.len()]));
    if assign(build, release, members, &parts) {
        return true;
    }
    // Areas of several forces: an event without a place can name the force that it belongs to.
    parts.truncate(districts);
    for m in 0..members.len() {
        parts.push(nowhere(build, (0..members.len()).map(|i| i == m).collect()));
    }
    assign(build, release, members, &parts)
}

fn among(names: &[&str], of: &[bool]) -> String {
    let wanted = |w: bool| names.iter().zip(of).filter(|(_, o)| **o == w).map(|(n, _)| *n).collect::<Vec<_>>();
    let (with, without) = (wanted(true).join(" and "), wanted(false).join(" or "));
    if without.is_empty() { with } else { format!("{with} and not in {without}") }
}

/// The districts that a whole is made of.
struct Districts<'m> {
    all: BTreeSet<&'m String>,
    /// A coordinate is a place above districts, and holds some of them only.
    bounded: bool,
}

/// `None` where a coordinate is a place of which nobody knows whether it holds a district.
fn districts<'m>(build: &Build<'_>, members: &'m [Member]) -> Option<Districts<'m>> {
    let mut all: BTreeSet<&String> = members.iter().flat_map(|m| &m.0.area_parts).collect();
    let mut bounded = false;
    for (kind, member) in members.iter().take(1).flat_map(|m| &m.0.at) {
        let up: BTreeMap<&String, Option<String>> =
            all.iter().map(|d| (*d, build.roll_up(DISTRICT, d, kind))).collect();
        if up.values().all(Option::is_none) {
            continue;
        }
        if up.values().any(Option::is_none) {
            return None;
        }
        bounded = true;
        all.retain(|d| up.get(d).and_then(Option::as_ref) == Some(member));
    }
    Some(Districts { all, bounded })
}

/// The number of a district in one of the members that have it.
fn place(build: &Build<'_>, members: &[Member], of: &[bool], district: &str) -> Option<usize> {
    members.iter().zip(of).filter(|(_, has)| **has).find_map(|((key, _), _)| {
        let mut at = key.at.clone();
        at.insert(DISTRICT.to_owned(), district.to_owned());
        build.nodes.get(&Key { at, ..key.clone() }).map(|node| node.number)
    })
}

/// Makes the parts that nobody counted latent numbers, and each whole the sum of its parts. False, and nothing is done, where no
/// assignment fits.
fn assign(build: &mut Build<'_>, release: usize, members: &[Member], parts: &[Part]) -> bool {
    let number = &build.out.system.numbers;
    let truth = |numbers: &[usize]| numbers.iter().map(|&n| number[n].value).sum::<Option<f64>>();
    let fixed: Vec<Option<f64>> = parts.iter().map(|p| p.numbers.as_deref().and_then(truth)).collect();
    let truths: Option<Vec<f64>> = members.iter().map(|m| number[m.1.number].value).collect();
    let all_known = parts.iter().zip(&fixed).all(|(p, value)| p.numbers.is_none() || value.is_some());
    let values: Vec<Option<f64>> = match truths.filter(|_| all_known) {
        Some(truths) => match solve(parts, &fixed, &truths) {
            Some(values) => values.into_iter().map(Some).collect(),
            None => return false,
        },
        None => vec![None; parts.len()],
    };
    let below = members.iter().map(|m| m.1.suppress_below).max().unwrap_or_default();
    let (lower, upper) = small(below);
    // The assignment is one of many: small or not, no part must be known to be small.
    let protection = if below > 1 { ProtectionInterval::EitherSide { lower, upper } } else { ProtectionInterval::None };
    let tables: BTreeSet<usize> = members.iter().flat_map(|m| m.1.tables.iter().copied()).collect();
    let Some((first, _)) = members.first() else { return true };
    let whole = Key { release, ..first.clone() }.label();
    let mut terms: Vec<BTreeMap<usize, f64>> = members.iter().map(|m| BTreeMap::from([(m.1.number, 1.0)])).collect();
    for (part, value) in parts.iter().zip(values) {
        let numbers = part.numbers.clone().unwrap_or_else(|| {
            let provenance =
                Provenance { tables: tables.clone(), row: None, label: format!("{whole}: {}", part.label) };
            vec![build.push(latent(value, (0.0, f64::INFINITY), protection), provenance)]
        });
        for (terms, _) in terms.iter_mut().zip(&part.of).filter(|(_, has)| **has) {
            for n in &numbers {
                *terms.entry(*n).or_default() -= 1.0;
            }
        }
    }
    for terms in terms {
        let terms: Vec<(usize, f64)> = terms.into_iter().filter(|(_, c)| *c != 0.0).collect();
        if terms.len() > 1 {
            build.equation(terms);
        }
    }
    true
}

/// Some assignment of the parts that fits all wholes; `fixed` are those of which the number is known.
fn solve(parts: &[Part], fixed: &[Option<f64>], truths: &[f64]) -> Option<Vec<f64>> {
    let mut program = Program::default();
    for value in fixed {
        match value {
            Some(value) => program.column(0.0, *value, *value),
            None => program.column(0.0, 0.0, f64::INFINITY),
        };
    }
    for (m, truth) in truths.iter().enumerate() {
        let total = program.column(0.0, *truth, *truth);
        let mut row: Vec<(usize, f64)> = (0..parts.len()).filter(|&p| parts[p].of[m]).map(|p| (p, 1.0)).collect();
        row.push((total, -1.0));
        program.row(row);
    }
    let Solved::Best(values) = program.minimise() else { return None };
    // Counts are whole, and so is the corner of a small programme; what the solver leaves of dust is taken off.
    let values: Vec<f64> = values[..parts.len()]
        .iter()
        .map(|v| if (v - v.round()).abs() < 1e-7 { v.round() } else { v.max(0.0) })
        .collect();
    let fits = truths.iter().enumerate().all(|(m, truth)| {
        let sum: f64 = values.iter().zip(parts).filter(|(_, part)| part.of[m]).map(|(v, _)| v).sum();
        (sum - truth).abs() < MARGIN / 10.0
    });
    fits.then_some(values)
}
