//! What a reader says of the bytes and lines of a file, as findings: what it passed over is told, damage refuses the file.

use svp_contract::{Acceptance, Finding, FindingKind};

use crate::error::IngestError;
use crate::findings::Findings;
use crate::read::{FileAccount, ReadError, ReadNote, ReaderKind};
use crate::receipt::Receipt;

/// Element paths of an XML file that are named in one finding.
const PATHS_NAMED: usize = 5;

/// The reader of a file whose damage somebody accepted: it costs the records that it is in, and no more.
pub(crate) fn reader_for(kind: &ReaderKind, accepted: &[Acceptance], source: &str, slot: &str) -> ReaderKind {
    let damage = accepted.iter().any(|a| a.kind == FindingKind::Lines && a.source == source && a.slot == slot);
    match kind {
        ReaderKind::Csv(options) if damage => {
            let mut options = options.clone();
            options.accept_damage = true;
            ReaderKind::Csv(options)
        }
        other => other.clone(),
    }
}

/// Damage of bytes and lines as a finding that refuses the file and that somebody can accept; other errors as they are.
pub(crate) fn refusal(error: ReadError, source: &str, slot: &str, file: &str) -> IngestError {
    let row = match &error {
        ReadError::SwallowedLines { row, .. }
        | ReadError::NulBytes { row, .. }
        | ReadError::CutOff { row, .. }
        | ReadError::UnnamedColumn { row, .. } => *row,
        _ => return error.into(),
    };
    let text = error.to_string();
    let what = text.strip_prefix(&format!("{file}: ")).unwrap_or(&text);
    let finding = Finding::new(FindingKind::Lines, source, slot, file, what).rows([row]);
    IngestError::Refused { findings: vec![finding] }
}

/// Tells what the reader passed over, and refuses a file whose account does not balance.
///
/// `more_columns`: the source says that the extract has more columns than are read.
pub(crate) fn told(
    notes: &[ReadNote],
    account: &FileAccount,
    receipt: &Receipt,
    more_columns: bool,
    findings: &mut Findings<'_>,
) {
    let about = |kind, what: String| Finding::new(kind, &receipt.source, &receipt.slot, &receipt.file, what);
    if !account.balances() {
        let what = "the parts that were read do not make the whole of its lines and bytes".to_owned();
        findings.raise(about(FindingKind::Lines, what).counted(account.lines.total, 0));
    }
    for note in notes {
        let (kind, count, row) = match note {
            // These change nothing that is read.
            ReadNote::OptionalAbsent(_)
            | ReadNote::FoldedNames(_)
            | ReadNote::UnnamedColumns { .. }
            | ReadNote::TrailingDelimiters { .. }
            | ReadNote::FallbackEncoding { .. }
            | ReadNote::Utf8ByMark
            | ReadNote::Utf16ByMark
            | ReadNote::NestedGzip { .. }
            | ReadNote::NoRecordElement => continue,
            ReadNote::ExtraColumns(_) if more_columns => continue,
            ReadNote::ExtraColumns(names) => (FindingKind::NotRead, names.len() as u64, None),
            ReadNote::TitleLines { lines } | ReadNote::RuledLines { lines } => (FindingKind::OddLines, *lines, None),
            ReadNote::RepeatedHeader { times, row, .. } => (FindingKind::JoinedFiles, *times, Some(*row)),
            ReadNote::BlankRecords { records, row } => (FindingKind::OddLines, *records, Some(*row)),
            ReadNote::Footer { row, .. } => (FindingKind::OddLines, 1, Some(*row)),
            ReadNote::UnterminatedLastLine { row } => (FindingKind::Unterminated, 1, Some(*row)),
            ReadNote::LongRecord { row, .. } => (FindingKind::OddLines, 1, Some(*row)),
            ReadNote::GzipPadding { bytes } => (FindingKind::OddLines, *bytes, None),
            ReadNote::DeclaredEncoding { .. } => (FindingKind::OddLines, 1, None),
            ReadNote::RecordElsewhere { count, .. } => (FindingKind::RecordsElsewhere, *count, None),
        };
        findings.raise(about(kind, note.to_string()).at("", "", note.code()).counted(count, 0).rows(row));
    }
}

/// Tells which elements of an XML file no feed of its source reads, but for those that the source leaves out (`left_out`).
pub(crate) fn unread(receipts: &[Receipt], left_out: &[String], findings: &mut Findings<'_>) {
    let Some(first) = receipts.first() else { return };
    let mut unread = FileAccount::unread_paths(receipts.iter().filter_map(|r| r.account.as_ref()));
    unread.retain(|path, _| !path.split('/').any(|name| left_out.iter().any(|out| out == name)));
    if unread.is_empty() {
        return;
    }
    let named: Vec<&str> = unread.keys().copied().take(PATHS_NAMED).collect();
    let more = unread.len().saturating_sub(PATHS_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!("elements that no feed reads: {}{more}", named.join(", "));
    let finding = Finding::new(FindingKind::NotRead, &first.source, &first.slot, &first.file, what);
    findings.raise(finding.at("", "", "elements").counted(unread.values().sum(), 0));
}
