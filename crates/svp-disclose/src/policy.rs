//! The rule of one table for one audience: the strictest of all that have a say.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{AreaRule, AudiencePolicy, MapMethod, OnDifference, Source};

/// One contributor may not make up too much of a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dominance {
    /// Largest share of one contributor, 0 to 1.
    pub share: f64,
}

/// Cell-key perturbation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Perturb {
    /// Largest change of a count.
    pub max_change: i64,
    /// Variance of the change.
    pub variance: f64,
}

/// The rule of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Counts from 1 up to one less than this are suppressed; 0 or 1 suppresses nothing.
    pub suppress_below: i64,
    /// Counts that remain are rounded to the nearest multiple; 0 or 1 rounds nothing.
    pub round_to: i64,
    /// Fewer different people than this behind a count suppress it.
    pub min_contributors: Option<i64>,
    /// One contributor may not make up too much of a count.
    pub dominance: Option<Dominance>,
    /// Full cells are suppressed, not only noted.
    pub suppress_full_cells: bool,
    /// Maps are merged until every piece may be shown; else their small cells are suppressed.
    pub merge_maps: bool,
    /// Fewest residents of a cell that may be shown.
    pub min_residents: Option<f64>,
    /// A release that can be subtracted from an earlier one is refused; else it is coarsened.
    pub refuse_difference: bool,
    /// Noise by cell keys.
    pub perturb: Option<Perturb>,
    /// Narrowest age band in years by dimension of the area.
    pub age_bands: BTreeMap<String, u32>,
    /// Whose rules they are, in words.
    pub reasons: BTreeSet<String>,
}

impl Policy {
    /// No rule at all: for data that anybody can download already.
    #[must_use]
    pub fn open(reason: &str) -> Self {
        Self {
            suppress_below: 0,
            round_to: 1,
            min_contributors: None,
            dominance: None,
            suppress_full_cells: false,
            merge_maps: false,
            min_residents: None,
            refuse_difference: false,
            perturb: None,
            age_bands: BTreeMap::new(),
            reasons: BTreeSet::from([reason.to_owned()]),
        }
    }

    /// The rule of a source's own controller.
    #[must_use]
    pub fn of_source(source: &Source) -> Self {
        let rule = &source.disclosure;
        Self { suppress_below: rule.suppress_below, round_to: rule.round_to.max(1), ..Self::open(&rule.rule) }
    }

    /// The rule of an audience.
    #[must_use]
    pub fn of_audience(policy: &AudiencePolicy) -> Self {
        Self {
            suppress_below: policy.floor.suppress_below,
            round_to: policy.floor.round_to.max(1),
            min_contributors: policy.dominance.as_ref().map(|d| d.min_contributors),
            dominance: policy.dominance.as_ref().map(|d| Dominance { share: d.share }),
            suppress_full_cells: policy.suppress_full_cells,
            merge_maps: policy.map.method == MapMethod::Merge,
            min_residents: policy.map.min_residents,
            refuse_difference: policy.on_difference == OnDifference::Refuse,
            perturb: policy.perturb.as_ref().map(|p| Perturb { max_change: p.max_change, variance: p.variance }),
            age_bands: policy.ages.iter().map(|a| (a.level.clone(), a.min_years)).collect(),
            reasons: BTreeSet::from([policy.floor.source.clone()]),
        }
    }

    /// What an area adds.
    #[must_use]
    pub fn of_area(rule: &AreaRule) -> Self {
        Self {
            suppress_below: rule.suppress_below.unwrap_or_default(),
            round_to: rule.round_to.unwrap_or(1).max(1),
            min_residents: rule.min_residents,
            ..Self::open(&rule.source)
        }
    }

