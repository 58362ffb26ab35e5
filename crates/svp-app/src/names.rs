//! Names of files, which can hold names of people. The terminal shows what its user gave; in the lake, in logs for machines and in
//! releases a file is its source, its slot and a short digest of its name under the key of the lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use svp_contract::Finding;
use svp_ingest::{LoadedFile, Queue, Receipt, SourcePlan};
use svp_lake::input::InputFile;
use svp_pseudonymise::{Key, KeyRotation, Tokeniser};

use crate::error::AppError;
use crate::state::RunState;

/// What stands before the digits of a label.
const MARK: &str = "file-";
/// Hexadecimal digits of a label: 48 bits, so that two of a lake's files have one by no chance that matters.
const DIGITS: usize = 12;

/// The labels of the files of a run.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Name or path, and label; longer ones come first, so that a path is not taken for the name at its end.
    pairs: Vec<(String, String)>,
    /// Label and name.
    named: BTreeMap<String, String>,
}

/// The label of a file by its name, without folders.
#[must_use]
pub fn label(key: &Key, name: &str) -> String {
    format!("{MARK}{}", Tokeniser::new(key, "file-name").short([name.as_bytes()]))
}

/// A text with the labels of the next key in place of those of the key before: whoever has the old one can then confirm no name.
#[must_use]
pub(crate) fn turned(step: &KeyRotation, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = (&rest[..at], &rest[at + MARK.len()..]);
        let digits = after.get(..DIGITS);
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let alone = !joined(before.chars().next_back()) && !joined(after.chars().nth(DIGITS));
        out.push_str(before);
        out.push_str(MARK);
        rest = match digits.filter(|_| alone).and_then(|digits| step.turned_short(digits)) {
            Some(label) => {
                out.push_str(&label);
                &after[DIGITS..]
            }
            None => after,
        };
    }
    out + rest
}

/// Takes the labels of a state over to the next key: those of every file that is or was in the lake, of receipts and of findings.
pub(crate) fn under_next(step: &KeyRotation, state: &mut RunState) {
    state.files.iter_mut().for_each(|f| f.file = turned(step, &f.file));
    state.receipts.iter_mut().for_each(|r| r.file = turned(step, &r.file));
    for finding in &mut state.findings {
        finding.file = turned(step, &finding.file);
        finding.what = turned(step, &finding.what);
    }
}

/// The same for the rows of a table that names files: receipts, quarantine, findings, accounts of columns.
pub(crate) fn turned_rows(step: &KeyRotation, batch: &RecordBatch) -> Result<RecordBatch, AppError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
        match (field.name().as_str(), column.as_string_opt::<i32>()) {
            ("file" | "what", Some(texts)) => {
                Arc::new(texts.iter().map(|text| text.map(|t| turned(step, t))).collect::<StringArray>())
            }
            _ => Arc::clone(column),
        }
    });
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect())?)
}

/// Whether a text is a label.
fn is_label(text: &str) -> bool {
    text.strip_prefix(MARK)
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Names {
    /// The labels of the files that were found, and of those that findings speak of.
    #[must_use]
    pub fn new<'a>(key: &Key, files: impl IntoIterator<Item = &'a InputFile>, findings: &[Finding]) -> Self {
        let mut names = Self::default();
        for file in files {
            names.learn(key, &file.name, &[&file.path]);
        }
        for finding in findings.iter().filter(|f| !f.file.is_empty()) {
            names.learn(key, &finding.file, &[]);
        }
        names.in_order();
        names
    }

    /// Longer texts first, each once.
    fn in_order(&mut self) {
        self.pairs.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        self.pairs.dedup();
    }

    /// Gives the files of a queue their labels.
    pub(crate) fn give(&mut self, key: &Key, queue: &mut Queue) {
        for file in &mut queue.files {
            let name = file.extract().to_owned();
            self.learn(key, &name, &[]);
            file.label = label(key, &name);
        }
        self.in_order();
    }

    fn learn(&mut self, key: &Key, name: &str, also: &[&str]) {
        if is_label(name) {
            return;
        }
        let label = label(key, name);
        for text in also.iter().copied().chain([name]) {
            self.pairs.push((text.to_owned(), label.clone()));
        }
        self.named.insert(label, name.to_owned());
    }

    /// A text with labels in place of the names and paths that are known.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (name, label)| replaced(&text, name, label))
    }

    /// A text with names in place of the labels that are known.
    #[must_use]
    pub fn show(&self, text: &str) -> String {
        if !text.contains(MARK) {
            return text.to_owned();
        }
        self.named.iter().fold(text.to_owned(), |text, (label, name)| replaced(&text, label, name))
    }

    /// Findings as the lake keeps them.
    #[must_use]
    pub(crate) fn hidden(&self, findings: &[Finding]) -> Vec<Finding> {
        let one = |f: &Finding| Finding { file: self.hide(&f.file), what: self.hide(&f.what), ..f.clone() };
        findings.iter().map(one).collect()
    }
}

