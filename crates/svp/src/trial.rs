//! `svp trial`: each step's result is printed, and where it lies.

use svp_app::trial::{Done, EventsFrom, TrialFolder};
use svp_app::{AppError, Progress};

use crate::args::{Cli, lake_at};
use crate::tell::Tell;
use crate::trial_args::{EventArgs, TrialArgs, TrialCommand, TrialPlace};

/// The command.
pub async fn command(cli: &Cli, args: &TrialArgs, tell: &Tell) -> Result<(), AppError> {
    let machine = cli.machine();
    let open = |place: &TrialPlace| TrialFolder::open(&cli.site, &place.trial, &place.folder, &machine, tell);
    let done = match &args.command {
        TrialCommand::Choose { place, from, exclude, force } => {
            open(place)?.choose(&events(from), exclude, *force).await?
        }
        TrialCommand::Power { place, from, effect, simulations } => {
            open(place)?.power(&events(from), effect, *simulations).await?
        }
        TrialCommand::Assign { place, verify, force } => open(place)?.assign(verify.as_deref(), *force)?,
        TrialCommand::Patrols { place, from, to } => open(place)?.patrols(*from, *to)?,
        TrialCommand::Dosage { place, pings } => open(place)?.dosage(pings)?,
        TrialCommand::Evaluate { place, from, dosage } => {
            open(place)?.evaluate(&events(from), dosage.as_deref()).await?
        }
    };
    let Done { lines, written } = done;
    lines.iter().for_each(|line| tell.print(line));
    if let Some(file) = written {
        tell.step("trial", &file.display().to_string());
    }
    Ok(())
}

fn events(from: &EventArgs) -> EventsFrom {
    EventsFrom {
        file: from.events.clone(),
        lake: lake_at(from.lake.as_deref().unwrap_or_default(), &from.store_option),
        paths: from.paths.choice(),
    }
}
