//! All records of a lake, judged anew: who is whom, why, and how well. Nothing is written into the lake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::path::Path;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use svp_lake::{LakeError, Open};
use svp_link::evaluate::{Evaluation, Score, evaluate};
use svp_link::explain::{explain, waterfall};
use svp_link::pair::compare_pair;
use svp_link::{LinkReport, Linked, Linker, RuleCost};
use svp_pseudonymise::{Key, Tokeniser};

use crate::error::AppError;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::sealed;
use crate::site::Site;
use crate::state::{RunState, tables};

/// Which lake is judged.
#[derive(Debug, Clone, Default)]
pub struct LinkRequest {
    /// Folder of the site, whose linkage holds.
    pub site: String,
    /// Lake.
    pub lake: LakeAt,
}

/// The records of a lake as they were judged.
pub struct Judged {
    site: Site,
    found: Linked,
}

/// The records of a lake, before they are judged.
pub struct Records {
    site: Site,
    ctx: SessionContext,
    all_pairs: bool,
}

impl Records {
    /// Opens a lake for its records, in memory, under its key.
    ///
    /// # Errors
    /// [`AppError::Argument`] for a lake without person records; [`AppError::WrongKey`] for another key than that of the lake; a site with
    /// problems; what the lake refuses.
    pub async fn open(request: &LinkRequest, key: &Key, machine: &Machine) -> Result<Self, AppError> {
        let site = Site::sound(&request.site)?;
        let lake = sealed::under(&request.lake.open(Open::Read).await?, key);
        RunState::last_under(&lake, key)?;
        let ctx = machine.plain_session()?;
        if !lake.register_sealed(&ctx, &tables(&site)).await?.iter().any(|t| t == "person_record") {
            return Err(AppError::Argument {
                what: format!("the lake at {} has no person records", request.lake.location),
                hint: "fill it with `svp run` first; --ingest-only is enough".to_owned(),
            });
        }
        Ok(Self { site, ctx, all_pairs: false })
    }

    /// For each source how many records there are, and how many different people, dates of birth, postcodes and numbers they name: what a
    /// source brings to the linkage. As CSV.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn tally(&self) -> Result<String, AppError> {
        let failed = |e: DataFusionError| AppError::from(LakeError::engine("counting person records", e));
        let rows = self.ctx.sql(include_str!("sql/tally.sql")).await.map_err(failed)?;
        let rows = rows.collect().await.map_err(failed)?;
        let mut out = Vec::new();
        let mut writer = arrow::csv::Writer::new(&mut out);
        for batch in &rows {
            writer.write(batch)?;
        }
        drop(writer);
        Ok(String::from_utf8_lossy(&out).trim_end().to_owned())
    }

    /// Keeps every pair, which [`Judged::evaluate`] needs, and which takes much memory where there are many.
    #[must_use]
    pub fn with_all_pairs(self) -> Self {
        Self { all_pairs: true, ..self }
    }

    /// Judges all records. `on_step` is called with the name of each part before it begins, so that a caller with a clock can measure
    /// it.
    ///
    /// # Errors
    /// What the linkage refuses.
    pub async fn judge(self, on_step: &(dyn Fn(&str) + Sync)) -> Result<Judged, AppError> {
        let Self { site, ctx, all_pairs } = self;
        let deduplicated = deduplicated(&site);
        let linker = Linker::new(&site.linkage).deduplicated_within_source(&deduplicated).on_step(on_step);
        let linker = if all_pairs { linker } else { linker.close_pairs_only() };
        let found = linker.fit_table(&ctx).await?;
        Ok(Judged { site, found })
    }
}

impl Judged {
    /// Number of person records.
    #[must_use]
    pub fn records(&self) -> usize {
        self.found.records.len()
    }

    /// Number of people.
    #[must_use]
    pub fn people(&self) -> usize {
        self.found.group.iter().collect::<BTreeSet<_>>().len()
    }

    /// Tells in short what was found: records, people, pairs, expected precision and recall, what was left out.
    pub fn tell(&self, progress: &dyn Progress) {
        summary(progress, &self.found);
    }

    /// The plan and the model as text: candidates for each rule, m, u and weight of each level, a histogram.
    #[must_use]
    pub fn explain(&self) -> String {
        explain(&self.found, &self.site.linkage)
    }

    /// The waterfall of two records, by their `person_record_id`, as text; `None` where nothing can be compared.
    ///
    /// # Errors
    /// [`AppError::Argument`] for a record that is not in the lake; what the linkage refuses.
    pub fn pair(&self, a: &str, b: &str) -> Result<Option<String>, AppError> {
        let place = |id: &str| {
            self.found.records.binary_search_by(|r| r.id.as_str().cmp(id)).map_err(|_| AppError::Argument {
                what: "a record of --pair is not in the lake".to_owned(),
                hint: "give two values of person_record_id, as `person_link` has them".to_owned(),
            })
        };
        let seen = compare_pair(&self.found, &self.site.linkage, place(a)?, place(b)?);
        Ok(seen.map(|(vector, x, y)| waterfall(&self.found.model, vector, &x, &y)))
    }

