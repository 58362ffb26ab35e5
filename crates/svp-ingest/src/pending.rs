//! Which files have to be loaded: what the lake knows by content, slot and sender, what is newer, what came twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use svp_contract::{Finding, FindingKind, Revises, Source};
use svp_lake::input::{InputFile, digest, digest_bytes, open_blocking};
use svp_pseudonymise::Key;

use crate::contents::Contents;
use crate::desk::{self, Sealed};
use crate::error::IngestError;
use crate::facts::Facts;
use crate::findings::is_slot;
use crate::load::SourcePlan;
use crate::loaded_file::{Knowledge, LoadedFile, SlotId, knowledge, without_sender};
use crate::name::FileName;
use crate::receipt::Receipt;
use crate::side_by_side::side_by_side;

/// What a pending file takes the place of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Slot, as the rows that go carry it.
    pub slot: String,
    /// File name.
    pub file: String,
    /// Rows read, by feed.
    pub rows: BTreeMap<String, u64>,
    /// It is the same file, loaded again.
    pub again: bool,
    /// When it was encoded, where it was.
    pub made: Option<String>,
}

/// A file that has to be loaded.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Index of the source plan.
    pub plan: usize,
    /// The file.
    pub input: InputFile,
    /// Slot, as its rows carry it.
    pub slot: String,
    /// First and last month that it covers by its name, `YYYY-MM`.
    pub months: Option<(String, String)>,
    /// Who sent it, where that is known.
    pub sender: Option<String>,
    /// What the name says of the sender, where the content says it too.
    pub sender_by_name: Option<String>,
    /// The first records name several senders.
    pub several_senders: bool,
    /// Year that its content names, where the source says how.
    pub year: Option<String>,
    /// The day of which it knows, `YYYY-MM-DD`.
    pub dated: Option<String>,
    /// Number of the release.
    pub release: Option<u32>,
    /// SHA-256 of the extract, for as long as it is read; of an encoded file what it says of the extract. Kept nowhere.
    pub sha256: String,
    /// What stands for its content in all that is kept; see [`Contents`].
    pub content: String,
    /// What stands for its path.
    pub place: String,
    /// Place in the order of loading, where it is loaded again.
    pub seq: Option<u64>,
    /// What it takes the place of.
    pub replaces: Option<Replaced>,
    /// What an encoded file says of itself; `None` for the agency's own extract.
    pub sealed: Option<Arc<Sealed>>,
    /// What stands for its name in all that is kept: the name, until somebody who has a key puts a label there.
    pub label: String,
}

impl Pending {
    /// Name of the extract, without folders: where the file is an encoded one, of what the data owner encoded.
    #[must_use]
    pub fn extract(&self) -> &str {
        self.sealed.as_ref().map_or(&self.input.name, |s| &s.manifest.extract)
    }

    /// When it was encoded, where it was and says so.
    #[must_use]
    pub fn made(&self) -> Option<&str> {
        self.sealed.as_ref()?.manifest.made.as_deref()
    }

    /// What it covers, without the sender.
    #[must_use]
    pub fn slot_by_name(&self) -> &str {
        without_sender(&self.slot, self.sender.as_deref())
    }

    /// Whether `slot` names its slot, with the sender or without.
    #[must_use]
    pub fn is_of(&self, slot: &str) -> bool {
        is_slot(slot, &self.slot)
    }

    /// The file as one that run `run` loaded, at place `next` of the order of loading unless it had one before; `receipts` are those
    /// of the run.
    #[must_use]
    pub fn loaded(&self, plan: &SourcePlan, run: u64, next: u64, receipts: &[Receipt]) -> LoadedFile {
        let own = receipts.iter().filter(|r| r.source == plan.source.name && r.slot == self.slot);
        LoadedFile {
            source: plan.source.name.clone(),
            slot: self.slot.clone(),
            file: self.label.clone(),
            sha256: self.content.clone(),
            run,
            seq: self.seq.unwrap_or(next),
            superseded: false,
            months: self.months.clone(),
            sender: self.sender.clone(),
            dated: self.dated.clone(),
            release: self.release,
            definition: Some(plan.definition.clone()),
            rows: Some(own.map(|r| r.rows_read).sum()),
            place: Some(self.place.clone()),
            unloaded: None,
            reference: None,
            placed: BTreeMap::new(),
            encoded: self.sealed.is_some(),
            made: self.made().map(str::to_owned),
            tables: Some(plan.tables_read(self.extract())),
        }
    }

