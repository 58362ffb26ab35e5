//! What can stop a step of a trial. No variant holds a value of a row.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Outcomes of a step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TrialError {
    /// A file has no rows.
    #[error("{file} has no rows")]
    Empty {
        /// File.
        file: String,
    },
    /// A file lacks a column.
    #[error("{file} has no column `{column}`")]
    Column {
        /// File.
        file: String,
        /// Column.
        column: &'static str,
        /// Columns that the file wants.
        wanted: &'static str,
    },
    /// A file that svp wrote cannot be read back.
    #[error("{file}: {what}")]
    File {
        /// File.
        file: String,
        /// What is wrong, without a value.
        what: String,
    },
    /// A page cannot be written.
    #[error("the template {name} cannot be filled")]
    Template {
        /// Template.
        name: &'static str,
    },
    /// Easting and northing stand in each other's column.
    #[error("{file}: easting and northing are exchanged in {rows} of {of} rows")]
    Exchanged {
        /// File.
        file: String,
        /// Rows.
        rows: u64,
        /// Rows with a place.
        of: u64,
    },
    /// Most of the events are not where the trial is.
    #[error("{file}: {rows} of {of} rows lie outside the area of the trial")]
    Elsewhere {
        /// File.
        file: String,
        /// Rows.
        rows: u64,
        /// Rows with a place.
        of: u64,
    },
    /// Rows stand twice, and would count twice.
    #[error("{file}: {rows} of {of} rows stand twice: {what}")]
    Repeated {
        /// File.
        file: String,
        /// Rows too many.
        rows: u64,
        /// Rows.
        of: u64,
        /// How it shows, without a value.
        what: String,
    },
    /// Month and day stand in each other's place.
    #[error("{file}: month and day of the dates seem to be exchanged: {what}")]
    DayMonth {
        /// File.
        file: String,
        /// How it shows, without a value.
        what: String,
    },
    /// Events lie in the smaller part of the baseline only.
    #[error("{file}: {missing} of the {of} months of the baseline have no events, or next to none: {months}")]
    Uncovered {
        /// File or lake.
        file: String,
        /// Months without events.
        missing: usize,
        /// Months of the baseline.
        of: usize,
        /// Which they are.
        months: String,
    },
    /// Nothing to count.
    #[error("no event lies in {what}")]
    NoEvents {
        /// Period and hours.
        what: String,
        /// Events that can be used.
        read: u64,
    },
    /// Fewer hot spots than a trial of this plan needs.
    #[error("{found} hot spots can be chosen, and the plan wants {wanted}")]
    TooFew {
        /// Found.
        found: usize,
        /// Wanted.
        wanted: usize,
        /// Squares that have enough events.
        cells: usize,
    },
    /// Fewer hot spots than the design can draw from.
    #[error("{what}")]
    Design {
        /// What cannot be drawn.
        what: String,
    },
    /// Two hot spots lie over one another.
    #[error("the hot spots {a} and {b} overlap")]
    Overlap {
        /// One.
        a: String,
        /// Other.
        b: String,
    },
    /// A hot spot stands twice in a file, or is not in it.
    #[error("{file}: the hot spots are not those of the list: {what}")]
    Spots {
        /// File.
        file: String,
        /// What differs.
        what: String,
    },
    /// The dose does not fit into the shift.
    #[error("{what}")]
    Dose {
        /// What does not fit.
        what: String,
        /// What would.
        hint: String,
    },
    /// A day is not one of the trial.
    #[error("{day} is not a day of the trial")]
    Day {
        /// Day as given on the command line.
        day: String,
    },
    /// No ping can be used.
    #[error("{file} has no ping that can be used")]
    NoPings {
        /// File.
        file: String,
    },
    /// A square lies where the National Grid has no place.
    #[error("the hot spot {spot} is not on the National Grid")]
    OffGrid {
        /// Hot spot.
        spot: String,
    },
}

impl Advice for TrialError {
    fn kind(&self) -> ErrorKind {
        // What the plan wants and the data cannot carry is a wrong definition; the rest lies in the files.
        match self {
            Self::Day { .. } => ErrorKind::Argument,
            Self::TooFew { .. } | Self::Design { .. } | Self::Dose { .. } => ErrorKind::Definition,
            _ => ErrorKind::Input,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Empty { .. } => "give a CSV file with a header and rows".into(),
            Self::Column { wanted, .. } => format!("columns: {wanted}").into(),
            Self::File { .. } => "take the file as svp wrote it; make it anew with the step that writes it".into(),
            Self::Template { .. } => return None,
            Self::Exchanged { .. } => {
                "by the box of the area file they lie there when exchanged: name the columns the other way round".into()
            }
            Self::Elsewhere { .. } => {
                "easting and northing are metres of the British National Grid; `area` of the trial file names the area, whose file has its box"
                    .into()
            }
            Self::Repeated { .. } => {
                "take each event once: export the file again, or take the second part out; true events that are alike can be one row with a `count`, and rows of one id that are events of their own have no column of that name"
                    .into()
            }
            Self::DayMonth { .. } => {
                "dates are read as year-month-day or day/month/year: export them from the system itself as YYYY-MM-DD, without a spreadsheet between"
                    .into()
            }
            Self::Uncovered { .. } => {
                "give the events of the missing months too, or write the months that the events cover into [baseline] of the trial file".into()
            }
            Self::NoEvents { read, .. } => format!(
                "of {read} events that can be used none lies there: look at the days and `hours` of the trial file, and whether times are there"
            ).into(),
            Self::TooFew { cells, .. } => format!(
                "{cells} squares have enough events: lower hot_spots, min_distance_m or min_events, or take a larger cell_m or a longer baseline"
            ).into(),
            Self::Design { .. } => "change hot_spots, share_treated or blocks in the trial file".into(),
            Self::Overlap { .. } => {
                "an event may count for one hot spot only: take one of the two out, and draw again".into()
            }
            Self::Spots { .. } => "give the files of one trial: hot spots first, then the assignment drawn from them".into(),
            Self::Dose { hint, .. } => hint.clone().into(),
            Self::Day { .. } => "days run from design.from to design.to of the trial file, YYYY-MM-DD".into(),
            Self::NoPings { .. } => {
                "a CSV has the columns unit, timestamp, and lon, lat or easting, northing; a GPX file has timed track points".into()
            }
            Self::OffGrid { .. } => "eastings are 0 to 700000 m, northings 0 to 1250000 m".into(),
        })
    }
}
