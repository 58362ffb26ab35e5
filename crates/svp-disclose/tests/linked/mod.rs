//! Random linked tables: counts as they are in sparse crime tables, with margins and hierarchies.

use svp_contract::DefinitionId;
use svp_disclose::event_set::EventSet;
use svp_disclose::relate::{Dim, Hierarchies, Published, Row, Table};

/// A small generator of random numbers (splitmix64): the same seed gives the same tables everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n.max(1)
    }

    /// A sparse count: many zeros and small numbers, a few large ones.
    pub fn count(&mut self) -> i64 {
        match self.below(10) {
            0..=1 => 0,
            2..=5 => 1 + self.below(7) as i64,
            6..=8 => 8 + self.below(30) as i64,
            _ => 40 + self.below(400) as i64,
        }
    }
}

/// The rule of a random table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Counts from 1 to one less are suppressed.
    pub suppress_below: i64,
    /// Others are rounded to the nearest multiple.
    pub round_to: i64,
}

impl Rule {
    /// What is printed for a count.
    pub fn published(&self, count: i64) -> Published {
        if count > 0 && count < self.suppress_below {
            return Published::Suppressed { primary: true };
        }
        let (below, above) = if self.round_to > 1 { (self.round_to / 2, (self.round_to + 1) / 2 - 1) } else { (0, 0) };
        if count == 0 {
            return Published::Shown(0.0, 0.0);
        }
        let shown = (count + self.round_to / 2) / self.round_to * self.round_to;
        Published::Shown((shown - below).max(self.suppress_below) as f64, (shown + above) as f64)
    }
}

/// The set of events that random tables count.
pub fn event_set() -> EventSet {
    EventSet {
        area: "test".into(),
        area_parts: vec!["a".into()],
        definition: DefinitionId { name: "test".into(), digest: "0".into() },
        universe: "all".into(),
        from: "2024-01".into(),
        to: "2024-12".into(),
        data: "0".into(),
    }
}

/// Knows that member `g.3` of the kind `group` holds `m.3.*` of the kind `member`, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct TwoLevels;

impl Hierarchies for TwoLevels {
    fn parents(&self, kind: &str, member: &str) -> Vec<(String, String)> {
        let group = member.split('.').nth(1).unwrap_or_default();
        if kind == "member" { vec![("group".into(), format!("g.{group}"))] } else { Vec::new() }
    }
}

/// A table over the given dimensions (kind and members) of a dense body of counts in row-major order, with every
/// margin where `margins` is set: the member `all` stands for the total of a dimension.
pub fn table(name: &str, dims: &[(&str, Vec<String>)], body: &[i64], rule: Rule, margins: bool) -> Table {
    let sizes: Vec<usize> = dims.iter().map(|d| d.1.len()).collect();
    let mut rows = Vec::new();
    let patterns = if margins { 1usize << dims.len() } else { 1 };
    for pattern in 0..patterns {
        let mut sums: std::collections::BTreeMap<Vec<usize>, i64> = std::collections::BTreeMap::new();
        for (i, count) in body.iter().enumerate() {
            let mut rest = i;
            let mut at = vec![0; sizes.len()];
            for d in (0..sizes.len()).rev() {
                at[d] = rest % sizes[d];
                rest /= sizes[d];
            }
            for (d, place) in at.iter_mut().enumerate() {
                if pattern & (1 << d) != 0 {
                    *place = usize::MAX;
                }
            }
            *sums.entry(at).or_default() += count;
        }
        for (at, count) in sums {
            let member = |(d, i): (usize, &usize)| {
                if *i == usize::MAX { "all".to_owned() } else { dims[d].1[*i].clone() }
            };
            let members = at.iter().enumerate().map(member).collect();
            rows.push(Row { members, value: Some(count as f64), published: rule.published(count) });
        }
    }
    Table {
        name: name.into(),
        release: 1,
        earlier: false,
        set: event_set(),
        measure: "events".into(),
        part_of: Vec::new(),
        ties: Vec::new(),
        dims: dims.iter().map(|d| Dim { kind: d.0.into(), total: Some("all".into()) }).collect(),
        suppress_below: rule.suppress_below,
        fractional: false,
        merged: false,
        rows,
    }
}

/// Members of a kind, in groups: `m.0.0`, `m.0.1`, … `m.1.0`, …
pub fn grouped(groups: usize, each: usize) -> Vec<String> {
    (0..groups).flat_map(|g| (0..each).map(move |m| format!("m.{g}.{m}"))).collect()
}

/// Members without groups.
pub fn plain(prefix: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{prefix}{i}")).collect()
}

/// Random linked tables: two tables that share a margin, one of them over a hierarchy, all with all margins.
pub fn linked(seed: u64) -> (Vec<Table>, Rule) {
    let mut random = Random::new(seed);
    let rule = Rule { suppress_below: 3 + random.below(8) as i64, round_to: [1, 1, 3, 5][random.below(4) as usize] };
    let (groups, each) = (2 + random.below(2) as usize, 2 + random.below(2) as usize);
    let (months, kinds) = (2 + random.below(3) as usize, 2 + random.below(3) as usize);
    let members = grouped(groups, each);
    // One body over members × months × kinds; each table sums over what it does not show.
    let body: Vec<i64> = (0..members.len() * months * kinds).map(|_| random.count()).collect();
    let at = |m: usize, t: usize, k: usize| body[(m * months + t) * kinds + k];
    let by_month: Vec<i64> = (0..members.len())
        .flat_map(|m| (0..months).map(move |t| (m, t)))
        .map(|(m, t)| (0..kinds).map(|k| at(m, t, k)).sum())
        .collect();
    let by_kind: Vec<i64> = (0..groups)
        .flat_map(|g| (0..kinds).map(move |k| (g, k)))
        .map(|(g, k)| {
            (g * each..(g + 1) * each).flat_map(|m| (0..months).map(move |t| (m, t))).map(|(m, t)| at(m, t, k)).sum()
        })
        .collect();
    let cube: Vec<i64> = if random.below(3) == 0 { body.clone() } else { Vec::new() };
    let named_groups: Vec<String> = (0..groups).map(|g| format!("g.{g}")).collect();
    let mut tables = vec![
        table(
            "member_by_season",
            &[("member", members.clone()), ("season", plain("s", months))],
            &by_month,
            rule,
            true,
        ),
        table("group_by_kind", &[("group", named_groups), ("kind", plain("k", kinds))], &by_kind, rule, true),
    ];
    if !cube.is_empty() {
        let dims = [("member", members), ("season", plain("s", months)), ("kind", plain("k", kinds))];
        tables.push(table("cube", &dims, &cube, rule, true));
    }
    (tables, rule)
}