    /// Why the content and the name cannot both be right about the year.
    pub(crate) fn header_differs(&self) -> Option<&'static str> {
        let (_, last) = self.months.as_ref()?;
        let year = self.year.as_deref()?;
        (!last.starts_with(year)).then_some("its content says another year or reference date than its name")
    }

    fn knowledge(&self) -> Knowledge {
        knowledge(self.dated.as_deref(), self.months.as_ref(), self.release)
    }

    fn told(&self, plans: &[SourcePlan], kind: FindingKind, what: impl Into<String>) -> Finding {
        Finding::new(kind, &plans[self.plan].source.name, &self.slot, self.extract(), what).only_told()
    }
}

/// What the lake knows.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// Every file that is or was in it.
    pub files: &'a [LoadedFile],
    /// Receipts of the live files.
    pub receipts: &'a [Receipt],
    /// Sources, and slots where one is named, that are to be loaded again.
    pub reload: &'a [(String, Option<String>)],
    /// How contents are named under the key of the lake, where it is known. Without it only what a lake from before holds is known.
    pub contents: Option<&'a Contents>,
}

impl Known<'_> {
    fn reloads(&self, source: &str, file: &Pending) -> bool {
        self.reload.iter().any(|(of, slot)| of == source && slot.as_ref().is_none_or(|s| file.is_of(s)))
    }
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Queue {
    /// Files to load, each of its own slot.
    pub files: Vec<Pending>,
    /// What was found about files that are not loaded, and about those that stay.
    pub findings: Vec<Finding>,
    /// Senders that the lake did not know of files that it holds, by their place among the known files.
    pub senders: Vec<(usize, String)>,
}

/// A file on its way, with the slot that it is of.
struct Candidate {
    pending: Pending,
    id: SlotId,
    by_name: String,
    in_slot: bool,
}

/// Finds the files that have to be loaded. What the lake holds is known by content, slot and sender. Of two files of a slot
/// the one that knows of a later day is newer; where nothing tells, the one that comes later. An encoded file counts as the
/// extract that it was made from; `key` opens it. Contents are digested on so many `threads`.
///
/// # Errors
/// A file without a slot, two files of a slot of which neither is newer, a file that cannot be read, an encoded file that is
/// damaged or of another key, or without a key any.
pub fn pending(
    plans: &[SourcePlan],
    inputs: Vec<(usize, InputFile)>,
    known: &Known<'_>,
    key: Option<&Key>,
    threads: usize,
) -> Result<Queue, IngestError> {
    let mut queue = Queue::default();
    let mut slots: BTreeMap<(usize, SlotId), Vec<Candidate>> = BTreeMap::new();
    let looked_at = side_by_side(&inputs, threads, |(plan, input)| {
        let sealed = desk::open_if_encoded(input, &plans[*plan].source.name, key)?.map(Arc::new);
        let sha256 = match &sealed {
            Some(sealed) => sealed.manifest.sha256.clone(),
            None => digest(input)?,
        };
        Ok((sealed, sha256))
    });
    for ((plan, input), looked_at) in inputs.into_iter().zip(looked_at) {
        let candidate = candidate(plans, plan, (input, looked_at?), known, &mut queue)?;
        slots.entry((plan, candidate.id.clone())).or_default().push(candidate);
    }
    let mut chosen = Vec::new();
    for candidates in slots.into_values() {
        chosen.extend(choose(plans, candidates, known, &mut queue)?);
    }
    same_content(plans, &mut chosen, known, &mut queue);
    queue.files = chosen.into_iter().map(|c| c.pending).collect();
    let goes = |file: &LoadedFile| {
        let of = |p: &Pending| {
            plans[p.plan].source.name == file.source && p.replaces.as_ref().is_some_and(|r| r.slot == file.slot)
        };
        queue.files.iter().any(of)
    };
    let stay = other_definitions(plans, known.files, &goes);
    queue.findings.extend(stay);
    queue.findings.sort();
    Ok(queue)
}

