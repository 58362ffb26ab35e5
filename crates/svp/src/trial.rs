//! `svp trial`: the pilot's toolkit. Each step reads the trial file and what the steps before it wrote into one folder.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use svp_contract::{DesignKind, Measure, Trial, nearest};
use svp_functions::place::osgb;
use svp_lake::files;
use svp_trial::assign::{Assignment, assign};
use svp_trial::choose::choose;
use svp_trial::clock::Times;
use svp_trial::evaluate::{Inputs, evaluate};
use svp_trial::grid::Projection;
use svp_trial::pings::Pings;
use svp_trial::power::{Effort, baseline, power};
use svp_trial::record::{digest, first_difference, json};
use svp_trial::rings::outcome;
use svp_trial::rows::{self, Events, Ground};
use svp_trial::spots::Spot;
use svp_trial::{TrialError, covered, dosage, patrols, plot, report, sheet, spots};

use crate::args::Cli;
use crate::error::AppError;
use crate::site::Site;
use crate::tell::Tell;
use crate::trial_args::{EventArgs, TrialArgs, TrialCommand, TrialPlace};
use crate::trial_events;

const SPOTS: &str = "hot_spots.csv";
const ASSIGNMENT: &str = "assignment.csv";
const DOSAGE: &str = "dosage.csv";

/// The formulas of Ordnance Survey, lent to the trial.
struct Osgb;

impl Projection for Osgb {
    fn to_wgs84(&self, easting: f64, northing: f64) -> Option<(f64, f64)> {
        osgb::to_wgs84(easting, northing)
    }

    fn to_bng(&self, longitude: f64, latitude: f64) -> Option<(f64, f64)> {
        osgb::to_bng(longitude, latitude)
    }
}

/// A trial that is being worked on.
struct Desk<'a> {
    cli: &'a Cli,
    tell: &'a Tell,
    site: Site,
    trial: Trial,
    text: String,
    times: Times,
    folder: PathBuf,
}

/// The command.
pub async fn command(cli: &Cli, args: &TrialArgs, tell: &Tell) -> Result<(), AppError> {
    match &args.command {
        TrialCommand::Choose { place, from, exclude, force } => {
            Desk::open(cli, place, tell)?.choose(from, exclude, *force).await
        }
        TrialCommand::Power { place, from, effect, simulations } => {
            Desk::open(cli, place, tell)?.power(from, effect, *simulations).await
        }
        TrialCommand::Assign { place, verify, force } => {
            Desk::open(cli, place, tell)?.assign(verify.as_deref(), *force)
        }
        TrialCommand::Patrols { place, from, to } => {
            Desk::open(cli, place, tell)?.patrols(from.as_deref(), to.as_deref())
        }
        TrialCommand::Dosage { place, pings } => Desk::open(cli, place, tell)?.dosage(pings),
        TrialCommand::Evaluate { place, from, dosage } => {
            Desk::open(cli, place, tell)?.evaluate(from, dosage.as_deref()).await
        }
    }
}

impl<'a> Desk<'a> {
    fn open(cli: &'a Cli, place: &TrialPlace, tell: &'a Tell) -> Result<Self, AppError> {
        let (site, problems) = Site::read(&cli.site)?;
        let Some(defined) = site.trials.get(&place.trial) else {
            // A file that is there and wrong is told as what it is.
            let mine: Vec<_> = problems.into_iter().filter(|p| p.at.starts_with("pipelines/trials/")).collect();
            if !mine.is_empty() {
                return Err(AppError::Problems(mine));
            }
            let known: Vec<&str> = site.trials.keys().map(String::as_str).collect();
            return Err(AppError::Argument {
                what: format!("there is no trial `{}`", place.trial),
                hint: match nearest(&place.trial, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => "a trial is one file in pipelines/trials".to_owned(),
                    None => format!("trials of this site: {}", known.join(", ")),
                },
            });
        };
        let trial = defined.item.clone();
        let text = files::read_text(&site.root.join(&defined.file))?;
        let times = Times::new(&trial);
        Ok(Self { cli, tell, site, trial, text, times, folder: PathBuf::from(&place.folder) })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), AppError> {
        Ok(files::write_file(&self.folder.join(name), text.as_bytes())?)
    }

    /// Reads a file that an earlier step wrote.
    fn earlier(&self, name: &str, step: &str) -> Result<(String, Vec<u8>), AppError> {
        let path = self.folder.join(name);
        if !files::exists(&path) {
            return Err(AppError::Argument {
                what: format!("{} is not there", path.display()),
                hint: format!("make it with `svp trial {step}`, or name the folder of the trial with --folder"),
            });
        }
        Ok((path.display().to_string(), files::read_bytes(&path)?))
    }

