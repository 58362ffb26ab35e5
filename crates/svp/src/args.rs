//! The command line.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};

use svp_app::{AcceptChoice, Environment, LakeAt, Machine, PathChoice};

use crate::question_args::{AnalyseArgs, DiscloseArgs, LinkArgs, PathArgs, SqlArgs};
use crate::trial_args::TrialArgs;

pub const EXIT_CODES: &str = "\
Exit codes:
  0  done (also: nothing new to do)
  1  a defect of svp: please report it
  2  the command line is wrong
  3  a definition is wrong (schemas, sources, areas, definitions, outputs, trials)
  4  an extract or reference file cannot be used, or breaks a threshold
  5  the key is missing, unusable or not that of the lake
  6  the lake is in use by another run
  7  storage failed (disk full, no permission, damaged)
  8  the lake was written by a newer svp
  9  disclosure control or the law of a source forbids it
 10  a query is wrong
 11  an encoded file was made under other terms: key, schema, source definition, reference data";

/// The Serious Violence Pipeline.
#[derive(Debug, Parser)]
#[command(name = "svp", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub output: OutputArgs,
    /// Folder of the site: it holds `pipelines/`
    #[arg(long, global = true, default_value = ".", env = "SVP_SITE")]
    pub site: String,
    /// Worker threads [default: all cores]
    #[arg(long, global = true)]
    threads: Option<usize>,
    /// Memory for queries, in MiB; what does not fit is spilled [default: 2048]
    #[arg(long, global = true, default_value_t = 2048, hide_default_value = true)]
    memory: usize,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What commands may use of the machine.
    pub fn machine(&self) -> Machine {
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
        Machine { threads: threads.max(1), memory_bytes: self.memory * 1024 * 1024 }
    }
}

/// How svp speaks.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogForm::Text)]
    pub log: LogForm,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people, with progress bars where there is a terminal
    Text,
    /// One JSON object a line
    Json,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plan every mapping and output before a row is read, and report all problems
    Check(CheckArgs),
    /// Write the area file of a police force of England and Wales, or list the forces
    Area(AreaArgs),
    /// Extracts in, release out
    Run(RunArgs),
    /// Judge all records of a lake anew, explain and evaluate the linkage; writes nothing
    Link(LinkArgs),
    /// At the data owner's desk: extracts in, encoded files out; no clear text is written
    Pseudonymise(PseudonymiseArgs),
    /// Attack what was released, check a table made by hand, read the ledger and the review records
    Disclose(DiscloseArgs),
    /// The hot-spot trial: choose, power, assign, patrols, dosage, evaluate
    Trial(TrialArgs),
    /// Filters of whole records as clkhash makes them, compared as anonlink compares them
    Clk(ClkArgs),
    /// Run an analysis of the site over the lake: hot spots, hours, near repeats, scores; without a name, list them
    Analyse(AnalyseArgs),
    /// Query the lake
    Sql(SqlArgs),
    /// Make, look at and rotate keys; make tokens at the desk
    Key(KeyArgs),
    /// Erase a person by the token of one record
    Erase(EraseArgs),
    /// Take a wrong delivery out of the lake
    Unload(UnloadArgs),
    /// Print the data dictionary, the function reference or the ODCS contract
    Dictionary(DictionaryArgs),
}

impl Command {
    /// The lake that the command reads or writes.
    pub fn lake(&self) -> Option<LakeAt> {
        match self {
            Self::Check(args) => args.lake.as_ref().map(|lake| lake_at(lake, &[])),
            Self::Run(args) => Some(lake_at(&args.lake, &args.store_option)),
            Self::Link(args) => Some(lake_at(&args.lake, &args.store_option)),
            Self::Disclose(args) if args.check.is_none() => Some(lake_at(&args.lake, &args.store_option)),
            Self::Analyse(args) if args.events.is_none() => Some(lake_at(&args.lake, &args.store_option)),
            Self::Sql(args) => Some(lake_at(&args.lake, &args.store_option)),
            Self::Key(KeyArgs { command: KeyCommand::Rotate { lake, .. } }) => Some(lake_at(lake, &[])),
            Self::Erase(args) => Some(lake_at(&args.lake, &args.store_option)),
            Self::Unload(args) => Some(lake_at(&args.lake, &args.store_option)),
            _ => None,
        }
    }
}

/// `svp check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Area to check as a run of it would be; all areas without
    #[arg(long)]
    pub area: Option<String>,
    /// Look at a lake too: whether every live file and every release is what was written, and who else can look into it; with an area,
    /// which files it holds under another definition than that of now
    #[arg(long)]
    pub lake: Option<String>,
    /// Run the whole mapping over every row of the extracts, without writing anything, and print the account
    #[arg(long, requires = "area")]
    pub rows: bool,
    /// The key of the lake, with which the account of each file says how the lake, its logs and releases call it: a file, or env:NAME
    #[arg(long, requires = "rows")]
    pub key: Option<String>,
    #[command(flatten)]
    pub paths: PathArgs,
}

