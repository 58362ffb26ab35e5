//! Policies: what an audience may be shown, and which law carries what. One file is one audience.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Problem, Source, parse};

/// What goes into a number before it may be shown; the sources' own rules come on top.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Counts from 1 to one less than this are suppressed.
    pub suppress_below: i64,
    /// Other counts are rounded to the nearest multiple.
    pub round_to: i64,
    /// Whose rule it is.
    pub source: String,
}

/// A single person may not stand behind too much of a count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DominanceRule {
    /// Fewest different people behind a count that is shown.
    pub min_contributors: i64,
    /// Largest share of one person, 0 to 1.
    pub share: f64,
    /// Whose rule it is.
    pub source: String,
}

/// What a map does with small cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapMethod {
    /// They are merged up the grid until every piece may be shown.
    Merge,
    /// They are suppressed.
    Suppress,
}

/// Rules for maps.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapRule {
    /// What happens to small cells.
    pub method: MapMethod,
    /// Fewest residents of a cell that is shown, where the map says how many there are.
    #[serde(default)]
    pub min_residents: Option<f64>,
    /// Offence groups that never stand in a grid.
    pub never_groups: Vec<String>,
    /// Whether domestic events may stand in a grid.
    #[serde(default)]
    pub domestic: bool,
    /// Whether events at a home may stand in a grid.
    #[serde(default)]
    pub homes: bool,
    /// Whose rule it is.
    pub source: String,
}

/// The narrowest age band at an area level.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeRule {
    /// Dimension of the area: `lsoa`, `district`, `csp`, `force`.
    pub level: String,
    /// Narrowest band in years.
    pub min_years: u32,
    /// Whose rule it is.
    pub source: String,
}

/// What happens when a release could be subtracted from an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDifference {
    /// The release is refused.
    Refuse,
    /// It is coarsened: cells are suppressed or merged, or the table is withheld.
    Suppress,
}

/// Cell-key perturbation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerturbRule {
    /// Largest change of a count.
    pub max_change: i64,
    /// Variance of the change.
    pub variance: f64,
    /// Why, and whose method.
    pub source: String,
}

/// What the law says of the audience.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudienceLaw {
    /// Whether it is an authority between whom section 16 of the Act allows disclosure.
    pub named_in_s16: bool,
    /// The clause that a refusal names.
    pub clause: String,
}

/// The policy of one audience.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudiencePolicy {
    /// Name; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Who that is, and what they get.
    pub description: String,
    /// Thresholds for all data that is not open to everybody already.
    pub floor: Floor,
    /// Full cells (one member holds all of its margin): only noted for the person who signs, or suppressed.
    #[serde(default)]
    pub suppress_full_cells: bool,
    /// Contributors.
    #[serde(default)]
    pub dominance: Option<DominanceRule>,
    /// Maps.
    pub map: MapRule,
    /// Ages.
    #[serde(default, rename = "age")]
    pub ages: Vec<AgeRule>,
    /// Releases that could be subtracted from one another.
    pub on_difference: OnDifference,
    /// Other audiences whose releases the members of this one get too: releases to any of them are judged with what all of
    /// them were told.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Noise; none unless given.
    #[serde(default)]
    pub perturb: Option<PerturbRule>,
    /// Law.
    pub law: AudienceLaw,
}

/// The threshold below which no policy may go: there is no off switch for a release.
pub const WEAKEST: i64 = 3;

