//! `svp run`: extract ─► canonical ─► link ─► analyse ─► disclose ─► publish, from top to bottom.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};
use svp_analyse::{ObservedMonths, OutputResult, hold_coverage, register_coverage};
use svp_contract::{Acceptance, Area, AudiencePolicy, Finding, FindingKind, refusals};
use svp_disclose::ledger::{BegunAnew, Ledger};
use svp_disclose::{Disclosure, Policy};
use svp_functions::CodeMaps;
use svp_ingest::desk::refuse_other_terms;
use svp_ingest::reference::{self, InFull, ReferenceData};
use svp_ingest::{
    Known, LoadedFile, Pending, Queue, Receipt, SourcePlan, finding_schema, pending, profile_schema, quarantine_schema,
    receipt_schema, superseded_tables,
};
use svp_lake::input::{InputFile, digest, digest_bytes};
use svp_lake::{Lake, Open, RunRecord, RunTxn, TableSpec};
use svp_link::{LinkReport, LinkRequest, Saved};
use svp_pseudonymise::Key;
use tokio::task::JoinHandle;

use crate::accept;
use crate::args::{Cli, RunArgs};
use crate::calendar;
use crate::context::{self, Paths};
use crate::error::AppError;
use crate::key;
use crate::ledger::{self, LedgerLine};
use crate::link;
use crate::release;
use crate::rewrite;
use crate::site::Site;
use crate::tell::Tell;

/// What a run adds to its record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Body {
    /// Every file that is or was in the lake.
    pub files: Vec<LoadedFile>,
    /// Receipts of the files that are live.
    pub receipts: Vec<Receipt>,
    /// Findings about the files that are live, as far as they did not refuse.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What somebody accepted, oldest first.
    #[serde(default)]
    pub accepted: Vec<Acceptance>,
    /// Digests of the tokens of erased records: they are kept out of later extracts.
    #[serde(default)]
    pub erased: Vec<String>,
    /// The model of the linkage.
    #[serde(default)]
    pub linkage: Option<Saved>,
    /// Releases and the heads of their ledgers, oldest first.
    #[serde(default)]
    pub ledger: Vec<LedgerLine>,
}

