//! `svp run`: extract ─► canonical ─► link ─► analyse ─► disclose ─► publish, from top to bottom.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};
use svp_analyse::{Months, OutputResult, define, definition_sources, register_reference, run_output};
use svp_contract::{Area, Revises};
use svp_functions::CodeMaps;
use svp_ingest::reference::{self, ReferenceData};
use svp_ingest::{
    LoadedFile, Pending, Receipt, SourcePlan, load, pending, previous, quarantine_schema, receipt_batch,
    receipt_schema, revise,
};
use svp_lake::input::{digest, digest_bytes};
use svp_lake::{Lake, Open, RunRecord, RunTxn, TableSpec};
use svp_link::LinkReport;
use svp_privacy::{Key, Policy};

use crate::args::{Cli, RunArgs};
use crate::context::{self, Paths};
use crate::error::AppError;
use crate::key;
use crate::release;
use crate::site::Site;
use crate::tell::Tell;

/// What a run adds to its record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Body {
    /// Every file that is or was in the lake.
    pub files: Vec<LoadedFile>,
    /// Receipts of the files that are live.
    pub receipts: Vec<Receipt>,
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
    permitted(&site, &area.item, &paths)?;
    problems.extend(site.area_problems(&area));
    if !problems.is_empty() {
        return Err(AppError::Problems(problems));
    }
    let area = &area.item;
    let sources: Vec<String> = paths.inputs.iter().map(|(name, _)| name.clone()).collect();
    if args.dry_run {
        return dry_run(cli, &site, area, &paths, &sources, tell);
    }
    let key = Arc::new(key::read(args.key.as_deref())?);

    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Write).await?;
    let body = last_body(&lake, &key)?;
    let config = config_digest(&site, area, &paths, args)?;
    let quick = context::plans(cli, &site, area, &sources, &ReferenceData::default())?;
    let files = pending(&quick, context::input_files(&paths, &quick)?, &body.files)?;
    if files.is_empty() && lake.last_run().is_some_and(|run| run.config_digest == config) {
        let release = lake.last_run().and_then(|r| r.release.clone()).unwrap_or_default();
        tell.step("run", format!("nothing new: release {release} stands"));
        return Ok(());
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
    let plans = Arc::new(context::plans(cli, &site, area, &sources, &data)?);
    let ctx = context::session(cli, Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
    let txn = lake.begin(tables(&site)).await?;
    let work = Work { cli, args, site: &site, area, data: &data, txn: &txn, ctx: &ctx, tell };
    let outcome = work.all(&plans, &files, body, Arc::clone(&key), &started).await;
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
    if let Some(release) = release {
        tell.step("done", format!("release {release}"));
        tell.print(format!("{}/published/{release}/report.html", lake.location().trim_end_matches('/')));
    } else {
        tell.step("done", "canonical tables");
    }
    Ok(())
}

/// A run that is under way.
struct Work<'a> {
    cli: &'a Cli,
    args: &'a RunArgs,
    site: &'a Site,
    area: &'a Area,
    data: &'a ReferenceData,
    txn: &'a RunTxn,
    ctx: &'a SessionContext,
    tell: &'a Tell,
}

