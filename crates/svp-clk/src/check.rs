//! What a value may be, and what is hashed for it, as `clkhash.field_formats` has it.

use std::borrow::Cow;

use crate::feature::{Encoding, Format, Used};
use crate::python;

impl Used {
    /// What is cut into tokens: the value as its format rewrites it, or what stands for a missing one.
    pub(crate) fn normal<'a>(&'a self, value: &'a str) -> Result<Cow<'a, str>, &'static str> {
        if let Some((sentinel, instead)) = &self.missing
            && sentinel == value
        {
            return Ok(Cow::Borrowed(instead));
        }
        match &self.format {
            Format::Integer { .. } => python::integer(value).ok_or("it is not a whole number"),
            Format::Date(format) => {
                let mut date = String::with_capacity(8);
                let good = format.rewrite(value, &mut date);
                good.then_some(Cow::Owned(date)).ok_or("it is not a date of the format")
            }
            Format::Text { .. } | Format::Pattern | Format::Enum(_) => Ok(Cow::Borrowed(value)),
        }
    }

    /// clkhash's validation of a value, but for patterns.
    pub(crate) fn check(&self, value: &str) -> Result<(), &'static str> {
        if self.missing.as_ref().is_some_and(|(sentinel, _)| sentinel == value) {
            return Ok(());
        }
        if self.encoding == Encoding::Ascii && !value.is_ascii() {
            return Err("it has a character that is not ASCII");
        }
        match &self.format {
            Format::Text { upper, shortest, longest } => {
                let length = value.chars().count() as u64;
                if length < *shortest {
                    return Err("it is too short");
                }
                if length > *longest {
                    return Err("it is too long");
                }
                match upper {
                    Some(true) if value.to_uppercase() != value => Err("it is not in upper case"),
                    Some(false) if value.to_lowercase() != value => Err("it is not in lower case"),
                    _ => Ok(()),
                }
            }
            Format::Integer { least, most } => {
                let number = self.normal(value)?;
                // A number of more digits than this lies beyond every bound that the schema can set.
                let far = if number.starts_with('-') { i128::MIN } else { i128::MAX };
                let number: i128 = number.parse().unwrap_or(far);
                if least.is_some_and(|least| number < i128::from(least)) {
                    return Err("it is below the minimum");
                }
                if most.is_some_and(|most| number > i128::from(most)) {
                    return Err("it is above the maximum");
                }
                Ok(())
            }
            Format::Enum(values) if !values.iter().any(|known| known == value) => {
                Err("it is none of the values that the schema lists")
            }
            Format::Date(_) => self.normal(value).map(|_| ()),
            Format::Pattern | Format::Enum(_) => Ok(()),
        }
    }
}
