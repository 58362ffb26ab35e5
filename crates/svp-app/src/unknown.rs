//! A name that nobody knows: the one place where it is told which name was meant.

use svp_contract::{Problem, nearest};

use crate::error::AppError;

/// A name that is not among those that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// ``there is no KIND `NAME` ``
    pub what: String,
    /// The known name that is near enough to be what was meant.
    pub near: Option<String>,
    /// All known names.
    pub known: Vec<String>,
}

/// Says that there is no `kind` of this `name`, and finds the one of the `known` that may have been meant.
#[must_use]
pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Unknown {
    let known: Vec<&str> = known.into_iter().collect();
    Unknown {
        what: format!("there is no {kind} `{name}`"),
        near: nearest(name, known.iter().copied()).map(str::to_owned),
        known: known.into_iter().map(str::to_owned).collect(),
    }
}

impl Unknown {
    /// ``did you mean `NAME`?``, or else what is to be said where no name is near.
    #[must_use]
    pub fn near_or(&self, otherwise: impl FnOnce() -> String) -> String {
        self.near.as_ref().map_or_else(otherwise, |near| format!("did you mean `{near}`?"))
    }

    /// All known names under a heading, such as `known` or `areas of this site`.
    #[must_use]
    pub fn listed(&self, heading: &str) -> String {
        format!("{heading}: {}", self.known.join(", "))
    }

    /// As what is wrong with an argument: the near name, or all names under a heading.
    #[must_use]
    pub fn argument(self, heading: &str) -> AppError {
        let hint = self.near_or(|| self.listed(heading));
        AppError::Argument { what: self.what, hint }
    }

    /// As what is wrong with an argument: all names under a heading, where guessing one of them would be no help.
    #[must_use]
    pub fn argument_listed(self, heading: &str) -> AppError {
        let hint = self.listed(heading);
        AppError::Argument { what: self.what, hint }
    }

    /// As a problem of a definition file: the near name, or all names.
    #[must_use]
    pub fn problem(&self, file: &str) -> Problem {
        Problem::new(file, &self.what).hint(self.near_or(|| self.listed("known")))
    }
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;

    #[test]
    fn a_name_that_is_near_is_offered_and_else_all_of_them() {
        let near = unknown("area", "wesmark", ["kent", "wessmark"]);
        assert_eq!(near.what, "there is no area `wesmark`");
        assert_eq!(near.clone().argument("known").hint().as_deref(), Some("did you mean `wessmark`?"));
        assert_eq!(near.clone().argument_listed("areas").hint().as_deref(), Some("areas: kent, wessmark"));
        let far = unknown("area", "zzzzzzzzz", ["kent", "wessmark"]);
        assert_eq!(
            far.problem("a.toml").to_string(),
            "a.toml: there is no area `zzzzzzzzz`\n  hint: known: kent, wessmark"
        );
    }
}
