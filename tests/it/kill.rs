//! A run that is killed (SIGKILL) at any moment leaves the last good state, and the next run ends as if it had not been.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Lab, copy_folder, files_under, number, release_digests, svp, verify_release};

/// Moments at which a run is killed.
const MOMENTS: u32 = 12;
const BASE: [&str; 3] = ["2024-10", "2024-11", "2024-12"];
const LAST: &str = "2025-01";

/// A site whose base months are given.
fn lab() -> Lab {
    let lab = Lab::police();
    for month in BASE {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    lab
}

/// Starts a run, kills it after `wait`; says whether it was still at work.
fn killed(lab: &Lab, lake: &Path, wait: Duration) -> bool {
    let mut child = lab.run_into(lake).start();
    std::thread::sleep(wait);
    let at_work = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    at_work
}

fn release(lake: &Path, number: u64) -> std::path::PathBuf {
    lake.join(format!("published/{number:06}-wessmark-partner"))
}

/// A moment: between nothing and a little more than the time that an undisturbed run takes.
fn moment(whole: Duration, i: u32) -> Duration {
    whole * (2 * i + 1) / (2 * MOMENTS) + Duration::from_millis(2)
}

#[test]
fn killed_while_adding_a_month() {
    let lab = lab();
    lab.run().run().good();
    let base_rows = number(&lab.lake(), "SELECT count(*) FROM event");
    let first = release_digests(&lab.release(1));
    lab.give(&format!("police_rms/rms_crimes_{LAST}.csv"));

    let whole = lab.path("undisturbed");
    copy_folder(&lab.lake(), &whole);
    let started = Instant::now();
    lab.run_into(&whole).run().good();
    let took = started.elapsed();
    let wanted = release_digests(&release(&whole, 2));
    let rows = number(&whole, "SELECT count(*) FROM event");
    assert!(rows > base_rows);

    let mut hits = 0;
    for i in 0..MOMENTS {
        let lake = lab.path(&format!("killed-{i}"));
        copy_folder(&lab.lake(), &lake);
        let wait = moment(took, i);
        let at_work = killed(&lab, &lake, wait);
        hits += u32::from(at_work);
        let told = format!("moment {i}, after {} ms of {} ms", wait.as_millis(), took.as_millis());

        // The lake opens, at the last good state or (when the kill came after the end) at the new one.
        let visible = lake.join("runs/00000002.json").exists();
        assert!(at_work || visible, "{told}: the run had ended and left no record");
        let found = number(&lake, "SELECT count(*) FROM event");
        assert_eq!(found, if visible { rows } else { base_rows }, "{told}");
        verify_release(&release(&lake, 1));
        assert_eq!(release_digests(&release(&lake, 1)), first, "{told}: the previous release changed");

        // The next run repairs it and ends in the same bytes.
        lab.run_into(&lake).run().good();
        assert_eq!(release_digests(&release(&lake, 2)), wanted, "{told}");
        assert_eq!(release_digests(&release(&lake, 1)), first, "{told}");
        assert_eq!(number(&lake, "SELECT count(*) FROM event"), rows, "{told}");
        assert!(!release(&lake, 3).exists(), "{told}");
        fs::remove_dir_all(&lake).unwrap();
    }
    assert!(hits >= MOMENTS / 2, "only {hits} of {MOMENTS} kills came while the run was at work");
}

#[test]
fn killed_on_the_very_first_run() {
    let lab = lab();
    let whole = lab.path("undisturbed");
    let started = Instant::now();
    lab.run_into(&whole).run().good();
    let took = started.elapsed();
    let wanted = release_digests(&release(&whole, 1));
    for i in [1, 5, 9, 11] {
        let lake = lab.path(&format!("killed-{i}"));
        killed(&lab, &lake, moment(took, i));
        // There is no good state yet: a query says so, or the run had just ended.
        let query = svp(["sql", "--lake"]).arg(&lake).arg("SELECT count(*) FROM event").run();
        if lake.join("runs/00000001.json").exists() {
            query.good();
        } else {
            assert!(query.code != 0 && query.stderr.contains("hint:"), "moment {i}: {query:?}");
        }
        lab.run_into(&lake).run().good();
        assert_eq!(release_digests(&release(&lake, 1)), wanted, "moment {i}");
        verify_release(&release(&lake, 1));
    }
}

/// Killed again and again, without a whole run between: nothing piles up, and the end is the same.
#[test]
fn killed_five_times_in_a_row() {
    let lab = lab();
    lab.run().run().good();
    lab.give(&format!("police_rms/rms_crimes_{LAST}.csv"));
    let whole = lab.path("undisturbed");
    copy_folder(&lab.lake(), &whole);
    let started = Instant::now();
    lab.run_into(&whole).run().good();
    let took = started.elapsed();
    for i in [3, 5, 7, 8, 9] {
        killed(&lab, &lab.lake(), moment(took, i));
    }
    lab.run().run().good();
    assert_eq!(release_digests(&lab.release(2)), release_digests(&release(&whole, 2)));
    let data = |lake: &Path| files_under(lake).into_keys().filter(|f| f.ends_with(".parquet")).count();
    assert_eq!(data(&lab.lake()), data(&whole), "data files of dead runs are left");
}
