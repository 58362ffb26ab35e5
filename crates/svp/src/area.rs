//! `svp area`: the area file of any police force of England and Wales, from the lookups that ship with the project.

use std::path::{Path, PathBuf};

use chrono::Datelike;
use svp_app::{AppError, Progress, Site, forces, unknown};
use svp_contract::{Area, Choices, Force, Forces, refusals};
use svp_ingest::reference;
use svp_lake::files;

use crate::args::{AreaArgs, AreaCommand, Cli};
use crate::tell::Tell;

/// The command.
pub fn command(cli: &Cli, args: &AreaArgs, tell: &Tell) -> Result<(), AppError> {
    match &args.command {
        AreaCommand::List => list(cli, tell),
        AreaCommand::New { force, out, from, to, audience, reference } => {
            let months = match (from, to) {
                (Some(from), Some(to)) => [from.clone(), to.clone()],
                _ => financial_years(chrono::Utc::now().date_naive()),
            };
            new(cli, &Wish { force, out: out.as_deref(), months, audience, reference: reference.as_deref() }, tell)
        }
    }
}

/// What was asked for.
struct Wish<'a> {
    force: &'a str,
    out: Option<&'a str>,
    months: [String; 2],
    audience: &'a str,
    reference: Option<&'a str>,
}

/// First and last month of the two financial years that were over on a day.
fn financial_years(today: chrono::NaiveDate) -> [String; 2] {
    let ended = if today.month() >= 4 { today.year() } else { today.year() - 1 };
    [format!("{}-04", ended - 2), format!("{ended}-03")]
}

fn list(cli: &Cli, tell: &Tell) -> Result<(), AppError> {
    for force in forces(Path::new(&cli.site))?.forces {
        let districts: Vec<&str> = force.districts.iter().map(|d| d.name.as_str()).collect();
        tell.print(format!(
            "{}  {:24} {:3} districts: {}",
            force.code,
            force.name,
            districts.len(),
            districts.join("; ")
        ));
    }
    Ok(())
}

fn new(cli: &Cli, wish: &Wish<'_>, tell: &Tell) -> Result<(), AppError> {
    let (site, problems) = Site::read(&cli.site)?;
    let all = forces(&site.root)?;
    let force = all.find(wish.force).map_err(|hint| AppError::Argument {
        what: format!("there is no police force `{}` in England and Wales", wish.force),
        hint,
    })?;
    let file = match wish.out {
        Some(out) => PathBuf::from(out),
        None => site.root.join(format!("pipelines/areas/{}.toml", force.slug)),
    };
    if files::exists(&file) {
        return Err(AppError::Argument {
            what: format!("{} is there already", file.display()),
            hint: "name another file with --out: an area is never written over".to_owned(),
        });
    }
    let name = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if file.extension().is_none_or(|e| e != "toml") {
        return Err(AppError::Argument {
            what: format!("{} is no file of an area", file.display()),
            hint: "an area is a file NAME.toml in pipelines/areas".to_owned(),
        });
    }
    let text = all.area_file(force, &choices(&site, wish, &name)?);
    let shown = file.display().to_string();
    let area = Area::parse(&shown, &text).map_err(|problem| AppError::Problems(vec![problem]))?;
    files::write_file(&file, text.as_bytes())?;
    tell.step("area", &format!("{shown}: {}, {} districts", force.force, area.districts.len()));
    tell.step("area", &format!("period {} to {}, audience {}", area.period.from, area.period.to, area.audience));
    wanted(&site, &all, force, &area, wish.reference, tell);
    tell.print(format!("\nnext: lay the files there, then `svp check --area {name}`"));
    if !problems.is_empty() {
        tell.step("area", "the site has other problems: `svp check` tells them");
    }
    Ok(())
}

/// What the site has for the audience: all definitions, the outputs that may go to it, the sources whose law reaches it.
fn choices<'a>(site: &'a Site, wish: &'a Wish<'_>, name: &'a str) -> Result<Choices<'a>, AppError> {
    let Some(policy) = site.policies.get(wish.audience).map(|p| &p.item) else {
        let known = site.policies.keys().map(String::as_str);
        return Err(unknown("policy for the audience", wish.audience, known).argument("known"));
    };
    let reaches = |source: &svp_contract::Source| refusals(source, &site.gateways, policy).is_empty();
    let to_audience = |output: &svp_contract::Output| output.audiences.iter().any(|a| a == wish.audience);
    Ok(Choices {
        name,
        months: [wish.months[0].as_str(), wish.months[1].as_str()],
        audience: wish.audience,
        definitions: site.definitions.keys().map(String::as_str).collect(),
        outputs: site.outputs.values().filter(|o| to_audience(&o.item)).map(|o| o.item.name.as_str()).collect(),
        sources: site.sources.values().filter(|s| reaches(&s.item)).map(|s| s.item.name.as_str()).collect(),
    })
}

/// Prints every reference file that the area wants, where its publisher keeps it, and whether it is there.
fn wanted(site: &Site, all: &Forces, force: &Force, area: &Area, root: Option<&str>, tell: &Tell) {
    let root = root.map_or_else(|| site.beside_area(&area.reference_root), str::to_owned);
    tell.print(format!("Reference data, in {root}:"));
    let mut entries = area.reference.iter();
    for wanted in all.wanted(force) {
        let of_this = wanted.entries.matches("[[reference]]").count();
        let mut paths: Vec<(&str, bool)> = entries
            .by_ref()
            .take(of_this)
            .map(|entry| (reference::path(entry), reference::files(entry, &root).is_ok()))
            .collect();
        paths.dedup();
        for (path, there) in paths {
            let mark = if there { "there  " } else { "missing" };
            tell.print(format!("  {mark}  {path}\n           {}: {}", wanted.publisher, wanted.product));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn financial_years_that_are_over() {
        let years = |y, m, d| financial_years(chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(years(2026, 11, 29), ["2024-04", "2026-03"]);
        assert_eq!(years(2026, 4, 1), ["2024-04", "2026-03"]);
        assert_eq!(years(2026, 3, 31), ["2023-04", "2025-03"]);
        assert_eq!(years(2027, 1, 1), ["2024-04", "2026-03"]);
    }
}
