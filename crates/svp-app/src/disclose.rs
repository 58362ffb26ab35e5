//! What was released: the attack on it, the ledgers, the review records.

use std::collections::BTreeSet;
use std::fmt;

use svp_disclose::attack::{Effort, Proof};
use svp_disclose::attack_together;
use svp_disclose::relate::Table;
use svp_lake::{Lake, LakeError, Open};

use crate::contents;
use crate::error::AppError;
use crate::health;
use crate::inputs;
use crate::ledger::{self, LedgerLine};
use crate::machine::Machine;
use crate::meanings::Meanings;
use crate::progress::{Progress, Silent};
use crate::readers::beside;
use crate::request::{LakeAt, PathChoice};
use crate::site::Site;
use crate::stage::{Calendar, Ground, LakeOf, OffGrid, Rows, Setting, Stage, hierarchies};
use crate::state::RunState;

/// What is attacked, and how.
#[derive(Debug, Clone, Default)]
pub struct AttackRequest {
    /// Folder of the site.
    pub site: String,
    /// Area whose hierarchies the attack knows.
    pub area: String,
    /// Audience whose releases are attacked.
    pub audience: String,
    /// Whether the true counts are forgotten: the attack knows what is printed and nothing else.
    pub blind: bool,
    /// Where data lies.
    pub paths: PathChoice,
}

/// What the attack found. As text: the account of the attack, then each broken number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attacked {
    /// Audience.
    pub audience: String,
    /// Other audiences whose releases its members get too, and which are attacked with its own.
    pub reads: Vec<String>,
    /// Releases to it, and to those.
    pub releases: usize,
    /// Tables of these.
    pub tables: usize,
    /// Numbers of the tables.
    pub numbers: usize,
    /// Equations between the numbers.
    pub equations: usize,
    /// Suppressed and implied numbers that were attacked.
    pub attacked: usize,
    /// Those that are safe because another table fits what was printed.
    pub by_witness: usize,
    /// Those that the whole linear programme found safe.
    pub by_programme: usize,
    /// Numbers that the others are not shown and that this audience was.
    pub shown_to_its_own: usize,
    /// Definitions that were edited since, with the releases that were counted under what they meant before.
    pub edited: Vec<(String, Vec<String>)>,
    /// Definitions whose text of then is not kept, each with a release: their tables are compared with no other definition's.
    pub not_compared: Vec<(String, String)>,
    /// Names of the numbers that can be bounded too tightly.
    pub broken: Vec<String>,
}

impl fmt::Display for Attacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} releases to `{}`, {} tables: {} numbers, {} equations",
            self.releases,
            [&[self.audience.clone()][..], &self.reads].concat().join("` and `"),
            self.tables,
            self.numbers,
            self.equations
        )?;
        if self.shown_to_its_own > 0 {
            writeln!(f, "{} numbers that others are not shown stand in its own tables", self.shown_to_its_own)?;
        }
        for (definition, releases) in &self.edited {
            let releases = releases.join(", ");
            writeln!(f, "`{definition}` was edited since {releases}: attacked as two definitions")?;
        }
        write!(
            f,
            "{} suppressed or implied numbers attacked: {} safe by another table that fits, {} by the whole linear programme",
            self.attacked, self.by_witness, self.by_programme
        )?;
        for number in &self.broken {
            write!(f, "\nBROKEN  {number}")?;
        }
        for (definition, release) in &self.not_compared {
            write!(
                f,
                "\nNOT COMPARED  {release} was counted under `{definition}` as its file stood then, and no text of that can be asked"
            )?;
        }
        if self.broken.is_empty() && self.not_compared.is_empty() {
            write!(f, "\nnothing can be bounded inside its protection interval")?;
        }
        Ok(())
    }
}

/// The releases to an audience, as its ledger lists them; the ledger was verified. As text: one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Audience.
    pub audience: String,
    /// Releases, oldest first.
    pub releases: Vec<Release>,
}

/// A release of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Number of its entry.
    pub number: u64,
    /// Name.
    pub release: String,
    /// Area.
    pub area: String,
    /// Number of tables.
    pub tables: usize,
    /// Whether the ledger was begun anew with it.
    pub begun_anew: bool,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} releases, chain whole", self.audience, self.releases.len())?;
        for entry in &self.releases {
            let anew = if entry.begun_anew { " (ledger begun anew)" } else { "" };
            write!(f, "\n  {} {} area {} tables {}{anew}", entry.number, entry.release, entry.area, entry.tables)?;
        }
        Ok(())
    }
}

/// The records of what was released from a lake.
pub struct Releases {
    lake: Lake,
}

impl Releases {
    /// Opens a lake for its releases.
    ///
    /// # Errors
    /// What the lake refuses.
    pub async fn open(lake: &LakeAt) -> Result<Self, AppError> {
        Ok(Self { lake: lake.open(Open::Read).await? })
    }

