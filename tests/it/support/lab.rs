//! A small site in a folder of its own: few sources, few files, few outputs, so that a run takes about a second.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toml::{Table, Value};

use super::{CLOCK, KEY, Svp, copy_folder, root, sample_data, svp};

/// A site, its extracts, its key and its lake.
pub struct Lab {
    folder: TempDir,
}

impl Lab {
    /// A site whose area `wessmark` reads `sources` and makes `outputs` under one definition. No extract is in it yet.
    pub fn new(sources: &[&str], definition: &str, outputs: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let lab = Self { folder };
        for part in ["analyses", "definitions", "linkage", "outputs", "policies", "reference"] {
            copy_folder(&root().join("pipelines").join(part), &lab.site().join("pipelines").join(part));
        }
        for part in ["sources", "areas"] {
            fs::create_dir_all(lab.site().join("pipelines").join(part)).unwrap();
        }
        for source in sources {
            let file = format!("pipelines/sources/{source}.toml");
            fs::copy(root().join(&file), lab.site().join(&file)).unwrap();
        }
        let text = fs::read_to_string(root().join("pipelines/areas/wessmark.toml")).unwrap();
        let mut area: Table = text.parse().unwrap();
        let list = |words: &[&str]| Value::Array(words.iter().map(|w| Value::from(*w)).collect());
        area.insert("definitions".into(), list(&[definition]));
        area.insert("outputs".into(), list(outputs));
        area.insert("reference_root".into(), sample_data("reference").display().to_string().into());
        area.insert("input_root".into(), lab.path("extracts").display().to_string().into());
        let inputs = area["input"].as_array().unwrap().iter();
        let kept = inputs.filter(|i| sources.contains(&i["source"].as_str().unwrap())).cloned().collect();
        area.insert("input".into(), Value::Array(kept));
        fs::write(lab.site().join("pipelines/areas/wessmark.toml"), toml::to_string(&area).unwrap()).unwrap();
        fs::write(lab.key(), KEY).unwrap();
        for source in sources {
            fs::create_dir_all(lab.extracts(source)).unwrap();
        }
        lab
    }

    /// Police crimes, three outputs: the usual case.
    pub fn police() -> Self {
        Self::new(&["police_rms"], "opcc_2020", &["hotspot_grid_250m", "hour_of_week_profile", "by_district"])
    }

    /// Open police data under the stand-in.
    pub fn street() -> Self {
        Self::new(
            &["police_street"],
            "open_data_stand_in",
            &["hotspot_grid_250m", "hour_of_week_profile", "monthly_trend"],
        )
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn site(&self) -> PathBuf {
        self.path("site")
    }

    pub fn lake(&self) -> PathBuf {
        self.path("lake")
    }

    pub fn key(&self) -> PathBuf {
        self.path("key")
    }

    /// The folder of the extracts of a source.
    pub fn extracts(&self, source: &str) -> PathBuf {
        let folder = match source {
            "police_stop_search" => "stop_search",
            "cin_census" => "cin",
            other => other,
        };
        self.path("extracts").join(folder)
    }

    /// Copies an extract of the sample (path under `sample-data/`) to where the site looks for it.
    pub fn give(&self, file: &str) -> PathBuf {
        let to = self.path("extracts").join(file);
        fs::copy(sample_data(file), &to).unwrap();
        to
    }

    /// Writes an extract.
    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let to = self.path("extracts").join(file);
        fs::write(&to, bytes).unwrap();
        to
    }

    /// Changes a text file of the site.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.site().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// `svp run` on this site.
    pub fn run(&self) -> Svp {
        self.run_into(&self.lake())
    }

    /// `svp run` on this site, into another lake.
    pub fn run_into(&self, lake: &Path) -> Svp {
        svp(["--site"])
            .arg(self.site())
            .args(["run", "--area", "wessmark", "--clock", CLOCK, "--lake"])
            .arg(lake)
            .arg("--key")
            .arg(self.key())
    }

    /// `svp check --area wessmark` on this site.
    pub fn check(&self) -> Svp {
        svp(["--site"]).arg(self.site()).args(["check", "--area", "wessmark"])
    }

    /// The folder of a release.
    pub fn release(&self, number: u64) -> PathBuf {
        self.lake().join(format!("published/{number:06}-wessmark-partner"))
    }
}
