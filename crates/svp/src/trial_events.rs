//! The events of a trial out of a lake: what the trial's definition takes in and what may stand on a grid.

use chrono::DateTime;
use svp_analyse::{Months, PlacedEvent, define, placed_events, register_reference};
use svp_contract::{Measure, Trial, nearest};
use svp_lake::{Lake, Open};
use svp_trial::clock::{Times, When, local};
use svp_trial::rows::Events;

use svp_functions::CodeMaps;

use crate::args::Cli;
use crate::calendar;
use crate::context;
use crate::error::AppError;
use crate::site::Site;
use crate::tell::Tell;
use crate::trial_args::EventArgs;

/// Reads them.
pub async fn read(
    cli: &Cli,
    site: &Site,
    trial: &Trial,
    times: &Times,
    from: &EventArgs,
    at: &str,
    tell: &Tell,
) -> Result<Events, AppError> {
    let missing = |key: &str| AppError::Argument {
        what: format!("the trial `{}` names no {key}, which a lake needs", trial.name),
        hint: format!("write `{key} = \"…\"` into the trial file, or give --events"),
    };
    let area = &site.area(trial.area.as_deref().ok_or_else(|| missing("area"))?)?.item;
    let name = trial.definition.as_deref().ok_or_else(|| missing("definition"))?;
    let Some(definition) = site.definitions.get(name) else {
        return Err(AppError::Argument {
            what: format!("there is no definition `{name}`"),
            hint: format!(
                "definitions of this site: {}",
                site.definitions.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        });
    };
    let index = harm_index(site, trial)?;
    let lake = Lake::open(at, &context::store_options(&from.store_option)?, Open::Read).await?;
    let paths = context::paths(site, area, &from.paths)?;
    let (data, places) = context::reference(cli, site, area, &paths, false, tell)?;
    let ctx = context::session(cli, Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
    if !lake.register(&ctx).await?.iter().any(|t| t == "event") {
        return Err(AppError::Argument {
            what: format!("the lake at {at} has no events"),
            hint: "fill it with `svp run` first; --ingest-only is enough".to_owned(),
        });
    }
    register_reference(&ctx, area, &places)?;
    // What the audience of the area may not see on a grid is no hot spot of a trial either: homes, domestic and sexual offences.
    context::register_off_grid(&ctx, site, area, false)?;
    let month = |day: chrono::NaiveDate| day.format("%Y-%m").to_string();
    // The night before the first day of the month after the trial still belongs to its last day.
    let after = times.trial.to.succ_opt().unwrap_or(times.trial.to);
    let months = Months { from: month(times.baseline.from), to: month(after) };
    context::register_site_tables(&ctx, site)?;
    calendar::register(&ctx, &lake, Some(months.clone())).await?;
    define(&ctx, &definition.item, &months).await?;
    let mut out = Events::default();
    for event in placed_events(&ctx, index).await? {
        out.read += 1;
        match when(times, &event) {
            Some(at) => out.add(
                times,
                (event.easting, event.northing),
                at,
                1,
                event.harm.or_else(|| index.is_none().then_some(0.0)),
            ),
            None => *out.left_out.entry("without a time").or_default() += 1,
        }
    }
    Ok(out)
}

/// The index by which the trial weighs events, if it does.
fn harm_index<'a>(site: &Site, trial: &'a Trial) -> Result<Option<&'a str>, AppError> {
    let known = site.harm_indices();
    let listed = || match known.as_slice() {
        [] => "put the weights into pipelines/reference/harm_weight.csv".to_owned(),
        known => format!("indices of pipelines/reference/harm_weight.csv: {}", known.join(", ")),
    };
    match trial.harm_index.as_deref() {
        None if trial.measure == Measure::Harm => Err(AppError::Argument {
            what: format!("the trial `{}` counts harm and names no harm_index, which a lake needs", trial.name),
            hint: format!(
                "write `harm_index = \"…\"` into the trial file, or give --events with a column harm; {}",
                listed()
            ),
        }),
        Some(name) if !known.iter().any(|k| k == name) => Err(AppError::Argument {
            what: format!("there is no harm index `{name}`"),
            hint: nearest(name, known.iter().map(String::as_str))
                .map_or_else(listed, |near| format!("did you mean `{near}`?")),
        }),
        index => Ok(index),
    }
}

/// A moment is a moment; a window that lies in one shift is its start; of all else only the day is known.
fn when(times: &Times, event: &PlacedEvent) -> Option<When> {
    let from = DateTime::from_timestamp_micros(event.from_micros?)?;
    let day = When::Day(times.day(local(from)));
    Some(match event.time_precision.as_str() {
        "exact" => When::Instant(from),
        "window" => {
            let to = event.to_micros.and_then(DateTime::from_timestamp_micros)?;
            let shift = |at| (times.day(local(at)), times.shift(local(at)));
            if shift(from) == shift(to) { When::Instant(from) } else { day }
        }
        // A placeholder time says the date; the day of analysis is taken for it.
        "placeholder" | "date" => When::Day(local(from).date()),
        _ => return None,
    })
}
