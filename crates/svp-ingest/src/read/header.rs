//! Comparing the header of a file with the header that the source expects.

use std::collections::{HashMap, HashSet};

use super::error::{ReadError, Suggestion};
use super::{Expected, ReadNote};

/// How alike two names must be (0..=1, normalised Damerau-Levenshtein) to be offered as a renaming.
const ALIKE: f64 = 0.7;

/// Where each expected column stands in the file.
#[derive(Debug)]
pub(super) struct Layout {
    /// One entry per output column: the field's index in the file, or `None` for an absent optional column.
    pub index: Vec<Option<usize>>,
    /// Number of fields in every record.
    pub fields: usize,
    /// What is worth telling about the header.
    pub notes: Vec<ReadNote>,
}

/// A header name without what exports put around it: byte order mark, spaces, quotes.
pub(super) fn clean(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim().trim_matches('"').trim()
}

/// Finds the expected columns by name; the order of the columns is free.
pub(super) fn locate(file: &str, expected: &Expected, found: &[String]) -> Result<Layout, ReadError> {
    let wanted = expected.output_columns();
    let optional: HashSet<&str> = expected.optional.iter().map(String::as_str).collect();
    let mut place: HashMap<&str, usize> = HashMap::new();
    let mut repeated: Vec<String> = Vec::new();
    for (i, name) in found.iter().enumerate() {
        let known = place.insert(name.as_str(), i).is_some();
        if known && !name.is_empty() && !repeated.contains(name) {
            repeated.push(name.clone());
        }
    }
    let index: Vec<Option<usize>> = wanted.iter().map(|w| place.get(w.as_str()).copied()).collect();
    let recognised = index.iter().flatten().count();
    let absent = |is_optional: bool| -> Vec<String> {
        let pairs = wanted.iter().zip(&index);
        pairs
            .filter(|(w, i)| i.is_none() && optional.contains(w.as_str()) == is_optional)
            .map(|(w, _)| w.clone())
            .collect()
    };
    let missing = absent(false);
    let wanted_set: HashSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut extra: Vec<String> = found.iter().filter(|f| !wanted_set.contains(f.as_str())).cloned().collect();
    let suggestions = suggest(&missing, &extra);

    if recognised == 0 {
        // Nothing was recognised: this may be a row of data, so only names close to known ones may be told.
        if suggestions.is_empty() {
            return Err(ReadError::NoHeader { file: file.to_owned(), fields: found.len(), expected: wanted.len() });
        }
        extra.retain(|e| suggestions.iter().any(|s| s.found == *e));
        return Err(ReadError::HeaderDrift { file: file.to_owned(), missing, unexpected: extra, suggestions });
    }
    if !repeated.is_empty() {
        return Err(ReadError::DuplicateHeader { file: file.to_owned(), columns: repeated });
    }
    if !missing.is_empty() || (!extra.is_empty() && !expected.allow_extra) {
        return Err(ReadError::HeaderDrift { file: file.to_owned(), missing, unexpected: extra, suggestions });
    }
    let mut notes = Vec::new();
    if !extra.is_empty() {
        notes.push(ReadNote::ExtraColumns(extra));
    }
    let left_out = absent(true);
    if !left_out.is_empty() {
        notes.push(ReadNote::OptionalAbsent(left_out));
    }
    Ok(Layout { index, fields: found.len(), notes })
}

/// The layout of a file without a header: columns stand where the definition says.
pub(super) fn by_position(expected: &Expected) -> Layout {
    let fields = expected.output_columns().len();
    Layout { index: (0..fields).map(Some).collect(), fields, notes: Vec::new() }
}

fn suggest(missing: &[String], extra: &[String]) -> Vec<Suggestion> {
    let folded =
        |s: &str| -> String { s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let mut out = Vec::new();
    for want in missing {
        let key = folded(want);
        let scored = extra.iter().map(|e| (strsim::normalized_damerau_levenshtein(&key, &folded(e)), e));
        let best =
            scored.filter(|(score, e)| *score >= ALIKE && !folded(e).is_empty()).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, found)) = best {
            out.push(Suggestion { expected: want.clone(), found: found.clone() });
        }
    }
    out
}