/// The command.
pub async fn command(cli: &Cli, args: &RunArgs, tell: &Tell) -> Result<(), AppError> {
    let started = clock(args)?;
    let (site, mut problems) = Site::read(&cli.site)?;
    let mut area = site.area(&args.area)?.clone();
    if let Some(audience) = &args.audience {
        area.item.audience.clone_from(audience);
    }
    let paths = context::paths(&site, &area.item, &args.paths)?;
    // The law comes first: no output makes an audience permitted.
    permitted(&site, &area.item, paths.inputs.iter().map(|(name, _)| name.as_str()))?;
    problems.extend(site.area_problems(&area));
    if !problems.is_empty() {
        return Err(AppError::Problems(problems));
    }
    let area = &area.item;
    let Some(policy) = site.policies.get(&area.audience).map(|p| &p.item) else { return Ok(()) };
    let sources: Vec<String> = paths.inputs.iter().map(|(name, _)| name.clone()).collect();
    if args.dry_run {
        return dry_run(cli, args, &site, area, &paths, &sources, tell).await;
    }
    let key = Arc::new(key::read(args.key.as_deref())?);

    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Write).await?;
    let body = last_body(&lake, &key)?;
    // Rows of earlier runs are counted too, whatever this run reads.
    permitted(&site, area, body.files.iter().filter(|f| !f.superseded).map(|f| f.source.as_str()))?;
    let anew = args.start_ledger_anew.as_ref().map(|name| BegunAnew {
        allowed_by: name.clone(),
        reason: args.reason.clone().unwrap_or_default(),
        date: started.get(..10).unwrap_or_default().to_owned(),
        found: String::new(),
        lost: None,
    });
    let begun_anew = anew.is_some();
    let told = ledger::read(&lake, &body.ledger, &area.audience, anew).await?;
    let absent = reference::absent(area, &paths.reference);
    if !absent.is_empty() {
        return Err(absent.into());
    }
    let config = config_digest(&site, area, &paths, args)?;
    let quick = context::plans(cli, &site, Some(area), &sources, &ReferenceData::default())?;
    let accepted = accept::acceptances(&args.accept, args.reason.as_deref(), &started, next_run(&lake))?;
    let intake = context::intake(&site, &paths, &quick, &accepted)?;
    let reload = reloads(&args.reload, &quick)?;
    let mut queue =
        pending(&quick, intake.files, &Known { files: &body.files, receipts: &body.receipts, reload: &reload })?;
    let of_the_lake = std::mem::replace(&mut queue.findings, intake.findings);
    queue.findings.extend(of_the_lake);
    nothing_to_reload(&reload, &quick, &queue)?;
    let files = &queue.files;
    if files.is_empty() && !begun_anew && lake.last_run().is_some_and(|run| run.config_digest == config) {
        let release = lake.last_run().and_then(|r| r.release.clone()).unwrap_or_default();
        tell.findings(&queue.findings);
        tell.step("run", format!("nothing new: release {release} stands"));
        return Ok(());
    }
    let terms = |plan: usize| context::terms(&site, Some((area, &paths.reference)), &quick[plan].source, Some(&key));
    refuse_other_terms(files, &terms, &key).map_err(AppError::Load)?;
    let encoded = files.iter().filter(|f| f.sealed.is_some()).count();
    if encoded > 0 {
        tell.step("encoded", format!("{encoded} encoded files under the terms of this lake, their seals whole"));
    }
    drop(quick);

    tell.step("reference", format!("boundaries, lookups and populations of {}", area.title));
    let data = reference::load(
        area,
        &paths.reference,
        &site.offences,
        context::needs_postcodes(&site, &sources),
        cli.threads(),
    )?;
    let data = Arc::new(data);
    // All of it is held against the area while extracts are read: nothing is committed before that is done. Without a release
    // nothing asks for populations and lookups of areas.
    let full = (!args.ingest_only).then(|| {
        let (data, area) = (Arc::clone(&data), area.clone());
        tokio::task::spawn_blocking(move || data.in_full(&area))
    });
    let plans = Arc::new(context::plans(cli, &site, Some(area), &sources, &data)?);
    let ctx = context::session(cli, Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
    let txn = lake.begin(tables(&site)).await?;
    let work = Work {
        cli,
        args,
        site: &site,
        area,
        policy,
        data: &data,
        reference: OnceLock::new(),
        txn: &txn,
        ctx: &ctx,
        tell,
        ledger: &told,
        key: &key,
        clock: &started,
    };
    let outcome = work.all(full, &plans, &queue, body, &accepted, Arc::clone(&key), &started).await;
    let (body, release) = match outcome {
        Ok(done) => done,
        Err(error) => {
            // What the failed run wrote is undone now; if that fails too, the next run repairs it.
            let _ = txn.abandon().await;
            return Err(error);
        }
    };
    let record = RunRecord {
        started: started.clone(),
        finished: started,
        key_check: Some(key.check()),
        release: release.clone(),
        config_digest: config,
        body: serde_json::to_value(&body).unwrap_or_default(),
        ..RunRecord::default()
    };
    let lake = txn.finish(record).await?;
    if !body.erased.is_empty() {
        // What an extract brought back of an erased record lies in files that no table has any longer.
        lake.vacuum(1).await?;
    }
    if let Some(release) = release {
        tell.step("done", format!("release {release}"));
        tell.print(format!("{}/published/{release}/report.html", lake.location().trim_end_matches('/')));
    } else {
        tell.step("done", "canonical tables");
    }
    Ok(())
}

