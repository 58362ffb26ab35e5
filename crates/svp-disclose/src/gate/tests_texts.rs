//! Properties of what is read: a number in any dress, an identifier in any text.

use proptest::prelude::*;

use super::tests::{check, found, policy};
use super::*;

/// Ways to write a number that a reader still reads as that number.
const DRESSES: &[&str] = &[
    "{}",
    "0{}",
    "00{}",
    "~{}",
    "{}*",
    "{} *",
    "{}\u{2020}",
    "{} (see note)",
    "{} [note 2]",
    "{} girls",
    "{} boys hurt",
    "c. {}",
    "about {}",
    "approx {}",
    "={}",
    "=\"{}\"",
    "={}+0",
    "'{}",
    "{}.0",
    "{}.",
    "+{}",
    "n={}",
    "N = {}",
    "{} cases",
    "{}p",
    "{} (p)",
    "\u{2248}{}",
    "\u{a3}{}",
    " {} ",
    "{}e0",
    "\u{a0}{}",
    "{}\u{b9}",
    "{}r",
    "({})",
    "[{}]",
    "{};",
    "{} ?",
    "= {}",
    "only {}",
    "{} people",
    "#{}",
];
/// Headers that do not say that anybody is counted.
const HEADERS: &[&str] = &[
    "n",
    "events",
    "Age",
    "weekday",
    "order",
    "code",
    "id",
    "year",
    "month",
    "hour",
    "number",
    "population",
    "level",
    "area",
    "lsoa",
    "category",
    "grid",
    "x",
    "rank",
    "day",
    "position",
    "key",
    "households",
    "quarter",
    "ward",
    "value",
    "date",
    "decile",
    "total",
];

fn script(n: i64, zero: u32) -> String {
    n.to_string().chars().map(|c| char::from_u32(zero + c.to_digit(10).unwrap()).unwrap()).collect()
}

fn word(n: i64) -> &'static str {
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][usize::try_from(n).unwrap()]
}

/// A number of ten digits with a right check digit, from its first nine.
fn nhs_number(first: u32) -> Option<String> {
    let digits: Vec<u32> = format!("{:09}", first % 1_000_000_000).chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(d, w)| d * w).sum();
    let last = (11 - sum % 11) % 11;
    (last < 10 && digits.iter().any(|d| *d != last))
        .then(|| digits.iter().map(u32::to_string).collect::<String>() + &last.to_string())
}

