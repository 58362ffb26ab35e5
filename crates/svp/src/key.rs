//! `svp key`: the key comes from a file or from a secret that the environment holds.

use std::io::BufRead;
use std::path::Path;

use svp_app::rotate::{RotateRequest, rotate};
use svp_app::{AppError, Progress, Site, unknown};
use svp_pseudonymise::{Key, Tokeniser};

use crate::args::{Cli, KeyArgs, KeyCommand, lake_at};
use crate::tell::Tell;

/// Reads a key from a reference: `env:NAME`, or a file.
pub fn read(reference: Option<&str>) -> Result<Key, AppError> {
    let reference = reference.ok_or(AppError::NoKey)?;
    let text = match reference.strip_prefix("env:") {
        Some(name) => std::env::var(name).map_err(|_| AppError::KeyVariable(name.to_owned()))?,
        None => svp_lake::files::read_text(Path::new(reference)).map_err(|_| AppError::Argument {
            what: format!("the key file {reference} cannot be read"),
            hint: "make one with `svp key new --out FILE`, or name a variable with env:NAME".to_owned(),
        })?,
    };
    Key::parse(&text).map_err(|source| AppError::Key { at: reference.to_owned(), source })
}

/// The command.
pub async fn command(cli: &Cli, args: &KeyArgs, tell: &Tell) -> Result<(), AppError> {
    match &args.command {
        KeyCommand::New { out, purpose } => {
            let key = Key::generate(purpose).map_err(|source| AppError::Key { at: out.clone(), source })?;
            svp_lake::files::write_secret(Path::new(out), key.to_text().as_bytes())?;
            tell.step(
                "key",
                &format!(
                    "made for purpose {}, check {}; keep {out} apart from the lake, and from the analysts",
                    key.purpose(),
                    key.check()
                ),
            );
            Ok(())
        }
        KeyCommand::Rotate { lake, key, out } => {
            let old = read(key.as_deref())?;
            let request = RotateRequest { site: cli.site.clone(), lake: lake_at(lake, &[]), out: out.clone() };
            rotate(&request, &old, &cli.machine(), tell).await.map(drop)
        }
        KeyCommand::Token { source, key } => token(cli, source, &read(key.as_deref())?, tell),
        KeyCommand::Show { key } => {
            let key = read(key.as_deref())?;
            tell.print(format!("purpose {}\ncheck   {}", key.purpose(), key.check()));
            Ok(())
        }
    }
}

/// `svp key token`: tokens of person ids, read line by line, so that they stand in no list of processes.
fn token(cli: &Cli, source: &str, key: &Key, tell: &Tell) -> Result<(), AppError> {
    let (site, _) = Site::read(&cli.site)?;
    if !site.sources.contains_key(source) {
        let known = site.sources.keys().map(String::as_str);
        return Err(unknown("source", source, known).argument_listed("sources of this site"));
    }
    let column = site.tables.iter().find(|t| t.name == "person_record").and_then(|t| t.column("person_record_id"));
    let tokens = Tokeniser::new(key, column.map_or("person_record_id", |c| c.token_domain()));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap_or_default();
        if !line.trim().is_empty() {
            tell.print(String::from_utf8_lossy(&tokens.token([source.as_bytes(), line.trim().as_bytes()])));
        }
    }
    Ok(())
}