/// A run that is under way.
pub(crate) struct Work<'a> {
    pub(crate) cli: &'a Cli,
    pub(crate) args: &'a RunArgs,
    pub(crate) site: &'a Site,
    pub(crate) area: &'a Area,
    pub(crate) policy: &'a AudiencePolicy,
    pub(crate) data: &'a ReferenceData,
    /// The same, read in full.
    pub(crate) reference: OnceLock<InFull>,
    pub(crate) txn: &'a RunTxn,
    pub(crate) ctx: &'a SessionContext,
    pub(crate) tell: &'a Tell,
    /// What the audience was told before.
    pub(crate) ledger: &'a Ledger,
    pub(crate) key: &'a Key,
    /// The time that the run says it is.
    pub(crate) clock: &'a str,
}

impl Work<'_> {
    #[allow(clippy::too_many_arguments)]
    async fn all(
        &self,
        full: Option<JoinHandle<InFull>>,
        plans: &Arc<Vec<SourcePlan>>,
        queue: &Queue,
        body: Body,
        accepted: &[Acceptance],
        key: Arc<Key>,
        started: &str,
    ) -> Result<(Body, Option<String>), AppError> {
        let mut body = self.ingest(full, plans, queue, body, accepted, key).await?;
        let again = rewrite::erase_again(self.ctx, self.txn, self.site, &body.erased).await?;
        if again > 0 {
            self.tell.step("erase", format!("{again} rows of erased records came again and were taken out"));
        }
        self.calendar(plans, &mut body).await?;
        if self.args.ingest_only {
            return Ok((body, None));
        }
        self.outside_release().await?;
        let links = self.link(&mut body).await?;
        self.match_events().await?;
        let decided = self.analyse(&body).await?;
        let release = self.publish(&mut body, &links, decided, started).await?;
        Ok((body, Some(release)))
    }

    /// The calendar of what is known; months that nobody has supplied are told in every run.
    async fn calendar(&self, plans: &[SourcePlan], body: &mut Body) -> Result<(), AppError> {
        calendar::read_names(plans, &mut body.files);
        register_coverage(self.ctx, &calendar::deliveries(&body.files), &calendar::period(self.area)).await?;
        hold_coverage(self.ctx).await?;
        let mut missing = calendar::missing(self.ctx).await?;
        missing.extend(calendar::missing_tables(plans, &body.files));
        self.found("calendar", &missing).await?;
        let of_the_calendar = [FindingKind::MissingMonths, FindingKind::MissingTables, FindingKind::SenderBegins];
        body.findings.retain(|f| !of_the_calendar.contains(&f.kind));
        body.findings.extend(missing);
        Ok(())
    }

    /// Refuses what turned out to be unusable when it was asked for.
    pub(crate) fn no_failures(&self) -> Result<(), AppError> {
        let failures = self.data.failures();
        if failures.is_empty() { Ok(()) } else { Err(failures.into()) }
    }

    /// Person records of all agencies become people.
    async fn link(&self, body: &mut Body) -> Result<LinkReport, AppError> {
        let definition = digest_bytes(format!("{:?}", self.site.linkage).as_bytes());
        let request = LinkRequest {
            linkage: &self.site.linkage,
            definition: &definition,
            once: &link::once(self.site),
            saved: body.linkage.as_ref(),
            relink: self.args.relink,
            on_step: &|_| (),
        };
        let (report, saved) = svp_link::link(self.ctx, self.txn, request).await?;
        body.linkage = Some(saved);
        self.tell.step(
            "link",
            format!(
                "{} person records are {} people, {} of them known to several agencies",
                report.records, report.people, report.people_of_several_agencies
            ),
        );
        link::tell_changes(self.tell, &report);
        Ok(report)
    }

    /// Crimes and attendances that name nobody become matches, as far as the site says how.
    async fn match_events(&self) -> Result<(), AppError> {
        let rules = self.site.events.as_ref().map(|d| &d.item);
        let report = svp_link::match_events(self.ctx, self.txn, rules, &self.data.exclusions).await?;
        for line in report.lines() {
            self.tell.step("match", line);
        }
        Ok(())
    }

    /// The release folder.
    async fn publish(
        &self,
        body: &mut Body,
        links: &LinkReport,
        decided: Decided,
        clock: &str,
    ) -> Result<String, AppError> {
        let name = format!("{:06}-{}-{}", self.txn.number(), self.area.name, self.area.audience);
        let mut meta =
            release::meta(self.site, self.area, body, links, &decided.policies, &name, self.txn.number(), clock);
        calendar::describe(self.ctx, &mut meta.sources).await?;
        let told = self.reference.get().into_iter().flat_map(|full| &full.told);
        meta.quality_notes.extend(told.map(|told| format!("reference data, {told}")));
        let tables = release::tables(self.site, decided.results, &decided.months);
        let outlines = release::outlines(self.area, self.data);
        self.no_failures()?;
        let files = svp_publish::release(&meta, &tables, &outlines)?;
        self.tell.step("publish", format!("{} files", files.len()));
        self.txn.publish(&name, files).await?;
        if let Some(disclosure) = &decided.disclosure {
            self.record(body, &name, clock, &decided.policies, &tables, disclosure).await?;
        }
        Ok(name)
    }
}