/// What a file is: its slot and sender, by its name, its first records and what the lake knows of the same content.
fn candidate(
    plans: &[SourcePlan],
    plan: usize,
    (input, (sealed, sha256)): (InputFile, (Option<Arc<Sealed>>, String)),
    known: &Known<'_>,
    queue: &mut Queue,
) -> Result<Candidate, IngestError> {
    let (at, source) = (plan, &plans[plan].source);
    let plan = &plans[at];
    let name = sealed.as_ref().map_or(&input.name, |sealed| &sealed.manifest.extract).clone();
    let FileName { slot: by_name, sender: named, sender_in_slot: in_slot, months, day, release } = plan
        .file_name(&name)
        .ok_or_else(|| IngestError::Slot { file: name.clone(), source_name: source.name.clone() })?;
    let named = named.map(|s| if in_slot { s } else { s.to_uppercase() });
    let content = known.contents.map_or_else(|| sha256.clone(), |contents| contents.content(&sha256));
    let same = |f: &&(usize, &LoadedFile)| {
        f.1.sha256 == content
            && f.1.slot_by_name().eq_ignore_ascii_case(&by_name)
            && named.as_ref().is_none_or(|n| f.1.sender.as_ref().is_none_or(|s| s.eq_ignore_ascii_case(n)))
    };
    let of_source: Vec<(usize, &LoadedFile)> =
        known.files.iter().enumerate().filter(|(_, f)| f.source == source.name).collect();
    let before = of_source.iter().filter(|f| !f.1.superseded).find(same).or_else(|| of_source.iter().rfind(same));
    // The same bytes say the same of themselves, whatever a definition that was mended since makes of them.
    let said = |sender: &Option<String>, dated: &Option<String>| Facts {
        sender: sender.clone(),
        dated: dated.clone(),
        several: false,
        year: None,
    };
    let facts = match (&sealed, before) {
        (Some(sealed), _) => said(&sealed.manifest.sender, &sealed.manifest.dated),
        (None, Some((_, file))) if file.sender.is_some() || !plan.names_sender() => said(&file.sender, &file.dated),
        (None, _) => plan.facts(&input),
    };
    let several = facts.several;
    let sender = facts.sender.clone().or_else(|| named.clone());
    let place: String = digest_bytes(input.path.as_bytes()).chars().take(16).collect();
    let place = known.contents.map_or_else(|| place.clone(), |contents| contents.place(&place));
    // The lake did not ask for the sender when it took the file in.
    if let (Some((i, file)), Some(sender)) = (before, &sender)
        && file.sender.is_none()
    {
        queue.senders.push((*i, sender.clone()));
    }
    let mut of = sender.clone();
    if of.is_none() && plan.names_sender() && !several {
        // A file without a record says nothing of its sender: it is taken for the one whose file lay there, or who alone sent
        // the slot before.
        let live: Vec<&LoadedFile> = of_source
            .iter()
            .map(|f| f.1)
            .filter(|f| !f.superseded && f.slot_by_name().eq_ignore_ascii_case(&by_name))
            .collect();
        let there = live.iter().find(|f| f.place.as_ref() == Some(&place)).and_then(|f| f.sender.clone());
        let senders: BTreeSet<&str> = live.iter().filter_map(|f| f.sender.as_deref()).collect();
        of = there.or_else(|| senders.first().filter(|_| senders.len() == 1).map(|s| (*s).to_owned()));
    }
    let slot = match (&sealed, &of) {
        (Some(sealed), _) => sealed.manifest.slot.clone(),
        (None, Some(sender)) if !in_slot => format!("{by_name}@{sender}"),
        _ => by_name.clone(),
    };
    let id = SlotId {
        slot: by_name.to_lowercase(),
        sender: of.as_deref().filter(|_| !in_slot).unwrap_or_default().to_lowercase(),
    };
    let pending = Pending {
        plan: at,
        slot,
        months,
        sender: of,
        sender_by_name: named.filter(|_| facts.sender.is_some() && !in_slot),
        several_senders: several,
        year: facts.year,
        dated: facts.dated.or(day),
        release,
        sha256,
        content,
        place,
        seq: None,
        replaces: None,
        label: name,
        sealed,
        input,
    };
    Ok(Candidate { pending, id, by_name, in_slot })
}

