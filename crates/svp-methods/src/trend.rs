//! Is it rising? Mann and Kendall's test, Sen's slope, and what a cell has been over time.

use crate::normal::two_sided;

/// Mann and Kendall's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannKendall {
    /// Pairs that rise - pairs that fall.
    pub s: f64,
    /// Its variance without a trend, corrected for ties.
    pub var: f64,
    /// (s ∓ 1) / root of var: above 0 for a rise; 0 where s is 0.
    pub z: f64,
    /// Two-sided p of z.
    pub p_two: f64,
    /// s over the number of pairs, -1..=1 (tau a).
    pub tau: f64,
}

/// Mann and Kendall's test for a monotonic trend of values in order of time; no straight line and no distribution is assumed, but the
/// values must not depend on each other. The normal approximation is good from about ten values on.
///
/// `None` for fewer than two values or one that is not finite. Where all are equal, z is 0 and p 1.
/// Mann 1945; Kendall 1975; Python's `pymannkendall` (`original_test`).
///
/// ```
/// use svp_methods::trend::mann_kendall;
/// // Violence with injury in eight quarters: 25 pairs rise and 3 fall. pymannkendall: original_test(counts).
/// let found = mann_kendall(&[12.0, 15.0, 14.0, 18.0, 17.0, 21.0, 19.0, 24.0]).unwrap();
/// assert_eq!(found.s, 22.0);
/// assert!((found.z - 2.598_076).abs() < 1e-6 && (found.p_two - 0.009_375).abs() < 1e-6);
/// assert!((found.tau - 22.0 / 28.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn mann_kendall(values: &[f64]) -> Option<MannKendall> {
    let n = values.len();
    if n < 2 || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let mut s = 0i64;
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            s += i64::from(b > a) - i64::from(b < a);
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|tied| spread(tied.len() as f64)).sum();
    let var = (spread(n as f64) - ties) / 18.0;
    let s = s as f64;
    // The correction for continuity; all equal values have s = 0.
    let z = if s == 0.0 { 0.0 } else { (s - s.signum()) / var.sqrt() };
    let pairs = (n * (n - 1)) as f64 / 2.0;
    Some(MannKendall { s, var, z, p_two: two_sided(z), tau: s / pairs })
}

/// A line through values in order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SenSlope {
    /// Change for each step of time.
    pub slope: f64,
    /// Value at the first time (time 0).
    pub intercept: f64,
}

/// Sen's slope: the median slope of all pairs, and the line with it through the median value at the median time.
///
/// `None` for fewer than two values or one that is not finite. Sen 1968; intercept after Conover, as `pymannkendall` has it.
///
/// ```
/// use svp_methods::trend::{SenSlope, sen_slope};
/// // One and a half more each quarter. pymannkendall: sens_slope(counts).
/// let found = sen_slope(&[12.0, 15.0, 14.0, 18.0, 17.0, 21.0, 19.0, 24.0]);
/// assert_eq!(found, Some(SenSlope { slope: 1.5, intercept: 12.25 }));
/// ```
#[must_use]
pub fn sen_slope(values: &[f64]) -> Option<SenSlope> {
    let n = values.len();
    if n < 2 || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for (i, a) in values.iter().enumerate() {
        slopes.extend(values[i + 1..].iter().enumerate().map(|(step, b)| (b - a) / (step + 1) as f64));
    }
    let slope = median(&mut slopes);
    let intercept = median(&mut values.to_vec()) - (n - 1) as f64 / 2.0 * slope;
    (slope.is_finite() && intercept.is_finite()).then_some(SenSlope { slope, intercept })
}