/// What the analysis decided.
#[derive(Default)]
pub(crate) struct Decided {
    /// What is known of the months, by definition.
    pub(crate) months: BTreeMap<String, ObservedMonths>,
    pub(crate) results: Vec<OutputResult>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) disclosure: Option<Disclosure>,
}

/// Every table that a run writes.
pub fn tables(site: &Site) -> Vec<TableSpec> {
    let partition = ["source", "slot"];
    let mut out: Vec<TableSpec> = site
        .tables
        .iter()
        .filter(|t| t.zone != "reference")
        .map(|t| TableSpec::new(&t.zone, &t.name, t.stored_schema(), &partition))
        .collect();
    for (zone, name, schema) in superseded_tables(&site.tables) {
        out.push(TableSpec::new(&zone, &name, schema, &partition));
    }
    out.push(TableSpec::new("quality", "quarantine", quarantine_schema(), &partition));
    out.push(TableSpec::new("quality", "receipt", receipt_schema(), &[]));
    out.push(TableSpec::new("quality", "finding", finding_schema(), &[]));
    out.push(TableSpec::new("quality", "column_profile", profile_schema(), &[]));
    out.push(TableSpec::new("linked", "person_link", svp_link::link_schema(), &[]));
    out.push(TableSpec::new("linked", "person_gone", svp_link::gone_schema(), &[]));
    out.push(TableSpec::new("linked", "person_history", svp_link::history_schema(), &[]));
    out.extend(svp_link::event_tables().into_iter().map(|(name, schema)| TableSpec::new("linked", name, schema, &[])));
    out
}

/// What the last run left, after its key has been compared with ours.
pub fn last_body(lake: &Lake, key: &Key) -> Result<Body, AppError> {
    let Some(run) = lake.last_run() else { return Ok(Body::default()) };
    if let Some(wanted) = &run.key_check
        && *wanted != key.check()
    {
        return Err(AppError::WrongKey {
            lake: lake.location().to_owned(),
            wanted: wanted.clone(),
            found: key.check(),
        });
    }
    read_body(lake, run)
}

/// The body of a run record. One that cannot be read is not an empty one: the ledger hangs on it.
pub fn read_body(lake: &Lake, run: &RunRecord) -> Result<Body, AppError> {
    serde_json::from_value(run.body.clone())
        .map_err(|_| AppError::Record { lake: lake.location().to_owned(), number: run.number })
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
fn config_digest(site: &Site, area: &Area, paths: &Paths, args: &RunArgs) -> Result<String, AppError> {
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        area.name.clone(),
        area.audience.clone(),
        args.ingest_only.to_string(),
        args.relink.to_string(),
    ];
    for (file, text) in &site.texts {
        parts.push(format!("{file} {}", digest_bytes(text.as_bytes())));
    }
    for table in &site.tables {
        parts.push(digest_bytes(format!("{table:?}").as_bytes()));
    }
    for reference in &area.reference {
        for file in reference::files(reference, &paths.reference)? {
            parts.push(digest(&file)?);
        }
    }
    Ok(digest_bytes(parts.join("\n").as_bytes()))
}

