//! Ids that went through a spreadsheet: what can be taken off without loss, and what is destroyed.

/// What became of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    /// It is as the agency wrote it.
    Whole,
    /// It carried marks that say nothing; this is the id.
    Repaired(String),
    /// Digits are lost: scientific notation that does not show all of them.
    Spoilt,
}

/// The digits that a spreadsheet keeps of a number; those after them become zeros.
const KEPT_DIGITS: usize = 15;

/// Takes off what a spreadsheet puts on: outer blanks, `="…"`, a leading `'`, thousands separators, `.0`, and scientific notation
/// where its mantissa has every digit.
pub(crate) fn judge(text: &str) -> Id {
    let mut id = text.trim();
    if let Some(inner) = id.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        id = inner.trim();
    }
    if let Some(inner) = id.strip_prefix('\'').filter(|rest| !rest.trim().is_empty()) {
        id = inner.trim();
    }
    if let Some(number) = scientific(id) {
        return number.map_or(Id::Spoilt, Id::Repaired);
    }
    if let Some(number) = plain(id) {
        return Id::Repaired(number);
    }
    if id.len() == text.len() || id.is_empty() { Id::Whole } else { Id::Repaired(id.to_owned()) }
}

/// Whether nothing about a text can need [`judge`].
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    // Without an early end, so that many bytes are looked at at once.
    text.bytes().fold(true, |plain, b| plain & b.is_ascii_alphanumeric())
}

/// Whether a whole number is so long that a spreadsheet cuts it, and whether it looks cut: `None` for others.
pub(crate) fn cut(text: &str) -> Option<bool> {
    let long = text.len() > KEPT_DIGITS && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    long.then(|| text.bytes().skip(KEPT_DIGITS).all(|b| b == b'0'))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// A number in scientific notation as a spreadsheet writes it (`1.23E+11`), as all its digits, or `None` inside where some are
/// lost. An id such as `12E4` is no such number: there is neither a point nor a sign in it.
fn scientific(text: &str) -> Option<Option<String>> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let signed = exponent.starts_with(['+', '-']);
    let number = exponent.trim_start_matches(['+', '-']);
    let shaped =
        (1..=2).contains(&whole.len()) && digits(whole) && digits(decimals) && !number.is_empty() && number.len() <= 3;
    if !shaped || !digits(number) || !(signed || mantissa.contains('.')) {
        return None;
    }
    let places: usize = number.parse().ok()?;
    if exponent.starts_with('-') || decimals.len() < places || decimals.bytes().skip(places).any(|b| b != b'0') {
        return Some(None);
    }
    Some(Some(format!("{whole}{}", &decimals[..places])))
}

/// A whole number with thousands separators or decimals that are zero, as its digits.
fn plain(text: &str) -> Option<String> {
    let (whole, zeros) = text.split_once('.').unwrap_or((text, ""));
    let pointed = whole.len() < text.len();
    if whole.is_empty() || (pointed && (zeros.is_empty() || zeros.bytes().any(|b| b != b'0'))) {
        return None;
    }
    let mut groups = whole.split(',');
    let head = groups.next()?;
    let grouped = head.len() < whole.len();
    let fits =
        digits(head) && !head.is_empty() && (!grouped || head.len() <= 3) && groups.all(|g| g.len() == 3 && digits(g));
    (fits && (grouped || pointed)).then(|| whole.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_and_lost_digits_are_seen() {
        let repaired = |text: &str, id: &str| assert_eq!(judge(text), Id::Repaired(id.to_owned()), "{text:?}");
        repaired("9434765919.0", "9434765919");
        repaired("100000.00", "100000");
        repaired("'0012345", "0012345");
        repaired("=\"00123\"", "00123");
        repaired(" EC001 ", "EC001");
        repaired("1,234,567", "1234567");
        repaired("1,234.0", "1234");
        repaired("2.42056005E+08", "242056005");
        repaired("2.42056005E8", "242056005");
        repaired("1E+00", "1");
        for lost in ["1.23E+11", "5.02E+10", "5E+10", "2.42056E+8", "2.2e+09", "1.5E-05", "1.25E+01"] {
            assert_eq!(judge(lost), Id::Spoilt, "{lost}");
        }
        for whole in
            ["EC001", "12E4", "5e10ab", "", "4.10", "1.2.3", "12/34567/25", "1,23", "A,B", "O'Neill", "'", "E+10", "."]
        {
            assert_eq!(judge(whole), Id::Whole, "{whole}");
        }
    }

    #[test]
    fn numbers_longer_than_a_spreadsheet_keeps() {
        assert_eq!(cut("999800000000001000"), Some(true));
        assert_eq!(cut("999800000000001101"), Some(false));
        assert_eq!(cut("9434765919"), None);
        assert_eq!(cut("99980000000000110X"), None);
    }
}
