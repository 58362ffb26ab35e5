//! A run: extract ─► canonical ─► link ─► analyse ─► disclose ─► publish, from top to bottom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use datafusion::prelude::SessionContext;
use serde::Serialize;
use svp_analyse::{hold_coverage, register_coverage};
use svp_contract::{Acceptance, Area, AudiencePolicy, FindingKind, canonical, refusals};
use svp_disclose::Reader;
use svp_disclose::ledger::{BegunAnew, Ledger};
use svp_functions::CodeMaps;
use svp_ingest::desk::refuse_other_terms;
use svp_ingest::reference::{self, InFull, ReferenceData};
use svp_ingest::{Contents, Known, Pending, Queue, SourcePlan, pending};
use svp_lake::input::{digest, digest_bytes};
use svp_lake::{Lake, RunRecord, RunTxn};
use svp_link::{LinkReport, LinkRequest};
use svp_pseudonymise::Key;
use tokio::task::JoinHandle;

use crate::accept;
use crate::ages;
use crate::calendar;
use crate::contents;
use crate::erase::erase_again;
use crate::erased::KeptOut;
use crate::error::AppError;
use crate::health;
use crate::inputs::{self, Paths};
use crate::ledger;
use crate::link;
use crate::machine::Machine;
use crate::names::{self, Names};
use crate::places::{self, Places};
use crate::progress::{Part, Progress, timed};
use crate::readers;
use crate::release::{self, Decided};
use crate::request::{AcceptChoice, LakeAt, PathChoice};
use crate::sealed;
use crate::site::{Defined, Site};
use crate::stage::no_failures;
use crate::state::{RunState, tables};
use crate::unknown::unknown;

/// What a run is asked to do.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// Folder of the site.
    pub site: String,
    /// Area to run.
    pub area: String,
    /// Audience of the release, in place of the area's own.
    pub audience: Option<String>,
    /// Where data lies.
    pub paths: PathChoice,
    /// Lake.
    pub lake: LakeAt,
    /// The time that the run says it is, RFC 3339 in whole seconds of UTC: the same time gives the same bytes.
    pub clock: String,
    /// Whether to stop after the canonical tables.
    pub ingest_only: bool,
    /// Whether the weights of the linkage are learned anew and all records judged again.
    pub relink: bool,
    /// Who allows the ledger of the audience to be begun anew; the reason is that of `accept`.
    pub start_ledger_anew: Option<String>,
    /// Files to load again, each `SOURCE` or `SOURCE:SLOT`.
    pub reload: Vec<String>,
    /// Findings that are accepted.
    pub accept: AcceptChoice,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was new; the last release stands.
    NothingNew {
        /// Release; empty where there was none.
        release: String,
    },
    /// A release was made.
    Released {
        /// Its name.
        release: String,
        /// Where its report lies.
        report: String,
    },
    /// The canonical tables were filled, and no release was asked for.
    Canonical,
}

/// A run whose definitions are in order and whose audience the law reaches. Nothing was read of its extracts yet.
pub struct Prepared {
    pub(crate) request: RunRequest,
    pub(crate) site: Site,
    pub(crate) area: Area,
    pub(crate) policy: Defined<AudiencePolicy>,
    pub(crate) paths: Paths,
    /// Sources, in the order of the inputs.
    pub(crate) sources: Vec<String>,
}

impl Prepared {
    /// Reads the site and asks whether the law lets the sources of the run go to the audience.
    ///
    /// # Errors
    /// [`AppError::Argument`] for an area or a path that is none, [`AppError::Audience`] with the clause of the law,
    /// [`AppError::Problems`] with all problems of the definitions.
    pub fn new(request: RunRequest) -> Result<Self, AppError> {
        let (site, mut problems) = Site::read(&request.site)?;
        let mut area = site.area(&request.area)?.clone();
        if let Some(audience) = &request.audience {
            area.item.audience.clone_from(audience);
        }
        let paths = inputs::paths(&site, &area.item, &request.paths)?;
        // The law comes first: no output makes an audience permitted.
        permitted(&site, &area.item, paths.inputs.iter().map(|(name, _)| name.as_str()))?;
        problems.extend(site.area_problems(&area));
        if !problems.is_empty() {
            return Err(AppError::Problems(problems));
        }
        let area = area.item;
        let policy = site.policies.get(&area.audience).cloned().ok_or_else(|| {
            unknown("policy for the audience", &area.audience, site.policies.keys().map(String::as_str))
                .argument("known")
        })?;
        let sources = paths.sources();
        Ok(Self { request, site, area, policy, paths, sources })
    }