    /// The rule of a table that counts rows of these sources, for an audience in an area. Where every source is open
    /// already nothing is hidden; else the strictest of the sources, the audience and the area holds.
    #[must_use]
    pub fn resolve<'a>(
        sources: impl IntoIterator<Item = &'a Source>,
        audience: &AudiencePolicy,
        area: Option<&AreaRule>,
    ) -> Self {
        let sources: Vec<&Source> = sources.into_iter().collect();
        let own: Vec<Self> = sources.iter().map(|s| Self::of_source(s)).collect();
        if sources.iter().all(|s| s.disclosure.already_open) && !sources.is_empty() {
            return Self::strictest(&own);
        }
        let mut all = own;
        all.push(Self::of_audience(audience));
        all.extend(area.map(Self::of_area));
        Self::strictest(&all)
    }

    /// The strictest of several rules, in each respect; and whose rules decide it.
    #[must_use]
    pub fn strictest<'a>(policies: impl IntoIterator<Item = &'a Self>) -> Self {
        let all: Vec<&Self> = policies.into_iter().collect();
        let mut out = Self::open("");
        out.reasons.clear();
        for p in &all {
            out.suppress_below = out.suppress_below.max(p.suppress_below);
            out.round_to = out.round_to.max(p.round_to);
            out.min_contributors = out.min_contributors.max(p.min_contributors);
            out.dominance = smaller(out.dominance, p.dominance, |d| d.share);
            out.suppress_full_cells |= p.suppress_full_cells;
            out.merge_maps |= p.merge_maps;
            out.min_residents = larger(out.min_residents, p.min_residents);
            out.refuse_difference |= p.refuse_difference;
            for (level, years) in &p.age_bands {
                let widest = out.age_bands.entry(level.clone()).or_default();
                *widest = (*widest).max(*years);
            }
            out.perturb = larger_noise(out.perturb, p.perturb);
        }
        // Coarse rounding must not make a zero of what may be shown.
        if out.protects() && out.round_to / 2 >= out.suppress_below {
            out.suppress_below = out.round_to / 2 + 1;
        }
        for p in all {
            let decides = p.suppress_below == out.suppress_below || p.round_to == out.round_to;
            if decides {
                out.reasons.extend(p.reasons.iter().filter(|r| !r.is_empty()).cloned());
            }
        }
        out
    }

    /// Whose rules decide, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        self.reasons.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// Whether anything is protected at all.
    #[must_use]
    pub fn protects(&self) -> bool {
        self.suppress_below > 1
    }

    /// A single count, outside any table, as it may be said: `None` where it is suppressed, else rounded.
    #[must_use]
    pub fn shown(&self, count: i64) -> Option<i64> {
        if count > 0 && count < self.suppress_below { None } else { Some(round_to(count, self.round_to)) }
    }
}

/// Nearest multiple of `base`, halves upward.
#[must_use]
pub fn round_to(value: i64, base: i64) -> i64 {
    if base <= 1 { value } else { (value + base / 2) / base * base }
}

fn smaller<T: Copy>(a: Option<T>, b: Option<T>, by: impl Fn(&T) -> f64) -> Option<T> {
    match (a, b) {
        (Some(x), Some(y)) => Some(if by(&y) < by(&x) { y } else { x }),
        (x, y) => x.or(y),
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(x), Some(y)) => Some(x.max(y)),
        (x, y) => x.or(y),
    }
}

fn larger_noise(a: Option<Perturb>, b: Option<Perturb>) -> Option<Perturb> {
    match (a, b) {
        (Some(x), Some(y)) => {
            Some(Perturb { max_change: x.max_change.max(y.max_change), variance: x.variance.max(y.variance) })
        }
        (x, y) => x.or(y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy() -> impl Strategy<Value = Policy> {
        (
            0i64..12,
            1i64..11,
            prop::option::of(1i64..5),
            prop::option::of(1u8..10),
            any::<(bool, bool)>(),
            prop::option::of(1u8..99),
            0u8..4,
        )
            .prop_map(|(below, round, people, share, (merge, refuse), residents, who)| Policy {
                suppress_below: below,
                round_to: round,
                min_contributors: people,
                dominance: share.map(|s| Dominance { share: f64::from(s) / 10.0 }),
                merge_maps: merge,
                refuse_difference: refuse,
                min_residents: residents.map(f64::from),
                ..Policy::open(&format!("rule {who}"))
            })
    }

    fn without_reasons(p: Policy) -> Policy {
        Policy { reasons: BTreeSet::new(), ..p }
    }

    proptest! {
        #[test]
        fn the_strictest_is_never_laxer_than_any(a in policy(), b in policy(), c in policy()) {
            let all = Policy::strictest([&a, &b, &c]);
            for p in [&a, &b, &c] {
                prop_assert!(all.suppress_below >= p.suppress_below && all.round_to >= p.round_to);
                prop_assert!(all.min_contributors >= p.min_contributors);
                prop_assert!(all.merge_maps >= p.merge_maps && all.refuse_difference >= p.refuse_difference);
                prop_assert!(p.dominance.is_none_or(|d| all.dominance.is_some_and(|a| a.share <= d.share)));
                prop_assert!(all.min_residents >= p.min_residents);
            }
            let nested = Policy::strictest([&Policy::strictest([&a, &b]), &c]);
            prop_assert_eq!(without_reasons(all.clone()), without_reasons(nested));
            prop_assert_eq!(&all, &Policy::strictest([&c, &b, &a]));
            let one = Policy::strictest([&a]);
            prop_assert_eq!(without_reasons(Policy::strictest([&one, &one])), without_reasons(one));
        }
    }
}
