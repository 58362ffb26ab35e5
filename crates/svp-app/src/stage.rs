//! A session on which questions can be asked: reference data, the rows of a lake or of a file, the small tables of the site, the
//! calendar, and what stays off grids. Every command that asks something sets its stage here.

use arrow::datatypes::Schema;
use datafusion::prelude::SessionContext;
use svp_analyse::{
    Months, SITE_TABLES, SiteHierarchies, UNIVERSES, definition_atoms, hold_coverage, register_coverage,
    register_empty, register_never_mapped, register_reference, register_site_table,
};
use svp_contract::{Area, Definition, MapRule, Places, Table};
use svp_functions::{CodeMaps, Lookups};
use svp_ingest::reference::ReferenceData;
use svp_ingest::{finding_schema, quarantine_schema, receipt_schema};
use svp_lake::{Lake, Open};

use crate::calendar;
use crate::error::AppError;
use crate::inputs::{Paths, reference};
use crate::machine::Machine;
use crate::places::{self, Places as AreaPlaces};
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::sealed;
use crate::site::{Defined, Site};
use crate::state::RunState;

/// The area of a stage.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Area.
    pub area: &'a Area,
    /// Where its reference data lie.
    pub paths: &'a Paths,
    /// Whether postcodes are asked for: they are by far the largest file.
    pub postcodes: bool,
    /// Whether districts, populations and the small tables of the site are tables that can be asked.
    pub tables: bool,
}

/// Where the rows of a stage come from.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// The tables of the last run of a lake.
    Lake {
        /// Lake.
        lake: LakeOf<'a>,
        /// Whether the calendar of what is known is set up.
        calendar: Calendar,
    },
    /// A Parquet file or folder in place of the table `event`; all other tables are empty.
    Parquet(&'a str),
    /// All tables, empty: for planning.
    Empty,
}

/// The lake of a stage.
#[derive(Debug, Clone, Copy)]
pub enum LakeOf<'a> {
    /// One that is open.
    Open(&'a Lake),
    /// One that is opened for reading when its rows are wanted, after reference data have been judged.
    At(&'a LakeAt),
}

/// When the calendar of a lake is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// Never.
    No,
    /// Where the lake has events.
    IfEvents,
    /// Always.
    Always,
    /// Always, and a lake without events is refused.
    Needed,
}

/// What is kept off grids, so that the view `mappable_violence` lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffGrid {
    /// Nothing asks for grids: the rule is no table.
    Unasked,
    /// What the policy of the area's audience keeps off its maps.
    OfTheAudience,
    /// Nothing.
    Nothing,
}

/// What a stage is to hold.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// Area, if there is one.
    pub ground: Option<Ground<'a>>,
    /// Rows.
    pub rows: Rows<'a>,
    /// Months of the calendar; those that the lake speaks of, without.
    pub months: Option<Months>,
    /// What stays off grids.
    pub off_grid: OffGrid,
    /// Whether the calendar is worked out once for many questions.
    pub hold_coverage: bool,
}

/// A session that is ready for questions, with the reference data behind it.
pub struct Stage {
    /// Session.
    pub ctx: SessionContext,
    /// Reference data of the area; empty without one. What of them turns out to be unusable is told by
    /// [`ReferenceData::failures`] after the questions.
    pub data: ReferenceData,
}

