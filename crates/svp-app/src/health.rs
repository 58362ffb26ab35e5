//! Whether a lake is what was written: the files of its tables, its releases; and who else can look into it.

use serde::Deserialize;
use svp_contract::{Advice, ErrorKind};
use svp_lake::input::digest_bytes;
use svp_lake::{Lake, LakeError, Look, Open};

use crate::error::AppError;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::state::RunState;

/// What a manifest says of the other files of its release.
#[derive(Deserialize)]
struct Manifest {
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
    sha256: String,
}

/// Looks at a lake and says in lines what was looked at.
///
/// # Errors
/// [`AppError::Damage`] with every file that is not what was written.
pub(crate) async fn verify(lake: &Lake, progress: &dyn Progress) -> Result<(), AppError> {
    let verified = lake.verify(Look::Bytes).await?;
    let state = RunState::last(lake)?;
    let releases: Vec<&str> = state.ledger.iter().map(|line| line.release.as_str()).collect();
    let mut damaged = verified.damaged;
    for release in &releases {
        damaged.extend(of_release(lake, release).await?);
    }
    if let Some(run) = lake.lost_run() {
        damaged.push(LakeError::LostRecord { path: format!("runs/{run:08}.json") });
    }
    if !lake.record_as_written() {
        let number = lake.last_run().map_or(0, |run| run.number);
        let what = "the record was changed after it was written";
        damaged.push(LakeError::Damaged { path: format!("runs/{number:08}.json"), what });
    }
    if !damaged.is_empty() {
        return Err(AppError::Damage(damaged));
    }
    let (files, digested) = (verified.files, verified.digested);
    let by = match files - digested {
        0 => "by their digests".to_owned(),
        older => {
            format!("{digested} by their digests, {older} from before digests were kept by being read to their end")
        }
    };
    progress.step("lake", &format!("{files} live files are there and are what was written: {by}"));
    progress.step("lake", &format!("{} releases are whole, by the digests of their manifests", releases.len()));
    let open = lake.open_to_others()?;
    if !open.is_empty() {
        progress.step(
            "rights",
            &format!(
                "warning: others than their owner can look into {} of the lake; the next run closes them if it is their owner's, or: \
                 chmod -R go= {}",
                open.join(", "),
                open.join(" ")
            ),
        );
    }
    Ok(())
}

/// Looks at what a run with nothing to do would leave as it is: whether the files are there, and the last release is whole.
///
/// # Errors
/// [`AppError::Damage`].
pub(crate) async fn stands(lake: &Lake, state: &RunState) -> Result<(), AppError> {
    let mut damaged = lake.verify(Look::Sizes).await?.damaged;
    if let Some(line) = state.ledger.last() {
        damaged.extend(of_release(lake, &line.release).await?);
    }
    if damaged.is_empty() { Ok(()) } else { Err(AppError::Damage(damaged)) }
}

/// What is wrong with the folder of a release, by its manifest.
async fn of_release(lake: &Lake, release: &str) -> Result<Vec<LakeError>, AppError> {
    let folder = format!("published/{release}");
    let damaged = |file: &str, what| LakeError::Damaged { path: format!("{folder}/{file}"), what };
    const MISSING: &str = "the file of a release is missing";
    let Some(text) = there(lake, &format!("{folder}/manifest.json")).await? else {
        return Ok(vec![damaged("manifest.json", MISSING)]);
    };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else {
        return Ok(vec![damaged("manifest.json", "the manifest cannot be understood")]);
    };
    let mut found = Vec::new();
    for file in manifest.files {
        match there(lake, &format!("{folder}/{}", file.path)).await? {
            None => found.push(damaged(&file.path, MISSING)),
            Some(bytes) if digest_bytes(&bytes) != file.sha256 => {
                found.push(damaged(&file.path, "the file of a release was changed after it was written"));
            }
            Some(_) => {}
        }
    }
    Ok(found)
}

async fn there(lake: &Lake, path: &str) -> Result<Option<Vec<u8>>, AppError> {
    match lake.exists(path).await? {
        true => Ok(Some(lake.get(path).await?.to_vec())),
        false => Ok(None),
    }
}

/// The damage to a lake, in place of an error that came of it: the engine does not say which file it could not read, and another
/// error of the engine looks the same. An error that came of nothing of the kind is given back.
pub async fn damage_instead(error: AppError, lake: &LakeAt) -> AppError {
    let engine = matches!(error.kind(), ErrorKind::Internal | ErrorKind::Query | ErrorKind::Definition);
    let other = matches!(error, AppError::Query(_) | AppError::Problems(_) | AppError::Runtime(_));
    if !engine || other {
        return error;
    }
    let Ok(lake) = lake.open(Open::Read).await else { return error };
    match lake.verify(Look::Bytes).await {
        Ok(verified) if !verified.damaged.is_empty() => AppError::Damage(verified.damaged),
        _ => error,
    }
}
