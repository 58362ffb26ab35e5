//! How svp speaks: progress bars and lines for people, JSON for machines, silence when asked.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use svp_app::{AppError, Names, Progress, Timing};
use svp_contract::{Advice, Finding};
use svp_ingest::IngestError;
use svp_lake::LakeError;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::args::{LogForm, OutputArgs};
use crate::error::code;
use crate::timings::Timings;

/// The voice of a command.
pub struct Tell {
    quiet: bool,
    json: bool,
    bar: Mutex<Option<ProgressBar>>,
    /// The files that a command is about.
    names: Mutex<Names>,
    /// How long parts take, where somebody asked.
    timings: Mutex<Option<Timings>>,
}

impl Tell {
    /// By the arguments.
    pub fn new(args: &OutputArgs) -> Self {
        let json = args.log == LogForm::Json;
        if json {
            let level = if args.quiet { tracing::Level::ERROR } else { tracing::Level::INFO };
            tracing_subscriber::fmt()
                .json()
                .with_max_level(level)
                .with_target(false)
                .with_span_events(FmtSpan::NONE)
                .with_writer(std::io::stderr)
                .with_env_filter(tracing_subscriber::EnvFilter::new(format!("off,svp={level}")))
                .init();
        }
        Self { quiet: args.quiet, json, bar: Mutex::new(None), names: Mutex::default(), timings: Mutex::default() }
    }

    /// The result of a command, on standard output.
    pub fn print(&self, text: impl Display) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// From now on it is measured how long parts take.
    pub fn measure(&self) {
        *self.timings.lock().unwrap_or_else(PoisonError::into_inner) = Some(Timings::default());
    }

    /// Says how long parts took, if that was measured.
    pub fn timings_so_far(&self) {
        let timings = self.timings.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(timings) = timings.as_ref() else { return };
        if self.json {
            for part in timings.done() {
                let json = serde_json::to_string(&part).unwrap_or_default();
                tracing::info!(step = "timing", timing = json, "{}", part.part);
            }
        } else {
            self.line(timings.table().trim_end());
        }
    }

    /// An error with its hint. In JSON the findings of a refusal stand before it, each by itself.
    pub fn error(&self, error: &AppError) {
        self.end_bar();
        if self.json {
            self.findings(&error.findings());
        }
        let mut lines = Vec::new();
        match error {
            AppError::Problems(problems) => lines.extend(problems.iter().map(|p| (p.to_string(), None))),
            AppError::Files(errors) | AppError::Load(errors) | AppError::Encode(errors) => {
                lines.extend(errors.iter().map(|e| (e.to_string(), e.hint())))
            }
            AppError::Damage(errors) => lines.extend(errors.iter().map(|e| (e.to_string(), e.hint()))),
            _ => {}
        }
        lines.push((error.to_string(), error.hint()));
        // Many files with one fault are one line.
        lines.dedup();
        let strangers = if self.json { strangers(error) } else { Vec::new() };
        for (mut message, hint) in lines {
            for name in &strangers {
                message = message.replace(name.as_str(), "(a file)");
            }
            let (message, hint) = (self.told(&message), hint.map(|hint| self.told(&hint)));
            if self.json {
                tracing::error!(code = code(error.kind()), hint = hint.as_deref().unwrap_or(""), "{message}");
            } else {
                let _ = writeln!(std::io::stderr(), "error: {message}");
                if let Some(hint) = hint {
                    let _ = writeln!(std::io::stderr(), "  hint: {hint}");
                }
            }
        }
    }

    /// A text as it may be told: to people with the names of the files that they gave, to machines with the labels of these.
    fn told(&self, text: &str) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if self.json { names.hide(text) } else { names.show(text) }
    }

    fn line(&self, text: &str) {
        self.end_bar();
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

/// The files of an error that came before the files of the command were known, and have no label.
fn strangers(error: &AppError) -> Vec<String> {
    let of_lake = |error: &LakeError| match error {
        LakeError::Unreadable { path, .. } | LakeError::NoInput { path } => Some(path.clone()),
        _ => None,
    };
    let of_ingest = |error: &IngestError| match error {
        IngestError::Slot { file, .. } => Some(file.clone()),
        IngestError::Lake(error) => of_lake(error),
        _ => None,
    };
    match error {
        AppError::Lake(error) => of_lake(error).into_iter().collect(),
        AppError::Ingest(error) => of_ingest(error).into_iter().collect(),
        AppError::Files(errors) | AppError::Load(errors) | AppError::Encode(errors) => {
            errors.iter().filter_map(of_ingest).collect()
        }
        _ => Vec::new(),
    }
}

impl Progress for Tell {
    fn step(&self, verb: &str, what: &str) {
        let what = self.told(what);
        if self.json {
            tracing::info!(step = verb, "{what}");
        } else if !self.quiet {
            self.line(&format!("{verb:>12}  {what}"));
        }
    }

    // In JSON each stands by itself, with every field; for people those that are alike are one line.
    fn findings(&self, findings: &[Finding]) {
        if self.json {
            for finding in findings {
                let json = self.told(&serde_json::to_string(finding).unwrap_or_else(|_| finding.to_string()));
                let text = self.told(&finding.to_string());
                tracing::warn!(step = "finding", kind = finding.kind.name(), finding = json, "{text}");
            }
        } else if !self.quiet {
            for line in svp_ingest::in_short(findings) {
                self.line(&format!("{:>12}  {}", "finding", self.told(&line)));
            }
        }
    }

    fn names(&self, names: &Names) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names.clone();
    }

    fn bar(&self, verb: &str, total: u64, bytes: bool) {
        self.end_bar();
        if self.quiet || self.json {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let counted = if bytes { "{bytes}/{total_bytes}" } else { "{pos}/{len}" };
        if let Ok(style) =
            ProgressStyle::with_template(&format!("{{prefix:>12}}  [{{bar:30}}] {counted} {{elapsed}} {{msg}}"))
        {
            bar.set_style(style);
        }
        bar.set_prefix(verb.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    fn advance(&self, by: u64, message: &str) {
        let message = self.told(message);
        if let Ok(slot) = self.bar.lock()
            && let Some(bar) = slot.as_ref()
        {
            bar.inc(by);
            bar.set_message(message.clone());
        }
        if self.json {
            tracing::info!(step = "progress", done = by, "{message}");
        }
    }

    fn end_bar(&self) {
        if let Ok(mut slot) = self.bar.lock()
            && let Some(bar) = slot.take()
        {
            bar.finish_and_clear();
        }
    }

    fn begin(&self, part: &str) {
        if let Some(timings) = self.timings.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            timings.begin(part);
        }
    }

    fn end(&self) {
        if let Some(timings) = self.timings.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            timings.end();
        }
    }

    fn timings(&self) -> Vec<Timing> {
        self.timings.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Timings::done).unwrap_or_default()
    }
}
