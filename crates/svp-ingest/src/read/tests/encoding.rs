//! Bytes that are not in the file's encoding: the row that is named is the one that holds them, wherever it lies.

use super::*;

/// A file of `n` rows; those of `wrong` hold a byte that is no UTF-8. Every seventh row has a line end inside of quotes.
fn file(n: u64, wrong: &[u64], end: &str, filler: usize) -> Vec<u8> {
    let mut bytes = format!("a,b,c{end}").into_bytes();
    for row in 1..=n {
        let text = if row % 7 == 0 { format!("\"two{end}lines\"") } else { "x".repeat(filler) };
        bytes.extend_from_slice(format!("{row},{text},").as_bytes());
        bytes.extend_from_slice(if wrong.contains(&row) { b"Ren\xe9e" } else { b"Rene" });
        bytes.extend_from_slice(end.as_bytes());
    }
    bytes
}

fn go(bytes: &[u8], encoding: Encoding) -> Result<Read, ReadError> {
    read(&csv_kind(encoding), &expect(&["a", "b", "c"]), bytes)
}

#[test]
fn a_bad_row_is_the_one_that_holds_the_byte() {
    for end in ["\n", "\r\n", "\r"] {
        for (n, filler) in [(300, 1), (2_000, 700)] {
            for wrong in [1, 2, 7, 8, n / 2, n - 1, n] {
                // Of 2,000 rows of 700 bytes some lie beyond the first 64 KiB, 256 KiB and 1 MiB.
                let out = go(&file(n, &[wrong], end, filler), Encoding::Utf8).unwrap();
                assert_eq!(out.bad, [BadRow { row: wrong, rule: RowRule::Encoding }], "{wrong} of {n}, {end:?}");
                assert_eq!(out.records, n);
            }
        }
    }
}

#[test]
fn a_refusal_names_the_first_row_and_not_the_one_at_which_it_became_certain() {
    for end in ["\n", "\r\n"] {
        for (n, filler, first) in [(60, 1, 3), (60, 1, 41), (2_000, 700, 1_234), (2_000, 700, 1_800), (2_000, 700, 7)] {
            // Twenty such rows and none that is right give the file up; so do a few of sixty.
            let wrong: Vec<u64> = (0..20).map(|i| first + 3 * i).filter(|row| *row <= n).collect();
            let error = match go(&file(n, &wrong, end, filler), Encoding::Utf8) {
                Err(error) => error,
                // Too few to give up: then each is named.
                Ok(out) => {
                    assert_eq!(out.bad.iter().map(|b| b.row).collect::<Vec<_>>(), wrong);
                    continue;
                }
            };
            assert!(
                matches!(error, ReadError::WrongEncoding { row, found: Some("Windows-1252"), .. } if row == first),
                "{first} of {n}: {error}"
            );
            assert!(error.to_string().contains(&format!("is not UTF-8 from row {first} on")), "{error}");
        }
    }
    // UTF-8 that is called Windows-1252: the first row with an accent.
    let text = format!("a,b,c\n{}5,y,Ren\u{e9}e\n6,y,Zo\u{eb}\n7,y,z\n", "1,x,y\n".repeat(4));
    let error = go(text.as_bytes(), Encoding::Windows1252).unwrap_err();
    assert!(matches!(error, ReadError::WrongEncoding { row: 5, found: Some("UTF-8"), .. }), "{error}");
    // The header is told as what it is.
    let error = go(b"a,b,\xe9\n1,2,3\n", Encoding::Utf8).unwrap_err();
    if matches!(error, ReadError::WrongEncoding { .. }) {
        assert!(error.to_string().contains("is not UTF-8 in its header"), "{error}");
    }
}

#[test]
fn a_row_of_utf16_that_is_none_is_named() {
    // Half of a pair, which is no letter, in one row of many; the decoder takes many rows at a time.
    for (n, wrong) in [(10, 4), (5_000, 1), (5_000, 2_222), (5_000, 5_000)] {
        let mut units: Vec<u16> = "\u{feff}a,b,c\n".encode_utf16().collect();
        for row in 1..=n {
            units.extend(format!("{row},x,").encode_utf16());
            units.push(if row == wrong { 0xd800 } else { 0x79 });
            units.extend("\n".encode_utf16());
        }
        let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
        let error = go(&bytes, Encoding::Utf8).unwrap_err();
        assert!(
            matches!(error, ReadError::WrongEncoding { row, declared: "UTF-16LE", .. } if row == wrong),
            "{wrong} of {n}: {error}"
        );
    }
}
