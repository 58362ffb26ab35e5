//! How well a map foretold where crime would be.

/// How the first cells of a ranking did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Cells that were searched: the first of the ranking.
    pub cells: usize,
    /// Their area, in the unit of the areas that were given.
    pub area: f64,
    /// Their share of all area.
    pub area_share: f64,
    /// What was observed in them.
    pub observed: f64,
    /// Their share of all that was observed: the hit rate.
    pub hit_rate: f64,
    /// Predictive accuracy index: hit rate over share of area. 1 is chance.
    pub pai: f64,
    /// Predictive efficiency index: this PAI over that of the first cells of a perfect ranking. With cells of unequal area
    /// the two lists cover unequal areas, and it can be above 1.
    pub pei: Option<f64>,
    /// Recovery rate index: predicted over observed, both cumulative; read its logarithm. `None` where nothing was observed, or
    /// where the predictions are scores that go below 0.
    pub rri: Option<f64>,
}

/// The order in which cells are searched: by predicted per area, downward, of equal ones the cell with less observed first. Positions
/// of cells. The slices are of one length, their values finite.
///
/// ```
/// use svp_methods::scoring::ranking;
/// // The second and the third are foretold alike; the one where less happened is searched first.
/// assert_eq!(ranking(&[2.0, 5.0, 5.0, 0.0], &[1.0, 3.0, 0.0, 4.0], &[1.0; 4]), [2, 1, 0, 3]);
/// // Of one forecast the smaller cell is the denser.
/// assert_eq!(ranking(&[4.0, 4.0], &[1.0, 1.0], &[2.0, 1.0]), [1, 0]);
/// ```
#[must_use]
pub fn ranking(predicted: &[f64], observed: &[f64], area: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    let density = |i: usize| predicted[i] / area[i];
    order.sort_by(|a, b| density(*b).total_cmp(&density(*a)).then(observed[*a].total_cmp(&observed[*b])));
    order
}

/// PAI, PEI and RRI of the first cell of a ranking, the first two, and so on to all.
///
/// Slices with one value for each cell: predicted (a count, a rate, a score), observed (counts), area (any unit; ones for
/// equal cells). The ranking goes by predicted per area, downward; of equal ones the cell with less observed comes first, so that
/// a map gets no credit for ties. `None` where the lengths differ, nothing was observed, an area is not above 0, an observed
/// value is negative, or a value is not finite.
///
/// PAI: Chainey, Tompson and Uhlig 2008. PEI: Hunt 2016. RRI and the order: Wheeler and Steenbeek 2021, R's `ptools`.
///
/// ```
/// use svp_methods::scoring::score;
/// // Ten squares of one size: last year's counts, and what this year brought, 20 in all.
/// let predicted = [9.0, 7.0, 4.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
/// let observed = [6.0, 3.0, 4.0, 1.0, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0];
/// let two = score(&predicted, &observed, &[1.0; 10]).unwrap()[1];
/// // The first two squares hold 9 of 20 on a fifth of the ground; the best two would have held 10.
/// assert!((two.hit_rate - 0.45).abs() < 1e-12 && (two.pai - 2.25).abs() < 1e-12);
/// assert!((two.pei.unwrap() - 0.9).abs() < 1e-12);
/// assert!((two.rri.unwrap() - 16.0 / 9.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn score(predicted: &[f64], observed: &[f64], area: &[f64]) -> Option<Vec<Scored>> {
    let n = predicted.len();
    let fine = observed.len() == n
        && area.len() == n
        && predicted.iter().all(|p| p.is_finite())
        && observed.iter().all(|o| o.is_finite() && *o >= 0.0)
        && area.iter().all(|a| a.is_finite() && *a > 0.0);
    let (all, ground): (f64, f64) = (observed.iter().sum(), area.iter().sum());
    if !(fine && all > 0.0 && all.is_finite() && ground.is_finite()) {
        return None;
    }
    let order = ranking(predicted, observed, area);
    let density = |of: &[f64], i: usize| of[i] / area[i];
    let mut perfect = order.clone();
    perfect.sort_by(|a, b| density(observed, *b).total_cmp(&density(observed, *a)));
    let counts = predicted.iter().all(|p| *p >= 0.0);
    let mut sums = (0.0, 0.0, 0.0);
    let mut best = (0.0, 0.0);
    let row = |(k, (i, j)): (usize, (&usize, &usize))| {
        sums = (sums.0 + area[*i], sums.1 + observed[*i], sums.2 + predicted[*i]);
        best = (best.0 + area[*j], best.1 + observed[*j]);
        let pai = (sums.1 / all) / (sums.0 / ground);
        let best_pai = (best.1 / all) / (best.0 / ground);
        Scored {
            cells: k + 1,
            area: sums.0,
            area_share: sums.0 / ground,
            observed: sums.1,
            hit_rate: sums.1 / all,
            pai,
            pei: Some(pai / best_pai).filter(|pei| pei.is_finite()),
            rri: Some(sums.2 / sums.1).filter(|rri| counts && rri.is_finite()),
        }
    };
    Some(order.iter().zip(&perfect).enumerate().map(row).collect())
}