    fn spots(&self) -> Result<(Vec<Spot>, Vec<u8>), AppError> {
        let (name, bytes) = self.earlier(SPOTS, "choose")?;
        Ok((spots::read(&name, &bytes, &self.trial.shifts)?, bytes))
    }

    fn assignment(&self, spots: &[Spot]) -> Result<(Assignment, Vec<u8>), AppError> {
        let (name, bytes) = self.earlier(ASSIGNMENT, "assign")?;
        Ok((Assignment::read(&name, &bytes, &self.trial, &self.times, spots)?, bytes))
    }

    /// Where events can lie: in the area of the trial. A trial without one may be anywhere in England and Wales, and in the areas of
    /// the site.
    fn ground(&self) -> Result<Ground, AppError> {
        let boxes = match &self.trial.area {
            Some(name) => {
                let area = &self.site.area(name)?.item;
                vec![(area.easting, area.northing)]
            }
            None => {
                let areas = self.site.areas.values().map(|a| (a.item.easting, a.item.northing));
                let forces = crate::area::forces(&self.site.root).map(|f| f.forces).unwrap_or_default();
                areas.chain(forces.iter().map(svp_contract::Force::area_box)).collect()
            }
        };
        Ok(Ground { boxes })
    }

    /// Events, with the digest of the file that they come from; a lake has none.
    async fn events(&self, from: &EventArgs) -> Result<(Events, Option<String>), AppError> {
        let needs_harm = self.trial.measure == Measure::Harm;
        let (found, digests) = match (&from.events, &from.lake) {
            (Some(file), _) => {
                let bytes = files::read_bytes(Path::new(file))?;
                (rows::events(file, &bytes, &self.times, needs_harm, &self.ground()?)?, Some(digest(&bytes)))
            }
            (None, lake) => {
                let lake = lake.as_deref().unwrap_or_default();
                (trial_events::read(self.cli, &self.site, &self.trial, &self.times, from, lake, self.tell).await?, None)
            }
        };
        self.tell.step("trial", format!("events: {}", found.summary()));
        self.to_know(&found.notes);
        Ok((found, digests))
    }

    /// What to know of the events behind a result.
    fn to_know(&self, notes: &[String]) {
        notes.iter().for_each(|note| self.tell.step("to know", note));
    }

    /// Whether the events cover the baseline, which `choose` and `power` stand on; what they lack is told.
    fn covered(&self, from: &EventArgs, events: &mut Events) -> Result<(), AppError> {
        let at = from.events.as_deref().or(from.lake.as_deref()).unwrap_or_default();
        let notes = covered::judge(at, &self.times, events)?;
        self.to_know(&notes);
        events.notes.extend(notes);
        Ok(())
    }

    async fn choose(&self, from: &EventArgs, exclude: &[String], force: bool) -> Result<(), AppError> {
        let (mut events, _) = self.events(from).await?;
        self.covered(from, &mut events)?;
        let mut exclusions = Vec::new();
        for file in exclude {
            exclusions.extend(rows::exclusions(file, &files::read_bytes(Path::new(file))?, &Osgb, &self.ground()?)?);
        }
        let chosen = choose(&self.trial, &self.times, &events.rows, &exclusions)?;
        let text = spots::csv(&chosen.spots, &self.trial.shifts);
        self.keep(SPOTS, &text, force || !files::exists(&self.folder.join(ASSIGNMENT)))?;
        self.write(SPOTS, &text)?;
        self.write("hot_spots.geojson", &spots::geojson(&chosen.spots, &self.trial.shifts, &events.notes, &Osgb)?)?;
        self.tell.print(format!(
            "{} hot spots hold {:.1} % of {} events ({} squares have any); passed over: {} on ground left out, {} too near",
            chosen.spots.len(),
            100.0 * chosen.share(),
            chosen.events,
            chosen.cells,
            chosen.excluded,
            chosen.near
        ));
        let enduring = chosen.spots.iter().filter(|s| s.quarters as usize * 5 >= chosen.quarters * 4).count();
        self.tell.print(format!("{enduring} of them had events in four of five quarters or more"));
        for spot in chosen.spots.iter().filter(|s| s.one_point > 0.8 && s.events >= 5) {
            self.tell.print(format!(
                "look at {}: most of its events lie on one point, perhaps where a system puts what it cannot place",
                spot.id
            ));
        }
        self.done(SPOTS);
        Ok(())
    }