    /// Runs. Everything that the run wrote becomes visible with its record, or nothing does.
    ///
    /// # Errors
    /// A key that is not that of the lake, reference data and extracts that cannot be used, a finding that refuses, disclosure
    /// control that refuses the release, and what the lake refuses. The lake shows what it showed before then.
    pub async fn run(&self, machine: &Machine, key: Key, progress: &dyn Progress) -> Result<Outcome, AppError> {
        let (request, site, area, paths) = (&self.request, &self.site, &self.area, &self.paths);
        let key = Arc::new(key);
        // Whoever begins the ledger anew answers for what is lost.
        let past_damage = request.start_ledger_anew.is_some();
        let opened = sealed::open(&request.lake, past_damage, site, &key, machine, progress);
        let (lake, mut state) = timed(progress, "lake", opened).await?;
        earlier_clock(&lake, &request.clock, progress);
        // Rows of earlier runs are counted too, whatever this run reads.
        permitted(site, area, state.live().map(|f| f.source.as_str()))?;
        let anew = request.start_ledger_anew.as_ref().map(|name| BegunAnew {
            allowed_by: name.clone(),
            reason: request.accept.reason.clone().unwrap_or_default(),
            date: request.clock.get(..10).unwrap_or_default().to_owned(),
            found: String::new(),
            lost: None,
        });
        let begun_anew = anew.is_some();
        let told = ledger::read(&lake, &state.ledger, &area.audience, anew).await?;
        if !begun_anew {
            health::reviews_stand(&lake, &state.ledger, progress).await?;
        }
        let next = next_run(&lake);
        let held = readers::readers(&lake, &state.ledger, site, (&area.audience, &told), next, begun_anew, progress);
        let (mut readers, texts) = held.await?;
        for reader in &mut readers {
            reader.tables = contents::as_now(&state, std::mem::take(&mut reader.tables));
        }
        let recognised = Part::begin(progress, "recognise");
        let absent = reference::absent(area, &paths.reference);
        if !absent.is_empty() {
            return Err(absent.into());
        }
        let config = config_digest(site, area, paths, request)?;
        let quick = inputs::plans(machine, site, Some(area), &self.sources, &ReferenceData::default())?;
        let accepted = accept::acceptances(&request.accept, &request.clock, next_run(&lake))?;
        let intake = inputs::intake(site, paths, &quick, &accepted)?;
        names::forget(&key, &quick, &mut state);
        let mut names = Names::new(&key, intake.files.iter().map(|(_, file)| file), &intake.findings);
        progress.names(&names);
        let reload = reloads(&request.reload, &quick)?;
        let named = Contents::new(&key);
        let known = Known { files: &state.files, receipts: &state.receipts, reload: &reload, contents: Some(&named) };
        let mut queue = pending(&quick, intake.files, &known, Some(&key), machine.threads)?;
        let of_the_lake = std::mem::replace(&mut queue.findings, intake.findings);
        queue.findings.extend(of_the_lake);
        let of_lake: BTreeSet<&str> = state.live().map(|f| f.source.as_str()).collect();
        queue.findings.extend(inputs::not_given(area, paths, &of_lake));
        names.give(&key, &mut queue);
        progress.names(&names);
        nothing_to_reload(&reload, &quick, &queue)?;
        let files = &queue.files;
        if files.is_empty() && !begun_anew && lake.last_run().is_some_and(|run| run.config_digest == config) {
            health::stands(&lake, &state).await?;
            let release = lake.last_run().and_then(|r| r.release.clone()).unwrap_or_default();
            progress.findings(&queue.findings);
            progress.step("run", &format!("nothing new: release {release} stands"));
            return Ok(Outcome::NothingNew { release });
        }
        let terms = |plan: usize| inputs::terms(site, Some((area, &paths.reference)), &quick[plan].source, Some(&key));
        refuse_other_terms(files, &terms).map_err(AppError::Load)?;
        let encoded = files.iter().filter(|f| f.sealed.is_some()).count();
        if encoded > 0 {
            progress
                .step("encoded", &format!("{encoded} encoded files under the terms of this lake, their seals whole"));
        }
        drop(quick);
        drop(recognised);

        let known = Part::begin(progress, "reference");
        progress.step("reference", &format!("boundaries, lookups and populations of {}", area.title));
        let postcodes = inputs::needs_postcodes(site, &self.sources);
        let sources = places::sources(site);
        let (places, data) = machine.both(
            || Places::of(site, &sources, area, paths),
            || reference::load(area, &paths.reference, site.lists(), postcodes, machine.threads),
        )?;
        let (places, data) = (places?, Arc::new(data?));
        // All of it is held against the area while extracts are read: nothing is committed before that is done. Without a release
        // nothing asks for populations and lookups of areas.
        let full = (!request.ingest_only).then(|| {
            let (data, area) = (Arc::clone(&data), area.clone());
            tokio::task::spawn_blocking(move || data.in_full(&area))
        });
        let plans = Arc::new(inputs::plans(machine, site, Some(area), &self.sources, &data)?);
        let ctx = machine.session(Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
        drop(known);
        timed(progress, "verify", health::as_written(&lake)).await?;
        let txn = timed(progress, "begin", lake.begin(tables(site))).await?;
        let work = Work {
            machine,
            request,
            site,
            area,
            policy: &self.policy,
            data: &data,
            reference: OnceLock::new(),
            txn: &txn,
            ctx: &ctx,
            progress,
            ledger: &told,
            readers: &readers,
            texts: &texts,
            names: &names,
            key: &key,
            places: &places,
            clock: &request.clock,
        };
        let outcome = work.all(full, &plans, &queue, state, &accepted).await;
        let done = outcome.and_then(|(state, release)| Ok((state.to_body()?, state, release)));
        let (body, state, release) = match done {
            Ok(done) => done,
            Err(error) => {
                // What the failed run wrote is undone now; if that fails too, the next run repairs it.
                let _ = txn.abandon().await;
                return Err(error);
            }
        };
        let record = RunRecord {
            started: request.clock.clone(),
            finished: request.clock.clone(),
            key_check: Some(key.check()),
            release: release.clone(),
            config_digest: config,
            timings: timings(progress)?,
            body,
            ..RunRecord::default()
        };
        // What an extract brought back of an erased record lies in files that no table has any longer.
        let finished = async {
            match state.erased.is_empty() {
                true => txn.finish(record).await,
                false => Ok(txn.finish_and_vacuum(record).await?.0),
            }
        };
        let lake = timed(progress, "finish", finished).await?;
        match release {
            Some(release) => {
                progress.step("done", &format!("release {release}"));
                let report = format!("{}/published/{release}/report.html", lake.location().trim_end_matches('/'));
                Ok(Outcome::Released { release, report })
            }
            None => {
                progress.step("done", "canonical tables");
                Ok(Outcome::Canonical)
            }
        }
    }
}

/// A run that is under way.
pub(crate) struct Work<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) request: &'a RunRequest,
    pub(crate) site: &'a Site,
    pub(crate) area: &'a Area,
    pub(crate) policy: &'a Defined<AudiencePolicy>,
    pub(crate) data: &'a ReferenceData,
    /// The same, read in full.
    pub(crate) reference: OnceLock<InFull>,
    pub(crate) txn: &'a RunTxn,
    pub(crate) ctx: &'a SessionContext,
    pub(crate) progress: &'a dyn Progress,
    /// What the audience was told before.
    pub(crate) ledger: &'a Ledger,
    /// Who will hold the release beside others.
    pub(crate) readers: &'a [Reader],
    /// The texts of definitions that ledgers keep, by their digest.
    pub(crate) texts: &'a BTreeMap<String, String>,
    /// The labels of the files.
    pub(crate) names: &'a Names,
    pub(crate) key: &'a Arc<Key>,
    /// What decides the columns that depend on the area.
    pub(crate) places: &'a Places<'a>,
    /// The time that the run says it is.
    pub(crate) clock: &'a str,
}