/// The lines of [`score`] at shares of the area: as many whole cells as fit into each share.
///
/// `None` where [`score`] has none; inside, `None` where not even the first cell fits or the share is not inside 0..=1.
///
/// ```
/// use svp_methods::scoring::score_at;
/// let predicted = [9.0, 7.0, 4.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
/// let observed = [6.0, 3.0, 4.0, 1.0, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0];
/// let rows = score_at(&predicted, &observed, &[1.0; 10], &[0.05, 0.2, 0.35]).unwrap();
/// assert_eq!(rows[0], None, "not even one square is so small");
/// assert_eq!(rows[1].unwrap().cells, 2);
/// // A third square fits, a fourth does not: 13 of 20 on 0.3 of the ground.
/// assert!((rows[2].unwrap().pai - 0.65 / 0.3).abs() < 1e-12);
/// ```
#[must_use]
pub fn score_at(predicted: &[f64], observed: &[f64], area: &[f64], shares: &[f64]) -> Option<Vec<Option<Scored>>> {
    let rows = score(predicted, observed, area)?;
    let at = |share: &f64| {
        // A share of 0.1 of ten equal cells is one cell, however its sum rounds.
        let fit = rows.partition_point(|row| row.area_share <= share * (1.0 + 1e-12));
        (fit > 0 && (0.0..=1.0).contains(share)).then(|| rows[fit - 1])
    };
    Some(shares.iter().map(at).collect())
}

/// Levine's recapture rate index: share of the later crime in the hot spots over share of the earlier crime in them. 1 where they
/// hold as much of the later crime as of that from which they were drawn. Not the RRI of [`Scored`].
///
/// `None` where a total is not above 0, the hot spots held nothing before, or more than all.
/// Levine 2008, *The "hottest" part of a hotspot: comments on "The utility of hotspot mapping for predicting spatial patterns of crime"*.
///
/// ```
/// use svp_methods::scoring::recapture_rate;
/// // The hot spots held 60 of 200 before and 48 of 180 after: 0.2667 over 0.3.
/// assert!((recapture_rate(60.0, 200.0, 48.0, 180.0).unwrap() - 8.0 / 9.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn recapture_rate(hot_before: f64, all_before: f64, hot_after: f64, all_after: f64) -> Option<f64> {
    let share = |hot: f64, all: f64| (all > 0.0 && all.is_finite() && hot >= 0.0 && hot <= all).then(|| hot / all);
    let (before, after) = (share(hot_before, all_before)?, share(hot_after, all_after)?);
    (before > 0.0).then(|| after / before)
}

