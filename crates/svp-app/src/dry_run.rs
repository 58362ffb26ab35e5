//! A dry run: what a run would load, map, link and publish, without doing any of it.

use std::collections::HashMap;
use std::fmt::Write;

use svp_ingest::desk;
use svp_ingest::reference::ReferenceData;
use svp_ingest::{Contents, Known, Queue, SourcePlan, pending};
use svp_lake::Open;
use svp_lake::input::InputFile;
use svp_pseudonymise::Key;

use crate::accept;
use crate::contents;
use crate::error::AppError;
use crate::inputs;
use crate::machine::Machine;
use crate::names::Names;
use crate::progress::Progress;
use crate::run::{Prepared, reloads};
use crate::state::RunState;

impl Prepared {
    /// Describes the run in lines of text: its sources with each mapping, the SQL of the linkage, the SQL of the outputs. Findings
    /// about the extracts, and what the lake would load, are told to `progress`. Without the key nobody can say which files the
    /// lake holds already: it knows them by digests under its key. That is told then.
    ///
    /// # Errors
    /// Extracts that are not where they are looked for, findings that refuse, a lake whose record cannot be read,
    /// [`AppError::WrongKey`] for another key than that of the lake.
    pub async fn describe(
        &self,
        machine: &Machine,
        of_the_lake: Option<&Key>,
        progress: &dyn Progress,
    ) -> Result<String, AppError> {
        let area = &self.area;
        let plans = inputs::plans(machine, &self.site, Some(area), &self.sources, &ReferenceData::default())?;
        let accepted = accept::acceptances(&self.request.accept, "", 0)?;
        let intake = inputs::intake(&self.site, &self.paths, &plans, &accepted)?;
        // Labels of a plan are good for nothing else, and a log of it need not name a file.
        let key = Key::generate("plan").map_err(svp_ingest::IngestError::from)?;
        progress.names(&Names::new(&key, intake.files.iter().map(|(_, file)| file), &intake.findings));
        progress.findings(&intake.findings);
        let files = intake.files;
        let (extracts, sealed) = match of_the_lake {
            Some(_) => (files.clone(), 0),
            None => desk::extracts_alone(files.clone())?,
        };
        if sealed > 0 {
            let what = "encoded files are sealed: a run, which has the key, knows which of them are new";
            progress.step("load", &format!("{sealed} {what}"));
        }
        if let Some(queue) = self.would_load(&plans, extracts, (of_the_lake, machine.threads), progress).await? {
            progress.findings(&queue.findings);
            for file in &queue.files {
                let how = match &file.replaces {
                    Some(r) if r.again => "again",
                    Some(_) => "in place of an older one",
                    None => "new",
                };
                let source = &plans[file.plan].source.name;
                progress.step("load", &format!("{source}: {} (slot {}), {how}", file.extract(), file.slot));
            }
        }
        Ok(self.in_lines(&plans, &files))
    }

    /// What a run into the lake would load; `None` where there is no lake yet, or no key that knows its files.
    async fn would_load(
        &self,
        plans: &[SourcePlan],
        files: Vec<(usize, InputFile)>,
        (key, threads): (Option<&Key>, usize),
        progress: &dyn Progress,
    ) -> Result<Option<Queue>, AppError> {
        let lake = match self.request.lake.open(Open::Read).await {
            Ok(lake) => lake,
            Err(AppError::Lake(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if lake.last_run().is_none() {
            return Ok(None);
        }
        let Some(key) = key else {
            let what = format!(
                "which of the {} files the lake holds is known under its key alone: --key FILE tells what would be loaded",
                files.len()
            );
            progress.step("load", &what);
            return Ok(None);
        };
        let mut state = RunState::last_under(&lake, key)?;
        contents::under_key(&lake, key, &mut state).await?;
        let reload = reloads(&self.request.reload, plans)?;
        let contents = Contents::new(key);
        let known =
            Known { files: &state.files, receipts: &state.receipts, reload: &reload, contents: Some(&contents) };
        Ok(Some(pending(plans, files, &known, Some(key), threads)?))
    }

    fn in_lines(&self, plans: &[SourcePlan], files: &[(usize, InputFile)]) -> String {
        let area = &self.area;
        let mut by_source: HashMap<usize, Vec<&str>> = HashMap::new();
        for (plan, file) in files {
            by_source.entry(*plan).or_default().push(&file.name);
        }
        let mut out = format!(
            "area {} ({}), audience {}, {} to {}",
            area.name, area.title, area.audience, area.period.from, area.period.to
        );
        for (i, plan) in plans.iter().enumerate() {
            let names = by_source.remove(&i).unwrap_or_default();
            let first = names.first().map(|n| format!(", first {n}")).unwrap_or_default();
            let _ = write!(out, "\n\nsource {}: {} files{first}", plan.source.name, names.len());
            for feed in plan.feeds() {
                let _ = write!(out, "\n  feed {}", feed.name());
                for line in feed.describe() {
                    let _ = write!(out, "\n    {line}");
                }
            }
        }
        for (name, sql) in svp_link::STEPS {
            let _ = write!(out, "\n\nlink {name}\n{}", sql.trim());
        }
        for (name, sql) in svp_link::EVENT_STEPS.iter().filter(|_| self.site.events.is_some()) {
            let _ = write!(out, "\n\nmatch {name}\n{}", sql.trim());
        }
        for name in &area.outputs {
            if let Some(output) = self.site.outputs.get(name) {
                let _ = write!(out, "\n\noutput {name} under {}\n{}", area.definitions.join(", "), output.item.sql);
            }
        }
        out
    }
}
