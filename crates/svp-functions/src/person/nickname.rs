//! `nickname`: the usual form of a forename.

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, written_result};

/// One line for each short form or other spelling: the name, then the usual form that it stands for.
const LIST: &str = include_str!("../../../../schemas/nicknames.csv");

pub(super) static FORMS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = LIST.lines().skip(1).filter(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once(',')).collect()
});

/// The usual form of a forename that has been through `name_key`: `BILL` → `WILLIAM`; a name that is not on the list is
/// its own usual form. `None` for blank text.
pub fn nickname(name: &str) -> Option<&str> {
    let name = name.trim();
    (!name.is_empty()).then(|| FORMS.get(name).copied().unwrap_or(name))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "nickname",
            section: super::SECTION,
            about: "The usual form of a forename in the form of `name_key`, by the list `schemas/nicknames.csv`; a name \
                    that is not on the list is its own usual form.",
            params: vec![param(Kind::Text, "name", "a forename, through name_key")],
            returns: DataType::Utf8,
            examples: &[("SELECT nickname('BILL'), nickname('OLWEN')", "WILLIAM | OLWEN")],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| nickname(text.get(row)?).map(|form| out.push_str(form)))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::name_key::name_key;

    #[test]
    fn the_list_is_in_the_form_of_name_key_and_one_step_deep() {
        assert!(FORMS.len() > 100);
        assert_eq!(FORMS.len(), LIST.lines().skip(1).filter(|l| !l.is_empty()).count(), "a name stands twice");
        for (short, usual) in FORMS.iter() {
            assert_eq!(name_key(short).as_deref(), Some(*short));
            assert_eq!(nickname(usual), Some(*usual), "{usual} is itself on the list");
        }
        assert_eq!(nickname(" "), None);
    }
}