/// Sen's slope of values at uneven times: the median change for one step of time, of all pairs.
///
/// `None` where the lists differ in length, for fewer than two values, or where times do not rise or a number is not finite. Sen 1968.
///
/// ```
/// use svp_methods::trend::sen_slope_at;
/// // Nobody knows the third month. The slopes of the pairs are 2.5, 2.67, 3, 3, 3 and 4.
/// assert_eq!(sen_slope_at(&[1.0, 2.0, 4.0, 5.0], &[12.0, 15.0, 20.0, 24.0]), Some(3.0));
/// ```
#[must_use]
pub fn sen_slope_at(times: &[f64], values: &[f64]) -> Option<f64> {
    let rising = times.windows(2).all(|pair| pair[0] < pair[1]);
    if times.len() != values.len() || values.len() < 2 || !rising || !times.iter().chain(values).all(|v| v.is_finite())
    {
        return None;
    }
    let at: Vec<(f64, f64)> = times.iter().copied().zip(values.iter().copied()).collect();
    let mut slopes: Vec<f64> = Vec::with_capacity(at.len() * (at.len() - 1) / 2);
    for (i, (t, a)) in at.iter().enumerate() {
        slopes.extend(at[i + 1..].iter().map(|(u, b)| (b - a) / (u - t)));
    }
    Some(median(&mut slopes)).filter(|slope| slope.is_finite())
}

/// The median of at least one value.
fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    values.sort_unstable_by(f64::total_cmp);
    if n % 2 == 1 { values[n / 2] } else { values[n / 2 - 1].midpoint(values[n / 2]) }
}

/// What a cell has been over the periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// In nearly all periods.
    Persistent,
    /// Recently, and not before.
    Emerging,
    /// Before, and not recently.
    Former,
    /// Now and then.
    Intermittent,
    /// Hardly ever.
    NoPattern,
}

impl Pattern {
    /// The word for it.
    ///
    /// ```
    /// use svp_methods::trend::Pattern;
    /// assert_eq!(Pattern::Emerging.word(), "emerging");
    /// assert_eq!(Pattern::NoPattern.word(), "no pattern");
    /// ```
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Emerging => "emerging",
            Self::Former => "former",
            Self::Intermittent => "intermittent",
            Self::NoPattern => "no pattern",
        }
    }
}

/// Shares by which patterns are told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatternRules {
    /// A p below this is significant.
    pub critical_p: f64,
    /// Significant in at least this share of the periods: persistent.
    pub persistent: f64,
    /// Significant in at least this share of some periods: a hot spot in these.
    pub hotspot: f64,
    /// The last periods that are recent, as a share.
    pub recent: f64,
}

impl Default for PatternRules {
    /// Those of `sfhotspot`: 0.05, 0.8, 0.1, 0.2.
    fn default() -> Self {
        Self { critical_p: 0.05, persistent: 0.8, hotspot: 0.1, recent: 0.2 }
    }
}

/// The patterns of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellPattern {
    /// As a hot spot.
    pub hot: Pattern,
    /// As a cold spot.
    pub cold: Pattern,
}

/// What a cell was, from its Gi* (z, p) in each period, in order of time; `None` is a period without an answer, which counts as not significant.
///
/// The rules are those that `sfhotspot` documents for `hotspot_classify`, taken in this order:
/// persistent, significant in `persistent` of all periods; emerging, in `hotspot` of the recent periods and in fewer of the older ones;
/// former, the other way round; intermittent, in `hotspot` of all periods; else no pattern. Recent are the last `recent` of the
/// periods, rounded down, at least one. (Its code takes one period more for recent, and asks an emerging cell for 0.2.)
///
/// p should have been adjusted for the number of cells, see [`crate::fdr`]. `None` for fewer than two periods, or where no
/// older period is left. After Chainey 2020, *Understanding crime*.
///
/// ```
/// use svp_methods::trend::{CellPattern, Pattern, PatternRules, classify_cell};
/// // z of Gi* and its adjusted p in ten months: cold at first, nothing for long, hot in the last two.
/// let mut months = [Some((0.4, 0.7)); 10];
/// months[0] = Some((-2.9, 0.01));
/// months[8] = Some((3.1, 0.004));
/// months[9] = Some((2.8, 0.01));
/// let found = classify_cell(&months, &PatternRules::default());
/// assert_eq!(found, Some(CellPattern { hot: Pattern::Emerging, cold: Pattern::Former }));
/// ```
#[must_use]
pub fn classify_cell(periods: &[Option<(f64, f64)>], rules: &PatternRules) -> Option<CellPattern> {
    let significant = |hot: bool| -> Vec<bool> {
        let is = |(z, p): &(f64, f64)| *p < rules.critical_p && if hot { *z > 0.0 } else { *z < 0.0 };
        periods.iter().map(|period| period.as_ref().is_some_and(is)).collect()
    };
    Some(CellPattern {
        hot: classify_flags(&significant(true), rules)?,
        cold: classify_flags(&significant(false), rules)?,
    })
}

