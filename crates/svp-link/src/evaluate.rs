//! How right the linkage is, where the truth is known.
//!
//! Pairwise precision and recall are of pairs of records: of scored pairs at each threshold ("raw"), and of all pairs inside
//! the groups ("closed"). B-cubed (Bagga and Baldwin 1998) is the mean over records of how pure and how whole the group of
//! each is.

use std::collections::{BTreeMap, HashMap};

use crate::linked::Linked;

/// Precision, recall, and their harmonic mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
}

impl Score {
    fn of(right: f64, said: f64, true_: f64) -> Self {
        let share = |n: f64, of: f64| if of > 0.0 { n / of } else { 0.0 };
        Self { precision: share(right, said), recall: share(right, true_) }
    }

    /// F1.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

/// All measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// Records whose truth is known; the others are left out.
    pub records: u64,
    /// True pairs.
    pub true_pairs: u64,
    /// Share of the true pairs that some rule proposed.
    pub proposed: f64,
    /// Raw pairs at their best threshold, and that threshold in bits.
    pub raw_best: (Score, f64),
    /// Raw pairs at the threshold that was chosen without the truth.
    pub raw_chosen: Score,
    /// All pairs inside groups.
    pub closed: Score,
    /// B-cubed.
    pub b_cubed: Score,
    /// Closed pairs by the sources of their two records.
    pub by_sources: BTreeMap<(String, String), (Score, u64)>,
}

/// Measures what was found against `truth` (id of a record → its true person). `threshold` is in bits. All pairs must have been kept.
#[must_use]
pub fn evaluate(found: &Linked, truth: &HashMap<String, String>, threshold: f64) -> Evaluation {
    let mut number: HashMap<&str, u32> = HashMap::new();
    let of: Vec<Option<u32>> = found
        .records
        .iter()
        .map(|r| {
            let person = truth.get(&r.id)?;
            let next = number.len() as u32;
            Some(*number.entry(person).or_insert(next))
        })
        .collect();
    let mut out = Evaluation { records: of.iter().flatten().count() as u64, ..Evaluation::default() };
    let sources: Vec<&str> = found.records.iter().map(|r| r.source.as_str()).collect();
    let by_true = tally(of.iter().copied(), &of, &sources);
    let by_group = tally(found.group.iter().map(|g| Some(*g)), &of, &sources);
    let both = found.group.iter().zip(&of).map(|(g, t)| t.map(|t| (*g, t)));
    let by_both = tally(both, &of, &sources);
    let all = |t: &BTreeMap<(String, String), f64>| t.values().sum::<f64>();
    let true_pairs = all(&by_true);
    out.true_pairs = true_pairs as u64;
    out.closed = Score::of(all(&by_both), all(&by_group), true_pairs);
    for (sources, n) in &by_true {
        let at = |t: &BTreeMap<(String, String), f64>| t.get(sources).copied().unwrap_or_default();
        out.by_sources.insert(sources.clone(), (Score::of(at(&by_both), at(&by_group), *n), *n as u64));
    }

    let mut pairs: Vec<(f32, bool)> =
        found.pairs.iter().filter_map(|p| Some((p.weight, of[p.a as usize]? == of[p.b as usize]?))).collect();
    pairs.sort_unstable_by(|x, y| y.0.total_cmp(&x.0));
    let (mut right, mut best) = (0.0, 0.0);
    for (i, (w, is)) in pairs.iter().enumerate() {
        right += f64::from(u8::from(*is));
        if pairs.get(i + 1).is_some_and(|next| next.0 == *w) {
            continue;
        }
        let score = Score::of(right, (i + 1) as f64, true_pairs);
        if score.f1() > best {
            best = score.f1();
            out.raw_best = (score, f64::from(*w));
        }
        if f64::from(*w) > threshold {
            out.raw_chosen = score;
        }
    }
    out.proposed = if true_pairs > 0.0 { right / true_pairs } else { 0.0 };

    let (mut groups, mut people, mut joint) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (g, t) in found.group.iter().zip(&of) {
        if let Some(t) = t {
            *groups.entry(*g).or_insert(0.0) += 1.0;
            *people.entry(*t).or_insert(0.0) += 1.0;
            *joint.entry((*g, *t)).or_insert(0.0) += 1.0;
        }
    }
    let mut cells: Vec<((u32, u32), f64)> = joint.into_iter().collect();
    cells.sort_by_key(|c| c.0);
    let n = out.records.max(1) as f64;
    let mean = |of: &dyn Fn(u32, u32) -> f64| cells.iter().map(|((g, t), x)| x * x / of(*g, *t)).sum::<f64>() / n;
    out.b_cubed = Score { precision: mean(&|g, _| groups[&g]), recall: mean(&|_, t| people[&t]) };
    out
}

/// Pairs of records with the same label, by their sources; records without truth are left out.
fn tally<L: std::hash::Hash + Eq>(
    labels: impl Iterator<Item = Option<L>>,
    of: &[Option<u32>],
    sources: &[&str],
) -> BTreeMap<(String, String), f64> {
    let mut groups: HashMap<L, BTreeMap<&str, f64>> = HashMap::new();
    for ((label, truth), source) in labels.zip(of).zip(sources) {
        if let (Some(label), Some(_)) = (label, truth) {
            *groups.entry(label).or_default().entry(source).or_default() += 1.0;
        }
    }
    let mut out = BTreeMap::new();
    for counts in groups.values() {
        for (a, x) in counts {
            for (b, y) in counts.range(*a..) {
                let pairs = if a == b { x * (x - 1.0) / 2.0 } else { x * y };
                if pairs > 0.0 {
                    *out.entry(((*a).to_owned(), (*b).to_owned())).or_insert(0.0) += pairs;
                }
            }
        }
    }
    out
}
