//! Persistent people: a person keeps the key from run to run.
//!
//! A person of an earlier run lives on in the group that holds most of its records. Where several live on in one group,
//! the one with most records there keeps its key and the others are merged into it; where the records of one are spread
//! over several groups, those of the lesser groups are split off. A new key is a digest of the run and of the group's
//! first record, so none is ever made twice. A record that goes is remembered with its person: if it returns, it speaks for that
//! person as if it had never gone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::linked::{Linked, PreviousLinks};

/// What happened to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `merged`, `split`, `ended` or `returned`.
    pub event: &'static str,
    /// Whose.
    pub person_key: String,
    /// Merged into, or split off as.
    pub other_key: Option<String>,
    /// Records that went along.
    pub records: u64,
    /// Why.
    pub reason: &'static str,
}

/// Keys of the groups, and what happened to the people of the earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Key by number of the group's first record.
    pub keys: BTreeMap<u32, String>,
    /// Changes, in the order of the keys.
    pub changes: Vec<Change>,
    /// People that are new.
    pub born: u64,
}

/// The person of each record that went, by the record's id.
pub(crate) type Gone = BTreeMap<String, String>;

/// Gives each group its key. `mint` makes the key of a new person from the id of its first record.
pub(crate) fn assign(found: &Linked, known: &PreviousLinks, gone: &Gone, mint: impl Fn(&str) -> String) -> Assigned {
    let person = |record: &str| known.get(record).map(|j| &j.key).or_else(|| gone.get(record));
    // Old key → group → records of it there; and the same seen from the group.
    let mut spread: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    let mut members: BTreeMap<u32, BTreeMap<&str, u64>> = BTreeMap::new();
    for (record, group) in found.records.iter().zip(&found.group) {
        let of_group = members.entry(*group).or_default();
        if let Some(key) = person(&record.id) {
            *spread.entry(key.as_str()).or_default().entry(*group).or_default() += 1;
            *of_group.entry(key.as_str()).or_default() += 1;
        }
    }
    let mut claims: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (key, groups) in &spread {
        // Most records; among equals the first group.
        if let Some((group, _)) = groups.iter().max_by(|x, y| x.1.cmp(y.1).then(y.0.cmp(x.0))) {
            claims.entry(*group).or_default().push(key);
        }
    }
    let living: BTreeSet<&str> = known.values().map(|j| j.key.as_str()).collect();
    let mut out = Assigned::default();
    for (group, of_group) in &members {
        let count = |key: &str| of_group.get(key).copied().unwrap_or_default();
        let kept = claims
            .get(group)
            .and_then(|keys| keys.iter().copied().max_by(|x, y| count(x).cmp(&count(y)).then(y.cmp(x))));
        let key = match kept {
            Some(key) => key.to_owned(),
            None => {
                out.born += 1;
                mint(&found.records[*group as usize].id)
            }
        };
        for (old, n) in of_group {
            let was_gone = !living.contains(*old);
            if *old == key {
                if was_gone {
                    out.changes.push(Change {
                        event: "returned",
                        person_key: key.clone(),
                        other_key: None,
                        records: *n,
                        reason: "a source holds records of it again",
                    });
                }
                continue;
            }
            let ends_here = claims.get(group).is_some_and(|keys| keys.contains(old));
            out.changes.push(Change {
                event: if ends_here { "merged" } else { "split" },
                person_key: (*old).to_owned(),
                other_key: Some(key.clone()),
                records: *n,
                reason: match (ends_here, found.learned) {
                    (true, true) => "all records were judged again and found to be one person",
                    (true, false) => "a new record connects them",
                    (false, true) => "all records were judged again and found to be several people",
                    (false, false) => "a record changed and belongs to another person",
                },
            });
        }
        out.keys.insert(*group, key);
    }
    let mut ended: HashMap<&str, u64> = HashMap::new();
    for judged in known.values().filter(|j| !spread.contains_key(j.key.as_str())) {
        *ended.entry(&judged.key).or_default() += 1;
    }
    out.changes.extend(ended.into_iter().map(|(key, records)| Change {
        event: "ended",
        person_key: key.to_owned(),
        other_key: None,
        records,
        reason: "no source holds a record of it any longer",
    }));
    out.changes.sort_by(|x, y| (&x.person_key, x.event, &x.other_key).cmp(&(&y.person_key, y.event, &y.other_key)));
    out
}