/// [`classify_cell`] from whether a cell was a hot spot in each period, by whatever rule.
///
/// ```
/// use svp_methods::trend::{Pattern, PatternRules, classify_flags};
/// let of = |months: &str| classify_flags(&months.chars().map(|c| c == '#').collect::<Vec<_>>(), &PatternRules::default());
/// assert_eq!(of("####.#####"), Some(Pattern::Persistent));
/// assert_eq!(of("........##"), Some(Pattern::Emerging));
/// assert_eq!(of("###......."), Some(Pattern::Former));
/// assert_eq!(of("#...#....#"), Some(Pattern::Intermittent));
/// ```
#[must_use]
pub fn classify_flags(periods: &[bool], rules: &PatternRules) -> Option<Pattern> {
    let n = periods.len();
    // 0.2 of 5 periods is 1, however the product rounds.
    let recent = ((n as f64 * rules.recent * (1.0 + 1e-12)) as usize).max(1);
    if n < 2 || recent >= n {
        return None;
    }
    let share =
        |periods: &[bool]| periods.iter().filter(|hot| **hot).count() as f64 / periods.len() as f64 * (1.0 + 1e-12);
    let (older, newer) = periods.split_at(n - recent);
    let (all, older, newer) = (share(periods), share(older), share(newer));
    Some(if all >= rules.persistent {
        Pattern::Persistent
    } else if newer >= rules.hotspot && older < rules.hotspot {
        Pattern::Emerging
    } else if older >= rules.hotspot && newer < rules.hotspot {
        Pattern::Former
    } else if all >= rules.hotspot {
        Pattern::Intermittent
    } else {
        Pattern::NoPattern
    })
}

/// Three classes for a plan of patrols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Course {
    /// Hot in at least four of five periods.
    Persistent,
    /// Not that, but hot in a recent period, and rising: Mann and Kendall's z above 0 with p below the critical one.
    Emerging,
    /// Hot in some period.
    Sporadic,
    /// Never hot.
    Never,
}

/// Persistent, emerging, sporadic or never: from whether a cell was hot in each period, and its values (z of Gi*, counts) in the same periods.
///
/// A rule of ours with the shares of [`PatternRules`], and a trend test where those only compare shares; it takes the first class that
/// fits. `None` where the lengths differ, for fewer than two periods, and where a value is not finite.
///
/// ```
/// use svp_methods::trend::{Course, PatternRules, course};
/// let counts = [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 6.0, 7.0, 9.0];
/// let (mut hot, rules) = ([false; 10], PatternRules::default());
/// assert_eq!(course(&hot, &counts, &rules), Some(Course::Never));
/// hot[9] = true;
/// assert_eq!(course(&hot, &counts, &rules), Some(Course::Emerging), "hot now, and rising");
/// assert_eq!(course(&hot, &[3.0; 10], &rules), Some(Course::Sporadic), "hot now, and flat");
/// ```
#[must_use]
pub fn course(hot: &[bool], values: &[f64], rules: &PatternRules) -> Option<Course> {
    let n = hot.len();
    let trend = mann_kendall(values).filter(|_| values.len() == n)?;
    let recent = ((n as f64 * rules.recent * (1.0 + 1e-12)) as usize).clamp(1, n);
    let share = hot.iter().filter(|h| **h).count() as f64 / n as f64 * (1.0 + 1e-12);
    Some(if share >= rules.persistent {
        Course::Persistent
    } else if hot[n - recent..].contains(&true) && trend.z > 0.0 && trend.p_two < rules.critical_p {
        Course::Emerging
    } else if hot.contains(&true) {
        Course::Sporadic
    } else {
        Course::Never
    })
}