/// The live file of a slot: of the same sender, or one of which no sender is known.
fn live<'a>(plans: &[SourcePlan], of: &Candidate, known: &Known<'a>, queue: &Queue) -> Option<&'a LoadedFile> {
    let source = &plans[of.pending.plan].source;
    let learned = |i: usize| queue.senders.iter().find(|(at, _)| *at == i).map(|(_, sender)| sender.to_lowercase());
    let mut unknown = None;
    for (i, file) in known.files.iter().enumerate().filter(|(_, f)| f.source == source.name && !f.superseded) {
        let mut id = file.slot_id(of.in_slot);
        if id.sender.is_empty() && !of.in_slot {
            id.sender = learned(i).unwrap_or_default();
        }
        if id == of.id {
            return Some(file);
        }
        // Nobody knows who sent it. By the record nothing is lost if it stays; an empty one is nobody's.
        let old = file.definition.is_none() && source.files.revises == Revises::File;
        if id.slot == of.id.slot && id.sender.is_empty() && (old || file.rows == Some(0)) {
            unknown = Some(file);
        }
    }
    unknown
}

/// Of the files of one slot, the one that has to be loaded.
fn choose(
    plans: &[SourcePlan],
    mut all: Vec<Candidate>,
    known: &Known<'_>,
    queue: &mut Queue,
) -> Result<Option<Candidate>, IngestError> {
    let mut seen = BTreeSet::new();
    all.retain(|c| seen.insert(c.pending.content.clone()));
    let Some(first) = all.first() else { return Ok(None) };
    let plan = &plans[first.pending.plan];
    let source = plan.source.name.clone();
    let live = live(plans, first, known, queue);
    let reload = all.iter().any(|c| known.reloads(&source, &c.pending));
    let held = live.is_some_and(|l| all.iter().any(|c| c.pending.content == l.sha256));
    let gone = |c: &Candidate| {
        known.files.iter().rev().find(|f| {
            f.source == source
                && f.superseded
                && f.sha256 == c.pending.content
                && f.slot_by_name().eq_ignore_ascii_case(&c.by_name)
        })
    };
    let mut left = Vec::new();
    for candidate in all {
        let p = &candidate.pending;
        if live.is_some_and(|l| l.sha256 == p.content) {
            if reload {
                left.push(candidate);
            }
            continue;
        }
        let before = gone(&candidate).filter(|_| !reload);
        if let Some(why) = before.and_then(|f| f.unloaded.as_ref()) {
            let what = format!("the file was taken out of the lake ({why}); `--reload` brings it back");
            queue.findings.push(p.told(plans, FindingKind::PassedOver, what));
            continue;
        }
        // A superseded file that lies where it lay did not come back; nor did one that lies beside the live one.
        let stays = before.is_some_and(|f| {
            held || (f.place.as_ref() == Some(&p.place) && live.is_some_and(|l| l.place.as_ref() != Some(&p.place)))
        });
        if stays {
            continue;
        }
        left.push(candidate);
    }
    // Loading a slot again means what it holds, where that is among the files.
    if reload && held {
        left.retain(|c| live.is_some_and(|l| l.sha256 == c.pending.content));
    }
    left.sort_by_key(|c| c.pending.knowledge());
    let Some(newest) = left.pop() else { return Ok(None) };
    for older in left {
        if older.pending.knowledge() == newest.pending.knowledge() {
            return Err(same_slot(&source, &older, &newest));
        }
        let what = format!("{} of the same slot is newer", newest.pending.extract());
        queue.findings.push(older.pending.told(plans, FindingKind::OlderDelivery, what));
    }
    let Some(live) = live else { return Ok(Some(newest)) };
    if !reload && newest.pending.knowledge() < live.knowledge(Some(plan)) {
        let what = format!("{}, which the lake holds for the slot, is newer", live.file);
        queue.findings.push(newest.pending.told(plans, FindingKind::OlderDelivery, what));
        return Ok(None);
    }
    let mut newest = newest;
    let again = live.sha256 == newest.pending.content;
    newest.pending.seq = again.then_some(live.seq);
    let of_slot = known.receipts.iter().filter(|r| r.source == source && r.slot == live.slot);
    newest.pending.replaces = Some(Replaced {
        slot: live.slot.clone(),
        file: live.file.clone(),
        rows: of_slot.map(|r| (r.feed.clone(), r.rows_read)).collect(),
        again,
        made: live.made.clone(),
    });
    if live.definition.is_none()
        && live.sender.is_none()
        && !newest.in_slot
        && newest.pending.sender.is_some()
        && !again
    {
        let what = format!("{} was loaded before senders were known, and is taken for the same sender's", live.file);
        queue.findings.push(newest.pending.told(plans, FindingKind::Unaccounted, what));
    }
    Ok(Some(newest))
}

