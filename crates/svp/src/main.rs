//! What enters: arguments, environment, clock.
//! What leaves: exit codes, lines on the terminal, a release.
//! Never: counts or links; rotation, erasure and the order of a release stand here still (`rewrite.rs`, `decide.rs`).
//! To add one: a command is one file here and one arm below.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![allow(clippy::disallowed_methods, reason = "the binary is the one home of environment and clock")]

mod accept;
mod accounts;
mod analyse;
mod area;
mod args;
mod calendar;
mod check;
mod check_rows;
mod clk;
mod context;
mod decide;
mod desk;
mod disclose;
mod error;
mod gate;
mod ingest;
mod key;
mod ledger;
mod link;
mod release;
mod rewrite;
mod run;
mod site;
mod sql;
mod tell;
mod trial;
mod trial_args;
mod trial_events;
mod unload;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let tell = tell::Tell::new(&cli.output);
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(cli.threads().max(1)).enable_all().build() {
            Ok(runtime) => runtime,
            Err(source) => {
                tell.error(&error::AppError::Runtime(source));
                return ExitCode::from(error::INTERNAL);
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
            Command::Erase(args) => rewrite::erase(&cli, args, &tell).await,
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
            ExitCode::from(error.code())
        }
    }
}