/// The records that are gone now, with their people: those that went earlier and did not return, and those that went since.
pub(crate) fn gone_now(found: &Linked, known: &PreviousLinks, gone: Gone) -> Gone {
    let there: HashSet<&str> = found.records.iter().map(|r| r.id.as_str()).collect();
    let since = known.iter().map(|(id, judged)| (id.clone(), judged.key.clone()));
    gone.into_iter().chain(since).filter(|(id, _)| !there.contains(id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use svp_contract::Linkage;

    use super::*;
    use crate::linked::PreviousLink;
    use crate::model::{Model, Present};
    use crate::rows::Record;
    use crate::weights::Weights;

    fn found(group: &[u32]) -> Linked {
        let linkage = Linkage::shipped().unwrap();
        let record = |i: usize| Record {
            id: format!("r{i}"),
            source: "s".into(),
            agency: "police".into(),
            content_digest: 1,
            rows: (i as u32, 1),
        };
        Linked {
            records: (0..group.len()).map(record).collect(),
            group: group.to_vec(),
            best: vec![0.0; group.len()],
            pairs: Vec::new(),
            weights: Weights::default(),
            store: None,
            model: Model::learn(&linkage, &[], &[], 1.0, 1.0, None, Present::default()),
            rules: Vec::new(),
            candidates: 0,
            total: 1.0,
            learned: true,
            unchanged: vec![false; group.len()],
            empty: 0,
            shared_numbers: 0,
            forbidden: 0,
            unexpected_duplicates: BTreeMap::new(),
        }
    }

    fn known(keys: &[&str]) -> PreviousLinks {
        let judged =
            |key: &str| PreviousLink { key: key.to_owned(), content_digest: 1, linked_by: "single".to_owned() };
        keys.iter().enumerate().filter(|(_, k)| !k.is_empty()).map(|(i, k)| (format!("r{i}"), judged(k))).collect()
    }

    fn check(group: &[u32], before: &[&str], keys: &[(u32, &str)], events: &[(&str, &str, Option<&str>)]) {
        let got = assign(&found(group), &known(before), &Gone::new(), |id| format!("new-{id}"));
        let expected: BTreeMap<u32, String> = keys.iter().map(|(g, k)| (*g, (*k).to_owned())).collect();
        assert_eq!(got.keys, expected);
        let seen: Vec<_> =
            got.changes.iter().map(|c| (c.event, c.person_key.as_str(), c.other_key.as_deref())).collect();
        assert_eq!(seen, events);
    }

    #[test]
    fn people_are_born_kept_joined_merged_split_and_ended() {
        check(&[0, 0, 2], &[], &[(0, "new-r0"), (2, "new-r2")], &[]);
        check(&[0, 0, 2], &["a", "a", "b"], &[(0, "a"), (2, "b")], &[]);
        check(&[0, 0, 0], &["a", "a", ""], &[(0, "a")], &[]);
        check(&[0, 0, 0], &["a", "b", "b"], &[(0, "b")], &[("merged", "a", Some("b"))]);
        check(&[0, 0, 2], &["a", "a", "a"], &[(0, "a"), (2, "new-r2")], &[("split", "a", Some("new-r2"))]);
        check(&[0], &["a", "z"], &[(0, "a")], &[("ended", "z", None)]);
    }

    #[test]
    fn a_split_piece_that_joins_another_person_takes_that_key() {
        check(&[0, 0, 2, 2], &["a", "a", "a", "b"], &[(0, "a"), (2, "b")], &[("split", "a", Some("b"))]);
    }

    #[test]
    fn a_person_whose_records_return_is_the_same() {
        let mint = |id: &str| format!("new-{id}");
        // r0 and r1 are `a`, r2 is `b`; then r2 goes, then it returns.
        let without = found(&[0, 0]);
        let ended = assign(&without, &known(&["a", "a", "b"]), &Gone::new(), mint);
        assert_eq!(ended.changes.iter().map(|c| c.event).collect::<Vec<_>>(), ["ended"]);
        let gone = gone_now(&without, &known(&["a", "a", "b"]), Gone::new());
        assert_eq!(gone, Gone::from([("r2".to_owned(), "b".to_owned())]));
        let with = found(&[0, 0, 2]);
        let back = assign(&with, &known(&["a", "a"]), &gone, mint);
        assert_eq!(back.keys, BTreeMap::from([(0, "a".to_owned()), (2, "b".to_owned())]));
        assert_eq!((back.changes[0].event, back.changes[0].person_key.as_str(), back.born), ("returned", "b", 0));
        assert!(gone_now(&with, &known(&["a", "a"]), gone).is_empty());
    }
}
