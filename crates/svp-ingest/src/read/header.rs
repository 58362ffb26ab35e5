//! Comparing the header of a file with the header that the source expects.

use std::collections::{HashMap, HashSet};

use super::error::{ReadError, Suggestion};
use super::{Expected, ReadNote};

/// How alike two names must be (0..=1, normalised Damerau-Levenshtein) to be offered as a renaming.
const ALIKE: f64 = 0.7;
/// Pairs of names that are compared at most; a header of a hundred thousand names is none.
const PAIRS: usize = 50_000;

/// Where each expected column stands in the file.
#[derive(Debug)]
pub(super) struct Layout {
    /// One entry per output column: the field's index in the file, or `None` for an absent optional column.
    pub index: Vec<Option<usize>>,
    /// Number of fields up to the last that has a name.
    pub named: usize,
    /// Number of fields of a record, those without a name included.
    pub total: usize,
    /// Fields that must be empty, since they have no name.
    pub unnamed: Vec<usize>,
    /// What is worth telling about the header.
    pub notes: Vec<ReadNote>,
}

impl Layout {
    /// Output columns that the file has.
    pub(super) fn columns_read(&self, expected: &Expected) -> Vec<String> {
        let names = expected.output_columns().into_iter().zip(&self.index);
        names.filter(|(_, i)| i.is_some()).map(|(name, _)| name).collect()
    }

    /// Number of columns of the file that are not read, those without a name not counted.
    pub(super) fn columns_unread(&self) -> u64 {
        (self.total - self.unnamed.len() - self.index.iter().flatten().count()) as u64
    }
}

/// Why a line is not the expected header, and how many of the expected columns it has.
pub(super) struct Drift {
    pub recognised: usize,
    pub error: ReadError,
}

/// A header name without what exports put around it: byte order mark, spaces, quotes.
pub(super) fn clean(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim().trim_matches('"').trim()
}

/// A name as it is compared when it is not equal: lower case; line breaks, no-break spaces, underscores and runs of them
/// are one space; characters without width are nothing.
pub(super) fn folded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{ad}')) {
        if c.is_whitespace() || c == '_' {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The place of each wanted name: equal, or else equal when folded, if no other name folds to the same.
fn places(wanted: &[String], found: &[String]) -> (Vec<Option<usize>>, Vec<Suggestion>) {
    let exact: HashMap<&str, usize> = found.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut index: Vec<Option<usize>> = wanted.iter().map(|w| exact.get(w.as_str()).copied()).collect();
    if index.iter().all(Option::is_some) {
        return (index, Vec::new());
    }
    let taken: HashSet<usize> = index.iter().flatten().copied().collect();
    let once = |names: &mut dyn Iterator<Item = (usize, &String)>| -> HashMap<String, Option<usize>> {
        let mut out = HashMap::new();
        for (i, name) in names {
            out.entry(folded(name)).and_modify(|e| *e = None).or_insert(Some(i));
        }
        out
    };
    let free = once(&mut found.iter().enumerate().filter(|(i, name)| !taken.contains(i) && !name.is_empty()));
    let open = once(&mut wanted.iter().enumerate().filter(|(i, _)| index[*i].is_none()));
    let mut notes = Vec::new();
    for (name, want) in open {
        if let (Some(want), Some(Some(place))) = (want, free.get(&name)) {
            index[want] = Some(*place);
            notes.push((want, *place));
        }
    }
    notes.sort_unstable();
    let told = notes
        .into_iter()
        .map(|(want, place)| Suggestion { expected: wanted[want].clone(), found: found[place].clone() });
    (index, told.collect())
}

/// Finds the expected columns by name; the order of the columns is free. `lines`: the file has records of text, so that
/// columns without a name can be found empty; without that they are columns that were not expected.
pub(super) fn locate(file: &str, expected: &Expected, found: &[String], lines: bool) -> Result<Layout, Drift> {
    let wanted = expected.output_columns();
    let optional: HashSet<&str> = expected.optional.iter().map(String::as_str).collect();
    let (index, told) = places(&wanted, found);
    let recognised = index.iter().flatten().count();
    let drift = |error| Drift { recognised, error };
    let absent = |is_optional: bool| -> Vec<String> {
        let pairs = wanted.iter().zip(&index);
        pairs
            .filter(|(w, i)| i.is_none() && optional.contains(w.as_str()) == is_optional)
            .map(|(w, _)| w.clone())
            .collect()
    };
    let missing = absent(false);
    let taken: HashSet<usize> = index.iter().flatten().copied().collect();
    // Where other columns may be there, nobody need ask what is in one without a name.
    let nameless = lines && !expected.allow_extra;
    let unread = found.iter().enumerate().filter(|(i, name)| !(taken.contains(i) || nameless && name.is_empty()));
    let unread: Vec<(usize, &String)> = unread.collect();
    let extra: Vec<String> = unread.iter().map(|(_, name)| (*name).clone()).collect();
    let suggestions = suggest(&missing, &extra);
    // A cell that should be a name can be a value: it is told where it is, or is near, a name that the source knows.
    let mut extra = shown(&wanted, &unread);

    if recognised == 0 && suggestions.is_empty() {
        // Nothing was recognised: this may be a row of data.
        let (fields, expected) = (found.len(), wanted.len());
        return Err(drift(ReadError::NoHeader { file: file.to_owned(), fields, expected }));
    }
    if (recognised + suggestions.len()) * 2 < wanted.len() && !missing.is_empty() {
        let (file, fields, expected) = (file.to_owned(), found.len(), wanted.len());
        return Err(drift(ReadError::OtherReport { file, recognised, fields, expected }));
    }
    let repeated = repeated(found);
    let repeated = shown(&wanted, &repeated);
    if !repeated.is_empty() {
        return Err(drift(ReadError::DuplicateHeader { file: file.to_owned(), columns: repeated }));
    }
    // A column more takes nothing away: it is not read, and told.
    if !missing.is_empty() {
        if (recognised - told.len()) * 2 < wanted.len() {
            // Too little was recognised to be sure that this is no row of data: only names close to known ones are told.
            extra.retain(|e| suggestions.iter().any(|s| s.found == *e));
        }
        return Err(drift(ReadError::HeaderDrift { file: file.to_owned(), missing, unexpected: extra, suggestions }));
    }
    let mut notes = Vec::new();
    if !told.is_empty() {
        notes.push(ReadNote::FoldedNames(told));
    }
    if !extra.is_empty() {
        notes.push(ReadNote::ExtraColumns(extra));
    }
    let left_out = absent(true);
    if !left_out.is_empty() {
        notes.push(ReadNote::OptionalAbsent(left_out));
    }
    let named = if lines { found.iter().rposition(|n| !n.is_empty()).map_or(0, |i| i + 1) } else { found.len() };
    let unnamed: Vec<usize> = (0..found.len()).filter(|i| nameless && found[*i].is_empty()).collect();
    Ok(Layout { index, named, total: found.len(), unnamed, notes })
}

/// Names that stand more than once, each with the place of its second.
fn repeated(found: &[String]) -> Vec<(usize, &String)> {
    let (mut seen, mut told, mut out) = (HashSet::new(), HashSet::new(), Vec::new());
    for (i, name) in found.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
        if !seen.insert(name.as_str()) && told.insert(name.as_str()) {
            out.push((i, name));
        }
    }
    out
}