impl Work<'_> {
    async fn all(
        &self,
        plans: &Arc<Vec<SourcePlan>>,
        files: &[Pending],
        body: Body,
        key: Arc<Key>,
        started: &str,
    ) -> Result<(Body, Option<String>), AppError> {
        let body = self.ingest(plans, files, body, key).await?;
        if self.args.ingest_only {
            return Ok((body, None));
        }
        let links = self.link().await?;
        let (results, policies) = self.analyse(&body).await?;
        let release = self.publish(&body, &links, results, &policies, started).await?;
        Ok((body, Some(release)))
    }

    /// Extracts become canonical, pseudonymised rows.
    async fn ingest(
        &self,
        plans: &Arc<Vec<SourcePlan>>,
        files: &[Pending],
        mut body: Body,
        key: Arc<Key>,
    ) -> Result<Body, AppError> {
        self.txn.register(self.ctx).await?;
        let name = |f: &Pending| (plans[f.plan].source.name.clone(), f.slot.clone());
        let replaced: Vec<(String, String)> = files
            .iter()
            .map(name)
            .filter(|(source, slot)| body.files.iter().any(|f| f.source == *source && f.slot == *slot && !f.superseded))
            .collect();
        let before = previous(self.ctx, &replaced).await?;
        let bytes = files.iter().map(|f| f.input.bytes).sum();
        self.tell.bar("ingest", bytes, true);
        let tell = self.tell;
        let on_file = |file: &str, bytes: u64| tell.advance(bytes, file);
        let receipts = load(Arc::clone(plans), files, before, self.txn, key, self.cli.threads(), &on_file)
            .await
            .map_err(AppError::Load)?;
        self.tell.end_bar();
        if let Some(error) = self.data.failure() {
            return Err(error.into());
        }

        for (source, slot) in &replaced {
            body.files.iter_mut().filter(|f| f.source == *source && f.slot == *slot).for_each(|f| f.superseded = true);
            body.receipts.retain(|r| !(r.source == *source && r.slot == *slot));
        }
        let last = body.files.iter().map(|f| f.seq).max().unwrap_or_default();
        for (seq, file) in (last + 1..).zip(files) {
            let (source, slot) = name(file);
            body.files.push(LoadedFile {
                source,
                slot,
                file: file.input.name.clone(),
                sha256: file.sha256.clone(),
                run: self.txn.number(),
                seq,
                superseded: false,
            });
        }
        if !receipts.is_empty() {
            let mut part = self.txn.part("quality", "receipt", &[], "receipts")?;
            part.write(&receipt_batch(&receipts, self.txn.number())?).await?;
            self.txn.append(part.finish().await?)?;
        }
        self.txn.commit_tables().await?;
        self.txn.register(self.ctx).await?;
        for line in release::summary(&receipts) {
            self.tell.step("ingest", line);
        }
        body.receipts.extend(receipts);
        body.receipts.sort_by(|a, b| (&a.source, &a.slot, &a.feed).cmp(&(&b.source, &b.slot, &b.feed)));

        let by_record: BTreeSet<String> =
            plans.iter().filter(|p| p.source.files.revises == Revises::Record).map(|p| p.source.name.clone()).collect();
        if !files.is_empty() {
            let revised = revise(self.ctx, self.txn, &body.files, &by_record).await?;
            let records: u64 = revised.values().sum();
            if records > 0 {
                self.tell.step(
                    "revise",
                    format!("{records} records came again in a later extract and supersede the earlier ones"),
                );
            }
        }
        Ok(body)
    }

    /// Person records of all agencies become people.
    async fn link(&self) -> Result<LinkReport, AppError> {
        let report = svp_link::link(self.ctx, self.txn).await?;
        self.tell.step(
            "link",
            format!(
                "{} person records are {} people, {} of them known to several agencies",
                report.records, report.people, report.people_of_several_agencies
            ),
        );
        Ok(report)
    }

    /// Every output under every definition, disclosed.
    async fn analyse(&self, body: &Body) -> Result<(Vec<OutputResult>, BTreeMap<String, Policy>), AppError> {
        register_reference(self.ctx, self.area, &self.data.population(self.area)?, &self.data.exclusions)?;
        let months = Months { from: self.area.period.from.clone(), to: self.area.period.to.clone() };
        let total = self.area.definitions.len() * self.area.outputs.len();
        self.tell.bar("analyse", total as u64, false);
        let mut results = Vec::new();
        let mut policies = BTreeMap::new();
        for definition in &self.area.definitions {
            let Some(defined) = self.site.definitions.get(definition) else { continue };
            define(self.ctx, &defined.item, &months).await?;
            let sources = definition_sources(self.ctx).await?;
            for name in &self.area.outputs {
                let Some(output) = self.site.outputs.get(name) else { continue };
                let policy = self.policy(&output.item.reads, &sources, body);
                let result = run_output(self.ctx, &output.item, Some(definition), &policy).await?;
                policies.insert(format!("{name} {definition}"), policy);
                results.push(result);
                self.tell.advance(1, name);
            }
        }
        self.tell.end_bar();
        self.tell.step(
            "analyse",
            format!("{} outputs under {} definitions, disclosed", self.area.outputs.len(), self.area.definitions.len()),
        );
        Ok((results, policies))
    }

    /// The strictest rule of all sources that stand behind an output.
    fn policy(&self, reads: &[String], of_definition: &[String], body: &Body) -> Policy {
        let mut sources: BTreeSet<&str> = of_definition.iter().map(String::as_str).collect();
        let person_tables = ["person_record", "episode"];
        if reads.iter().any(|t| person_tables.contains(&t.as_str())) {
            let behind = body
                .receipts
                .iter()
                .filter(|r| reads.iter().any(|t| person_tables.contains(&t.as_str()) && r.written.contains_key(t)));
            sources.extend(behind.map(|r| r.source.as_str()));
        }
        let rules: Vec<Policy> =
            sources.iter().filter_map(|name| self.site.sources.get(*name)).map(|s| release::rule(&s.item)).collect();
        Policy::strictest(&rules)
    }

    /// The release folder.
    async fn publish(
        &self,
        body: &Body,
        links: &LinkReport,
        results: Vec<OutputResult>,
        policies: &BTreeMap<String, Policy>,
        clock: &str,
    ) -> Result<String, AppError> {
        let name = format!("{:06}-{}-{}", self.txn.number(), self.area.name, self.area.audience);
        let meta = release::meta(self.site, self.area, body, links, policies, &name, self.txn.number(), clock);
        let tables = release::tables(self.site, results);
        let outlines = release::outlines(self.area, self.data);
        if let Some(error) = self.data.failure() {
            return Err(error.into());
        }
        let files = svp_publish::release(&meta, &tables, &outlines)?;
        self.tell.step("publish", format!("{} files", files.len()));
        self.txn.publish(&name, files).await?;
        Ok(name)
    }
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
    out.push(TableSpec::new("quality", "quarantine", quarantine_schema(), &partition));
    out.push(TableSpec::new("quality", "receipt", receipt_schema(), &[]));
    out.push(TableSpec::new("linked", "person_link", svp_link::link_schema(), &[]));
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
    Ok(serde_json::from_value(run.body.clone()).unwrap_or_default())
}

/// Refuses a release to an audience that the law of one of its sources does not name.
fn permitted(site: &Site, area: &Area, paths: &Paths) -> Result<(), AppError> {
    for (name, _) in &paths.inputs {
        if let Some(source) = site.sources.get(name)
            && !source.item.law.audiences.contains(&area.audience)
        {
            return Err(AppError::Audience {
                source_name: name.clone(),
                audience: area.audience.clone(),
                basis: format!("{}; {}", source.item.law.lawful_basis, source.item.law.gateway),
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

fn dry_run(
    cli: &Cli,
    site: &Site,
    area: &Area,
    paths: &Paths,
    sources: &[String],
    tell: &Tell,
) -> Result<(), AppError> {
    let plans = context::plans(cli, site, area, sources, &ReferenceData::default())?;
    let files = context::input_files(paths, &plans)?;
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
    for name in &area.outputs {
        if let Some(output) = site.outputs.get(name) {
            tell.print(format!("\noutput {name} under {}\n{}", area.definitions.join(", "), output.item.sql));
        }
    }
    Ok(())
}