/// `svp area`
#[derive(Debug, Args)]
pub struct AreaArgs {
    #[command(subcommand)]
    pub command: AreaCommand,
}

/// Commands of `svp area`.
#[derive(Debug, Subcommand)]
pub enum AreaCommand {
    /// Write an area file, and list the reference data that it wants: who publishes each, and whether it is there
    New {
        /// Police force: a name such as "Kent", or a code such as E23000032
        #[arg(long)]
        force: String,
        /// File to write, never overwritten [default: pipelines/areas/NAME.toml of the site]
        #[arg(long, value_name = "FILE")]
        out: Option<String>,
        /// First month, YYYY-MM [default: that of the last two whole financial years]
        #[arg(long, requires = "to")]
        from: Option<String>,
        /// Last month, YYYY-MM
        #[arg(long, requires = "from")]
        to: Option<String>,
        /// Audience of the release
        #[arg(long, default_value = "partner")]
        audience: String,
        /// Folder of reference data in which to look, in place of the area's own
        #[arg(long)]
        reference: Option<String>,
    },
    /// List the forces: code, name, districts and partnerships
    List,
}

impl PathArgs {
    /// As a value.
    pub fn choice(&self) -> PathChoice {
        PathChoice { reference: self.reference.clone(), extracts: self.extracts.clone(), input: self.input.clone() }
    }
}

/// A lake as a value, with the variables of the environment that object stores know.
pub fn lake_at(location: &str, options: &[String]) -> LakeAt {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let known = std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with(svp_lake::VARIABLES));
    LakeAt { location: location.to_owned(), options: options.to_vec(), environment: Environment(known.collect()) }
}

/// `svp run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Area to run
    #[arg(long)]
    pub area: String,
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// The key: a file, or env:NAME
    #[arg(long, env = "SVP_KEY")]
    pub key: Option<String>,
    #[command(flatten)]
    pub paths: PathArgs,
    /// The time that the run says it is, RFC 3339; the same clock gives the same bytes [default: now]
    #[arg(long, env = "SVP_CLOCK")]
    pub clock: Option<String>,
    /// Audience of the release, in place of the area's own
    #[arg(long)]
    pub audience: Option<String>,
    /// Print the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Stop after the canonical tables: no linkage, no release
    #[arg(long)]
    pub ingest_only: bool,
    /// Learn the weights of the linkage anew and judge all records again
    #[arg(long)]
    pub relink: bool,
    /// Say at the end how long each part took, and keep it in the record of the run
    #[arg(long)]
    pub timings: bool,
    /// Begin the audience's ledger anew where it is lost: name and office of who allows it; is recorded
    #[arg(long, value_name = "NAME", requires = "reason")]
    pub start_ledger_anew: Option<String>,
    /// Load files again that the lake holds already: all of a source that are among the inputs, or those of one slot; may be
    /// repeated
    #[arg(long, value_name = "SOURCE[:SLOT]")]
    pub reload: Vec<String>,
    #[command(flatten)]
    pub accept: AcceptArgs,
    /// Why a finding is accepted, or why the ledger cannot be restored
    #[arg(long)]
    pub reason: Option<String>,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// Findings that are accepted knowingly.
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// Load a file in spite of a finding that refuses it, as the refusal names it; may be repeated; is recorded and
    /// shown in the review
    #[arg(long, value_name = "SOURCE:SLOT:KIND", requires = "reason")]
    pub accept: Vec<String>,
    /// The same for a file that holds far fewer rows than the one it supersedes
    #[arg(long, value_name = "SOURCE:SLOT", requires = "reason")]
    pub accept_shrink: Vec<String>,
}

impl AcceptArgs {
    /// As a value, with the reason that was given beside it.
    pub fn choice(&self, reason: Option<&str>) -> AcceptChoice {
        AcceptChoice {
            accept: self.accept.clone(),
            accept_shrink: self.accept_shrink.clone(),
            reason: reason.map(str::to_owned),
        }
    }
}