/// A text in which `what` stands for each `of` that is a word by itself.
fn replaced(text: &str, of: &str, what: &str) -> String {
    if of.is_empty() || !text.contains(of) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(of) {
        let (before, after) = (&rest[..at], &rest[at + of.len()..]);
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let inside = joined(before.chars().next_back()) || joined(after.chars().next());
        out.push_str(before);
        out.push_str(if inside { of } else { what });
        rest = after;
    }
    out + rest
}

/// Takes the names of files out of what a run before this one kept, of the sources whose plans are known: what a name says was kept
/// beside it.
pub(crate) fn forget(key: &Key, plans: &[SourcePlan], state: &mut RunState) {
    for file in state.files.iter_mut().filter(|f| !is_label(&f.file)) {
        if let Some(plan) = plans.iter().find(|p| p.source.name == file.source) {
            forget_one(key, plan, file);
        }
    }
    let known = |source: &str| plans.iter().any(|p| p.source.name == source);
    let receipts = state.receipts.iter_mut().filter(|r: &&mut Receipt| !is_label(&r.file) && known(&r.source));
    receipts.for_each(|r| r.file = label(key, &r.file));
    let findings = std::mem::take(&mut state.findings);
    let names = Names::new(key, [], &findings);
    state.findings = names.hidden(&findings);
}

fn forget_one(key: &Key, plan: &SourcePlan, file: &mut LoadedFile) {
    if file.months.is_none()
        && let Some(name) = plan.file_name(&file.file)
    {
        file.months = name.months;
        file.sender = file.sender.take().or(name.sender);
    }
    file.tables.get_or_insert_with(|| plan.tables_read(&file.file));
    file.file = label(key, &file.file);
}

/// The label of a file as a release names it: that of a lake from before, which kept the name, too.
pub(crate) fn published(key: &Key, slot: &str, file: &str) -> String {
    let label = if is_label(file) { file.to_owned() } else { label(key, file) };
    format!("{slot} {label}")
}

#[cfg(test)]
mod tests {
    use svp_contract::FindingKind;

    use super::*;

    const NAME: &str = "smith_john_19900312 rms_crimes_2024-05 SMITH.csv";

    fn key(first: &str) -> Key {
        let rest = "02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
        Key::parse(&format!("svp-key-1 test {first}{rest}\n")).unwrap()
    }

    fn file(name: &str) -> InputFile {
        InputFile { path: format!("/in/police/{name}"), name: name.to_owned(), bytes: 1 }
    }

    #[test]
    fn a_label_says_nothing_without_the_key() {
        let (one, other) = (label(&key("01"), NAME), label(&key("02"), NAME));
        assert!(is_label(&one) && is_label(&other) && one != other);
        assert_eq!(one, label(&key("01"), NAME));
        assert!(!one.contains("smith") && !is_label(NAME) && !is_label("file-smith_john_1"));
    }

    #[test]
    fn labels_are_turned_wherever_they_stand() {
        let old = key("01");
        let next = old.rotated().unwrap();
        let step = old.step_to(&next).unwrap();
        let (was, is) = (label(&old, NAME), label(&next, NAME));
        assert!(was != is && is_label(&is));
        for text in [
            "L",
            "2024-05 L",
            "L of the same slot is newer than L.",
            "(L)",
            "",
            "file-",
            "file-smith_john_1",
            "profile-0123456789ab",
        ] {
            assert_eq!(turned(&step, &text.replace('L', &was)), text.replace('L', &is), "{text}");
        }
        for joined in ["xL", "La", "L0"].map(|text| text.replace('L', &was)) {
            assert_eq!(turned(&step, &joined), joined);
        }
    }

    #[test]
    fn names_and_paths_are_hidden_as_words_and_shown_again() {
        let names = Names::new(&key("01"), &[file(NAME), file("a"), file("rms.csv")], &[]);
        let (smith, a, rms) = (label(&key("01"), NAME), label(&key("01"), "a"), label(&key("01"), "rms.csv"));
        for (text, hidden) in [
            (format!("{NAME}: row 3"), format!("{smith}: row 3")),
            (format!("/in/police/{NAME} and /in/police/a"), format!("{smith} and {a}")),
            ("a part of a, as before".to_owned(), format!("{a} part of {a}, as before")),
            ("rms.csv, rms.csvx".to_owned(), format!("{rms}, rms.csvx")),
        ] {
            assert_eq!(names.hide(&text), hidden);
        }
        assert_eq!(names.show(&format!("{smith} is older")), format!("{NAME} is older"));
        let found =
            Finding::new(FindingKind::OlderDelivery, "s", "2024-05", NAME, format!("{NAME} of the same slot is newer"));
        let hidden = serde_json::to_string(&names.hidden(&[found])).unwrap();
        assert!(!hidden.contains("smith") && hidden.matches(&smith).count() == 2, "{hidden}");
    }
}
