//! The command lines of what asks a lake and writes nothing into it: `svp link`, `svp disclose`, `svp analyse`, `svp sql`.

use clap::{Args, ValueEnum};
use svp_contract::Month;

/// `svp disclose`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["attack", "check", "ledger", "review"]))]
pub struct DiscloseArgs {
    /// Attack everything that the audience was given: this release and all earlier ones
    #[arg(long, requires = "area")]
    pub attack: bool,
    /// Check a table made by hand (CSV or Parquet) for small numbers, subtraction and identifiers
    #[arg(long, value_name = "FILE")]
    pub check: Option<String>,
    /// Verify the ledgers and list what was released to whom
    #[arg(long)]
    pub ledger: bool,
    /// Print the review record of a release
    #[arg(long, value_name = "RELEASE")]
    pub review: Option<String>,
    /// Area whose hierarchies the attack knows
    #[arg(long)]
    pub area: Option<String>,
    /// Audience whose policy and ledger are meant
    #[arg(long, default_value = "public")]
    pub audience: String,
    /// Forget the true counts: attack with what is printed and nothing else
    #[arg(long, requires = "attack")]
    pub blind: bool,
    /// Count columns of the table to check [default: found, and said]
    #[arg(long, requires = "check", value_delimiter = ',', value_name = "COLUMN")]
    pub counts: Vec<String>,
    /// Columns of the table to check that the site does not know and that count and name nobody
    #[arg(long, requires = "check", value_delimiter = ',', value_name = "COLUMN")]
    pub labels: Vec<String>,
    /// Sources behind the table to check: their law and their rules hold too
    #[arg(long, requires = "check", value_delimiter = ',')]
    pub sources: Vec<String>,
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// `svp link`
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// Print the plan and the model: candidates for each rule, m, u and weight of each level, a histogram
    #[arg(long)]
    pub explain: bool,
    /// Print the waterfall of two records, given by person_record_id
    #[arg(long, num_args = 2, value_names = ["RECORD", "RECORD"])]
    pub pair: Vec<String>,
    /// Measure against the truth: a CSV file with the columns source, person_id, person
    #[arg(long, value_name = "TRUTH")]
    pub evaluate: Option<String>,
    /// The key of the lake, which opens its person records and turns the ids of a truth into tokens: a file, or env:NAME
    #[arg(long, env = "SVP_KEY")]
    pub key: Option<String>,
    /// Print what each source brings: records, and different people, dates of birth, postcodes and numbers, as CSV; judges nothing
    #[arg(long)]
    pub tally: bool,
    /// Write each record with the first record of its person, as CSV
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
    /// Print the time of each part
    #[arg(long)]
    pub timings: bool,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// `svp analyse`
#[derive(Debug, Args)]
pub struct AnalyseArgs {
    /// Analysis: a file of `pipelines/analyses`
    pub analysis: Option<String>,
    /// Say what it is and which parameters it has
    #[arg(long)]
    pub describe: bool,
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// Area whose boundaries, populations and period are used
    #[arg(long)]
    pub area: Option<String>,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Definition of serious violence, in place of the area's first
    #[arg(long)]
    pub definition: Option<String>,
    /// First month, YYYY-MM, in place of the area's
    #[arg(long)]
    pub from: Option<Month>,
    /// Last month, YYYY-MM, in place of the area's
    #[arg(long)]
    pub to: Option<Month>,
    /// Value of a parameter; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Parquet file or folder with columns of the table `event`, in place of the lake's events; columns that it lacks are NULL
    #[arg(long, value_name = "PATH")]
    pub events: Option<String>,
    /// Put events on grids that releases keep off them: at homes, domestic, sexual
    #[arg(long)]
    pub everywhere: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = ResultForm::Table)]
    pub format: ResultForm,
    /// Write the result to a file
    #[arg(long)]
    pub out: Option<String>,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// `svp sql`
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// Query; without one the terminal is asked
    pub query: Option<String>,
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// Area whose boundaries and lookups `area_at` and `lookup` know
    #[arg(long)]
    pub area: Option<String>,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = ResultForm::Table)]
    pub format: ResultForm,
    /// Say what can be asked of the linkage: person records are sealed, and opened by `svp link` with the key
    #[arg(long)]
    pub linkage: bool,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// Form of a query's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResultForm {
    /// A table
    Table,
    /// CSV
    Csv,
    /// One JSON object a line
    Json,
}

/// Where data lies.
#[derive(Debug, Args)]
pub struct PathArgs {
    /// Folder of reference data, in place of the area's own
    #[arg(long)]
    pub reference: Option<String>,
    /// Folder of extracts, in place of the area's own
    #[arg(long)]
    pub extracts: Option<String>,
    /// Files, folder or glob of one source, in place of the area's own; may be repeated
    #[arg(long, value_name = "SOURCE=PATH")]
    pub input: Vec<String>,
}
