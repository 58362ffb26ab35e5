//! The same inputs, clock and key give the same published bytes, whatever the number of threads (invariant 10).

use tempfile::TempDir;

use crate::support::{Lab, release_digests, run_sample, sample};

#[test]
fn the_sample_on_one_thread_and_on_two() {
    let two = sample();
    let folder = TempDir::new().unwrap();
    let lake = folder.path().join("lake");
    run_sample(&lake, &two.key, 1);
    let one = release_digests(&lake.join("published/000001-wessmark-partner"));
    assert!(one.len() > 50, "only {} files", one.len());
    assert_eq!(one, release_digests(&two.release));
}

#[test]
fn a_small_run_on_one_thread_and_on_seven() {
    let lab = Lab::police();
    for month in ["2024-11", "2024-12", "2025-01"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    let [one, seven] = ["1", "7"].map(|threads| {
        let lake = lab.path(threads);
        lab.run_into(&lake).arg("--threads").arg(threads).run().good();
        release_digests(&lake.join("published/000001-wessmark-partner"))
    });
    assert_eq!(one, seven);
}
