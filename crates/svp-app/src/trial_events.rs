//! The events of a trial out of a lake: what the trial's definition takes in and what may stand on a grid.

use chrono::DateTime;
use svp_analyse::{Months, PlacedEvent, define, placed_events};
use svp_contract::{Measure, Month, Trial};
use svp_lake::Open;
use svp_trial::clock::{Times, When, local};
use svp_trial::rows::Events;

use crate::error::AppError;
use crate::inputs;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::{LakeAt, PathChoice};
use crate::site::Site;
use crate::stage::{Calendar, Ground, LakeOf, OffGrid, Rows, Setting, Stage};
use crate::unknown::unknown;

/// Where the events of a trial come from.
#[derive(Debug, Clone, Default)]
pub struct EventsFrom {
    /// A CSV file with `easting`, `northing`, `occurred`, and where there are: `count`, `harm`. The lake is read without it.
    pub file: Option<String>,
    /// Lake, read under the trial's area and definition.
    pub lake: LakeAt,
    /// Where reference data lie.
    pub paths: PathChoice,
}

impl EventsFrom {
    /// The file or the lake, as it was named.
    pub(crate) fn place(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.lake.location)
    }
}

/// Reads them.
pub(crate) async fn read(
    machine: &Machine,
    site: &Site,
    trial: &Trial,
    times: &Times,
    from: &EventsFrom,
    progress: &dyn Progress,
) -> Result<Events, AppError> {
    let missing = |key: &str| AppError::Argument {
        what: format!("the trial `{}` names no {key}, which a lake needs", trial.name),
        hint: format!("write `{key} = \"…\"` into the trial file, or give --events"),
    };
    let area = &site.area(trial.area.as_deref().ok_or_else(|| missing("area"))?)?.item;
    let name = trial.definition.as_deref().ok_or_else(|| missing("definition"))?;
    let Some(definition) = site.definitions.get(name) else {
        let known = site.definitions.keys().map(String::as_str);
        return Err(unknown("definition", name, known).argument_listed("definitions of this site"));
    };
    let index = harm_index(site, trial)?;
    let lake = from.lake.open(Open::Read).await?;
    let paths = inputs::paths(site, area, &from.paths)?;
    // The night before the first day of the month after the trial still belongs to its last day.
    let after = times.trial.to.succ_opt().unwrap_or(times.trial.to);
    let months = Months { from: Month::from(times.baseline.from).to_string(), to: Month::from(after).to_string() };
    let setting = Setting {
        ground: Some(Ground { area, paths: &paths, postcodes: false, tables: true }),
        rows: Rows::Lake { lake: LakeOf::Open(&lake), calendar: Calendar::Needed },
        months: Some(months.clone()),
        // What the audience of the area may not see on a grid is no hot spot of a trial either: homes, domestic and sexual offences.
        off_grid: OffGrid::OfTheAudience,
        hold_coverage: false,
    };
    let ctx = Stage::open(site, machine, setting, progress).await?.ctx;
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
        Some(name) if !known.iter().any(|k| k == name) => {
            let other = unknown("harm index", name, known.iter().map(String::as_str));
            Err(AppError::Argument { hint: other.near_or(listed), what: other.what })
        }
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
