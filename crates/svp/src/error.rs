//! Exit codes: one for each kind of error.

use svp_contract::ErrorKind;

/// The exit code of an error, by its kind.
pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal => 1,
        ErrorKind::Argument => 2,
        ErrorKind::Definition => 3,
        ErrorKind::Input => 4,
        ErrorKind::Key => 5,
        ErrorKind::Busy => 6,
        ErrorKind::Storage => 7,
        ErrorKind::NewerFormat => 8,
        ErrorKind::Forbidden => 9,
        ErrorKind::Query => 10,
        ErrorKind::Terms => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::EXIT_CODES;

    #[test]
    fn every_kind_has_the_code_that_the_help_names() {
        let kinds = [
            (ErrorKind::Internal, "a defect"),
            (ErrorKind::Argument, "the command line"),
            (ErrorKind::Definition, "a definition"),
            (ErrorKind::Input, "an extract or reference file"),
            (ErrorKind::Key, "the key"),
            (ErrorKind::Busy, "the lake is in use"),
            (ErrorKind::Storage, "storage failed"),
            (ErrorKind::NewerFormat, "the lake was written by a newer svp"),
            (ErrorKind::Forbidden, "disclosure control"),
            (ErrorKind::Query, "a query"),
            (ErrorKind::Terms, "an encoded file"),
        ];
        for (number, (kind, what)) in (1..).zip(kinds) {
            assert_eq!(code(kind), number);
            assert!(EXIT_CODES.contains(&format!("\n{number:3}  {what}")), "{number} {what}");
        }
    }
}