/// How long a cell has been at the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Persistence {
    /// Periods.
    pub periods: usize,
    /// Periods at the top.
    pub held: usize,
    /// Share of the periods at the top.
    pub share: f64,
    /// Longest run of periods at the top.
    pub longest: usize,
    /// Run of periods at the top that reaches to the last period; 0 where it is not at the top now.
    pub current: usize,
}

/// Persistence of a cell, from whether it was among the top cells in each period, in order of time. `None` without a period.
///
/// ```
/// use svp_methods::trend::persistence;
/// let found = persistence(&[true, true, false, true, true, true, false, true]).unwrap();
/// assert_eq!((found.held, found.share, found.longest, found.current), (6, 0.75, 3, 1));
/// ```
#[must_use]
pub fn persistence(top: &[bool]) -> Option<Persistence> {
    let held = top.iter().filter(|t| **t).count();
    let longest = top.split(|t| !t).map(<[bool]>::len).max().unwrap_or(0);
    let current = top.iter().rev().take_while(|t| **t).count();
    let share = held as f64 / top.len() as f64;
    (!top.is_empty()).then_some(Persistence { periods: top.len(), held, share, longest, current })
}

/// Whether each cell is among the `n` largest of a period. A cell without anything never is; of equal ones the earlier comes first, and
/// what is not a number comes last.
///
/// ```
/// use svp_methods::trend::top_flags;
/// assert_eq!(top_flags(&[4.0, 9.0, 0.0, 7.0], 2), [false, true, false, true]);
/// assert_eq!(top_flags(&[4.0, 0.0], 2), [true, false], "where nothing happened is never the top");
/// ```
#[must_use]
pub fn top_flags(values: &[f64], n: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..values.len()).filter(|i| values[*i] > 0.0).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let mut flags = vec![false; values.len()];
    order.into_iter().take(n).for_each(|i| flags[i] = true);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn as_pymannkendall_says() {
        let values = [3.0, 5.0, 4.0, 8.0, 8.0, 7.0, 9.0, 12.0, 9.0, 15.0];
        let found = mann_kendall(&values).unwrap();
        let slope = sen_slope(&values).unwrap();
        // pymannkendall 1.4.3, original_test: s, var_s, z, p, Tau, slope, intercept
        let expected: [f64; 7] = PYMK;
        for (found, expected) in [found.s, found.var, found.z, found.p_two, found.tau, slope.slope, slope.intercept]
            .into_iter()
            .zip(expected)
        {
            close(found, expected);
        }
    }

    const PYMK: [f64; 7] =
        [35.0, 123.0, 3.06567675786927, 0.0021717796556988134, 0.7777777777777778, 1.1666666666666667, 2.75];

    #[test]
    fn flat_and_short() {
        let flat = mann_kendall(&[2.0; 6]).unwrap();
        assert_eq!((flat.s, flat.z, flat.p_two, flat.tau), (0.0, 0.0, 1.0, 0.0));
        assert_eq!(sen_slope(&[2.0; 6]), Some(SenSlope { slope: 0.0, intercept: 2.0 }));
        assert_eq!(mann_kendall(&[1.0]), None);
        assert_eq!(mann_kendall(&[1.0, f64::NAN]), None);
        assert_eq!(sen_slope(&[]), None);
        assert_eq!(sen_slope(&[1.0, f64::INFINITY]), None);
        // Two more each month, also over a month that nobody knows.
        assert_eq!(sen_slope_at(&[1.0, 2.0, 4.0, 5.0], &[2.0, 4.0, 8.0, 10.0]), Some(2.0));
        assert_eq!(sen_slope(&[2.0, 4.0, 8.0, 10.0]).map(|line| line.slope), Some(2.833_333_333_333_333));
        assert_eq!(sen_slope_at(&[1.0, 1.0], &[2.0, 4.0]), None);
        assert_eq!(sen_slope_at(&[1.0], &[2.0, 4.0]), None);
    }

    fn pattern(periods: &str) -> Option<Pattern> {
        classify_flags(&periods.chars().map(|c| c == '#').collect::<Vec<_>>(), &PatternRules::default())
    }

    #[test]
    fn patterns() {
        assert_eq!(pattern("########.."), Some(Pattern::Persistent));
        assert_eq!(pattern(".........#"), Some(Pattern::Emerging));
        assert_eq!(pattern("........##"), Some(Pattern::Emerging));
        assert_eq!(pattern("#........."), Some(Pattern::Former));
        assert_eq!(pattern("#.#.#...#."), Some(Pattern::Intermittent));
        assert_eq!(pattern(".........."), Some(Pattern::NoPattern));
        assert_eq!(pattern("#..................."), Some(Pattern::NoPattern), "one of twenty");
        assert_eq!(pattern(".#"), Some(Pattern::Emerging));
        assert_eq!(pattern("#"), None);
        assert_eq!(pattern(""), None);
    }

    #[test]
    fn hot_and_cold() {
        let hot = Some((3.0, 0.01));
        let cold = Some((-3.0, 0.01));
        let found = classify_cell(
            &[cold, cold, cold, cold, None, None, Some((3.0, 0.2)), None, hot, hot],
            &PatternRules::default(),
        );
        assert_eq!(found, Some(CellPattern { hot: Pattern::Emerging, cold: Pattern::Former }));
        assert_eq!(found.unwrap().hot.word(), "emerging");
    }

    #[test]
    fn courses() {
        let rules = PatternRules::default();
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let of = |hot: &str, values: &[f64]| course(&hot.chars().map(|c| c == '#').collect::<Vec<_>>(), values, &rules);
        assert_eq!(of("########..", &rising), Some(Course::Persistent));
        assert_eq!(of("........##", &rising), Some(Course::Emerging));
        assert_eq!(of("........##", &[1.0; 10]), Some(Course::Sporadic), "no trend");
        assert_eq!(of("##........", &rising), Some(Course::Sporadic), "not now");
        assert_eq!(of("..........", &rising), Some(Course::Never));
        assert_eq!(of("..", &rising), None);
    }

    #[test]
    fn runs() {
        let found = persistence(&[true, true, false, true, true, true, false, true]).unwrap();
        assert_eq!((found.periods, found.held, found.share, found.longest, found.current), (8, 6, 0.75, 3, 1));
        assert_eq!(persistence(&[]), None);
        assert_eq!(top_flags(&[1.0, 5.0, 0.0, 5.0, f64::NAN], 2), [false, true, false, true, false]);
        assert_eq!(top_flags(&[1.0, 0.0], 2), [true, false], "nothing is never at the top");
    }

    proptest! {
        /// Turned round, the trend turns its sign; stretched and moved, it stays.
        #[test]
        fn it_turns(values in prop::collection::vec(0u8..20, 2..40)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let found = mann_kendall(&values).unwrap();
            let back = mann_kendall(&values.iter().rev().copied().collect::<Vec<_>>()).unwrap();
            prop_assert_eq!((found.s, found.var), (-back.s, back.var));
            let moved = mann_kendall(&values.iter().map(|v| 3.0 * v - 7.0).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(found, moved);
            prop_assert!(found.tau.abs() <= 1.0 && found.p_two > 0.0 && found.p_two <= 1.0);
        }
    }
}