/// Counts, sorted upward, and their sum: at least one cell, none negative, a sum above 0.
fn ascending(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    (values.iter().all(|v| v.is_finite() && *v >= 0.0) && sum > 0.0 && sum.is_finite()).then_some((sorted, sum))
}

/// Gini's coefficient of the counts of cells: 0 where all are equal, (n - 1) / n where one cell has all.
///
/// `None` without a cell, with a total of 0, and with a value that is negative or not finite.
///
/// ```
/// use svp_methods::scoring::gini;
/// // Five streets. By hand: 2 (3 × 1 + 4 × 3 + 5 × 6) / (5 × 10) - 6 / 5.
/// assert!((gini(&[6.0, 0.0, 3.0, 1.0, 0.0]).unwrap() - 0.6).abs() < 1e-12);
/// ```
#[must_use]
pub fn gini(values: &[f64]) -> Option<f64> {
    let (sorted, sum) = ascending(values)?;
    let n = sorted.len() as f64;
    let ranked: f64 = sorted.iter().enumerate().map(|(i, v)| (i + 1) as f64 * v).sum();
    Some(2.0 * ranked / (n * sum) - (n + 1.0) / n)
}

/// [`gini`] × n / (n - 1), which is 1 where one cell has all. `None` for a single cell.
///
/// ```
/// use svp_methods::scoring::gini_unbiased;
/// assert!((gini_unbiased(&[6.0, 0.0, 3.0, 1.0, 0.0]).unwrap() - 0.6 * 5.0 / 4.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn gini_unbiased(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    gini(values).filter(|_| n > 1.0).map(|g| g * n / (n - 1.0))
}

/// The generalised Gini coefficient G' = max(1, N / C) (G - 1) + 1 of N cells with C crimes in all.
///
/// Where there are fewer crimes than cells even the most even spread leaves cells empty, and G takes that for concentration. G'
/// measures from that spread instead. Serious violence is sparse, so this is the one to report. The values must be counts,
/// not rates. `None` as in [`gini`].
///
/// Bernasco and Steenbeek 2017, *More places than crimes: implications for evaluating the law of crime concentration at place*.
///
/// ```
/// use svp_methods::scoring::{generalised_gini, gini};
/// // Four crimes in ten streets: six streets at least must be empty.
/// let counts = [2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// assert!((gini(&counts).unwrap() - 0.75).abs() < 1e-12, "which looks concentrated");
/// // 10 / 4 × (0.75 - 1) + 1.
/// assert!((generalised_gini(&counts).unwrap() - 0.375).abs() < 1e-12);
/// ```
#[must_use]
pub fn generalised_gini(values: &[f64]) -> Option<f64> {
    let crimes: f64 = values.iter().sum();
    gini(values).map(|g| (values.len() as f64 / crimes).max(1.0) * (g - 1.0) + 1.0)
}

/// [`generalised_gini`] × m / (m - 1), where m is the smaller of cells and crimes. `None` where m is 1.
///
/// ```
/// use svp_methods::scoring::generalised_gini_unbiased;
/// let counts = [2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// // 0.375 × 4 / 3, as there are four crimes.
/// assert!((generalised_gini_unbiased(&counts).unwrap() - 0.5).abs() < 1e-12);
/// ```
#[must_use]
pub fn generalised_gini_unbiased(values: &[f64]) -> Option<f64> {
    let m = values.iter().sum::<f64>().min(values.len() as f64);
    generalised_gini(values).filter(|_| m > 1.0).map(|g| g * m / (m - 1.0))
}