    /// Refuses to write over a file that others hold already, unless it says the same.
    fn keep(&self, name: &str, text: &str, free: bool) -> Result<(), AppError> {
        let path = self.folder.join(name);
        if free || !files::exists(&path) || files::read_bytes(&path)? == text.as_bytes() {
            return Ok(());
        }
        Err(AppError::Argument {
            what: format!("{} is there and says something else", path.display()),
            hint: "a published draw is not drawn again: take another --folder, or --force where nobody has seen it"
                .to_owned(),
        })
    }

    async fn power(&self, from: &EventArgs, effects: &[f64], simulations: usize) -> Result<(), AppError> {
        let mut effects = effects.to_vec();
        effects.sort_by(f64::total_cmp);
        if effects.is_empty()
            || effects.iter().any(|e| !(*e > 0.0 && *e < 1.0))
            || !(10..=1_000_000).contains(&simulations)
        {
            return Err(AppError::Argument {
                what: "an --effect is between 0 and 1, and --simulations 10 to 1000000".to_owned(),
                hint: "0.3 is a fall by 30 %".to_owned(),
            });
        }
        let (spots, _) = self.spots()?;
        let (mut events, _) = self.events(from).await?;
        self.covered(from, &mut events)?;
        let base = baseline(&self.trial, &self.times, &spots, &events.rows)?;
        let effort = Effort { simulations, ..Effort::default() };
        let found = power(&self.trial, &self.times, &spots, &base, &effects, effort)?;
        self.write("power.csv", &report::power_csv(&found))?;
        self.tell.print(report::power_text(&self.trial, &base, &found, effort));
        self.done("power.csv");
        Ok(())
    }

    fn assign(&self, verify: Option<&str>, force: bool) -> Result<(), AppError> {
        let (spots, bytes) = self.spots()?;
        let drawn = assign(&self.trial, &self.times, &spots)?;
        let text = drawn.csv();
        if let Some(file) = verify {
            let given = files::read_text(Path::new(file))?;
            return match first_difference(&text, &given) {
                None => {
                    self.tell.print(format!("{file} is the draw of seed {}, byte for byte", self.trial.design.seed));
                    Ok(())
                }
                Some(line) => Err(AppError::Found(format!(
                    "{file} is not the draw of this trial file and these hot spots: line {line} differs"
                ))),
            };
        }
        self.keep(ASSIGNMENT, &text, force)?;
        self.write(ASSIGNMENT, &text)?;
        let inputs = [("trial file", self.text.as_bytes()), (SPOTS, bytes.as_slice())];
        let record = json(&self.trial, &drawn, &spots, &inputs);
        self.write("assignment.json", &record)?;
        self.tell.print(record.trim_end());
        self.tell.print(format!(
            "publish assignment.json before the first patrol; its digest is {}",
            digest(record.as_bytes())
        ));
        self.done(ASSIGNMENT);
        Ok(())
    }

    fn patrols(&self, from: Option<&str>, to: Option<&str>) -> Result<(), AppError> {
        let day = |text: Option<&str>, or: NaiveDate| match text {
            Some(text) => text
                .parse::<NaiveDate>()
                .ok()
                .filter(|d| self.times.trial.has(*d))
                .ok_or_else(|| TrialError::Day { day: text.to_owned() }),
            None => Ok(or),
        };
        let (from, to) = (day(from, self.times.trial.from)?, day(to, self.times.trial.to)?);
        if from > to {
            return Err(AppError::Argument {
                what: "--from is after --to".to_owned(),
                hint: "they are the first and the last day".to_owned(),
            });
        }
        let (spots, _) = self.spots()?;
        let (assignment, _) = self.assignment(&spots)?;
        // All days are planned before one is written: a dose that does not fit leaves no half of a set.
        let mut plans = Vec::new();
        for day in from.iter_days().take_while(|d| *d <= to) {
            let visits = patrols::visits(&self.trial, &self.times, &spots, &assignment, day)?;
            plans.push((day, visits));
        }
        for (day, visits) in &plans {
            let name = |file: &str| format!("patrols/{day}/{file}");
            self.write(&name("patrols.csv"), &sheet::csv(&self.trial, &spots, visits, &Osgb)?)?;
            self.write(&name("patrols.geojson"), &sheet::geojson(&self.trial, &spots, visits, &Osgb)?)?;
            self.write(&name("sheet.html"), &sheet::html(&self.trial, &spots, visits))?;
            for part in visits.chunk_by(|a, b| (a.shift, a.unit) == (b.shift, b.unit)) {
                let file = format!("{}_unit_{}.gpx", self.trial.shifts[part[0].shift].name, part[0].unit);
                self.write(&name(&file), &sheet::gpx(&self.trial, &spots, part, &Osgb)?)?;
            }
        }
        let days = plans.len();
        let all: Vec<patrols::Visit> = plans.into_iter().flat_map(|(_, visits)| visits).collect();
        self.tell.print(format!("{} visits of {} minutes on {days} days", all.len(), self.trial.dose.minutes));
        if let Some((least, greatest)) = patrols::gaps(&all) {
            self.tell.print(format!("from one visit to the next at a place: {least} to {greatest} minutes"));
            if greatest > 150 {
                self.tell.print("that is longer than the two hours or so within which a patrol is to come again (Koper 1995): more visits_per_shift, or more units, would help");
            }
        }
        self.done("patrols");
        Ok(())
    }