    /// The review record of a release, as Markdown.
    ///
    /// # Errors
    /// When there is none, and [`AppError::Damage`] where it is not what was written.
    pub async fn review(&self, release: &str) -> Result<String, AppError> {
        let lines = RunState::last(&self.lake)?.ledger;
        let line: Vec<LedgerLine> = lines.into_iter().filter(|line| line.release == release).collect();
        let wrong: Vec<LakeError> =
            health::of_reviews(&self.lake, &line).await?.into_iter().map(LakeError::from).collect();
        if !wrong.is_empty() {
            return Err(AppError::Damage(wrong));
        }
        let page = self.lake.get(&format!("ledger/{release}/review.md")).await?;
        Ok(String::from_utf8_lossy(&page).trim_end().to_owned())
    }

    /// Audiences to which something was released, in order.
    ///
    /// # Errors
    /// [`AppError::Record`] where the record of the last run cannot be read.
    pub fn audiences(&self) -> Result<Vec<String>, AppError> {
        let mut audiences: Vec<String> =
            RunState::last(&self.lake)?.ledger.into_iter().map(|line| line.head.audience).collect();
        audiences.sort_unstable();
        audiences.dedup();
        Ok(audiences)
    }

    /// Verifies the ledger of an audience and lists its releases.
    ///
    /// # Errors
    /// [`AppError::Ledger`] for a chain that is not whole, [`AppError::Damage`] for a review record that is not what was written.
    pub async fn list(&self, audience: &str) -> Result<Listing, AppError> {
        let lines = RunState::last(&self.lake)?.ledger;
        let ledger = ledger::read(&self.lake, &lines, audience, None).await?;
        health::reviews_stand(&self.lake, &lines, &Silent).await?;
        let one = |entry: &svp_disclose::ledger::Entry| Release {
            number: entry.number,
            release: entry.release.clone(),
            area: entry.area.clone(),
            tables: entry.tables.len(),
            begun_anew: entry.begun_anew.is_some(),
        };
        Ok(Listing { audience: audience.to_owned(), releases: ledger.entries().iter().map(one).collect() })
    }

    /// Bounds every suppressed and implied number from everything that the audience holds.
    ///
    /// # Errors
    /// A site with problems, reference data that cannot be used, [`AppError::Ledger`] for a chain that is not whole,
    /// [`AppError::Disclosure`] where the tables of the ledger contradict one another. A number that is broken is no error.
    pub async fn attack(
        &self,
        request: &AttackRequest,
        machine: &Machine,
        progress: &dyn Progress,
    ) -> Result<Attacked, AppError> {
        let state = RunState::last(&self.lake)?;
        let site = Site::sound(&request.site)?;
        let area = &site.area(&request.area)?.item;
        let paths = inputs::paths(&site, area, &request.paths)?;
        let setting = Setting {
            ground: Some(Ground { area, paths: &paths, postcodes: false, tables: false }),
            rows: Rows::Lake { lake: LakeOf::Open(&self.lake), calendar: Calendar::No },
            months: None,
            off_grid: OffGrid::Unasked,
            hold_coverage: false,
        };
        let stage = Stage::open(&site, machine, setting, progress).await?;
        let told = ledger::read(&self.lake, &state.ledger, &request.audience, None).await?;
        health::reviews_stand(&self.lake, &state.ledger, progress).await?;
        let (mut tables, mut releases, mut texts) = (told.tables(), told.entries().len(), told.definitions());
        let own: BTreeSet<usize> = tables.iter().map(|t| t.release).collect();
        let reads: Vec<String> = beside(&site, &request.audience).into_iter().collect();
        for other in &reads {
            let told = ledger::read(&self.lake, &state.ledger, other, None).await?;
            releases += told.entries().len();
            tables.extend(told.tables());
            texts.extend(told.definitions());
        }
        let mut tables = contents::as_now(&state, tables);
        tables.sort_by_key(|t| t.release);
        let meanings = Meanings::of(&stage.ctx, &site, &[], tables.iter(), &texts).await;
        let known: Vec<_> = meanings.known.iter().collect();
        let hierarchies = hierarchies(&stage.ctx, &site, area, &stage.data.lookups, &known).await?;
        let name_of = |run: usize| ledger::release_of(&state.ledger, run);
        let refused = |source| AppError::Disclosure { audience: request.audience.clone(), source };
        // A release has a number of its own in the lake, whoever it goes to.
        let is_own = |table: &Table| own.contains(&table.release);
        let effort = Effort { threads: machine.threads, ..Effort::default() };
        let together = attack_together(&tables, &is_own, &hierarchies, request.blind, &effort);
        let together = together.map_err(refused)?;
        let (related, found) = (&together.related, &together.attack);
        let by = |proof: Proof| found.bounds.iter().filter(|b| b.proof == proof && !b.broken).count();
        Ok(Attacked {
            audience: request.audience.clone(),
            reads,
            releases,
            tables: tables.len(),
            numbers: related.system.numbers.len(),
            equations: related.system.equations.len(),
            attacked: found.bounds.len(),
            by_witness: by(Proof::Witness),
            by_programme: by(Proof::FullLp),
            shown_to_its_own: together.shown_to_his_own,
            edited: meanings.edited(name_of),
            not_compared: meanings.lost.values().map(|t| (t.set.definition.name.clone(), name_of(t.release))).collect(),
            broken: found.broken.iter().map(|number| related.provenance[*number].label.clone()).collect(),
        })
    }
}
