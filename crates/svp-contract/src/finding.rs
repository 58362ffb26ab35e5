//! Findings: what is odd about a delivery, in a form that a person and a program can read. A finding never holds a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the kinds: variant, stable name, whether it refuses the file, what it means, what to do.
macro_rules! kinds {
    ($($variant:ident $name:literal $refuses:literal $meaning:literal $advice:literal)*) => {
        /// A kind of finding. The name is stable: scripts, acceptances and the documentation rely on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FindingKind {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)*
        }

        impl FindingKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name, snake case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether a finding of this kind refuses the delivery, unless somebody accepts it by name and with a reason.
            #[must_use]
            pub fn refuses(self) -> bool {
                match self { $(Self::$variant => $refuses,)* }
            }

            /// What it means, one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What a data engineer can do about it, one sentence.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

kinds! {
    RuleShare "rule_share" true
        "More rows broke a rule than the source allows."
        "mend the extract or the map; where the share is right, raise the source's threshold knowingly"
    ColumnEmptied "column_emptied" true
        "A column that holds text in the extract is empty after mapping, in more rows than the source allows."
        "compare the column's form (dates, numbers, codes) with the source's mapping"
    RowsQuarantined "rows_quarantined" false
        "Rows broke a rule and are in quarantine, within what the source allows."
        "see the table `quarantine` for the rows; mend them at the sender"
    ValuesLost "values_lost" false
        "Values broke a rule and are left out, within what the source allows; their rows are kept."
        "see the rows that are named; mend them at the sender, or add the form or code to the source"
    SpoiltIds "spoilt_ids" true
        "Ids were destroyed by a spreadsheet: several records may have one id."
        "ask the sender for an export that did not pass through a spreadsheet"
    ContradictingRows "contradicting_rows" true
        "Rows of one id contradict one another in place, time or offence, in one file or in files that follow one another."
        "ask the sender what the id names; give the source a record_id or row_key that tells such rows apart"
    SplitRecords "split_records" true
        "Records that follow one another say the same of time, place and all else, and their ids differ in a suffix: one record may count as several."
        "ask the sender what the id names: a suffix for the row or the person is no part of it; take it off in the source's record_id and once_per"
    DifferingRows "differing_rows" false
        "Rows of one record say different things of it (flags, weapon, kind of place, outcome); those of its first row count."
        "ask the sender which row holds them, or have the export repeat them in each row"
    OutsidePeriod "outside_period" true
        "Rows lie outside the period that the file's name says."
        "ask the sender whether the file was named wrongly"
    Shrunk "shrunk" true
        "The file holds far fewer rows than the one that it supersedes."
        "ask the sender whether the upload is complete"
    OtherRecords "other_records" true
        "The file holds hardly any record of the one that it supersedes: it may be another sender's, or another part of the delivery."
        "ask the sender whether it is the same extract; parts of one delivery want names of their own, and the source a sender that tells them apart"
    EncodedBefore "encoded_before" true
        "The encoded file was made before the one that it would supersede: somebody may have sent an old one again."
        "ask the data owner which of the two holds; have the extract that holds encoded anew, or accept this one knowingly"
    EncodedEarlier "encoded_earlier" false
        "The encoded file was made by an earlier version, whose encodings of people held more than is kept now: it was left out."
        "nothing needs to be done; treat the file as the key, and let the data owner use the present version"
    MixedSenders "mixed_senders" true
        "Rows of several senders stand in one file."
        "ask for one file from each sender, or take `sender` out of the source's [files] where one body sends for all"
    SenderDiffers "sender_differs" true
        "The file's name says another sender than its content."
        "ask the sender whether the file was named wrongly"
    OlderDelivery "older_delivery" false
        "The file is older than what the lake already knows, and supersedes nothing newer."
        "nothing needs to be done: newer knowledge was kept"
    RepairedIds "repaired_ids" false
        "Ids carried marks of a spreadsheet that could be taken off without loss."
        "ask the sender for an export that did not pass through a spreadsheet"
    MissingWords "missing_words" false
        "A column holds words that mean that nothing is known; they are read as missing."
        "nothing needs to be done if the words mean that; a word that is a code belongs into the source's map or `[words]`"
    ColumnBlank "column_blank" false
        "A column that is read is blank in all rows of the file."
        "ask the sender whether the column was left out of the export"
    Uncounted "uncounted" false
        "What definitions count by is blank in many rows: they are in no count that asks for it, or are taken for one kind of event."
        "ask the sender for the codes, or for an export made when they are known; until then counts are too small"
    ColumnEnds "column_ends" false
        "A column holds text up to a row and none after it: part of it was lost, or the file is sorted by what it depends on."
        "look at the row that is named: ask the sender whether the column was cut"
    CommonValue "common_value" false
        "One number, date of birth or minute of the clock stands in so many rows that it looks filled in."
        "ask the sender what it stands for; what stands for nobody belongs into schemas/placeholders.csv"
    DaysMissing "days_missing" false
        "The file has no row on many days on end of what it covers, or on one day of the week, and too many on the others for that to be chance."
        "ask the sender whether the export was cut by date or leaves weekends out; a month that is not over yet ends where it was exported"
    TwoForms "two_forms" false
        "Ids of one column are written in two forms, or in another form than in other files: one record can count as two."
        "ask the sender for one form; bring both into one in the source's record_id"
    CoarsePlaces "coarse_places" false
        "Coordinates are cut or rounded to some hundred metres: they say less than a grid of squares needs."
        "ask the sender for the coordinates as they were recorded"
    PlacesDiffer "places_differ" false
        "The small area and the point of many rows lie in different districts: the columns may have been sorted apart."
        "look at the rows: small area and point must be of one place"
    UnlikeOthers "unlike_others" false
        "Something is so in this file and in no other of its source, or in few of many: a column that is blank or of one value more often, a value that is gone or far more common, rows that come again, or far fewer or more rows."
        "ask the sender what changed in this export"
    RowLimit "row_limit" false
        "The file has a number of rows at which programs stop, or files have one and the same number: the rest may be cut off."
        "ask the sender whether the export had a limit"
    NoRows "no_rows" false
        "The file holds no record: what it covers counts as a true zero."
        "ask the sender whether there was nothing to report, or whether the export failed"
    RepeatedRows "repeated_rows" false
        "Rows without an id come twice, nearly all of them or a whole run in its order: the file may hold rows twice."
        "ask the sender whether the export was made or pasted twice"
    SharedIds "shared_ids" false
        "An id comes in two slots of one source."
        "ask the sender whether both files report the same record"
    FewerParties "fewer_parties" false
        "Records came again with fewer people than before: who is not there any longer is not counted any longer."
        "ask the sender whether the newer file holds all rows of each record"
    SharedBySenders "shared_by_senders" true
        "Records of two senders have one id: one would take the place of the other."
        "put the sender into the source's record_id, or accept it where both report the same record"
    PassedOver "passed_over" false
        "A file in the folder is no extract of the source: a partial upload, a backup, or another table of the delivery."
        "nothing needs to be done if the file was not meant to be read"
    NotGiven "not_given" false
        "A source of the area was not given to this run and has no file in the lake: what needs it is counted without it."
        "name its files, too; with --input only the sources that it names are read"
    NoFile "no_file" true
        "A source of the area has no file."
        "put the extract there, or say `optional = true` at the area's input"
    OtherDefinition "other_definition" false
        "The file was loaded under another definition of its source."
        "load it again: `svp run --reload SOURCE:SLOT`"
    Unaccounted "unaccounted" false
        "The file was loaded before there were accounts of bytes, lines and columns."
        "load it again: `svp run --reload SOURCE:SLOT`"
    ImplausibleDate "implausible_date" false
        "Dates lie in the future, before living memory, or are fillers."
        "ask the sender which dates are meant"
    ImplausiblePlace "implausible_place" false
        "Coordinates are fillers: the place is not known."
        "ask the sender for the places"
    OutsideRelease "outside_release" false
        "Events lie outside the months of the release and are not counted in it."
        "nothing needs to be done if the extract covers more than the release"
    MissingMonths "missing_months" false
        "Months of the release have no file of the source."
        "load the missing files; until then counts of these months are not available"
    SenderBegins "sender_begins" false
        "A sender begins to deliver after others of its source: counts before and after are not of the same senders."
        "load the sender's earlier files, or compare only months in which all of them sent"
    MissingTables "missing_tables" false
        "A delivery of several tables lacks one of them."
        "ask the sender for the table; until then what it would say is not counted"
    Lines "lines" true
        "The lines or bytes of the file do not balance: something in it is damaged."
        "fetch the file again"
    JoinedFiles "joined_files" false
        "The header stands again among the records: two files were joined, or one was pasted twice."
        "ask the sender which of the parts is meant; rows without an id are counted as often as they stand there"
    Unterminated "unterminated" false
        "The last line has no line end: whether its last value is whole cannot be known."
        "ask the sender whether the upload is complete"
    RecordsElsewhere "records_elsewhere" false
        "Elements with the name of a record stand at another path of the document, and are not read."
        "compare the document with `record` in the source's feeds"
    HeaderDiffers "header_differs" true
        "The content says another year or reference date than the file's name."
        "ask the sender whether the file was named wrongly"
    OddLines "odd_lines" false
        "The file holds lines that are no records: blank ones, titles, footers."
        "nothing needs to be done if these lines are no records"
    NotRead "not_read" false
        "The file holds columns or elements that are not read."
        "nothing needs to be done if they are not needed"
    Noted "noted" false
        "Rows were kept that a rule remarks on."
        "see the rule in the schema"
    Reference "reference" false
        "Reference data do not cover the area."
        "complete the reference file; until then what needs it is not available"
}

impl FindingKind {
    /// The kind of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something odd about a delivery: of which kind, where, how much. Never a value of the data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Kind.
    pub kind: FindingKind,
    /// Source.
    pub source: String,
    /// Slot; empty where it concerns the whole source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slot: String,
    /// File name, without folders; empty where it concerns no single file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Canonical table, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table: String,
    /// Column, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// Rule, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// How many rows (or lines, bytes, months: `what` says) it concerns.
    pub count: u64,
    /// Of how many; 0 where that is not known.
    pub of: u64,
    /// The first rows that it concerns (1 = the first after the header), at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u64>,
    /// What was found, in one sentence without a value.
    pub what: String,
    /// Whether it refuses the delivery.
    pub refuses: bool,
    /// The reason with which somebody accepted it, where it would refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// The most rows that a finding names.
pub const FIRST_ROWS: usize = 5;

impl Finding {
    /// A finding of a kind about a file; counts, place and rows are added by the `with` functions.
    pub fn new(kind: FindingKind, source: &str, slot: &str, file: &str, what: impl Into<String>) -> Self {
        Self {
            kind,
            source: source.to_owned(),
            slot: slot.to_owned(),
            file: file.to_owned(),
            table: String::new(),
            column: String::new(),
            rule: String::new(),
            count: 0,
            of: 0,
            rows: Vec::new(),
            what: what.into(),
            refuses: kind.refuses(),
            accepted: None,
        }
    }

    /// Names table, column and rule.
    #[must_use]
    pub fn at(mut self, table: &str, column: &str, rule: &str) -> Self {
        (self.table, self.column, self.rule) = (table.to_owned(), column.to_owned(), rule.to_owned());
        self
    }

    /// How many, of how many.
    #[must_use]
    pub fn counted(mut self, count: u64, of: u64) -> Self {
        (self.count, self.of) = (count, of);
        self
    }

    /// The first rows; more than [`FIRST_ROWS`] are cut.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = u64>) -> Self {
        self.rows = rows.into_iter().take(FIRST_ROWS).collect();
        self
    }

    /// Only tells, whatever the kind does by default.
    #[must_use]
    pub fn only_told(mut self) -> Self {
        self.refuses = false;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.file.is_empty() { &self.source } else { &self.file };
        write!(f, "{at}: {} [{}", self.what, self.kind)?;
        match (self.table.as_str(), self.column.as_str()) {
            ("", "") => {}
            ("", column) => write!(f, ", {column}")?,
            (table, column) => write!(f, ", {table}.{column}")?,
        }
        if !self.rule.is_empty() {
            write!(f, ", rule {}", self.rule)?;
        }
        if self.count > 0 {
            write!(f, ", {}", self.count)?;
            if self.of > 0 {
                write!(f, " of {} = {:.1} %", self.of, 100.0 * self.count as f64 / self.of as f64)?;
            }
        }
        if !self.rows.is_empty() {
            let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
            write!(f, ", first rows {}", rows.join(", "))?;
        }
        write!(f, "]")?;
        match &self.accepted {
            Some(reason) => write!(f, " accepted: {reason}"),
            None => Ok(()),
        }
    }
}

/// What somebody accepted knowingly: findings of one kind about one slot, with the reason. Recorded in the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acceptance {
    /// Source.
    pub source: String,
    /// Slot; empty for a finding about the whole source.
    pub slot: String,
    /// Kind.
    pub kind: FindingKind,
    /// Why it is right.
    pub reason: String,
    /// When, by the clock of the run.
    pub at: String,
    /// The run.
    pub run: u64,
    /// What stands for the file that it was given for, its SHA-256 under the key; the acceptance holds for these bytes when they are loaded again, and for
    /// no other. Empty where no file was loaded under it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_come_back() {
        for kind in FindingKind::ALL {
            assert_eq!(FindingKind::of(kind.name()), Some(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.name()));
            assert!(kind.meaning().ends_with('.'), "{kind}");
        }
    }

    #[test]
    fn a_finding_reads_as_a_line() {
        let finding = Finding::new(FindingKind::RuleShare, "ecds", "ecds_2025-03", "ecds_2025-03.csv", "too many")
            .at("event", "recorded_at", "unreadable")
            .counted(3, 60)
            .rows([7, 9, 11]);
        assert_eq!(
            finding.to_string(),
            "ecds_2025-03.csv: too many [rule_share, event.recorded_at, rule unreadable, 3 of 60 = 5.0 %, first rows 7, 9, 11]"
        );
    }
}