/// All forms in which a day is written.
fn day_forms(year: u32, month: u32, day: u32) -> Vec<String> {
    let short =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month as usize - 1];
    let long = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ][month as usize - 1];
    let yy = year % 100;
    vec![
        format!("{year}-{month:02}-{day:02}"),
        format!("{year}/{month}/{day}"),
        format!("{day:02}/{month:02}/{year}"),
        format!("{day}/{month}/{yy:02}"),
        format!("{day:02}.{month:02}.{year}"),
        format!("{day}-{month}-{year}"),
        format!("{day} {short} {year}"),
        format!("{day} {long} {year}"),
        format!("{day}-{short}-{yy:02}"),
        format!("{day}th of {long}, {year}"),
        format!("{long} {day}, {year}"),
        format!("{short} {day} {year}"),
        format!("{year}{month:02}{day:02}"),
        format!("{year}-{month:02}-{day:02}T00:00:00Z"),
        format!("{year}-{month:02}-{day:02} 12:30"),
        format!("{day}{short}{year}"),
        format!("{day} {month} {year}"),
        format!("{year} {short} {day:02}"),
        format!("{day:02} . {month:02} . {year}"),
        format!("{day}/{short}/{year}"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a small count wears and whatever its column is called, its row is named; a large one in the same dress is none.
    #[test]
    fn a_count_is_read_through_its_dress(
        n in 1i64..10, large in 2i64..40, dress in prop::sample::select(DRESSES), header in prop::sample::select(HEADERS), kind in 0usize..4,
        at in 0usize..3
    ) {
        let write = |n: i64| match kind {
            0 => dress.replace("{}", &script(n, 0xff10)),
            1 if n < 10 && !dress.contains(['=', 'e', '.', '\'']) && !dress.starts_with('0') && !dress.contains("{}p") && !dress.contains("{}r") => dress.replace("{}", word(n)),
            _ => dress.replace("{}", &n.to_string()),
        };
        let mut cells = vec![write(5 * large), write(5 * large + 55), write(5 * large + 20)];
        let table = |cells: &[String]| {
            let row = |(i, c): (usize, &String)| format!("{},\"{}\"\n", ["Exeter", "Torbay", "Plymouth"][i], c.replace('"', "\"\""));
            format!("district,{header}\n{}", cells.iter().enumerate().map(row).collect::<String>())
        };
        let clean = check(&table(&cells), &[], &policy(10, 5));
        prop_assert!(!clean.findings.iter().any(|f| f.rule == Rule::SmallCount), "{} {:?}", table(&cells), found(&clean));
        cells[at] = write(n);
        let report = check(&table(&cells), &[], &policy(10, 5));
        let rows: Vec<u64> = report.findings.iter().filter(|f| f.rule == Rule::SmallCount).flat_map(|f| f.rows.clone()).collect();
        prop_assert_eq!(rows, vec![at as u64 + 1], "{} {:?}", table(&cells), found(&report));
        prop_assert!(!report.passes());
    }

    /// A small number that is written into a declared label is found; so is one of a person's noun beside it.
    #[test]
    fn small_numbers_in_labels_are_found(
        n in 1i64..10, dress in prop::sample::select(&["{} girls", "girls: {}", "boys ({})", "n={}", "~{}", "{}*", "lane, {} victims", "{} (see note)", "women = {}", "knife x{} cases {}"][..]),
        spoken in any::<bool>()
    ) {
        let number = if spoken && !dress.contains(['=', 'x']) { word(n).to_owned() } else { n.to_string() };
        let label = dress.replace("{}", &number);
        let report = check(&format!("what,events\n\"{label}\",20\nBarn Lane,40\nFoxhole,65"), &["what"], &policy(10, 5));
        let hit = report.findings.iter().any(|f| f.rule == Rule::SmallInText && f.rows == [1]);
        // A word of a number before a sign or behind one is read where a noun says of whom.
        prop_assert!(hit || spoken && dress.contains([':', '(']), "{} {:?}", label, found(&report));
    }

    /// Every kind of identifier is found in the middle of a text, in a cell or in a header, and never said.
    #[test]
    fn identifiers_are_found_in_any_text(
        first in any::<u32>(), kind in 0usize..9, form in 0usize..4, before in prop::sample::select(&["", "see ", "patient ", "Flat 12 Long Lane, Exeter ", "(", "ref: "][..]),
        after in prop::sample::select(&["", ".", " again", ", England", ")", ";"][..]), in_header in any::<bool>()
    ) {
        let digits = format!("{:012}", u64::from(first) * 7919 % 1_000_000_000_000);
        let (value, wanted) = match kind {
            0 => {
                let Some(n) = nhs_number(first) else { return Ok(()) };
                let (a, b, c) = (&n[..3], &n[3..6], &n[6..]);
                ([format!("{a} {b} {c}"), n.clone(), format!("{a}-{b}-{c}"), format!("NHS {a} {b} {c}")][form].clone(), IdentifierKind::NhsNumber)
            }
            1 => {
                let (out, inward) = (["EX4", "PL12", "W1A", "SW1A"][first as usize % 4], ["6PX", "1AA", "9ZZ", "3QH"][first as usize / 4 % 4]);
                ([format!("{out} {inward}"), format!("{out}{inward}"), format!("{}  {}", out.to_lowercase(), inward.to_lowercase()), format!("{out}.{inward}")][form].clone(), IdentifierKind::Postcode)
            }
            2 => {
                let d = &digits[..6];
                (["AB{}C", "jk{}a", "AB {}C", "PR{} D"][form].replace("{}", d), IdentifierKind::NationalInsurance)
            }
            3 => (format!("{}{}{}", ["A", "H", "T", "Y"][form], &digits[..11], ["1", "7", "A", "Z"][form]), IdentifierKind::PupilNumber),
            4 => (format!("{}.{}@{}", ["a", "jo", "pat", "x1"][form], &digits[..3], ["example.org", "police.uk", "nhs.net", "a.co.uk"][form]), IdentifierKind::Email),
            5 => ([format!("07{} {}", &digits[..3], &digits[3..9]), format!("01392 {}", &digits[..6]), format!("+44 7{} {}", &digits[..3], &digits[3..9]), format!("(01752) {}", &digits[..6])][form].clone(), IdentifierKind::Telephone),
            6 => ([format!("CR/{}/24", &digits[..6]), format!("{}/{}", &digits[..6], 24), format!("14/{}/23", &digits[..5]), format!("OCC {}/23", &digits[..5])][form].clone(), IdentifierKind::Reference),
            7 => ([format!("{:016x}", (u64::from(first) * 0x9e37_79b9).wrapping_add(0xabcd_1234_0000_1111)), format!("{:08x}-1b2c-4d3e-8f90-{:012x}", first, first), format!("{:032x}", u128::from(first) * 0xdead_beef_cafe_1235_9876 + 1), format!("k{digits}Zq{}x", &digits[..8])][form].clone(), IdentifierKind::Token),
            _ => {
                let forms = day_forms(1935 + first % 85, 1 + first / 85 % 12, 1 + first / 1020 % 28);
                (forms[first as usize % forms.len()].clone(), IdentifierKind::DateOfBirth)
            }
        };
        // Sixteen digits in hexadecimal are a token where letters are among them.
        prop_assume!(wanted != IdentifierKind::Token || value.chars().filter(char::is_ascii_alphabetic).count() > 0 && value.chars().filter(char::is_ascii_digit).count() > 2);
        let text = format!("{before}{value}{after}");
        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
        let table = if in_header { format!("district,{quoted}\nExeter,20\nTorbay,30") } else { format!("what,events\n{quoted},20\nBarn Lane,30") };
        let labels: &[&str] = if in_header { &[] } else { &["what"] };
        let report = check(&table, labels, &policy(10, 5));
        let hit = report.findings.iter().any(|f| f.rule == Rule::Identifier(wanted) && (in_header || f.rows == [1]));
        prop_assert!(hit, "{} {:?}", table, found(&report));
        let said = format!("{report:?}") + &report.findings.iter().map(ToString::to_string).collect::<String>();
        prop_assert!(!said.contains(&value), "{}", said);
    }

    /// No date of any form passes as a member of a dimension, whatever years the column spans.
    #[test]
    fn days_are_finer_than_a_month(year in 1990u32..2025, month in 1u32..13, day in 2u32..29, span in 0u32..3, form in 0usize..20) {
        let dates: Vec<String> = (0..3).map(|i| day_forms(year + i * span, month, day)[form].clone()).collect();
        let text = format!("month,events\n\"{}\",20\n\"{}\",30\n\"{}\",25", dates[0], dates[1], dates[2]);
        let report = check(&text, &[], &policy(10, 5));
        prop_assert!(report.findings.iter().any(|f| f.rule == Rule::Identifier(IdentifierKind::DateOfBirth)), "{} {:?}", text, found(&report));
    }
}
