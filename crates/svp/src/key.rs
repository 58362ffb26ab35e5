//! `svp key`: the key comes from a file or from a secret that the environment holds.

use std::path::Path;

use svp_pseudonymise::Key;

use crate::args::{Cli, KeyArgs, KeyCommand};
use crate::error::AppError;
use crate::rewrite;
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
                format!(
                    "made for purpose {}, check {}; keep {out} apart from the lake, and from the analysts",
                    key.purpose(),
                    key.check()
                ),
            );
            Ok(())
        }
        KeyCommand::Rotate { lake, key, out } => rewrite::rotate(cli, lake, key.as_deref(), out, tell).await,
        KeyCommand::Token { source, key } => rewrite::token(cli, source, &read(key.as_deref())?, tell),
        KeyCommand::Show { key } => {
            let key = read(key.as_deref())?;
            tell.print(format!("purpose {}\ncheck   {}", key.purpose(), key.check()));
            Ok(())
        }
    }
}
