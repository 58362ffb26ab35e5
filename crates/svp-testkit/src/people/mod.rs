//! The invented people: who lives with whom, where, and under which identifiers.

mod identity;
mod names;
mod population;

pub use identity::{Identity, Reader, identity};
pub use names::{FEMALE, MALE, nickname, surname, surname_count};
pub use population::{BLOCK, Person, Population, Role, Sex, ethnic_codes};

/// A person's NHS number as ten digits.
///
/// Valid under modulus 11 and unique. The first digits are 999 (the test range) or begin with 8, which is
/// not issued, so that no number belongs to anybody.
#[must_use]
pub fn nhs_number(person: u32) -> String {
    let (series, index) = (u64::from(person) / 1_000_000, u64::from(person) % 1_000_000);
    let digits = (index * 740_957 + 271_828) % 1_000_000;
    let lead = if series == 0 { 999 } else { 899 - 3 * (series - 1) };
    for lead in [lead, 809 - 3 * series, 808 - 3 * series, 807 - 3 * series] {
        let nine = lead * 1_000_000 + digits;
        if let Some(check) = nhs_check_digit(nine) {
            return format!("{nine:09}{check}");
        }
    }
    format!("8{digits:09}")
}

/// The check digit of nine digits, unless there is none.
#[must_use]
pub fn nhs_check_digit(nine: u64) -> Option<u64> {
    let sum: u64 = (2..=10)
        .scan(nine, |rest, weight| {
            let digit = *rest % 10;
            *rest /= 10;
            Some(digit * weight)
        })
        .sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

/// A child's unique pupil number: a letter, the authority 989, nine digits.
#[must_use]
pub fn upn(person: u32) -> String {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let digits = (u64::from(person) * 7_919 + 104_729) % 1_000_000_000;
    let text = format!("989{digits:09}");
    let sum: usize = text.bytes().enumerate().map(|(place, byte)| usize::from(byte - b'0') * (place + 2)).sum();
    format!("{}{text}", char::from(LETTERS[sum % 23]))
}

/// The police's number of a person; some people have a second one.
#[must_use]
pub fn nominal(person: u32, second: bool) -> String {
    let number = (u64::from(person) * 7_001 + 30_011) % 10_000_000;
    if second { format!("N9{number:07}") } else { format!("N0{number:07}") }
}

/// The local authority's number of a child.
#[must_use]
pub fn child_id(person: u32) -> String {
    format!("W{:07}", (u64::from(person) * 3_001 + 100_003) % 10_000_000)
}