    /// Writes each record with the first record of its person to a CSV file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_clusters(&self, file: &str) -> Result<(), AppError> {
        Ok(svp_lake::files::write_file(Path::new(file), clusters(&self.found).as_bytes())?)
    }

    /// Measures what was found, with all pairs ([`Records::with_all_pairs`]), against a truth, a CSV file with the columns `source`, `person_id`, `person`, and gives the measures
    /// as text. `key` turns the ids of the truth into tokens.
    ///
    /// # Errors
    /// [`AppError::Argument`] for a file that is no such truth.
    pub fn evaluate(&self, key: &Key, file: &str) -> Result<String, AppError> {
        let truth = truth(&self.site, key, file)?;
        let p = self.site.linkage.threshold.probability;
        Ok(measures(&evaluate(&self.found, &truth, (p / (1.0 - p)).log2())))
    }
}

/// Sources that have each person once.
pub(crate) fn deduplicated(site: &Site) -> BTreeSet<String> {
    site.sources.values().filter(|s| s.item.people_once).map(|s| s.item.name.clone()).collect()
}

/// What the linkage of a run did to the people of earlier runs, and what it left out.
pub(crate) fn tell_changes(progress: &dyn Progress, report: &LinkReport) {
    if report.other_definition {
        progress.step(
            "link",
            "the definition of the linkage, or the way in which svp records it, is another than when the weights were learned: \
             they were learned anew, and people keep their keys",
        );
    }
    let how = if report.all_judged { "all records were judged" } else { "new records joined" };
    progress.step(
        "link",
        &format!(
            "{how}: {} people are new, {} merged into others, {} pieces split off, {} ended",
            report.born, report.merged, report.split, report.ended
        ),
    );
    left_out(progress, (report.empty, report.shared_numbers), &report.rules, &report.unexpected_duplicates);
}

fn summary(progress: &dyn Progress, found: &Linked) {
    let people: BTreeSet<u32> = found.group.iter().copied().collect();
    progress.step("link", &format!("{} person records are {} people", found.records.len(), people.len()));
    let (precision, recall) = found.expected();
    progress.step(
        "link",
        &format!(
            "{} candidate pairs; expected without labels: precision {precision:.3}, recall of the candidates {recall:.3}",
            found.candidates
        ),
    );
    left_out(progress, (found.empty, found.shared_numbers), &found.rules, &found.unexpected_duplicates);
}

fn left_out(progress: &dyn Progress, (empty, shared): (u64, u64), rules: &[RuleCost], broken: &BTreeMap<String, u64>) {
    if empty > 0 {
        progress.step("link", &format!("{empty} records say nothing of anybody and are linked to none"));
    }
    if shared > 0 {
        progress
            .step("link", &format!("{shared} numbers stand for too many people to be anybody's, and are no evidence"));
    }
    for rule in rules.iter().filter(|r| r.capped_blocks > 0) {
        progress.step(
            "link",
            &format!("rule {}: {} blocks of more than {} rows are left out", rule.rule, rule.capped_blocks, rule.cap),
        );
    }
    for (source, n) in broken {
        progress.step(
            "link",
            &format!("source {source} promises each person once, but {n} of its records share a number, or name and date of birth"),
        );
    }
}

/// Records with the first record of their person, as CSV.
fn clusters(found: &Linked) -> String {
    let mut out = String::from("person_record_id,source,first_record_of_person\n");
    for (record, group) in found.records.iter().zip(&found.group) {
        let _ = writeln!(out, "{},{},{}", record.id, record.source, found.records[*group as usize].id);
    }
    out
}

/// The truth: `source,person_id,person`, the id in the form that the source's mapping gives it. Ids become tokens at once.
fn truth(site: &Site, key: &Key, file: &str) -> Result<HashMap<String, String>, AppError> {
    let wrong = |what: &str| AppError::Argument {
        what: format!("{file}: {what}"),
        hint: "the truth is a CSV file with the columns source, person_id, person".to_owned(),
    };
    let column = site
        .tables
        .iter()
        .find(|t| t.name == "person_record")
        .and_then(|t| t.column("person_record_id"))
        .ok_or_else(|| wrong("there is no table of person records"))?;
    let tokens = Tokeniser::new(key, column.token_domain());
    let text = svp_lake::files::read_text(Path::new(file))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| wrong("it cannot be read"))?.clone();
    let place =
        |name: &str| header.iter().position(|h| h == name).ok_or_else(|| wrong(&format!("there is no column {name}")));
    let (source, id, person) = (place("source")?, place("person_id")?, place("person")?);
    let mut out = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(|_| wrong("a row cannot be read"))?;
        let value = |column: usize| row.get(column).unwrap_or_default();
        let token = tokens.token([value(source).as_bytes(), value(id).as_bytes()]);
        out.insert(String::from_utf8_lossy(&token).into_owned(), value(person).to_owned());
    }
    Ok(out)
}

fn measures(e: &Evaluation) -> String {
    let line = |name: &str, s: &Score, more: String| {
        format!("{name:<40} precision {:.4}  recall {:.4}  F1 {:.4}{more}\n", s.precision, s.recall, s.f1())
    };
    let mut out = format!(
        "{} records, {} true pairs, {:.4} of them proposed by a blocking rule\n",
        e.records, e.true_pairs, e.proposed
    );
    out += &line("pairs, best threshold", &e.raw_best.0, format!("  (at {:+.2} bits)", e.raw_best.1));
    out += &line("pairs, threshold without labels", &e.raw_chosen, String::new());
    out += &line("people, closed pairs", &e.closed, String::new());
    out += &line("people, B-cubed", &e.b_cubed, String::new());
    for ((a, b), (score, n)) in &e.by_sources {
        out += &line(&format!("  {a} with {b}"), score, format!("  ({n} true pairs)"));
    }
    out.trim_end().to_owned()
}
