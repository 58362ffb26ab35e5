//! The command line of `svp trial`.

use clap::{Args, Subcommand};
use svp_contract::Day;

use crate::question_args::PathArgs;

/// `svp trial`
#[derive(Debug, Args)]
pub struct TrialArgs {
    #[command(subcommand)]
    pub command: TrialCommand,
}

/// What every step needs.
#[derive(Debug, Args)]
pub struct TrialPlace {
    /// Trial, one file in pipelines/trials
    #[arg(long)]
    pub trial: String,
    /// Folder of the trial: each step reads what the steps before it wrote there
    #[arg(long, default_value = "trial")]
    pub folder: String,
}

/// Where events come from.
#[derive(Debug, Args)]
pub struct EventArgs {
    /// Events: a CSV file with easting, northing, occurred, and where there are: count, harm
    #[arg(long, required_unless_present = "lake", conflicts_with = "lake")]
    pub events: Option<String>,
    /// The lake, read under the trial's area and definition: what may stand on a grid, default places left out
    #[arg(long)]
    pub lake: Option<String>,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// Commands of `svp trial`.
#[derive(Debug, Subcommand)]
pub enum TrialCommand {
    /// Choose hot spots from the baseline: writes hot_spots.csv and .geojson
    Choose {
        #[command(flatten)]
        place: TrialPlace,
        #[command(flatten)]
        from: EventArgs,
        /// Places where no hot spot may lie: CSV name,easting,northing,radius_m or GeoJSON; may be repeated
        #[arg(long, value_name = "FILE")]
        exclude: Vec<String>,
        /// Write over hot spots from which an assignment was drawn already
        #[arg(long)]
        force: bool,
    },
    /// Simulate the least effect that the trial can find: writes power.csv
    Power {
        #[command(flatten)]
        place: TrialPlace,
        #[command(flatten)]
        from: EventArgs,
        /// Shares of events taken away, each between 0 and 1
        #[arg(long, value_delimiter = ',', default_value = "0.1,0.15,0.2,0.25,0.3,0.35,0.4,0.5,0.6,0.7")]
        effect: Vec<f64>,
        /// Trials simulated for each effect
        #[arg(long, default_value_t = 500)]
        simulations: usize,
    },
    /// Draw who is patrolled: writes assignment.csv and the record to publish, assignment.json
    Assign {
        #[command(flatten)]
        place: TrialPlace,
        /// Draw again and compare with this file instead of writing
        #[arg(long, value_name = "FILE")]
        verify: Option<String>,
        /// Write over another assignment
        #[arg(long)]
        force: bool,
    },
    /// Patrol sheets by day, shift and unit: CSV, GPX, GeoJSON and a page to print
    Patrols {
        #[command(flatten)]
        place: TrialPlace,
        /// First day, YYYY-MM-DD [default: the trial's]
        #[arg(long)]
        from: Option<Day>,
        /// Last day, YYYY-MM-DD [default: the trial's]
        #[arg(long)]
        to: Option<Day>,
    },
    /// Read pings back as visits: writes dosage.csv, which names no unit
    Dosage {
        #[command(flatten)]
        place: TrialPlace,
        /// Pings: CSV files (unit, timestamp, and longitude, latitude or easting, northing) or GPX tracks
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        pings: Vec<String>,
    },
    /// The effect in the hot spots and around them: writes evaluation.csv, .json and report.html
    Evaluate {
        #[command(flatten)]
        place: TrialPlace,
        #[command(flatten)]
        from: EventArgs,
        /// Dosage, for those who were patrolled as drawn [default: dosage.csv of the folder, where there is one]
        #[arg(long, value_name = "FILE")]
        dosage: Option<String>,
    },
}
