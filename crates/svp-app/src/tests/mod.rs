//! The commands as functions, on a tiny site in a folder of its own. No process is started.

mod areas;
mod contents;
mod desk;
mod doors;
mod earlier;
mod lake;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use svp_contract::{Advice, Finding};
use svp_lake::{Lake, Open};
use svp_pseudonymise::{Key, Tokeniser};
use tempfile::TempDir;
use toml::{Table, Value};

use crate::request::{LakeAt, PathChoice};
use crate::run::{Outcome, Prepared, RunRequest};
use crate::state::{RunState, tables};
use crate::{AppError, Machine, Progress, Silent, Site, sealed};

const CLOCK: &str = "2025-04-07T06:00:00Z";
const HEADER: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";

const MACHINE: Machine = Machine { threads: 2, memory_bytes: 512 * 1024 * 1024 };

/// The extract of a month: crimes by their references, each with one victim.
fn crimes(month: &str, references: &[&str]) -> String {
    let row = |id: &&str| {
        format!(
            "{id},02/{month} 04:06,01/{month} 22:27,01/{month} 22:41,10501,8N,Assault,Filed,,320555,60515,WM1 4ED,Street,AV001,Averholt LPA,N,,N,N,,,P{id},VICTIM,Ada,Quill{id},02/06/2001,23,F,W1,WM22 2HA,Stranger\n"
        )
    };
    format!("{HEADER}\n{}", references.iter().map(row).collect::<String>())
}

/// A site of one police source and one output, its extracts, and a place for its lake.
struct Tiny {
    folder: TempDir,
}

impl Tiny {
    /// With one extract of three crimes.
    fn new() -> Self {
        let tiny = Self { folder: TempDir::new().unwrap() };
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for part in ["analyses", "definitions", "linkage", "outputs", "policies", "reference"] {
            copy(&ours.join("pipelines").join(part), &tiny.path("pipelines").join(part));
        }
        for part in ["pipelines/sources", "pipelines/areas", "extracts/police_rms"] {
            fs::create_dir_all(tiny.path(part)).unwrap();
        }
        let source = "pipelines/sources/police_rms.toml";
        fs::copy(ours.join(source), tiny.path(source)).unwrap();
        let mut area: Table = fs::read_to_string(ours.join("pipelines/areas/wessmark.toml")).unwrap().parse().unwrap();
        let text = |path: PathBuf| Value::from(path.display().to_string());
        area.insert("definitions".into(), Value::Array(vec!["injury_violence".into()]));
        area.insert("outputs".into(), Value::Array(vec!["monthly_trend".into()]));
        area.insert("reference_root".into(), text(ours.join("sample-data/reference")));
        area.insert("input_root".into(), text(tiny.path("extracts")));
        let inputs = area["input"].as_array().unwrap().iter();
        let kept = inputs.filter(|i| i["source"].as_str() == Some("police_rms")).cloned().collect();
        area.insert("input".into(), Value::Array(kept));
        fs::write(tiny.path("pipelines/areas/wessmark.toml"), toml::to_string(&area).unwrap()).unwrap();
        tiny.give("rms_crimes_2025-01.csv", &crimes("01/2025", &["C1", "C2", "C3"]));
        tiny
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn site(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn lake_at(&self) -> LakeAt {
        LakeAt::folder(self.path("lake").display().to_string())
    }

    fn give(&self, file: &str, text: &str) {
        fs::write(self.path("extracts/police_rms").join(file), text).unwrap();
    }

    fn request(&self) -> RunRequest {
        RunRequest {
            site: self.site(),
            area: "wessmark".to_owned(),
            lake: self.lake_at(),
            clock: CLOCK.to_owned(),
            ..RunRequest::default()
        }
    }

    /// A run that stops after the canonical tables.
    async fn ingest(&self) -> Outcome {
        let request = RunRequest { ingest_only: true, ..self.request() };
        run(request).await.unwrap()
    }

    /// A whole run.
    async fn release(&self) -> Outcome {
        run(self.request()).await.unwrap()
    }

    async fn lake(&self) -> Lake {
        self.lake_at().open(Open::Read).await.unwrap()
    }

    async fn state(&self) -> RunState {
        RunState::last(&self.lake().await).unwrap()
    }

    /// Asks the lake for one number.
    async fn number(&self, query: &str) -> i64 {
        self.text(query).await.parse().unwrap()
    }

    /// Asks the lake for one value; its sealed tables are open.
    async fn text(&self, query: &str) -> String {
        self.text_under(&key(), query).await
    }

    /// The same under another key.
    async fn text_under(&self, key: &Key, query: &str) -> String {
        let ctx = MACHINE.plain_session().unwrap();
        let (site, _) = Site::read(&self.site()).unwrap();
        let lake = sealed::under(&self.lake().await, key);
        lake.register(&ctx).await.unwrap();
        lake.register_sealed(&ctx, &tables(&site)).await.unwrap();
        let rows = ctx.sql(query).await.unwrap().collect().await.unwrap();
        array_value_to_string(rows[0].column(0), 0).unwrap()
    }

    /// The token of a person of the extract, as its desk would make it.
    fn token(&self, person: &str) -> String {
        let (site, _) = Site::read(&self.site()).unwrap();
        let table = site.tables.iter().find(|t| t.name == "person_record").unwrap();
        let domain = table.column("person_record_id").unwrap().token_domain().to_owned();
        let key = key();
        let token = Tokeniser::new(&key, &domain).token([b"police_rms".as_slice(), person.as_bytes()]);
        String::from_utf8_lossy(&token).into_owned()
    }
}

async fn run(request: RunRequest) -> Result<Outcome, AppError> {
    Prepared::new(request)?.run(&MACHINE, key(), &Silent).await
}

fn key() -> Key {
    Key::parse("svp-key-1 needs-assessment 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n").unwrap()
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Writes down what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn has(&self, words: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(words))
    }
}

impl Progress for Heard {
    fn step(&self, verb: &str, what: &str) {
        self.0.lock().unwrap().push(format!("{verb}: {what}"));
    }

    fn findings(&self, findings: &[Finding]) {
        self.0.lock().unwrap().extend(findings.iter().map(|f| format!("finding: {f}")));
    }

    fn bar(&self, verb: &str, _: u64, _: bool) {
        self.0.lock().unwrap().push(format!("bar: {verb}"));
    }

    fn advance(&self, _: u64, _: &str) {}

    fn end_bar(&self) {}
}