/// Share of the total that the top `share` of the cells hold: as many whole cells as fit, at least one.
///
/// `None` as in [`gini`], and where the share is not above 0 and up to 1.
///
/// ```
/// use svp_methods::scoring::top_share;
/// let counts = [0.0, 50.0, 0.0, 10.0, 30.0, 0.0, 10.0, 0.0, 0.0, 0.0];
/// assert_eq!(top_share(&counts, 0.2), Some(0.8), "the two worst of ten streets hold 80 of 100");
/// ```
#[must_use]
pub fn top_share(values: &[f64], share: f64) -> Option<f64> {
    let (sorted, sum) = ascending(values)?;
    if !(share > 0.0 && share <= 1.0) {
        return None;
    }
    let cells = ((share * sorted.len() as f64 * (1.0 + 1e-12)) as usize).max(1);
    Some((sorted.iter().rev().take(cells).sum::<f64>() / sum).min(1.0))
}

/// The smallest share of the cells that holds at least `share` of the total: "half of it in 5% of the cells" (Weisburd 2015,
/// the law of crime concentration).
///
/// `None` as in [`gini`], and where the share is not above 0 and up to 1.
///
/// ```
/// use svp_methods::scoring::cells_for_share;
/// let counts = [0.0, 50.0, 0.0, 10.0, 30.0, 0.0, 10.0, 0.0, 0.0, 0.0];
/// assert_eq!(cells_for_share(&counts, 0.5), Some(0.1), "half of it in one street of ten");
/// assert_eq!(cells_for_share(&counts, 0.75), Some(0.2));
/// ```
#[must_use]
pub fn cells_for_share(values: &[f64], share: f64) -> Option<f64> {
    let (sorted, sum) = ascending(values)?;
    if !(share > 0.0 && share <= 1.0) {
        return None;
    }
    let mut held = 0.0;
    for (cells, value) in sorted.iter().rev().enumerate() {
        held += value;
        if held >= share * sum * (1.0 - 1e-12) {
            return Some((cells + 1) as f64 / sorted.len() as f64);
        }
    }
    Some(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() < within, "{a} {b}");
    }

    #[test]
    fn the_example_of_ptools() {
        let (observed, predicted) = ([6.0, 7.0, 3.0, 2.0, 1.0, 0.0], [8.0, 4.0, 4.0, 2.0, 1.0, 0.0]);
        let rows = score(&predicted, &observed, &[1.0; 6]).unwrap();
        for (row, (pai, pei, rri)) in
            rows.iter().zip([(1.8947, 0.8571, 1.3333), (1.4211, 0.6923, 1.3333), (1.6842, 1.0, 1.0)])
        {
            close(row.pai, pai, 5e-5);
            close(row.pei.unwrap(), pei, 5e-5);
            close(row.rri.unwrap(), rri, 5e-5);
        }
        let last = rows[5];
        assert_eq!((last.cells, last.hit_rate, last.area_share, last.pai, last.pei), (6, 1.0, 1.0, 1.0, Some(1.0)));
    }

    #[test]
    fn shares_of_the_area() {
        let (observed, predicted) = ([6.0, 7.0, 3.0, 2.0, 1.0, 0.0], [8.0, 4.0, 4.0, 2.0, 1.0, 0.0]);
        let at = score_at(&predicted, &observed, &[0.1; 6], &[0.1, 1.0 / 6.0, 0.5, 1.0, 1.5, f64::NAN]).unwrap();
        let cells: Vec<Option<usize>> = at.iter().map(|row| row.map(|row| row.cells)).collect();
        assert_eq!(cells, [None, Some(1), Some(3), Some(6), None, None]);
    }

    #[test]
    fn unequal_cells_go_by_density() {
        let rows = score(&[4.0, 3.0], &[1.0, 1.0], &[4.0, 1.0]).unwrap();
        close(rows[0].area_share, 0.2, 1e-12);
        close(rows[0].pai, 2.5, 1e-12);
    }

    #[test]
    fn no_answer_where_there_is_none() {
        assert_eq!(score(&[], &[], &[]), None);
        assert_eq!(score(&[1.0], &[0.0], &[1.0]), None, "nothing was observed");
        assert_eq!(score(&[1.0], &[1.0], &[0.0]), None);
        assert_eq!(score(&[1.0], &[1.0, 2.0], &[1.0]), None);
        assert_eq!(score(&[f64::NAN], &[1.0], &[1.0]), None);
        let scores = score(&[-1.0, 2.0], &[1.0, 0.0], &[1.0, 1.0]).unwrap();
        assert_eq!((scores[0].pai, scores[0].rri, scores[1].rri), (0.0, None, None), "scores are no counts");
        for f in [gini, gini_unbiased, generalised_gini, generalised_gini_unbiased] {
            for bad in [&[][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
                assert_eq!(f(bad), None, "{bad:?}");
            }
        }
        assert_eq!(gini(&[3.0]), Some(0.0));
        assert_eq!(gini_unbiased(&[3.0]), None);
        assert_eq!(generalised_gini_unbiased(&[1.0, 0.0]), None, "one crime");
        assert_eq!(top_share(&[0.0], 0.5), None);
        assert_eq!(recapture_rate(0.0, 10.0, 1.0, 10.0), None);
        assert_eq!(recapture_rate(1.0, 0.0, 1.0, 10.0), None);
    }

    #[test]
    fn the_coefficients_of_lorenzgini() {
        let crimes = |first: &[f64]| [first, &vec![0.0; 10 - first.len()]].concat();
        let ten = crimes(&[10.0, 8.0, 2.0]);
        close(gini(&ten).unwrap(), 0.78, 1e-12);
        close(generalised_gini(&ten).unwrap(), 0.78, 1e-12);
        close(generalised_gini_unbiased(&ten).unwrap(), 0.8667, 5e-5);
        let few = crimes(&[5.0, 2.0, 1.0]);
        close(gini(&few).unwrap(), 0.80, 1e-12);
        close(generalised_gini(&few).unwrap(), 0.75, 1e-12);
        close(generalised_gini_unbiased(&few).unwrap(), 0.8571, 5e-5);
        let one = crimes(&[10.0]);
        close(gini(&one).unwrap(), 0.9, 1e-12);
        close(generalised_gini(&one).unwrap(), 0.9, 1e-12);
        close(generalised_gini_unbiased(&one).unwrap(), 1.0, 1e-12);
        close(gini_unbiased(&one).unwrap(), 1.0, 1e-12);
    }

    #[test]
    fn tops_and_captures() {
        let values = [50.0, 30.0, 10.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(top_share(&values, 0.1), Some(0.5));
        assert_eq!(top_share(&values, 0.01), Some(0.5), "at least one cell");
        assert_eq!(top_share(&values, 0.3), Some(0.9));
        assert_eq!(top_share(&values, 1.0), Some(1.0));
        assert_eq!(cells_for_share(&values, 0.5), Some(0.1));
        assert_eq!(cells_for_share(&values, 0.51), Some(0.2));
        assert_eq!(cells_for_share(&values, 1.0), Some(0.4));
        close(recapture_rate(40.0, 100.0, 30.0, 100.0).unwrap(), 0.75, 1e-12);
    }

    proptest! {
        /// With equal cells no ranking beats the perfect one, and all cells together are chance.
        #[test]
        fn nothing_beats_perfection(cells in prop::collection::vec((0u8..9, 0u8..5), 1..40)) {
            let predicted: Vec<f64> = cells.iter().map(|c| c.0.into()).collect();
            let observed: Vec<f64> = cells.iter().map(|c| c.1.into()).collect();
            if let Some(rows) = score(&predicted, &observed, &vec![2.5; cells.len()]) {
                for row in &rows {
                    prop_assert!(row.pei.unwrap() <= 1.0 + 1e-12 && row.hit_rate <= 1.0 + 1e-12);
                }
                prop_assert!((rows[rows.len() - 1].pai - 1.0).abs() < 1e-12);
            }
            if let (Some(g), Some(generalised)) = (gini(&observed), generalised_gini(&observed)) {
                prop_assert!((-1e-12..1.0).contains(&g) && generalised <= g + 1e-12);
            }
        }
    }
}
