//! Weights of an event that is spread over hours or cells: whole millionths that sum to exactly one event.

/// Sum of the weights of one event, in millionths.
pub const WHOLE: i64 = 1_000_000;

/// Splits [`WHOLE`] in proportion to `parts` (minutes, points), by largest remainder; of equal remainders the earlier part wins. `None`
/// where the parts sum to nothing.
pub(crate) fn split(parts: &[i64]) -> Option<Vec<i64>> {
    let total: i64 = parts.iter().sum();
    if total <= 0 {
        return None;
    }
    let mut weights: Vec<i64> = parts.iter().map(|part| WHOLE * part / total).collect();
    let mut by_loss: Vec<(i64, usize)> =
        parts.iter().enumerate().map(|(index, part)| (-(WHOLE * part % total), index)).collect();
    by_loss.sort_unstable();
    let left = WHOLE - weights.iter().sum::<i64>();
    for (_, index) in by_loss.into_iter().take(usize::try_from(left).unwrap_or_default()) {
        weights[index] += 1;
    }
    Some(weights)
}
