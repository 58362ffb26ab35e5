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
mod question_args;
mod run;
mod sql;
mod tell;
mod trial;
mod trial_args;
mod unload;

use std::process::ExitCode;

use clap::Parser;
use svp_contract::{Advice, ErrorKind};

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let tell = tell::Tell::new(&cli.output);
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(cli.machine().threads).enable_all().build() {
            Ok(runtime) => runtime,
            Err(source) => {
                tell.error(&svp_app::AppError::Runtime(source));
                return ExitCode::from(error::code(ErrorKind::Internal));
            }
        };
    let result = runtime.block_on(async {
        match &cli.command {
            Command::Check(args) => check::command(&cli, args, &tell).await,
            Command::Area(args) => area::command(&cli, args, &tell),
            Command::Run(args) => run::command(&cli, args, &tell).await,
            Command::Link(args) => link::command(&cli, args, &tell).await,
            Command::Pseudonymise(args) => desk::command(&cli, args, &tell),
            Command::Disclose(args) => disclose::command(&cli, args, &tell).await,
            Command::Trial(args) => trial::command(&cli, args, &tell).await,
            Command::Clk(args) => clk::command(&cli, args, &tell),
            Command::Analyse(args) => analyse::command(&cli, args, &tell).await,
            Command::Sql(args) => sql::command(&cli, args, &tell).await,
            Command::Key(args) => key::command(&cli, args, &tell).await,
            Command::Erase(args) => erase::command(&cli, args, &tell).await,
            Command::Unload(args) => unload::command(&cli, args, &tell).await,
            Command::Dictionary(args) => check::dictionary(args, &tell),
        }
    });
    // A worker that still reads a file must not keep a failed run alive.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell.error(&error);
            ExitCode::from(error::code(error.kind()))
        }
    }
}