/// Names of a header as they may be told, given with their places: those that are, or are near, a name that the source knows; `column 3`
/// for another, which can be a value.
fn shown(known: &[String], names: &[(usize, &String)]) -> Vec<String> {
    let searched = known.len().saturating_mul(names.len()) <= PAIRS;
    let keys: Vec<String> = if searched { known.iter().map(|name| bare(name)).collect() } else { Vec::new() };
    let near = |name: &str| {
        let name = bare(name);
        !name.is_empty() && keys.iter().any(|key| strsim::normalized_damerau_levenshtein(key, &name) >= ALIKE)
    };
    let exact: HashSet<&str> = known.iter().map(String::as_str).collect();
    let one = |(i, name): &(usize, &String)| match exact.contains(name.as_str()) || near(name) {
        true => (*name).clone(),
        false => format!("column {}", i + 1),
    };
    names.iter().map(one).collect()
}

/// Letters and digits of a name, in lower case.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many of the expected columns a line of names has.
pub(super) fn recognised(expected: &Expected, found: &[String]) -> usize {
    places(&expected.output_columns(), found).0.iter().flatten().count()
}

/// The layout of a file without a header: columns stand where the definition says.
pub(super) fn by_position(expected: &Expected) -> Layout {
    let fields = expected.output_columns().len();
    Layout {
        index: (0..fields).map(Some).collect(),
        named: fields,
        total: fields,
        unnamed: Vec::new(),
        notes: Vec::new(),
    }
}

fn suggest(missing: &[String], extra: &[String]) -> Vec<Suggestion> {
    if missing.len().saturating_mul(extra.len()) > PAIRS {
        return Vec::new();
    }
    let mut out = Vec::new();
    for want in missing {
        let key = bare(want);
        let scored = extra.iter().map(|e| (strsim::normalized_damerau_levenshtein(&key, &bare(e)), e));
        let best =
            scored.filter(|(score, e)| *score >= ALIKE && !bare(e).is_empty()).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, found)) = best {
            out.push(Suggestion { expected: want.clone(), found: found.clone() });
        }
    }
    out
}
