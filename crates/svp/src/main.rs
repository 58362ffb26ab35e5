//! What enters: arguments, environment, clock.
//! What leaves: exit codes, lines on the terminal, a release.
//! Never: counts, links or discloses: what a command does is in `svp-app`, and here only what it is asked and what it says.
//! To add one: a command is one file here, which turns arguments into a request and prints the outcome, and one arm below.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![allow(clippy::disallowed_methods, reason = "the binary is the one home of environment and clock")]

mod analyse;
mod area;
mod args;
mod check;
mod clk;
mod desk;
mod disclose;
mod erase;
mod error;
mod key;
mod link;
mod query_failure;
mod question_args;
mod run;
mod sql;
mod tell;
mod timings;
mod trial;
mod trial_args;
mod unload;

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use svp_app::AppError;
use svp_app::health::damage_instead;
use svp_contract::Advice;

use args::{Cli, Command};

/// The stack of the thread that plans a command, and of each that works for it: an expression is as deep as its operators are many, and
/// what walks it needs a frame for each. The system gives what is touched only.
const STACK: usize = 256 * 1024 * 1024;

/// Where the program stopped though it never should: the first place.
static DEFECT: Mutex<Option<String>> = Mutex::new(None);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let tell = tell::Tell::new(&cli.output);
    // What a panic says can hold a value, and some of the engine's threads end in one where a file is damaged: the error says it.
    panic::set_hook(Box::new(keep_place));
    let result = std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || run(&cli, &tell));
        match worker.map_err(AppError::Runtime)?.join() {
            Ok(result) => result,
            Err(_) => Err(AppError::Defect { place: place() }),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell.error(&error);
            ExitCode::from(error::code(error.kind()))
        }
    }
}

fn run(cli: &Cli, tell: &tell::Tell) -> Result<(), AppError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(cli.machine().threads).thread_stack_size(STACK).enable_all();
    let runtime = runtime.build().map_err(AppError::Runtime)?;
    let result = runtime.block_on(async {
        let result = command(cli, tell).await;
        match (result, cli.command.lake()) {
            (Err(error), Some(lake)) => Err(damage_instead(error, &lake).await),
            (result, _) => result,
        }
    });
    // A worker that still reads a file must not keep a failed run alive.
    runtime.shutdown_background();
    result
}

async fn command(cli: &Cli, tell: &tell::Tell) -> Result<(), AppError> {
    match &cli.command {
        Command::Check(args) => check::command(cli, args, tell).await,
        Command::Area(args) => area::command(cli, args, tell),
        Command::Run(args) => run::command(cli, args, tell).await,
        Command::Link(args) => link::command(cli, args, tell).await,
        Command::Pseudonymise(args) => desk::command(cli, args, tell),
        Command::Disclose(args) => disclose::command(cli, args, tell).await,
        Command::Trial(args) => trial::command(cli, args, tell).await,
        Command::Clk(args) => clk::command(cli, args, tell),
        Command::Analyse(args) => analyse::command(cli, args, tell).await,
        Command::Sql(args) => sql::command(cli, args, tell).await,
        Command::Key(args) => key::command(cli, args, tell).await,
        Command::Erase(args) => erase::command(cli, args, tell).await,
        Command::Unload(args) => unload::command(cli, args, tell).await,
        Command::Dictionary(args) => check::dictionary(args, tell),
    }
}

/// Keeps where a thread stopped, and says nothing.
fn keep_place(info: &PanicHookInfo<'_>) {
    let Some(at) = info.location() else { return };
    // The last two parts of the path: what stands before them is of the machine on which this was built.
    let parts: Vec<&str> = at.file().rsplit(['/', '\\']).take(2).collect();
    let file = parts.into_iter().rev().collect::<Vec<_>>().join("/");
    DEFECT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| format!("{file}:{}", at.line()));
}

fn place() -> String {
    DEFECT.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
}