impl Stage {
    /// Sets a stage. What is odd about reference data is told to `progress`.
    ///
    /// # Errors
    /// Reference data that cannot be used or do not fit the area, a lake whose tables or record cannot be read, a Parquet file that
    /// is not there, [`AppError::Argument`] for a lake without events where they are [needed](Calendar::Needed).
    pub async fn open(
        site: &Site,
        machine: &Machine,
        setting: Setting<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, AppError> {
        let (data, places) = match &setting.ground {
            Some(ground) => reference(machine, site, ground.area, ground.paths, ground.postcodes, progress)?,
            None => (ReferenceData::default(), Places::default()),
        };
        let area = setting.ground.map(|ground| ground.area);
        let ctx = machine.session(area, CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
        match setting.rows {
            Rows::Lake { lake, calendar } => {
                let opened;
                let lake = match lake {
                    LakeOf::Open(lake) => lake,
                    LakeOf::At(at) => {
                        opened = at.open(Open::Read).await?;
                        &opened
                    }
                };
                register_lake(&ctx, lake, calendar, setting.months).await?;
                if let Some(ground) = &setting.ground {
                    let sources = places::sources(site);
                    let state = RunState::last(lake)?;
                    AreaPlaces::of(site, &sources, ground.area, ground.paths)?.overlay(&ctx, &state.files).await?;
                }
            }
            Rows::Parquet(path) => {
                register_all_empty(&ctx, site)?;
                let event = site.tables.iter().find(|t| t.name == "event").map(Table::stored_schema);
                let event = event.unwrap_or_else(|| Schema::empty().into());
                svp_lake::register_parquet(&ctx, "event", path, &event).await?;
                register_coverage(&ctx, &[], &setting.months.unwrap_or_else(no_months)).await?;
            }
            Rows::Empty => {
                register_all_empty(&ctx, site)?;
                register_coverage(&ctx, &[], &setting.months.unwrap_or_else(no_months)).await?;
            }
        }
        if let Some(ground) = setting.ground.filter(|ground| ground.tables) {
            furnish(&ctx, site, ground.area, &places, setting.off_grid)?;
        }
        if setting.hold_coverage {
            hold_coverage(&ctx).await?;
        }
        Ok(Self { ctx, data })
    }

    /// The stage of a lake alone: its tables and its calendar, without area and reference data.
    ///
    /// # Errors
    /// A lake whose tables or record cannot be read.
    pub async fn bare(machine: &Machine, lake: &Lake) -> Result<Self, AppError> {
        let ctx = machine.plain_session()?;
        register_lake(&ctx, lake, Calendar::IfEvents, None).await?;
        Ok(Self { ctx, data: ReferenceData::default() })
    }

    /// Refuses reference data that turned out to be unusable when they were asked for.
    ///
    /// # Errors
    /// [`AppError::Files`] with each of them.
    pub fn no_failures(&self) -> Result<(), AppError> {
        no_failures(&self.data)
    }
}

/// Refuses reference data that turned out to be unusable when they were asked for.
pub(crate) fn no_failures(data: &ReferenceData) -> Result<(), AppError> {
    let failures = data.failures();
    if failures.is_empty() { Ok(()) } else { Err(failures.into()) }
}

/// No month is asked for.
fn no_months() -> Months {
    Months { from: String::new(), to: String::new() }
}

/// The tables of a lake, without those that are sealed, and its calendar.
async fn register_lake(
    ctx: &SessionContext,
    lake: &Lake,
    calendar: Calendar,
    months: Option<Months>,
) -> Result<(), AppError> {
    let tables = lake.register(ctx).await?;
    // A lake of an earlier version has them in the clear.
    for name in sealed::names()? {
        ctx.deregister_table(name).map_err(|e| AppError::Query(e.to_string()))?;
    }
    let events = tables.iter().any(|t| t == "event");
    if calendar == Calendar::Needed && !events {
        return Err(AppError::Argument {
            what: format!("the lake at {} has no events", lake.location()),
            hint: "fill it with `svp run` first; --ingest-only is enough".to_owned(),
        });
    }
    match calendar {
        Calendar::No => Ok(()),
        Calendar::IfEvents if !events => Ok(()),
        _ => calendar::register(ctx, lake, months).await,
    }
}

/// Makes what is known of places, and what stays off grids, tables that can be asked.
pub(crate) fn furnish(
    ctx: &SessionContext,
    site: &Site,
    area: &Area,
    places: &Places,
    off_grid: OffGrid,
) -> Result<(), AppError> {
    register_reference(ctx, area, places)?;
    register_site_tables(ctx, site)?;
    match off_grid {
        OffGrid::Unasked => Ok(()),
        OffGrid::OfTheAudience => register_off_grid(ctx, site, area, false),
        OffGrid::Nothing => register_off_grid(ctx, site, area, true),
    }
}

/// Registers the small tables of the site; empty where it has none.
fn register_site_tables(ctx: &SessionContext, site: &Site) -> Result<(), AppError> {
    for table in site.tables.iter().filter(|t| SITE_TABLES.contains(&t.name.as_str())) {
        register_site_table(ctx, table, site.site_tables.get(&table.name).cloned())?;
    }
    Ok(())
}

/// Registers what `mappable_violence` keeps off grids: what the policy of the area's audience keeps off its maps, or nothing where
/// events may stand `everywhere`. An audience without a policy sees no home and no domestic event.
fn register_off_grid(ctx: &SessionContext, site: &Site, area: &Area, everywhere: bool) -> Result<(), AppError> {
    let map = site.policies.get(&area.audience).map(|p| &p.item.map);
    let groups = map.filter(|_| !everywhere).map(|m| m.never_groups.clone()).unwrap_or_default();
    let shown = |says: fn(&MapRule) -> bool| everywhere || map.is_some_and(says);
    Ok(register_never_mapped(ctx, &groups, shown(|m| m.domestic), shown(|m| m.homes))?)
}

/// Registers every table that an output may read, empty.
fn register_all_empty(ctx: &SessionContext, site: &Site) -> Result<(), AppError> {
    for table in site.tables.iter().filter(|t| t.zone != "reference") {
        register_empty(ctx, &table.name, table.stored_schema())?;
    }
    register_empty(ctx, "person_link", svp_link::link_schema())?;
    register_empty(ctx, "person_history", svp_link::history_schema())?;
    for (name, schema) in svp_link::event_tables() {
        register_empty(ctx, name, schema)?;
    }
    register_empty(ctx, "receipt", receipt_schema())?;
    register_empty(ctx, "finding", finding_schema())?;
    register_empty(ctx, "quarantine", quarantine_schema())?;
    register_never_mapped(ctx, &[], false, false)?;
    register_site_tables(ctx, site)?;
    if let Some(area) = site.areas.values().next() {
        register_reference(ctx, &area.item, &Places::default())?;
    }
    Ok(())
}

/// What a reader of the site's definitions knows of how tables hang together: levels of places, kinds of agencies, universes
/// of events, what definitions have in common, and the sums that outputs declare.
///
/// # Errors
/// Conditions of definitions that cannot be planned or run.
pub async fn hierarchies(
    ctx: &SessionContext,
    site: &Site,
    area: &Area,
    lookups: &Lookups,
    definitions: &[&Defined<Definition>],
) -> Result<SiteHierarchies, AppError> {
    let mut out = SiteHierarchies::new(area, lookups);
    for (inner, outer) in UNIVERSES {
        out.add_universe_within(inner, outer);
    }
    let items: Vec<&Definition> = definitions.iter().map(|d| &d.item).collect();
    for (definition, atoms) in definitions.iter().zip(definition_atoms(ctx, &items).await?) {
        out.add_atoms(definition.id(), atoms);
    }
    for source in site.sources.values() {
        out.add_source(&source.item.name, &source.item.agency);
    }
    for output in site.outputs.values() {
        out.add_ties(output.item.ties());
    }
    Ok(out)
}