fn same_slot(source: &str, first: &Candidate, second: &Candidate) -> IngestError {
    let path = |c: &Candidate| c.pending.input.path.clone();
    IngestError::SameSlot {
        source_name: source.to_owned(),
        first: path(first),
        second: path(second),
        slot: second.pending.slot.clone(),
        sender: second.pending.sender.clone(),
    }
}

/// Passes over files whose very bytes stand, or will stand, in another slot of the source: one delivery under two names.
fn same_content(plans: &[SourcePlan], chosen: &mut Vec<Candidate>, known: &Known<'_>, queue: &mut Queue) {
    loop {
        let replaced = |source: &str, slot: &str, chosen: &[Candidate]| {
            chosen.iter().any(|c| {
                plans[c.pending.plan].source.name == source
                    && c.pending.replaces.as_ref().is_some_and(|r| r.slot == slot)
            })
        };
        let double = chosen.iter().enumerate().find_map(|(i, c)| {
            let Source { name: source, files, .. } = &plans[c.pending.plan].source;
            // Months without a record have the same bytes: a header.
            if holds_no_record(&c.pending.input) {
                return None;
            }
            // Of a source that revises by record each record counts once anyway, in the newest file that holds it; and the file under
            // the wrong name may go later.
            if known.reloads(source, &c.pending) || files.revises == Revises::Record {
                return None;
            }
            let in_lake = known.files.iter().find(|f| {
                f.source == *source
                    && !f.superseded
                    && f.sha256 == c.pending.content
                    && !replaced(source, &f.slot, chosen)
            });
            let first =
                chosen[..i].iter().find(|o| o.pending.plan == c.pending.plan && o.pending.content == c.pending.content);
            let other = in_lake.map(|f| (f.file.as_str(), f.slot.as_str()));
            let other = other.or_else(|| first.map(|o| (o.pending.extract(), o.pending.slot.as_str())))?;
            let what = format!(
                "its bytes are those of {} (slot {}): one delivery under two names, counted once",
                other.0, other.1
            );
            Some((i, c.pending.told(plans, FindingKind::SharedIds, what)))
        });
        let Some((i, finding)) = double else { return };
        queue.findings.push(finding);
        chosen.remove(i);
    }
}

/// Whether a file has one line at most. What cannot be read is no such file: the loader tells why.
fn holds_no_record(input: &InputFile) -> bool {
    use std::io::Read;
    const MOST: u64 = 16_384;
    if input.bytes > MOST {
        return false;
    }
    let mut text = Vec::new();
    let read = open_blocking(input).ok().map(|bytes| bytes.take(MOST).read_to_end(&mut text));
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).count();
    matches!(read, Some(Ok(n)) if (n as u64) < MOST) && lines <= 1 && !text.trim_ascii_start().starts_with(b"<")
}

/// Which live files were loaded under another definition than that of now, or before definitions were kept. `goes` says which
/// are about to be superseded.
#[must_use]
pub fn other_definitions(
    plans: &[SourcePlan],
    files: &[LoadedFile],
    goes: &dyn Fn(&LoadedFile) -> bool,
) -> Vec<Finding> {
    let plan = |file: &LoadedFile| plans.iter().find(|p| p.source.name == file.source);
    let live = files.iter().filter(|f| !f.superseded && !goes(f)).filter_map(|f| Some((f, plan(f)?)));
    let finding = |(file, plan): (&LoadedFile, &SourcePlan)| {
        let (kind, what) = match &file.definition {
            Some(digest) if *digest == plan.definition => return None,
            Some(_) => (FindingKind::OtherDefinition, "the file was loaded under another definition of its source"),
            None => (FindingKind::Unaccounted, "the file was loaded before accounts and definitions were kept"),
        };
        Some(Finding::new(kind, &file.source, &file.slot, &file.file, what).only_told())
    };
    live.filter_map(finding).collect()
}