impl AudiencePolicy {
    /// Reads one policy file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        parse(file, text)
    }

    /// What contradicts itself in it, or is too weak.
    #[must_use]
    pub fn problems(&self, file: &str) -> Vec<Problem> {
        let mut out = Vec::new();
        let mut no = |bad: bool, what: &str, hint: &str| {
            if bad {
                out.push(Problem::new(file, what).hint(hint));
            }
        };
        let floor = &self.floor;
        no(
            floor.suppress_below < WEAKEST,
            "floor.suppress_below is below 3",
            "a count of one or two points at a person; data that anybody can download is marked `already_open` in its source instead",
        );
        no(floor.round_to < 1, "floor.round_to is below 1", "1 rounds nothing");
        no(
            floor.round_to / 2 >= floor.suppress_below,
            "floor.round_to would round counts that may be shown to 0",
            "round to less than twice the threshold: a shown 0 must be a true zero",
        );
        if let Some(d) = &self.dominance {
            no(!(d.share > 0.0 && d.share <= 1.0), "dominance.share is not between 0 and 1", "0.8 is four fifths");
            no(d.min_contributors < 1, "dominance.min_contributors is below 1", "2 or 3 is usual");
            no(
                d.min_contributors > floor.suppress_below.max(1) * 10,
                "dominance.min_contributors is far above the threshold",
                "nothing would ever be shown",
            );
        }
        no(
            self.map.min_residents.is_some_and(|r| !(r > 0.0 && r.is_finite())),
            "map.min_residents is not a number above 0",
            "leave it out where there is no rule",
        );
        no(
            self.map.domestic,
            "map.domestic lets domestic events onto a grid",
            "a cell can be an address: domestic and sexual offences never stand at grid level",
        );
        no(
            self.map.homes,
            "map.homes lets events at a home onto a grid",
            "a cell can be an address: leave the line out",
        );
        no(
            self.map.never_groups.is_empty(),
            "map.never_groups is empty",
            "name at least the groups of sexual offences: a cell can be an address",
        );
        if let Some(p) = &self.perturb {
            let most = (p.max_change * p.max_change) as f64;
            no(
                !(p.variance > 0.0 && p.variance < most),
                "perturb.variance is not between 0 and the square of perturb.max_change",
                "a variance of about a third of the square is usual",
            );
            no(
                p.max_change < floor.suppress_below - 1,
                "perturb.max_change cannot step over the small counts",
                "it must be at least floor.suppress_below less 1",
            );
        }
        let mut levels: BTreeMap<&str, u32> = BTreeMap::new();
        for age in &self.ages {
            no(age.min_years == 0, "an age rule has a width of 0 years", "1 is a single year of age");
            let twice = levels.insert(&age.level, age.min_years).is_some();
            no(twice, "two age rules for one level", "one rule a level");
        }
        out
    }
}

/// What an area may set: only stricter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AreaRule {
    /// Counts from 1 to one less than this are suppressed.
    #[serde(default)]
    pub suppress_below: Option<i64>,
    /// Other counts are rounded to the nearest multiple.
    #[serde(default)]
    pub round_to: Option<i64>,
    /// Fewest residents of a cell that is shown.
    #[serde(default)]
    pub min_residents: Option<f64>,
    /// Whose rule it is.
    #[serde(default)]
    pub source: String,
}

impl AreaRule {
    /// Values that are laxer than the audience's policy.
    #[must_use]
    pub fn problems(&self, file: &str, policy: &AudiencePolicy) -> Vec<Problem> {
        let mut out = Vec::new();
        let mut lax = |bad: bool, what: &str| {
            if bad {
                out.push(
                    Problem::new(file, format!("[disclosure] {what} is laxer than the policy `{}`", policy.name))
                        .hint("an area may only be stricter: leave the line out"),
                );
            }
        };
        lax(self.suppress_below.is_some_and(|v| v < policy.floor.suppress_below), "suppress_below");
        lax(self.round_to.is_some_and(|v| v < policy.floor.round_to), "round_to");
        lax(
            self.min_residents.zip(policy.map.min_residents).is_some_and(|(own, theirs)| own < theirs),
            "min_residents",
        );
        out
    }
}

/// A way in which the law lets data pass.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Code that sources name.
    pub code: String,
    /// Title.
    pub title: String,
    /// Kinds of information that it does not carry: `patient`, `social_care_personal`, `personal`.
    #[serde(default)]
    pub does_not_carry: Vec<String>,
    /// The clause that a refusal names.
    pub clause: String,
    /// Where it stands.
    pub source: String,
}

/// The gateways of a site.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateways {
    /// One for each.
    #[serde(rename = "gateway")]
    pub gateways: Vec<Gateway>,
}

impl Gateways {
    /// Reads `gateways.toml`.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        parse(file, text)
    }

    fn get(&self, code: &str) -> Option<&Gateway> {
        self.gateways.iter().find(|g| g.code == code)
    }
}

/// A combination that the law forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Source.
    pub source: String,
    /// Audience.
    pub audience: String,
    /// The clause.
    pub clause: String,
}

