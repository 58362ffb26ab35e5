//! The published sets of people with known truth, as lakes of encodings.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{CLOCK, KEY, copy_folder, files_under, root, svp};

/// A folder with the site of the linkage bench, the lakes `historical` and `febrl` under [`KEY`], the extracts in `in`, and the truth of
/// FEBRL 4 as `truth.csv`. `data` is the folder that `SVP_DATA` names.
pub fn bench_lakes(data: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let bench = root().join("tests/bench/linkage");
    copy_folder(&root().join("pipelines"), &at("site/pipelines"));
    for part in ["areas", "sources"] {
        for (name, path) in files_under(&bench.join(part)) {
            fs::copy(path, at("site/pipelines").join(part).join(name)).unwrap();
        }
    }
    fs::create_dir_all(at("in")).unwrap();
    fs::write(at("key"), KEY).unwrap();
    let linkage = Path::new(data).join("linkage");
    fs::copy(
        linkage.join("historical_figures/historical_figures_with_errors_50k_even_clusters.parquet"),
        at("in/historical_figures.parquet"),
    )
    .unwrap();
    let mut truth = String::from("source,person_id,person\n");
    for part in ["a", "b"] {
        let text = fs::read_to_string(linkage.join(format!("febrl/dataset4{part}_entities_0000-2499.csv"))).unwrap();
        let mut lines = text.lines().map(|l| l.split(',').map(str::trim).collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let place = |name: &str| header.iter().position(|h| *h == name).unwrap();
        let wanted = ["rec_id", "given_name", "surname", "postcode", "date_of_birth"];
        let mut out = wanted.join(",");
        for line in lines {
            let row: Vec<&str> = wanted.iter().map(|w| line[place(w)]).collect();
            let _ = write!(out, "\n{}", row.join(","));
            let _ = writeln!(truth, "febrl_{part},{},{}", row[0], row[0].split('-').nth(1).unwrap());
        }
        fs::write(at(&format!("in/febrl_{part}.csv")), out).unwrap();
    }
    fs::write(at("truth.csv"), &truth).unwrap();
    for area in ["historical", "febrl"] {
        let run = svp(["--site"])
            .arg(at("site"))
            .args(["run", "--ingest-only", "--clock", CLOCK, "--area", area, "--lake"])
            .arg(at(area));
        run.arg("--extracts").arg(at("in")).arg("--key").arg(at("key")).run().good();
    }
    folder
}