    fn dosage(&self, names: &[String]) -> Result<(), AppError> {
        let (spots, _) = self.spots()?;
        let (assignment, _) = self.assignment(&spots)?;
        let mut pings = Pings::default();
        for name in names {
            pings.add(name, &files::read_bytes(Path::new(name))?, &Osgb)?;
        }
        self.tell.step("trial", pings.summary());
        let stays = dosage::stays(&self.trial, &spots, &pings.rows);
        let found = dosage::dosage(&self.trial, &self.times, &assignment, &stays);
        let kept = dosage::compliance(&assignment, &found);
        self.write(DOSAGE, &dosage::csv(&self.trial, &spots, &found))?;
        self.tell.print(report::compliance_text(&kept, &found, stays.passing));
        self.done(DOSAGE);
        Ok(())
    }

    async fn evaluate(&self, from: &EventArgs, given: Option<&str>) -> Result<(), AppError> {
        let (spots, spot_bytes) = self.spots()?;
        let (assignment, assignment_bytes) = self.assignment(&spots)?;
        let (events, events_digest) = self.events(from).await?;
        let path = given.map_or_else(|| self.folder.join(DOSAGE), PathBuf::from);
        let doses = if given.is_some() || files::exists(&path) { Some(files::read_bytes(&path)?) } else { None };
        let visited = match &doses {
            Some(bytes) => Some(dosage::visited(&path.display().to_string(), bytes, &spots)?),
            None => None,
        };
        let placed = outcome(&self.trial, &spots, &events.rows);
        let inputs = Inputs {
            trial: &self.trial,
            times: &self.times,
            spots: &spots,
            assignment: &assignment,
            outcome: &placed,
            visited: visited.as_ref(),
        };
        let mut found = evaluate(inputs)?;
        if assign(&self.trial, &self.times, &spots)? != assignment {
            found.notes.insert(
                0,
                "the assignment is not the draw of this seed: the randomisation test supposes that it was drawn by this design"
                    .to_owned(),
            );
        }
        found.notes.extend(events.notes.iter().cloned());
        // Days of a crossover are compared within the trial alone.
        let before = (self.trial.design.kind != DesignKind::Crossover).then_some(("baseline", &self.times.baseline));
        for (period, days) in before.into_iter().chain([("trial", &self.times.trial)]) {
            let gaps = covered::gaps(days, &events);
            if !gaps.missing.is_empty() {
                found.notes.push(format!(
                    "{} of the {} months of the {period} have no events, or next to none: {}",
                    gaps.missing.len(),
                    gaps.of,
                    gaps.words()
                ));
            }
        }
        if events.no_hour > 0 {
            found.notes.push(format!("{} events have no hour and count only where all hours do", events.no_hour));
        }
        if events.no_weight > 0 {
            found.notes.push(format!("{} events have no harm weight and add none", events.no_weight));
        }
        let mut digests = vec![
            ("trial file", digest(self.text.as_bytes())),
            (SPOTS, digest(&spot_bytes)),
            (ASSIGNMENT, digest(&assignment_bytes)),
        ];
        digests.extend(events_digest.map(|d| ("events", d)));
        digests.extend(doses.map(|b| (DOSAGE, digest(&b))));
        let mut plots = Vec::new();
        let fields = [("Hot spots", &placed.inside)].into_iter();
        let rings: Vec<String> = self.trial.outcome.rings_m.iter().map(|r| format!("Ring to {r} m")).collect();
        for (heading, field) in fields.chain(rings.iter().map(String::as_str).zip(&placed.rings)) {
            let weeks = plot::weeks(&self.times, &assignment, field);
            plots.push((format!("{heading}, week by week"), plot::svg(&weeks, &self.times, heading)));
        }
        self.write("evaluation.csv", &report::estimates_csv(&found))?;
        self.write("evaluation.json", &report::json(&self.trial, &found, &digests))?;
        self.write("report.html", &report::html(&self.trial, &found, &plots))?;
        self.tell.print(report::text(&found));
        self.done("report.html");
        Ok(())
    }

    fn done(&self, name: &str) {
        self.tell.step("trial", format!("{}", self.folder.join(name).display()));
    }
}