impl Work<'_> {
    /// All steps, and the release that they made.
    async fn all(
        &self,
        full: Option<JoinHandle<InFull>>,
        plans: &Arc<Vec<SourcePlan>>,
        queue: &Queue,
        before: RunState,
        accepted: &[Acceptance],
    ) -> Result<(RunState, Option<String>), AppError> {
        let progress = self.progress;
        let mut state = timed(progress, "ingest", self.ingest(full, plans, queue, before, accepted)).await?;
        let mut erased = KeptOut::read(&state.erased, self.key)?;
        let again = erase_again(self.ctx, self.txn, self.site, &mut erased).await?;
        state.erased = erased.listed();
        if again > 0 {
            self.progress.step("erase", &format!("{again} rows of erased records came again and were taken out"));
        }
        let completed = self.places.complete(self.ctx, self.txn, &mut state.files);
        let elsewhere = timed(progress, "places", completed).await?;
        self.no_failures()?;
        if elsewhere > 0 {
            let what = "files were loaded for another area, or under other boundaries and lookups: their places were looked up again";
            self.progress.step("places", &format!("{elsewhere} {what}"));
        }
        timed(progress, "calendar", self.calendar(plans, &mut state)).await?;
        if self.request.ingest_only {
            return Ok((state, None));
        }
        self.outside_release().await?;
        let links = timed(progress, "link", self.link(&mut state)).await?;
        self.places.overlay(self.ctx, &state.files).await?;
        timed(progress, "match", self.match_events()).await?;
        self.places.overlay(self.ctx, &state.files).await?;
        let decided = timed(progress, "analyse", self.analyse(&state)).await?;
        let release = timed(progress, "publish", self.publish(&mut state, &links, decided)).await?;
        Ok((state, Some(release)))
    }

    /// The calendar of what is known; months that nobody has supplied are told in every run.
    async fn calendar(&self, plans: &[SourcePlan], state: &mut RunState) -> Result<(), AppError> {
        calendar::read_names(plans, &mut state.files);
        register_coverage(self.ctx, &calendar::deliveries(&state.files), &calendar::period(self.area)).await?;
        hold_coverage(self.ctx).await?;
        let mut missing = calendar::missing(self.ctx).await?;
        missing.extend(calendar::missing_tables(plans, &state.files));
        self.found("calendar", &missing).await?;
        let of_the_calendar = [FindingKind::MissingMonths, FindingKind::MissingTables, FindingKind::SenderBegins];
        state.findings.retain(|f| !of_the_calendar.contains(&f.kind));
        state.findings.extend(self.names.hidden(&missing));
        Ok(())
    }

    /// Refuses reference data that turned out to be unusable when they were asked for.
    pub(crate) fn no_failures(&self) -> Result<(), AppError> {
        no_failures(self.data)
    }

    /// Person records of all agencies become people.
    async fn link(&self, state: &mut RunState) -> Result<LinkReport, AppError> {
        let definition = digest_of(&self.site.linkage)?;
        let request = LinkRequest {
            linkage: &self.site.linkage,
            definition: &definition,
            deduplicated: &link::deduplicated(self.site),
            saved: state.linkage.as_ref(),
            relink: self.request.relink,
            on_step: &|_| (),
        };
        let (report, saved) = svp_link::link(self.ctx, self.txn, request).await?;
        state.linkage = Some(saved);
        self.progress.step(
            "link",
            &format!(
                "{} person records are {} people, {} of them known to several agencies",
                report.records, report.people, report.people_of_several_agencies
            ),
        );
        link::tell_changes(self.progress, &report);
        Ok(report)
    }

    /// Crimes and attendances that name nobody become matches, as far as the site says how.
    async fn match_events(&self) -> Result<(), AppError> {
        let rules = self.site.events.as_ref().map(|d| &d.item);
        // In memory, and gone with the tables that the matching registers anew.
        ages::open_in(self.ctx, &self.site.tables, Some(self.key)).await?;
        let report = svp_link::match_events(self.ctx, self.txn, rules, &self.data.exclusions).await?;
        for line in report.lines() {
            self.progress.step("match", &line);
        }
        Ok(())
    }

    /// The release folder.
    async fn publish(&self, state: &mut RunState, links: &LinkReport, decided: Decided) -> Result<String, AppError> {
        let clock = self.clock;
        let name = format!("{:06}-{}-{}", self.txn.number(), self.area.name, self.area.audience);
        let mut meta = release::meta(
            self.site,
            self.area,
            state,
            links,
            &decided.policies,
            &name,
            self.txn.number(),
            clock,
            self.key,
        );
        calendar::describe(self.ctx, &mut meta.sources).await?;
        let told = self.reference.get().into_iter().flat_map(|full| &full.told);
        meta.quality_notes.extend(told.map(|told| format!("reference data, {told}")));
        let tables = release::tables(self.site, decided.results, &decided.months);
        let outlines = release::outlines(self.area, self.data);
        self.no_failures()?;
        let writing = Part::begin(self.progress, "write");
        let files = svp_publish::release(&meta, &tables, &outlines)?;
        drop(writing);
        self.progress.step("publish", &format!("{} files", files.len()));
        let manifest = files.iter().find(|(file, _)| file == ledger::MANIFEST).map(|(_, bytes)| digest_bytes(bytes));
        timed(self.progress, "store", self.txn.publish(&name, files)).await?;
        if let Some(disclosure) = &decided.disclosure {
            let told = (disclosure, decided.edited.as_slice());
            self.record(state, &name, clock, &decided.policies, &tables, told, manifest).await?;
        }
        Ok(name)
    }
}

