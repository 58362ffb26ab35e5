//! Turns what a person writes as the place of a lake into a store and a URL.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::error::{LakeError, Result};
use crate::files;
use crate::ordered::OrderedFolder;
use crate::rights;

/// What a lake is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// To look at the last run. The place must exist; nothing is ever written.
    Read,
    /// To run. A local folder is made if it is not there.
    Write,
}

/// Where a lake is, and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// The place as the person wrote it.
    pub given: String,
    /// The lake's root for the logs of tables, ends with a slash. A folder is the root of a store of its own: its path can hold
    /// characters that addresses write in other ways, and not everybody who reads an address knows.
    pub url: Url,
    /// The lake's root inside [`Location::root`].
    pub prefix: Path,
    /// The whole store (file system or bucket).
    pub root: Arc<dyn ObjectStore>,
    /// The store rooted at the lake.
    pub store: Arc<dyn ObjectStore>,
    /// The folder, if the lake is a local one.
    pub folder: Option<PathBuf>,
}

impl Location {
    /// Reaches the place; makes the folder of a local lake when it is opened for writing.
    pub fn new(given: &str, options: &HashMap<String, String>, mode: Open) -> Result<Self> {
        let bad =
            |reason: &dyn ToString| LakeError::Location { location: given.to_string(), reason: reason.to_string() };
        let url = match Url::parse(given) {
            // One letter before the colon is a drive, not a scheme.
            Ok(url) if url.scheme().len() > 1 => url,
            _ => return Self::local(given, PathBuf::from(given), mode),
        };
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| bad(&"not a local path"))?;
            return Self::local(given, folder, mode);
        }
        let mut url = url;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let (root, prefix) = object_store::parse_url_opts(&url, options).map_err(|e| bad(&e))?;
        let root: Arc<dyn ObjectStore> = Arc::from(root);
        Ok(Self {
            given: given.to_string(),
            url,
            store: Arc::new(PrefixStore::new(Arc::clone(&root), prefix.clone())),
            prefix,
            root,
            folder: None,
        })
    }

    fn local(given: &str, folder: PathBuf, mode: Open) -> Result<Self> {
        match mode {
            Open::Write => {
                std::fs::create_dir_all(&folder).map_err(|e| LakeError::file("make the folder", given, e))?
            }
            Open::Read if !folder.is_dir() => {
                return Err(LakeError::Missing { location: given.to_string() });
            }
            Open::Read => {}
        }
        let folder = std::fs::canonicalize(&folder).map_err(|e| LakeError::file("open", given, e))?;
        let bad = |reason: &str| LakeError::Location { location: given.to_string(), reason: reason.to_string() };
        // Not `file://` either: readers of logs would look for the folder itself.
        let url = Url::parse("memory:///").map_err(|e| bad(&e.to_string()))?;
        let root = LocalFileSystem::new_with_prefix(&folder).map_err(|e| bad(&e.to_string()))?;
        let root: Arc<dyn ObjectStore> = Arc::new(OrderedFolder(root));
        Ok(Self {
            given: given.to_string(),
            url,
            store: Arc::clone(&root),
            prefix: Path::default(),
            root,
            folder: Some(folder),
        })
    }

    /// The URL of a folder below the lake's root; ends with a slash.
    pub fn child(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            path.extend(segments);
            path.push("");
        }
        url
    }

    /// Scheme and host only: the key under which DataFusion finds the store.
    pub fn store_url(&self) -> Url {
        // Not `file://`: under that a session reads files that lie anywhere.
        let own = self.folder.as_ref().and_then(|_| Url::parse("lake://folder/").ok());
        if let Some(own) = own {
            return own;
        }
        let mut url = self.url.clone();
        url.set_path("/");
        url.set_query(None);
        url
    }

    /// Lets a session read the files of the lake.
    pub fn attach(&self, ctx: &SessionContext) {
        ctx.runtime_env().register_object_store(&self.store_url(), Arc::clone(&self.root));
    }

    /// The paths of all files below a folder, sorted.
    pub async fn list(&self, folder: &Path) -> Result<Vec<Path>> {
        let listed = self.store.list(Some(folder)).map_ok(|meta| meta.location).try_collect().await;
        let mut paths: Vec<Path> = listed.map_err(|e| LakeError::store(folder, e))?;
        paths.sort();
        Ok(paths)
    }

    /// Whether a file is there.
    pub async fn is_file(&self, path: &Path) -> Result<bool> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(LakeError::store(path, e)),
        }
    }

    /// Deletes files; one that is gone already is no error.
    pub async fn delete(&self, paths: Vec<Path>) -> Result<()> {
        stream::iter(paths)
            .map(|path| async move {
                match self.store.delete(&path).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(e) => Err(LakeError::store(&path, e)),
                }
            })
            .buffer_unordered(16)
            .try_collect()
            .await
    }

    /// On a local lake: brings files and their folders to the disk, so that a record never outlives in a
    /// power cut what it names.
    pub(crate) async fn sync(&self, paths: Vec<Path>) -> Result<()> {
        let Some(root) = self.folder.clone() else {
            return Ok(());
        };
        tokio::task::spawn_blocking(move || {
            let below = |path: &Path| path.parts().map(|part| part.as_ref().to_string()).collect::<Vec<_>>();
            let paths = paths.iter().map(below).collect::<Vec<_>>();
            rights::close_below(&root, &paths).map_err(|e| LakeError::file("close to others", root.display(), e))?;
            files::sync_below(&root, &paths)
        })
        .await
        .map_err(|_| LakeError::Task { what: "bringing files to the disk" })?
    }
}
