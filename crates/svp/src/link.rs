//! `svp link`: judges all records of a lake anew and says what it found; writes nothing into the lake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use svp_contract::Linkage;
use svp_functions::{Areas, CodeMaps, Lookups};
use svp_lake::{Lake, Open};
use svp_link::evaluate::{Evaluation, Score, evaluate};
use svp_link::explain::{explain, waterfall};
use svp_link::look::look;
use svp_link::{LinkReport, Linked, Linker, RuleCost};
use svp_pseudonymise::{Key, Tokeniser};

use crate::args::{Cli, LinkArgs};
use crate::context;
use crate::error::AppError;
use crate::key;
use crate::site::Site;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &LinkArgs, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Read).await?;
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
    if !lake.register(&ctx).await?.iter().any(|t| t == "person_record") {
        return Err(AppError::Argument {
            what: format!("the lake at {} has no person records", args.lake),
            hint: "fill it with `svp run` first; --ingest-only is enough".to_owned(),
        });
    }
    let once = once(&site);
    let began = Instant::now();
    let times: Mutex<Vec<(String, f64)>> = Mutex::new(Vec::new());
    let on_step = |what: &str| {
        if let Ok(mut times) = times.lock() {
            times.push((what.to_owned(), began.elapsed().as_secs_f64()));
        }
    };
    let found = Linker::new(&site.linkage).people_once(&once).on_step(&on_step).fit_table(&ctx).await?;
    let whole = began.elapsed().as_secs_f64();
    summary(tell, &found, &site.linkage);
    if args.timings {
        tell.print(timings(times.into_inner().unwrap_or_default(), whole));
    }
    if args.explain {
        tell.print(explain(&found, &site.linkage));
    }
    if let [a, b, ..] = args.pair.as_slice() {
        let place = |id: &String| {
            found.records.binary_search_by(|r| r.id.as_str().cmp(id)).map_err(|_| AppError::Argument {
                what: "a record of --pair is not in the lake".to_owned(),
                hint: "give two values of person_record_id, as `svp sql --linkage` shows them".to_owned(),
            })
        };
        if let Some((vector, x, y)) = look(&found, &site.linkage, place(a)?, place(b)?) {
            tell.print(waterfall(&found.model, vector, &x, &y));
        }
    }
    if let Some(file) = &args.out {
        svp_lake::files::write_file(Path::new(file), clusters(&found).as_bytes())?;
        tell.step("link", format!("{} records with their people in {file}", found.records.len()));
    }
    if let Some(file) = &args.evaluate {
        let key = key::read(args.key.as_deref())?;
        let truth = truth(&site, &key, file)?;
        let p = site.linkage.threshold.probability;
        let threshold = (p / (1.0 - p)).log2();
        tell.print(measures(&evaluate(&found, &truth, threshold)));
    }
    Ok(())
}

/// Sources that promise to have each person once.
pub fn once(site: &Site) -> BTreeSet<String> {
    site.sources.values().filter(|s| s.item.people_once).map(|s| s.item.name.clone()).collect()
}

/// What the linkage of a run did to the people of earlier runs, and what it left out.
pub fn tell_changes(tell: &Tell, report: &LinkReport) {
    let how = if report.all_judged { "all records were judged" } else { "new records joined" };
    tell.step(
        "link",
        format!(
            "{how}: {} people are new, {} merged into others, {} pieces split off, {} ended",
            report.born, report.merged, report.split, report.ended
        ),
    );
    left_out(tell, (report.empty, report.shared_numbers), &report.rules, &report.broken_promises);
}

fn summary(tell: &Tell, found: &Linked, linkage: &Linkage) {
    let people: BTreeSet<u32> = found.group.iter().copied().collect();
    tell.step("link", format!("{} person records are {} people", found.records.len(), people.len()));
    let p = linkage.threshold.probability;
    let (precision, recall) = found.expected((p / (1.0 - p)).log2());
    tell.step(
        "link",
        format!(
            "{} candidate pairs; expected without labels: precision {precision:.3}, recall of the candidates {recall:.3}",
            found.candidates
        ),
    );
    left_out(tell, (found.empty, found.shared_numbers), &found.rules, &found.broken_promises);
}

fn left_out(tell: &Tell, (empty, shared): (u64, u64), rules: &[RuleCost], broken: &BTreeMap<String, u64>) {
    if empty > 0 {
        tell.step("link", format!("{empty} records say nothing of anybody and are linked to none"));
    }
    if shared > 0 {
        tell.step("link", format!("{shared} numbers stand for too many people to be anybody's, and are no evidence"));
    }
    for rule in rules.iter().filter(|r| r.capped_blocks > 0) {
        tell.step(
            "link",
            format!("rule {}: {} blocks of more than {} rows are left out", rule.rule, rule.capped_blocks, rule.cap),
        );
    }
    for (source, n) in broken {
        tell.step(
            "link",
            format!("source {source} promises each person once, but {n} of its records share a number, or name and date of birth"),
        );
    }
}

fn timings(times: Vec<(String, f64)>, whole: f64) -> String {
    let mut out = String::new();
    for (i, (what, from)) in times.iter().enumerate() {
        let until = times.get(i + 1).map_or(whole, |next| next.1);
        let _ = writeln!(out, "{what:<10} {:>8.3} s", until - from);
    }
    let _ = write!(out, "{:<10} {whole:>8.3} s", "whole");
    out
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
