//! `common_forename`: whether a spelling is a forename that many people bear.

use std::collections::HashSet;
use std::sync::LazyLock;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::nickname::FORMS;
use crate::udf::{Kind, Spec, flag_result, function, param};

/// One forename a line, in the form of `name_key`.
const LIST: &str = include_str!("../../../../schemas/forenames.csv");

static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let listed = LIST.lines().filter(|line| !line.starts_with('#')).skip(1).filter(|line| !line.is_empty());
    listed.chain(FORMS.iter().flat_map(|(short, usual)| [*short, *usual])).collect()
});

/// Whether a forename that has been through `name_key` is on the list of common forenames or of nicknames.
#[must_use]
pub fn common_forename(name: &str) -> bool {
    NAMES.contains(name)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "common_forename",
            section: super::SECTION,
            about: "Whether a spelling is a forename of its own that many people bear, by the lists `schemas/forenames.csv` and \
                    `schemas/nicknames.csv`: two such names are not one with a slip in it.",
            params: vec![param(Kind::Text, "name", "a forename, through name_key")],
            returns: DataType::Boolean,
            examples: &[("SELECT common_forename('ELLIE'), common_forename('ELLYE')", "true | false")],
        },
        |args| {
            let name = args.text(0)?;
            flag_result(args.rows, |row| Some(common_forename(name.get(row)?)))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::name_key::name_key;

    #[test]
    fn the_list_is_in_the_form_of_name_key_and_in_order() {
        let listed: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
        assert!(listed.len() > 1_000);
        assert!(listed.windows(2).all(|pair| pair[0] < pair[1]), "the list is not in order, or a name stands twice");
        assert!(listed.iter().all(|name| name_key(name).as_deref() == Some(*name)));
        for name in ["JACK", "JAMES", "AMELIA", "OLIVIA", "ELLA", "ELLIE", "MILLIE", "MOLLIE", "JAYDEN", "HAYDEN"] {
            assert!(common_forename(name), "{name}");
        }
        assert!(!common_forename("JCAK") && !common_forename("OLIVA") && !common_forename("SMITH"));
    }
}
