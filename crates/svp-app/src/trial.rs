//! The hot-spot trial, the pilot's toolkit. Each step reads the trial file and what the steps before it wrote into one folder.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use svp_contract::{Day, DesignKind, Measure, Trial};
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

use crate::error::AppError;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::site::{Site, forces};
use crate::trial_events;
pub use crate::trial_events::EventsFrom;
use crate::unknown::unknown;

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

/// What a step of a trial says when it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// What it found, in lines.
    pub lines: Vec<String>,
    /// The file that holds the result, where one was written.
    pub written: Option<PathBuf>,
}

/// A trial that is being worked on.
pub struct TrialFolder<'a> {
    machine: &'a Machine,
    progress: &'a dyn Progress,
    site: Site,
    trial: Trial,
    text: String,
    times: Times,
    folder: PathBuf,
}

impl<'a> TrialFolder<'a> {
    /// Opens a trial of a site by its name; `folder` is where each step finds what the steps before it wrote.
    ///
    /// # Errors
    /// [`AppError::Problems`] where no trial of this name can be read and files of trials are wrong, [`AppError::Argument`] where
    /// there is none.
    pub fn open(
        site: &str,
        trial: &str,
        folder: &str,
        machine: &'a Machine,
        progress: &'a dyn Progress,
    ) -> Result<Self, AppError> {
        let (site, problems) = Site::read(site)?;
        let Some(defined) = site.trials.get(trial) else {
            // A file that is there and wrong is told as what it is.
            let mine: Vec<_> = problems.into_iter().filter(|p| p.at.starts_with("pipelines/trials/")).collect();
            if !mine.is_empty() {
                return Err(AppError::Problems(mine));
            }
            let other = unknown("trial", trial, site.trials.keys().map(String::as_str));
            let hint = other.near_or(|| {
                if other.known.is_empty() {
                    "a trial is one file in pipelines/trials".to_owned()
                } else {
                    other.listed("trials of this site")
                }
            });
            return Err(AppError::Argument { what: other.what, hint });
        };
        let trial = defined.item.clone();
        let text = files::read_text(&site.root.join(&defined.file))?;
        let times = Times::new(&trial);
        Ok(Self { machine, progress, site, trial, text, times, folder: PathBuf::from(folder) })
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
                let forces = forces(&self.site.root).map(|f| f.forces).unwrap_or_default();
                areas.chain(forces.iter().map(svp_contract::Force::area_box)).collect()
            }
        };
        Ok(Ground { boxes })
    }

    /// Events, with the digest of the file that they come from; a lake has none.
    async fn events(&self, from: &EventsFrom) -> Result<(Events, Option<String>), AppError> {
        let needs_harm = self.trial.measure == Measure::Harm;
        let (found, digests) = match &from.file {
            Some(file) => {
                let bytes = files::read_bytes(Path::new(file))?;
                (rows::events(file, &bytes, &self.times, needs_harm, &self.ground()?)?, Some(digest(&bytes)))
            }
            None => {
                let (trial, times) = (&self.trial, &self.times);
                (trial_events::read(self.machine, &self.site, trial, times, from, self.progress).await?, None)
            }
        };
        self.progress.step("trial", &format!("events: {}", found.summary()));
        self.to_know(&found.notes);
        Ok((found, digests))
    }

    /// What to know of the events behind a result.
    fn to_know(&self, notes: &[String]) {
        notes.iter().for_each(|note| self.progress.step("to know", note));
    }

    /// Whether the events cover the baseline, which `choose` and `power` stand on; what they lack is told.
    fn covered(&self, from: &EventsFrom, events: &mut Events) -> Result<(), AppError> {
        let notes = covered::judge(from.place(), &self.times, events)?;
        self.to_know(&notes);
        events.notes.extend(notes);
        Ok(())
    }

    /// Chooses hot spots from the baseline and writes `hot_spots.csv` and `hot_spots.geojson`. `exclude` are files of places where none
    /// may lie; `force` writes over hot spots from which an assignment was drawn already.
    ///
    /// # Errors
    /// Events that do not cover the baseline, too few squares with events, files that cannot be read or written, hot spots that are
    /// there and others.
    pub async fn choose(&self, from: &EventsFrom, exclude: &[String], force: bool) -> Result<Done, AppError> {
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
        let mut lines = vec![format!(
            "{} hot spots hold {:.1} % of {} events ({} squares have any); passed over: {} on ground left out, {} too near",
            chosen.spots.len(),
            100.0 * chosen.share(),
            chosen.events,
            chosen.cells,
            chosen.excluded,
            chosen.near
        )];
        let enduring = chosen.spots.iter().filter(|s| s.quarters as usize * 5 >= chosen.quarters * 4).count();
        lines.push(format!("{enduring} of them had events in four of five quarters or more"));
        for spot in chosen.spots.iter().filter(|s| s.one_point > 0.8 && s.events >= 5) {
            lines.push(format!(
                "look at {}: most of its events lie on one point, perhaps where a system puts what it cannot place",
                spot.id
            ));
        }
        Ok(self.done(lines, SPOTS))
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

    /// Simulates the least effect that the trial can find and writes `power.csv`. `effects` are shares of events taken away, between 0
    /// and 1; `simulations` is the number of trials for each.
    ///
    /// # Errors
    /// Shares and numbers outside their bounds, no hot spots yet, events that do not cover the baseline.
    pub async fn power(&self, from: &EventsFrom, effects: &[f64], simulations: usize) -> Result<Done, AppError> {
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
        let lines = vec![report::power_text(&self.trial, &base, &found, effort)];
        Ok(self.done(lines, "power.csv"))
    }

    /// Draws who is patrolled and writes `assignment.csv` and its record, `assignment.json`. With `verify` it draws again and compares
    /// with that file instead of writing; `force` writes over another assignment.
    ///
    /// # Errors
    /// [`AppError::Found`] where the file to verify is another draw, [`AppError::Argument`] for an assignment that is there and another.
    pub fn assign(&self, verify: Option<&str>, force: bool) -> Result<Done, AppError> {
        let (spots, bytes) = self.spots()?;
        let drawn = assign(&self.trial, &self.times, &spots)?;
        let text = drawn.csv();
        if let Some(file) = verify {
            let given = files::read_text(Path::new(file))?;
            return match first_difference(&text, &given) {
                None => {
                    let same = format!("{file} is the draw of seed {}, byte for byte", self.trial.design.seed);
                    Ok(Done { lines: vec![same], written: None })
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
        let publish =
            format!("publish assignment.json before the first patrol; its digest is {}", digest(record.as_bytes()));
        let lines = vec![record.trim_end().to_owned(), publish];
        Ok(self.done(lines, ASSIGNMENT))
    }

    /// Writes the sheets of patrols from a first to a last day (those of the trial without), by shift and unit.
    ///
    /// # Errors
    /// Days outside the trial, a dose that does not fit into its shifts; no sheet is written then.
    pub fn patrols(&self, from: Option<Day>, to: Option<Day>) -> Result<Done, AppError> {
        let day = |given: Option<Day>, or: NaiveDate| match given {
            Some(day) if !self.times.trial.has(day.date()) => Err(TrialError::Day { day: day.to_string() }),
            given => Ok(given.map_or(or, Day::date)),
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
            self.write(&name("sheet.html"), &sheet::html(&self.trial, &spots, visits)?)?;
            for part in visits.chunk_by(|a, b| (a.shift, a.unit) == (b.shift, b.unit)) {
                let file = format!("{}_unit_{}.gpx", self.trial.shifts[part[0].shift].name, part[0].unit);
                self.write(&name(&file), &sheet::gpx(&self.trial, &spots, part, &Osgb)?)?;
            }
        }
        let days = plans.len();
        let all: Vec<patrols::Visit> = plans.into_iter().flat_map(|(_, visits)| visits).collect();
        let mut lines = vec![format!("{} visits of {} minutes on {days} days", all.len(), self.trial.dose.minutes)];
        if let Some((least, greatest)) = patrols::gaps(&all) {
            lines.push(format!("from one visit to the next at a place: {least} to {greatest} minutes"));
            if greatest > 150 {
                lines.push("that is longer than the two hours or so within which a patrol is to come again (Koper 1995): more visits_per_shift, or more units, would help".to_owned());
            }
        }
        Ok(self.done(lines, "patrols"))
    }

    /// Reads pings back as visits and writes `dosage.csv`, which names no unit. `names` are CSV files or GPX tracks.
    ///
    /// # Errors
    /// Files that hold no pings, no assignment yet.
    pub fn dosage(&self, names: &[String]) -> Result<Done, AppError> {
        let (spots, _) = self.spots()?;
        let (assignment, _) = self.assignment(&spots)?;
        let mut pings = Pings::default();
        for name in names {
            pings.add(name, &files::read_bytes(Path::new(name))?, &Osgb)?;
        }
        self.progress.step("trial", &pings.summary());
        let stays = dosage::stays(&self.trial, &spots, &pings.rows);
        let found = dosage::dosage(&self.trial, &self.times, &assignment, &stays);
        let kept = dosage::compliance(&assignment, &found);
        self.write(DOSAGE, &dosage::csv(&self.trial, &spots, &found))?;
        let lines = vec![report::compliance_text(&kept, &found, stays.passing)];
        Ok(self.done(lines, DOSAGE))
    }

    /// Estimates the effect in the hot spots and around them, and writes `evaluation.csv`, `evaluation.json` and `report.html`. `given`
    /// is a file of dosage, in place of that of the folder.
    ///
    /// # Errors
    /// Events and files of the folder that cannot be used, designs that cannot be evaluated.
    pub async fn evaluate(&self, from: &EventsFrom, given: Option<&str>) -> Result<Done, AppError> {
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
        self.write("report.html", &report::html(&self.trial, &found, &plots)?)?;
        let lines = vec![report::text(&found)];
        Ok(self.done(lines, "report.html"))
    }

    fn done(&self, lines: Vec<String>, name: &str) -> Done {
        Done { lines, written: Some(self.folder.join(name)) }
    }
}
