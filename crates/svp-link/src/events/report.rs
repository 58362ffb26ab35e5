//! What event matching did, in numbers.

/// One level of one pair of sources. Counts of matches.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelReport {
    /// Name.
    pub name: String,
    /// Least probability of a match.
    pub probability: f64,
    /// Matches that reach the level.
    pub matches: u64,
    /// Matches that the same rules give where no pair can be true: the mean over the moved lists, scaled to the time that
    /// the lists cover.
    pub moved: f64,
    /// How many of the matches are chance.
    pub by_chance: f64,
    /// Their share, 0 to 1; `None` where there are too few matches to tell.
    pub chance_share: Option<f64>,
    /// Share of the true pairs (`PairReport::expected`) that the level finds, 0 to 1; `None` where there are too few matches
    /// to tell.
    pub found_share: Option<f64>,
}

/// One source of the police and one of hospitals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairReport {
    /// Source of the police.
    pub police_source: String,
    /// Source of the hospitals.
    pub health_source: String,
    /// Events of the police in scope.
    pub police: u64,
    /// Events of the hospitals in scope.
    pub health: u64,
    /// Pairs that could be one incident.
    pub pairs: u64,
    /// Pairs of the moved lists together.
    pub moved_pairs: u64,
    /// True pairs: pairs that are not unlikely, less what chance gives of the same patterns. Not counted one to one.
    pub expected: f64,
    /// Levels, the strictest first; none where there was too little to learn from.
    pub levels: Vec<LevelReport>,
}

/// What event matching did. Empty where there are no events of both sides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventReport {
    /// Pairs of sources, by name.
    pub pairs: Vec<PairReport>,
}

impl EventReport {
    /// One line for each pair of sources, for whoever watches the run.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.pairs
            .iter()
            .map(|p| {
                let start = format!(
                    "{} with {}: {} crimes, {} attendances",
                    p.police_source, p.health_source, p.police, p.health
                );
                if p.levels.is_empty() {
                    return format!("{start}; too few pairs to learn from, nothing matched");
                }
                let levels: Vec<String> = p
                    .levels
                    .iter()
                    .map(|l| format!("{} {} ({:.0} by chance)", l.name, l.matches, l.by_chance))
                    .collect();
                format!("{start}, {:.0} pairs expected to be one; matched: {}", p.expected, levels.join(", "))
            })
            .collect()
    }
}