/// Refuses a release to an audience that the law of one of its sources does not reach. Names the clause.
fn permitted<'a>(site: &Site, area: &Area, sources: impl Iterator<Item = &'a str>) -> Result<(), AppError> {
    let Some(policy) = site.policies.get(&area.audience) else { return Ok(()) };
    for name in sources {
        let Some(source) = site.sources.get(name) else { continue };
        if let Some(refusal) = refusals(&source.item, &site.gateways, &policy.item).into_iter().next() {
            return Err(AppError::Audience {
                source_name: refusal.source,
                audience: refusal.audience,
                basis: refusal.clause,
            });
        }
    }
    Ok(())
}

/// Everything but the extracts that decides what a release says.
fn config_digest(site: &Site, area: &Area, paths: &Paths, request: &RunRequest) -> Result<String, AppError> {
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        area.name.clone(),
        area.audience.clone(),
        request.ingest_only.to_string(),
        request.relink.to_string(),
    ];
    // Another area's file, or a trial's, decides nothing here.
    let others: BTreeSet<&str> =
        site.areas.values().filter(|a| a.item.name != area.name).map(|a| a.file.as_str()).collect();
    for (file, text) in site.texts.iter().filter(|(file, _)| !others.contains(file.as_str())) {
        parts.push(format!("{file} {}", digest_bytes(text.as_bytes())));
    }
    for table in &site.tables {
        parts.push(digest_of(table)?);
    }
    for reference in &area.reference {
        for file in reference::files(reference, &paths.reference)? {
            parts.push(digest(&file)?);
        }
    }
    Ok(digest_bytes(parts.join("\n").as_bytes()))
}

