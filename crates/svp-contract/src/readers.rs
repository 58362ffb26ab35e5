//! Who reads whose releases: audiences whose members get what another audience gets.

use std::collections::{BTreeMap, BTreeSet};

use crate::{AudiencePolicy, Problem, nearest};

/// The audiences whose releases the members of one get too: those that its policy names, and those that theirs name. Sorted,
/// without itself.
#[must_use]
pub fn read_beside<'p>(audience: &str, policies: impl Iterator<Item = &'p AudiencePolicy>) -> BTreeSet<String> {
    let reads: BTreeMap<&str, &[String]> = policies.map(|p| (p.name.as_str(), p.reads.as_slice())).collect();
    let mut out: BTreeSet<String> = BTreeSet::new();
    let mut next = vec![audience];
    while let Some(reader) = next.pop() {
        for name in reads.get(reader).copied().unwrap_or_default() {
            if name != audience && out.insert(name.clone()) {
                next.push(name);
            }
        }
    }
    out
}

/// Policies that name an audience without a policy, and circles: of two that read one another each would have to be judged
/// before the other, and they are one audience.
#[must_use]
pub fn reads_problems<'p>(policies: impl Iterator<Item = (&'p str, &'p AudiencePolicy)> + Clone) -> Vec<Problem> {
    let names: Vec<&str> = policies.clone().map(|(_, p)| p.name.as_str()).collect();
    let reads: BTreeMap<&str, &[String]> =
        policies.clone().map(|(_, p)| (p.name.as_str(), p.reads.as_slice())).collect();
    let mut problems = Vec::new();
    for (file, policy) in policies {
        for name in &policy.reads {
            if !names.contains(&name.as_str()) {
                let hint = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("audiences with a policy: {}", names.join(", ")),
                };
                problems.push(Problem::new(file, format!("reads: there is no audience `{name}`")).hint(hint));
            }
        }
        if let Some(way) = way_back(&policy.name, &reads) {
            let what = format!("reads: the audiences read one another in a circle: {}", way.join(" reads "));
            let hint = "who gets all that the other gets is one audience with it: name the wider one's releases in the \
                        policy of the narrower only, or make them one";
            problems.push(Problem::new(file, what).hint(hint));
        }
    }
    problems
}

/// The shortest way from an audience back to itself.
fn way_back(from: &str, reads: &BTreeMap<&str, &[String]>) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().map(String::as_str).unwrap_or_default();
            for name in reads.get(last).copied().unwrap_or_default() {
                let mut on = way.clone();
                on.push(name.clone());
                if name == from {
                    return Some(on);
                }
                if seen.insert(name.clone()) {
                    longer.push(on);
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(reads: &[(&str, &[&str])]) -> Vec<AudiencePolicy> {
        let shipped = include_str!("../../../pipelines/policies/partner.toml");
        let one = |(name, reads): &(&str, &[&str])| {
            let mut policy = AudiencePolicy::parse("partner.toml", shipped).unwrap();
            (*name).clone_into(&mut policy.name);
            policy.reads = reads.iter().map(|r| (*r).to_owned()).collect();
            policy
        };
        reads.iter().map(one).collect()
    }

    fn said(reads: &[(&str, &[&str])]) -> Vec<String> {
        let all = policies(reads);
        let problems = reads_problems(all.iter().map(|p| ("policy.toml", p)));
        assert!(problems.iter().all(|p| p.hint.is_some()));
        problems.into_iter().map(|p| format!("{} {}", p.what, p.hint.unwrap_or_default())).collect()
    }

    #[test]
    fn who_reads_whom_goes_on_from_one_to_the_next() {
        let all = policies(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &["c"])]);
        let beside = |name: &str| read_beside(name, all.iter()).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!([beside("a"), beside("b"), beside("c"), beside("d")], ["b c", "c", "", "c"]);
        assert_eq!(said(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &["c"])]).len(), 0);
    }

    #[test]
    fn circles_and_unknown_readers_are_refused() {
        let circle = said(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]);
        assert_eq!(circle.len(), 3, "{circle:?}");
        assert!(circle[0].contains("a reads b reads c reads a"), "{circle:?}");
        assert!(said(&[("a", &["a"])])[0].contains("a reads a"));
        let unknown = said(&[("partner", &[]), ("police", &["partners"])]);
        assert!(unknown.len() == 1 && unknown[0].contains("did you mean `partner`"), "{unknown:?}");
    }
}
