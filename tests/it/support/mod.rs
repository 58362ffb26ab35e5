//! What tests share: how to start `svp`, the one run on the sample, small sites, small readers.

pub mod analysis;
mod bench;
pub mod deliveries;
mod lab;
mod opened;
pub mod rows;
mod search;
mod tables;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use svp_pseudonymise::{Key, Tokeniser};

pub use bench::bench_lakes;
pub use lab::Lab;
pub use opened::{asks_for_people, sealed_tables, session_under, sql_under};
pub use search::{Needles, flat_text, searched};
pub use tables::{Table, files_under, release_digests, verify_release};

/// The clock of every run: without it two runs could not give the same bytes.
pub const CLOCK: &str = "2025-04-07T06:00:00Z";
/// A key for tests; never used for anything real.
pub const KEY: &str = "svp-key-1 needs-assessment 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n";
/// Another.
pub const OTHER_KEY: &str =
    "svp-key-1 needs-assessment 1112131415161718191a1b1c1d1e1f200102030405060708090a0b0c0d0e0f10\n";

/// The workspace; or the folder that `SVP_COUNTY` names, a copy of its definitions beside another invented county (`make soak`).
pub fn root() -> PathBuf {
    match std::env::var_os("SVP_COUNTY") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf(),
    }
}

/// The sample data.
pub fn sample_data(path: &str) -> PathBuf {
    root().join("sample-data").join(path)
}

/// The program, built beside the tests.
pub fn svp_bin() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let svp = tests.parent().and_then(Path::parent).unwrap().join(format!("svp{}", std::env::consts::EXE_SUFFIX));
    assert!(svp.is_file(), "{} is missing: run `cargo build --workspace` first (`make test` does)", svp.display());
    svp
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Exit code; -1 when it was killed.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Fails the test unless the command ended well.
    #[track_caller]
    pub fn good(self) -> Self {
        self.ended(0)
    }

    /// Fails the test unless the command ended with `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless standard error has every one of these words.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in:\n{}", self.stderr);
        }
        self
    }
}

/// A command line of `svp`.
pub struct Svp(Command);

/// `svp` with these arguments, in the folder of the workspace, without the caller's `SVP_…` and `AWS_…` variables.
pub fn svp<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(args: I) -> Svp {
    let mut command = Command::new(svp_bin());
    for name in ["SVP_SITE", "SVP_LAKE", "SVP_KEY", "SVP_CLOCK"] {
        command.env_remove(name);
    }
    // Nor with credentials of anybody who runs the tests.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    // The help is wrapped to the width of the terminal, and a test has none.
    command.env("COLUMNS", "100").current_dir(root()).args(args).stdin(Stdio::null());
    Svp(command)
}

impl Svp {
    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    /// More arguments.
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(mut self, args: I) -> Self {
        self.0.args(args);
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Ran {
        let out = self.0.output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Starts it and does not wait.
    pub fn start(mut self) -> Child {
        self.0.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// Says something aloud: unlike `eprintln!`, this is heard when the test passes.
pub fn aloud(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
}

/// What stands for a file in the lake, in logs for machines and in releases, under [`KEY`].
pub fn label(file: &str) -> String {
    let key = Key::parse(KEY).unwrap();
    let token = Tokeniser::new(&key, "file-name").token([file.as_bytes()]);
    format!("file-{}", String::from_utf8_lossy(&token[..12]))
}

/// Asks a lake of the tests' key: the program, or the library where a query asks for person records, which are sealed.
pub fn sql(lake: &Path, query: &str) -> Table {
    if asks_for_people(query) {
        return sql_under(lake, KEY, query);
    }
    let ran = svp(["sql", "--format", "csv", "--lake"]).arg(lake).arg(query).run().good();
    Table::parse(&ran.stdout)
}

/// Asks a lake for one number.
pub fn number(lake: &Path, query: &str) -> i64 {
    sql(lake, query).one().parse().unwrap()
}

/// The one run on the sample that the tests which only look share.
pub struct Sample {
    pub lake: PathBuf,
    pub key: PathBuf,
    pub release: PathBuf,
    pub ran: Ran,
}

/// Runs the sample once for all tests, on two threads.
pub fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let name = if std::env::var_os("SVP_COUNTY").is_some() { "it-county" } else { "it-sample" };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let (lake, key) = (folder.join("lake"), folder.join("key"));
        std::fs::write(&key, KEY).unwrap();
        let ran = run_sample(&lake, &key, 2);
        let release = lake.join("published/000001-wessmark-partner");
        Sample { lake, key, release, ran }
    })
}

/// Runs the sample.
pub fn run_sample(lake: &Path, key: &Path, threads: usize) -> Ran {
    sample_command(lake, key).arg("--threads").arg(threads.to_string()).run().good()
}

/// The command that runs the sample.
pub fn sample_command(lake: &Path, key: &Path) -> Svp {
    svp(["run", "--area", "wessmark", "--clock", CLOCK, "--lake"]).arg(lake).arg("--key").arg(key)
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