/// The digest of a definition: of its canonical text, so that neither the names of our types nor the layout of a file decide it.
fn digest_of(definition: &impl Serialize) -> Result<String, AppError> {
    let text = canonical(definition).map_err(|source| AppError::Unwritable { what: "a definition", source })?;
    Ok(digest_bytes(text.as_bytes()))
}

/// Tells where the time of this run lies before that of the last one: the order of what was told is that of the runs, and whoever reads
/// times would take it for another.
fn earlier_clock(lake: &Lake, clock: &str, progress: &dyn Progress) {
    // Times are in one form, so their text has their order.
    if let Some(last) = lake.last_run().filter(|run| run.started.as_str() > clock) {
        progress.step(
            "clock",
            &format!(
                "warning: this run says that it is {clock}, and run {} said {}: give the right --clock",
                last.number, last.started
            ),
        );
    }
}

/// How long the parts of the run took so far; nothing where nobody asked.
fn timings(progress: &dyn Progress) -> Result<serde_json::Value, AppError> {
    match progress.timings() {
        none if none.is_empty() => Ok(serde_json::Value::Null),
        parts => serde_json::to_value(parts).map_err(|source| AppError::Unwritable { what: "the timings", source }),
    }
}

/// The number of the run that is about to begin.
fn next_run(lake: &Lake) -> u64 {
    lake.last_run().map_or(0, |run| run.number).max(lake.lost_run().unwrap_or_default()) + 1
}

/// What `--reload` names: sources, and slots.
pub(crate) fn reloads(given: &[String], plans: &[SourcePlan]) -> Result<Vec<(String, Option<String>)>, AppError> {
    let one = |text: &String| {
        let (source, slot) = match text.split_once(':') {
            Some((source, slot)) => (source, Some(slot.to_owned())),
            None => (text.as_str(), None),
        };
        if plans.iter().any(|p| p.source.name == source) {
            return Ok((source.to_owned(), slot));
        }
        let known: Vec<&str> = plans.iter().map(|p| p.source.name.as_str()).collect();
        Err(AppError::Argument {
            what: format!("--reload {text}: `{source}` is no source of this run"),
            hint: format!("sources of this run: {}", known.join(", ")),
        })
    };
    given.iter().map(one).collect()
}

/// Refuses a `--reload` for which no file was given: nothing would happen, and nobody would notice.
fn nothing_to_reload(reload: &[(String, Option<String>)], plans: &[SourcePlan], queue: &Queue) -> Result<(), AppError> {
    for (source, slot) in reload {
        let of = |p: &Pending| plans[p.plan].source.name == *source && slot.as_ref().is_none_or(|s| p.is_of(s));
        if !queue.files.iter().any(of) {
            let named = slot.as_ref().map_or_else(|| source.clone(), |s| format!("{source}:{s}"));
            return Err(AppError::Argument {
                what: format!("--reload {named}: none of its files is among the inputs"),
                hint: "give the file with --input SOURCE=PATH, or put it back into the folder".to_owned(),
            });
        }
    }
    Ok(())
}
