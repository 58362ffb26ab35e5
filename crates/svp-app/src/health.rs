//! Whether a lake is what was written: the files of its tables, its releases and their review records; and who else can look into it.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use svp_contract::{Advice, ErrorKind};
use svp_lake::input::digest_bytes;
use svp_lake::{Lake, LakeError, Look, Open};

use crate::error::AppError;
use crate::ledger::{LedgerLine, MANIFEST, REVIEW};
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
    for line in &state.ledger {
        damaged.extend(of_release(lake, line).await?);
        damaged.extend(strangers(lake, line).await?);
    }
    damaged.extend(of_reviews(lake, &state.ledger).await?.into_iter().map(LakeError::from));
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
    let kept = state.ledger.iter().filter(|line| !line.papers.is_empty()).count();
    let older = match releases.len() - kept {
        0 => String::new(),
        older => format!("; {older} are from before their digests were kept"),
    };
    progress.step("lake", &format!("{kept} review records are what was written{older}"));
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

/// Refuses a lake of which a live file is not, byte for byte, what was written: whoever counts its rows, or writes them anew, would
/// vouch for them.
///
/// # Errors
/// [`AppError::Damage`] with every such file.
pub(crate) async fn as_written(lake: &Lake) -> Result<(), AppError> {
    let damaged = lake.verify(Look::Bytes).await?.damaged;
    if damaged.is_empty() { Ok(()) } else { Err(AppError::Damage(damaged)) }
}

/// Looks at what a run with nothing to do would leave as it is: whether the files are there, and the last release is whole.
///
/// # Errors
/// [`AppError::Damage`].
pub(crate) async fn stands(lake: &Lake, state: &RunState) -> Result<(), AppError> {
    let mut damaged = lake.verify(Look::Sizes).await?.damaged;
    if let Some(line) = state.ledger.last() {
        damaged.extend(of_release(lake, line).await?);
    }
    if damaged.is_empty() { Ok(()) } else { Err(AppError::Damage(damaged)) }
}

/// A file of a review record that is not what was written.
pub(crate) struct Paper {
    path: String,
    /// It is there, and says something else.
    changed: bool,
}

impl From<Paper> for LakeError {
    fn from(paper: Paper) -> Self {
        let what = match paper.changed {
            true => "the review record was changed after it was written",
            false => "the review record is missing",
        };
        Self::Damaged { path: paper.path, what }
    }
}

/// What is wrong with the review records of some releases; those of a lake from before have no digests to hold them against.
pub(crate) async fn of_reviews(lake: &Lake, lines: &[LedgerLine]) -> Result<Vec<Paper>, AppError> {
    let kept = |line: &LedgerLine| {
        let named = line.papers.iter().filter(|(name, _)| REVIEW.contains(&name.as_str()));
        let places = named.map(|(name, digest)| (format!("ledger/{}/{name}", line.release), digest.clone()));
        places.collect::<Vec<_>>()
    };
    let found = stream::iter(lines.iter().flat_map(kept)).map(async |(path, wanted)| {
        let bytes = there(lake, &path).await?;
        let as_written = bytes.as_ref().is_some_and(|bytes| digest_bytes(bytes) == wanted);
        Ok::<_, AppError>((!as_written).then_some(Paper { path, changed: bytes.is_some() }))
    });
    Ok(found.buffered(8).try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
}

/// Refuses to go on where a review record says something else than what was written. One that is missing misleads nobody: it is told.
///
/// # Errors
/// [`AppError::Damage`] with each that was changed.
pub(crate) async fn reviews_stand(lake: &Lake, lines: &[LedgerLine], progress: &dyn Progress) -> Result<(), AppError> {
    let (changed, missing): (Vec<Paper>, Vec<Paper>) =
        of_reviews(lake, lines).await?.into_iter().partition(|paper| paper.changed);
    for Paper { path, .. } in missing {
        progress.step("ledger", &format!("warning: {path} is missing: restore it from a backup of the lake"));
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(AppError::Damage(changed.into_iter().map(LakeError::from).collect()))
}

/// What is wrong with the folder of a release, by its manifest.
async fn of_release(lake: &Lake, line: &LedgerLine) -> Result<Vec<LakeError>, AppError> {
    let folder = format!("published/{}", line.release);
    let damaged = |file: &str, what| LakeError::Damaged { path: format!("{folder}/{file}"), what };
    const MISSING: &str = "the file of a release is missing";
    let Some(text) = there(lake, &format!("{folder}/manifest.json")).await? else {
        return Ok(vec![damaged("manifest.json", MISSING)]);
    };
    // Files and manifest can be changed together.
    if line.papers.get(MANIFEST).is_some_and(|wanted| digest_bytes(&text) != *wanted) {
        return Ok(vec![damaged(MANIFEST, "the manifest was changed after it was written")]);
    }
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

/// Files in the folder of a release that its manifest does not name; none where there is no manifest that can be understood.
async fn strangers(lake: &Lake, line: &LedgerLine) -> Result<Vec<LakeError>, AppError> {
    let folder = format!("published/{}", line.release);
    let own = format!("{folder}/{MANIFEST}");
    let Some(text) = there(lake, &own).await? else { return Ok(Vec::new()) };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else { return Ok(Vec::new()) };
    let listed: BTreeSet<String> = manifest.files.iter().map(|file| format!("{folder}/{}", file.path)).collect();
    let others = lake.list(&folder).await?.into_iter().filter(|path| *path != own && !listed.contains(path));
    Ok(others.map(|path| LakeError::Damaged { path, what: "no run wrote this file of a release" }).collect())
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