/// `svp unload`
#[derive(Debug, Args)]
pub struct UnloadArgs {
    /// Source and slot of the delivery, as findings and receipts name them
    #[arg(value_name = "SOURCE:SLOT")]
    pub slot: String,
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// The key of the lake: a file, or env:NAME
    #[arg(long, env = "SVP_KEY")]
    pub key: Option<String>,
    /// Why it is taken out; is recorded
    #[arg(long)]
    pub reason: String,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// `svp pseudonymise`
#[derive(Debug, Args)]
pub struct PseudonymiseArgs {
    /// Source of the extracts
    #[arg(long)]
    pub source: String,
    /// Area whose boundaries, lookups and postcodes the mapping asks for; not needed where it asks for none
    #[arg(long)]
    pub area: Option<String>,
    /// The key that the lake uses: a file, or env:NAME
    #[arg(long, env = "SVP_KEY")]
    pub key: Option<String>,
    /// Extracts: files, folders or globs
    #[arg(long = "in", value_name = "EXTRACT", required = true, num_args = 1..)]
    pub extracts: Vec<String>,
    /// Folder for the encoded files, one for each extract, named after its slot
    #[arg(long)]
    pub out: String,
    /// Folder of reference data, in place of the area's own
    #[arg(long)]
    pub reference: Option<String>,
    /// Write over encoded files that are there
    #[arg(long)]
    pub force: bool,
    /// The time that the encoded files say they were made, RFC 3339; a lake refuses one that is older than what it would supersede
    /// [default: now]
    #[arg(long, env = "SVP_CLOCK")]
    pub clock: Option<String>,
    #[command(flatten)]
    pub accept: AcceptArgs,
    /// Why a finding is accepted
    #[arg(long)]
    pub reason: Option<String>,
}

/// `svp clk`
#[derive(Debug, Args)]
pub struct ClkArgs {
    #[command(subcommand)]
    pub command: ClkCommand,
}

/// Commands of `svp clk`.
#[derive(Debug, Subcommand)]
pub enum ClkCommand {
    /// Encode a CSV file
    Encode {
        /// Linkage schema of clkhash, JSON
        #[arg(long)]
        schema: String,
        /// File that holds the secret
        #[arg(long)]
        secret_file: String,
        /// CSV file, its header the identifiers of the schema's features
        #[arg(long = "in", value_name = "CSV")]
        input: String,
        /// File to write: {"clks": [base64, …]}
        #[arg(long)]
        out: String,
    },
    /// Find the pairs of two files whose Dice coefficient reaches a threshold
    Compare {
        /// File of filters
        left: String,
        /// Another
        right: String,
        /// Least Dice coefficient, 0 to 1
        #[arg(long)]
        threshold: f64,
        /// Each record in one pair at most, the best pairs first
        #[arg(long)]
        one_to_one: bool,
        /// File to write: left, right, dice
        #[arg(long)]
        out: String,
    },
}

/// `svp key`
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// Commands of `svp key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new key
    New {
        /// File to write, readable by its owner only; never overwritten
        #[arg(long)]
        out: String,
        /// Purpose, one word: tokens of two purposes never meet
        #[arg(long, default_value = "needs-assessment")]
        purpose: String,
    },
    /// Take a lake over to a new key; the old one opens nothing in it then
    Rotate {
        /// The lake
        #[arg(long, default_value = "lake", env = "SVP_LAKE")]
        lake: String,
        /// The key of the lake: a file, or env:NAME
        #[arg(long, env = "SVP_KEY")]
        key: Option<String>,
        /// File for the new key; never overwritten
        #[arg(long)]
        out: String,
    },
    /// Print the tokens of person ids, read from standard input line by line
    Token {
        /// Source that holds the ids
        #[arg(long)]
        source: String,
        /// The key: a file, or env:NAME
        #[arg(long, env = "SVP_KEY")]
        key: Option<String>,
    },
    /// Show a key's purpose and its check, never the key
    Show {
        /// The key: a file, or env:NAME
        #[arg(long, env = "SVP_KEY")]
        key: Option<String>,
    },
}

/// `svp erase`
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Token of the record, made at the desk with `svp key token`
    #[arg(long)]
    pub token: String,
    /// The lake
    #[arg(long, default_value = "lake", env = "SVP_LAKE")]
    pub lake: String,
    /// The key of the lake, which opens its person records: a file, or env:NAME
    #[arg(long, env = "SVP_KEY")]
    pub key: Option<String>,
    /// Keep the record out of later extracts although the lake has none of it now
    #[arg(long)]
    pub even_if_absent: bool,
    /// Option of the object store, such as region=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub store_option: Vec<String>,
}

/// `svp dictionary`
#[derive(Debug, Args)]
pub struct DictionaryArgs {
    /// What to print
    #[arg(value_enum, default_value_t = DictionaryKind::Tables)]
    pub kind: DictionaryKind,
}

/// What `svp dictionary` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DictionaryKind {
    /// The canonical tables, Markdown
    Tables,
    /// The SQL functions, Markdown
    Functions,
    /// The canonical tables as an Open Data Contract Standard document, YAML
    Odcs,
}
