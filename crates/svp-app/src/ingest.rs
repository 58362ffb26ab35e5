//! The first step of a run: extracts become canonical, pseudonymised rows, and the record says what was loaded and found.

use std::collections::BTreeSet;
use std::sync::Arc;

use svp_contract::{Acceptance, Finding, FindingKind};
use svp_ingest::reference::InFull;
use svp_ingest::{
    Findings, FreshIds, Live, Loaded, Pending, Queue, Receipt, Revised, SourcePlan, apart, compare_slots, load,
    previous, receipt_batch, revise,
};
use tokio::task::JoinHandle;

use crate::accept;
use crate::error::AppError;
use crate::inputs;
use crate::progress::timed;
use crate::release;
use crate::run::Work;
use crate::state::RunState;

/// Findings about what lies in the folders and what stays in the lake: those of the last run count, and no earlier ones.
const OF_A_RUN: [FindingKind; 5] = [
    FindingKind::PassedOver,
    FindingKind::NoFile,
    FindingKind::OlderDelivery,
    FindingKind::OtherDefinition,
    FindingKind::Unaccounted,
];

/// Findings that compare a file with others of its source: they are asked anew when one of them comes or goes.
const COMPARED: [FindingKind; 2] = [FindingKind::UnlikeOthers, FindingKind::RowLimit];

/// Records that came again in another month, from which that is no chance.
const FEWEST_ELSEWHERE: u64 = 5;