/// Why data of a source may not be used for a release to an audience. Empty where it may.
#[must_use]
pub fn refusals(source: &Source, gateways: &Gateways, audience: &AudiencePolicy) -> Vec<Refusal> {
    let mut out = Vec::new();
    let mut refuse = |clause: String| {
        out.push(Refusal { source: source.name.clone(), audience: audience.name.clone(), clause });
    };
    for code in &source.law.gateways {
        match gateways.get(code) {
            None => refuse(format!("its gateway `{code}` is not in gateways.toml, so nobody can say what it carries")),
            Some(gateway) => {
                if let Some(kind) = source.law.information.iter().find(|k| gateway.does_not_carry.contains(k)) {
                    refuse(format!(
                        "{} does not carry {} information: {}",
                        gateway.title,
                        kind.replace('_', " "),
                        gateway.clause
                    ));
                }
            }
        }
    }
    if source.law.gateways.is_empty() && !source.disclosure.already_open {
        refuse("it names no gateway: nothing says that it may be disclosed to the partnership".to_owned());
    }
    if !source.law.audiences.contains(&audience.name) {
        refuse(format!("{}; {}; {}", audience.law.clause, source.law.lawful_basis, source.law.gateway));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTNER: &str = include_str!("../../../pipelines/policies/partner.toml");
    const GATEWAYS: &str = include_str!("../../../pipelines/policies/gateways.toml");
    const ECDS: &str = include_str!("../../../pipelines/sources/ecds.toml");

    fn partner() -> AudiencePolicy {
        AudiencePolicy::parse("partner.toml", PARTNER).unwrap()
    }

    #[test]
    fn shipped_policies_do_not_contradict_themselves() {
        for text in [
            PARTNER,
            include_str!("../../../pipelines/policies/police.toml"),
            include_str!("../../../pipelines/policies/university.toml"),
            include_str!("../../../pipelines/policies/public.toml"),
        ] {
            let policy = AudiencePolicy::parse("policy", text).unwrap();
            assert_eq!(policy.problems("policy").len(), 0, "{}: {:?}", policy.name, policy.problems("policy"));
        }
    }

    #[test]
    fn contradictions_are_refused_with_a_hint() {
        type Change = fn(&mut AudiencePolicy);
        let changes: [Change; 9] = [
            |p| p.floor.suppress_below = 0,
            |p| p.floor.suppress_below = 2,
            |p| p.floor.round_to = 0,
            |p| p.floor.round_to = 2 * p.floor.suppress_below,
            |p| p.dominance = Some(DominanceRule { min_contributors: 0, share: 0.8, source: String::new() }),
            |p| p.dominance = Some(DominanceRule { min_contributors: 2, share: 1.5, source: String::new() }),
            |p| p.map.never_groups.clear(),
            |p| p.map.min_residents = Some(-1.0),
            |p| p.perturb = Some(PerturbRule { max_change: 2, variance: 1.0, source: String::new() }),
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut policy = partner();
            change(&mut policy);
            let problems = policy.problems("partner.toml");
            assert!(!problems.is_empty(), "change {i} was taken");
            assert!(problems.iter().all(|p| p.hint.is_some()), "{i}: {problems:?}");
        }
    }

    #[test]
    fn an_area_may_only_be_stricter() {
        let policy = partner();
        let rule =
            |below, round| AreaRule { suppress_below: Some(below), round_to: Some(round), ..AreaRule::default() };
        assert_eq!(rule(policy.floor.suppress_below, policy.floor.round_to).problems("a", &policy).len(), 0);
        assert_eq!(rule(20, 10).problems("a", &policy).len(), 0);
        assert_eq!(rule(policy.floor.suppress_below - 1, policy.floor.round_to).problems("a", &policy).len(), 1);
    }

    #[test]
    fn the_clause_is_named() {
        let gateways = Gateways::parse("gateways.toml", GATEWAYS).unwrap();
        let mut source = Source::parse("ecds.toml", ECDS).unwrap();
        assert_eq!(refusals(&source, &gateways, &partner()), []);
        // Patient information by way of the Act: refused, whoever asks.
        source.law.gateways = vec!["pcsc_2022_s16".into()];
        let found = refusals(&source, &gateways, &partner());
        assert_eq!(found.len(), 1);
        assert!(found[0].clause.contains("s16") && found[0].clause.contains("patient information"), "{found:?}");
        // A university is not named in the Act.
        let university =
            AudiencePolicy::parse("u", include_str!("../../../pipelines/policies/university.toml")).unwrap();
        source.law.gateways = vec!["nhs_s251".into()];
        let found = refusals(&source, &gateways, &university);
        assert!(found.len() == 1 && found[0].clause.contains("s16(2)"), "{found:?}");
        source.law.gateways = vec!["hearsay".into()];
        assert!(refusals(&source, &gateways, &partner())[0].clause.contains("hearsay"));
        source.law.gateways.clear();
        assert!(refusals(&source, &gateways, &partner())[0].clause.contains("no gateway"));
    }
}