/// The number of the run that is about to begin.
fn next_run(lake: &Lake) -> u64 {
    lake.last_run().map_or(0, |run| run.number) + 1
}

/// What `--reload` names: sources, and slots.
fn reloads(given: &[String], plans: &[SourcePlan]) -> Result<Vec<(String, Option<String>)>, AppError> {
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

fn clock(args: &RunArgs) -> Result<String, AppError> {
    let now = match &args.clock {
        None => chrono::Utc::now(),
        Some(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map_err(|_| AppError::Argument {
                what: "--clock is not a time".to_owned(),
                hint: "write it like 2025-04-07T06:00:00Z".to_owned(),
            })?
            .to_utc(),
    };
    Ok(now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

/// What a run into the lake would load; `None` where there is no lake yet.
async fn would_load(
    args: &RunArgs,
    plans: &[SourcePlan],
    files: Vec<(usize, InputFile)>,
) -> Result<Option<Queue>, AppError> {
    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Read).await;
    let Ok(lake) = lake else { return Ok(None) };
    let Some(run) = lake.last_run() else { return Ok(None) };
    let body = read_body(&lake, run)?;
    let reload = reloads(&args.reload, plans)?;
    let known = Known { files: &body.files, receipts: &body.receipts, reload: &reload };
    Ok(Some(pending(plans, files, &known)?))
}

async fn dry_run(
    cli: &Cli,
    args: &RunArgs,
    site: &Site,
    area: &Area,
    paths: &Paths,
    sources: &[String],
    tell: &Tell,
) -> Result<(), AppError> {
    let plans = context::plans(cli, site, Some(area), sources, &ReferenceData::default())?;
    let accepted = accept::acceptances(&args.accept, args.reason.as_deref(), "", 0)?;
    let intake = context::intake(site, paths, &plans, &accepted)?;
    tell.findings(&intake.findings);
    let files = intake.files;
    if let Some(queue) = would_load(args, &plans, files.clone()).await? {
        tell.findings(&queue.findings);
        for file in &queue.files {
            let how = match &file.replaces {
                Some(r) if r.again => "again",
                Some(_) => "in place of an older one",
                None => "new",
            };
            let source = &plans[file.plan].source.name;
            tell.step("load", format!("{source}: {} (slot {}), {how}", file.extract(), file.slot));
        }
    }
    let mut by_source: HashMap<usize, Vec<&str>> = HashMap::new();
    for (plan, file) in &files {
        by_source.entry(*plan).or_default().push(&file.name);
    }
    tell.print(format!(
        "area {} ({}), audience {}, {} to {}",
        area.name, area.title, area.audience, area.period.from, area.period.to
    ));
    for (i, plan) in plans.iter().enumerate() {
        let names = by_source.remove(&i).unwrap_or_default();
        tell.print(format!(
            "\nsource {}: {} files{}",
            plan.source.name,
            names.len(),
            names.first().map(|n| format!(", first {n}")).unwrap_or_default()
        ));
        for feed in plan.feeds() {
            tell.print(format!("  feed {}", feed.name()));
            for line in feed.describe() {
                tell.print(format!("    {line}"));
            }
        }
    }
    for (name, sql) in svp_link::STEPS {
        tell.print(format!("\nlink {name}\n{}", sql.trim()));
    }
    for (name, sql) in svp_link::EVENT_STEPS.iter().filter(|_| site.events.is_some()) {
        tell.print(format!("\nmatch {name}\n{}", sql.trim()));
    }
    for name in &area.outputs {
        if let Some(output) = site.outputs.get(name) {
            tell.print(format!("\noutput {name} under {}\n{}", area.definitions.join(", "), output.item.sql));
        }
    }
    Ok(())
}