impl Work<'_> {
    /// Loads what is pending into `state` and the tables; `accepted` is what is accepted now.
    pub(crate) async fn ingest(
        &self,
        full: Option<JoinHandle<InFull>>,
        plans: &Arc<Vec<SourcePlan>>,
        queue: &Queue,
        mut state: RunState,
        accepted: &[Acceptance],
    ) -> Result<RunState, AppError> {
        let files = queue.files.as_slice();
        self.txn.register(self.ctx).await?;
        let source = |f: &Pending| plans[f.plan].source.name.clone();
        let replaced: Vec<(String, String)> =
            files.iter().filter_map(|f| Some((source(f), f.replaces.as_ref()?.slot.clone()))).collect();
        let progress = self.progress;
        let before = timed(progress, "before", previous(self.ctx, &replaced)).await?;
        let bytes = files.iter().map(|f| f.input.bytes).sum();
        self.progress.bar("ingest", bytes, true);
        let on_file = |file: &str, bytes: u64| self.progress.advance(bytes, file);
        let standing = accept::of_these_bytes(&state.accepted, files).chain(accepted).cloned().collect::<Vec<_>>();
        let loading = load(
            Arc::clone(plans),
            files,
            before,
            self.txn,
            Arc::clone(self.key),
            &standing,
            self.machine.threads,
            &on_file,
        );
        let Loaded { mut receipts, findings, ids, places } =
            timed(progress, "load", loading).await.map_err(AppError::Load)?;
        self.progress.end_bar();
        self.no_failures()?;
        if let Some(full) = full {
            let full = timed(progress, "reference in full", full).await.map_err(|_| svp_ingest::IngestError::Worker)?;
            let _ = self.reference.set(inputs::sound(full, self.progress)?);
        }

        for (i, sender) in &queue.senders {
            state.files[*i].sender = Some(sender.clone());
        }
        for (source, slot) in &replaced {
            state.files.iter_mut().filter(|f| f.source == *source && f.slot == *slot).for_each(|f| f.superseded = true);
            state.receipts.retain(|r| !(r.source == *source && r.slot == *slot));
            state.findings.retain(|f| !(f.source == *source && f.slot == *slot));
        }
        self.list(plans, files, &receipts, &mut state);
        state.accepted.extend(accepted.iter().map(|a| {
            Acceptance {
                sha256: files
                    .iter()
                    .find(|f| source(f) == a.source && f.is_of(&a.slot))
                    .map(|f| f.content.clone())
                    .unwrap_or_default(),
                ..a.clone()
            }
        }));
        let of_a_source = |f: &Finding| OF_A_RUN.contains(&f.kind) && plans.iter().any(|p| p.source.name == f.source);
        state.findings.retain(|f| f.kind != FindingKind::NotGiven && !of_a_source(f));
        if !receipts.is_empty() {
            let mut part = self.txn.part("quality", "receipt", &[], "receipts")?;
            part.write(&receipt_batch(&receipts, self.txn.number())?).await?;
            self.txn.append(part.finish().await?)?;
        }
        self.columns(&mut receipts).await?;
        timed(progress, "commit", self.txn.commit_tables()).await?;
        self.txn.register(self.ctx).await?;
        for line in release::summary(&receipts) {
            self.progress.step("ingest", &line);
        }
        state.receipts.extend(receipts);
        state.receipts.sort_by(|a, b| (&a.source, &a.slot, &a.feed).cmp(&(&b.source, &b.slot, &b.feed)));

        let changed: BTreeSet<String> = files.iter().map(source).collect();
        let mut findings: Vec<Finding> = queue.findings.iter().cloned().chain(findings).collect();
        let (shared, slots) = timed(progress, "revise", self.revise(plans, &changed, &state, &ids)).await?;
        findings.extend(shared);
        let sorted_apart = apart(self.ctx, &state.files, places, self.txn.number());
        findings.extend(timed(progress, "apart", sorted_apart).await?);
        let live = Live { files: &state.files, receipts: &state.receipts };
        let compared = timed(progress, "compare", compare_slots(self.ctx, plans, live, &changed)).await?;
        // What was told of files that are there still is not told again.
        state.findings.retain(|f| !COMPARED.contains(&f.kind) || !changed.contains(&f.source) || compared.contains(f));
        findings.extend(compared.into_iter().filter(|f| !state.findings.contains(f)));
        // What slots have in common is told anew where it changed, and no longer where a slot is gone.
        let live = |f: &Finding| state.files.iter().any(|l| !l.superseded && l.source == f.source && l.slot == f.slot);
        let stale = |f: &Finding| slots.contains(&(f.source.clone(), f.slot.clone())) || !live(f);
        let kept = state.findings.iter().filter(|f| f.kind != FindingKind::SharedIds || !stale(f)).cloned().collect();
        state.findings = kept;
        self.found("findings", &findings).await?;
        state.findings.extend(self.names.hidden(&findings));
        Ok(state)
    }

    /// Refuses ids that two senders gave to records of their own: one would take the place of the other.
    fn one_sender_each(&self, revised: &Revised, state: &RunState) -> Result<(), AppError> {
        let mut findings = Findings::new(&state.accepted);
        for ((source, slot), n) in &revised.of_several_senders {
            let live = state.files.iter().find(|f| !f.superseded && f.source == *source && f.slot == *slot);
            let what = "ids of its records are also those of another sender's records; put the sender into the source's record_id \
                        (column \"file.sender\")";
            let file = live.map_or("", |f| f.file.as_str());
            findings.raise(Finding::new(FindingKind::SharedBySenders, source, slot, file, what).counted(*n, 0));
        }
        for ((source, slot), (people, others)) in &revised.other_people {
            let live = state.files.iter().find(|f| !f.superseded && f.source == *source && f.slot == *slot);
            let new = live.is_some_and(|f| f.run == self.txn.number());
            let what = "ids of people in it are those of other people in other files: where they begin anew in each file, \
                        put what tells the files apart into the source's person_id";
            let file = live.map_or("", |f| f.file.as_str());
            let found = Finding::new(FindingKind::ContradictingRows, source, slot, file, what);
            if new && *others >= FEWEST_ELSEWHERE && others * 2 > *people {
                findings.raise(found.counted(*others, *people));
            }
        }
        // One record changes its month now and then; ids that begin anew in each file change it nearly always.
        for ((source, slot), (records, elsewhere)) in &revised.elsewhere {
            let live = state.files.iter().find(|f| !f.superseded && f.source == *source && f.slot == *slot);
            let what = "records that came before under one id happened in another month now: where the ids begin \
                        anew in each file, add a date to the source's record_id";
            let file = live.map_or("", |f| f.file.as_str());
            let found = Finding::new(FindingKind::ContradictingRows, source, slot, file, what);
            if *elsewhere >= FEWEST_ELSEWHERE && elsewhere * 2 > *records {
                findings.raise(found.counted(*elsewhere, *records));
            }
        }
        Ok(findings.finish().map(drop)?)
    }

    /// Lists the loaded files.
    fn list(&self, plans: &[SourcePlan], files: &[Pending], receipts: &[Receipt], state: &mut RunState) {
        let last = state.files.iter().map(|f| f.seq).max().unwrap_or_default();
        for (next, file) in (last + 1..).zip(files) {
            let loaded = file.loaded(&plans[file.plan], self.txn.number(), next, receipts);
            state.files.push(self.places.stored(loaded));
        }
    }

    /// Lets the newest knowledge of each record count. What a source that revises by file has in two slots is told. Gives the
    /// slots that changed too.
    async fn revise(
        &self,
        plans: &[SourcePlan],
        changed: &BTreeSet<String>,
        state: &RunState,
        fresh: &FreshIds,
    ) -> Result<(Vec<Finding>, BTreeSet<(String, String)>), AppError> {
        if changed.is_empty() {
            return Ok(Default::default());
        }
        let revised = revise(self.ctx, self.txn, &self.site.tables, plans, &state.files, changed, fresh).await?;
        self.one_sender_each(&revised, state)?;
        let by_file = |source: &str| {
            plans.iter().any(|p| p.source.name == source && p.source.files.revises == svp_contract::Revises::File)
        };
        let file = |source: &str, slot: &str| {
            let live = state.files.iter().find(|f| !f.superseded && f.source == source && f.slot == slot);
            live.map_or("", |f| f.file.as_str())
        };
        let shared = |(source, slot): &(String, String), n: u64, what: &str| {
            Finding::new(FindingKind::SharedIds, source, slot, file(source, slot), what).counted(n, 0)
        };
        let (mut records, mut findings) = (0, Vec::new());
        for (slot, n) in &revised.superseded {
            if by_file(&slot.0) {
                let what = "records of it stand in a newer file of another slot too, and are counted there, once";
                findings.push(shared(slot, *n, what));
            } else {
                records += n;
            }
        }
        for (slot, n) in &revised.in_both {
            let what = "records of it stand in a newer file of another slot too, and are counted in both";
            findings.push(shared(slot, *n, what));
        }
        let of_this_run = |source: &str, slot: &str| {
            state.files.iter().any(|f| f.run == self.txn.number() && f.source == source && f.slot == slot)
        };
        for ((source, slot), n) in revised.fewer_parties.iter().filter(|((source, slot), _)| of_this_run(source, slot))
        {
            let what = "records of earlier files came again with fewer people, and count with those of this file";
            findings
                .push(Finding::new(FindingKind::FewerParties, source, slot, file(source, slot), what).counted(*n, 0));
        }
        if records > 0 {
            let what = "records came again in a later extract and supersede the earlier ones";
            self.progress.step("revise", &format!("{records} {what}"));
        }
        let back: u64 = revised.returned.values().sum();
        if back > 0 {
            let what = "records are those of an earlier extract again, since the one that superseded them went";
            self.progress.step("revise", &format!("{back} {what}"));
        }
        let slots =
            [&revised.superseded, &revised.returned, &revised.in_both].into_iter().flat_map(|m| m.keys().cloned());
        Ok((findings, slots.collect()))
    }
}
