//! What goes wrong gets a message that names the place, a hint, its own exit code, and loses nothing.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{
    CLOCK, KEY, Lab, OTHER_KEY, aloud, files_under, label, number, release_digests, sample, sample_data, sql, svp,
    verify_release,
};

const GOOD: &str = "police_rms/rms_crimes_2024-12.csv";
const BAD: &str = "police_rms/rms_crimes_2025-01.csv";

fn extract(file: &str) -> Vec<u8> {
    fs::read(sample_data(file)).unwrap()
}

/// Changes the first occurrence in bytes that need not be UTF-8.
fn replaced(bytes: &[u8], from: &str, to: &str, times: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut done) = (0, 0);
    while at < bytes.len() {
        if done < times && bytes[at..].starts_with(from.as_bytes()) {
            out.extend_from_slice(to.as_bytes());
            at += from.len();
            done += 1;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    assert!(done > 0, "`{from}` is not in the extract");
    out
}

/// A lake with one good month, and then a second month that cannot be used: the run ends with `code` and says `words`;
/// the lake and the release of the good month are as they were; the same run with the mended month ends well.
fn check(what: &str, spoil: impl Fn(&Lab), code: i32, words: &[&str]) {
    let lab = Lab::police();
    lab.give(GOOD);
    lab.run().run().good();
    let (rows, release) = (number(&lab.lake(), "SELECT count(*) FROM event"), release_digests(&lab.release(1)));

    spoil(&lab);
    let ran = lab.run().run();
    assert_eq!(ran.code, code, "{what}: exit code; it said:\n{}", ran.stderr);
    for word in words.iter().chain(&["error: ", "hint: "]) {
        assert!(ran.stderr.contains(word), "{what}: `{word}` is not in:\n{}", ran.stderr);
    }
    assert!(ran.stdout.is_empty(), "{what}: {}", ran.stdout);

    nothing_lost(what, &lab, rows, &release);
    for file in files_under(&lab.path("extracts")).into_values() {
        if !file.ends_with(Path::new(GOOD).file_name().unwrap()) {
            fs::remove_file(file).unwrap();
        }
    }
    let unreadable = lab.path("extracts").join(BAD);
    if unreadable.is_dir() {
        fs::remove_dir(unreadable).unwrap();
    }
    lab.give(BAD);
    lab.run().run().good();
    verify_release(&lab.release(2));
}

#[track_caller]
fn nothing_lost(what: &str, lab: &Lab, rows: i64, release: &std::collections::BTreeMap<String, String>) {
    assert!(!lab.release(2).exists(), "{what}: something was published");
    assert!(!lab.lake().join("runs/00000002.json").exists(), "{what}: a run was recorded");
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event"), rows, "{what}: rows of the good month");
    assert_eq!(&release_digests(&lab.release(1)), release, "{what}: the release of the good month");
}

#[test]
fn a_renamed_column_is_named_with_its_likely_name() {
    let spoil = |lab: &Lab| drop(lab.write(BAD, replaced(&extract(BAD), "HOCR Class", "HOCR Code", 1)));
    check("header drift", spoil, 4, &["rms_crimes_2025-01.csv", "HOCR Class", "HOCR Code", "header differs"]);
}

#[test]
fn a_file_without_a_header() {
    let bytes = extract(BAD);
    let first = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    check(
        "no header",
        |lab| drop(lab.write(BAD, &bytes[first..])),
        4,
        &["rms_crimes_2025-01.csv", "first line is not the expected header"],
    );
}

#[test]
fn a_truncated_gzip() {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(&extract(BAD)).unwrap();
    let bytes = gz.finish().unwrap();
    let spoil = |lab: &Lab| drop(lab.write(&format!("{BAD}.gz"), &bytes[..bytes.len() * 2 / 3]));
    check("truncated gzip", spoil, 4, &["rms_crimes_2025-01.csv.gz", "truncated", "last whole row is"]);
}

#[test]
fn a_damaged_gzip() {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(&extract(BAD)).unwrap();
    let mut bytes = gz.finish().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xa5);
    let spoil = |lab: &Lab| drop(lab.write(&format!("{BAD}.gz"), &bytes));
    check("damaged gzip", spoil, 4, &["rms_crimes_2025-01.csv.gz", "gzip"]);
}

#[test]
fn an_empty_file() {
    check("empty", |lab| drop(lab.write(BAD, "")), 4, &["rms_crimes_2025-01.csv", "is empty"]);
}

#[test]
fn another_encoding() {
    // UTF-16 without the mark that would tell it; with the mark it is read.
    let text = String::from_utf8_lossy(&extract(BAD)).into_owned();
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("UTF-16", |lab| drop(lab.write(BAD, &bytes)), 4, &["rms_crimes_2025-01.csv", "UTF-16"]);
}

#[test]
fn latin_bytes_in_a_source_that_is_utf8() {
    let lab = Lab::street();
    let month = "police_street/2025-01-wessmark-street.csv";
    let place = "On or near";
    let mut bytes = replaced(&extract(month), place, "On or n@ar", usize::MAX);
    bytes.iter_mut().filter(|b| **b == b'@').for_each(|b| *b = 0xe9);
    lab.write(month, bytes);
    let ran = lab.run().run().ended(4).says(&["2025-01-wessmark-street.csv", "hint: "]);
    assert!(
        ran.stderr.contains("encoding") || ran.stderr.contains("windows-1252") || ran.stderr.contains("Windows-1252"),
        "{}",
        ran.stderr
    );
    assert!(!lab.lake().join("published").exists());
}

#[test]
fn a_folder_where_a_file_should_be_and_a_missing_one() {
    let lab = Lab::police();
    lab.give(GOOD);
    let missing = lab.path("extracts/police_rms/rms_crimes_2024-11.csv");
    let input = format!("police_rms={}", missing.display());
    lab.run().args(["--input", &input]).run().ended(4).says(&["rms_crimes_2024-11.csv", "hint: "]);
    let odd = lab.write("police_rms/crimes of may.csv", extract(BAD));
    lab.run().run().ended(4).says(&["crimes of may.csv", "police_rms", "hint: "]);
    fs::remove_file(odd).unwrap();
    // A link that leads nowhere is not passed over in silence.
    let link = lab.path("extracts").join(BAD);
    std::os::unix::fs::symlink(lab.path("nowhere"), &link).unwrap();
    lab.run().run().ended(4).says(&["rms_crimes_2025-01.csv", "cannot be read", "hint: "]);
    fs::remove_file(&link).unwrap();
    // Root may read everything, so that permissions say nothing there.
    let locked = lab.give(BAD);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&locked).is_ok() {
        aloud("SKIPPED: an unreadable file, since this user may read everything");
    } else {
        lab.run().run().ended(4).says(&["rms_crimes_2025-01.csv", "hint: "]);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!lab.lake().join("published").exists());
    lab.run().run().good();
}

#[test]
fn too_many_unknown_codes() {
    let spoil = |lab: &Lab| drop(lab.write(BAD, replaced(&extract(BAD), ",VICTIM,", ",TARGET,", 8)));
    check("unknown codes", spoil, 4, &["rms_crimes_2025-01.csv", "unknown_code", "% of rows", "police_rms"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let spoil = |lab: &Lab| {
        lab.write(BAD, replaced(&extract(BAD), "Easting", "Ostwert", 1));
        lab.write("police_rms/rms_crimes_2025-02.csv", "");
    };
    check(
        "two files",
        spoil,
        4,
        &["rms_crimes_2025-01.csv", "\"Easting\"", "column 10", "rms_crimes_2025-02.csv", "2 files"],
    );
}

/// One row broken in each way: the run goes on, and quarantine says file, row, column and rule.
#[test]
fn bad_rows_are_told_by_file_row_column_and_rule() {
    let lab = Lab::police();
    let header = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,\
                  Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,\
                  Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";
    let row = |id: &str, from: &str, to: &str, class: &str, e: &str, n: &str, kind: &str| {
        format!("{id},01/02/2025 10:00,{from},{to},8/06,{class},Assault,Filed,,{e},{n},,{kind},,,N,N,N,N,,,,,,,,,,,,")
    };
    let good = row("1", "31/01/2025 22:10", "", "8N", "323600", "53600", "Street");
    let cases = [
        (row("2", "31/02/2025 22:10", "", "8N", "323600", "53600", "Street"), "occurred_from", "unreadable"),
        (
            row("3", "31/01/2025 22:10", "30/01/2025 22:10", "8N", "323600", "53600", "Street"),
            "occurred_from",
            "from_after_to",
        ),
        (row("4", "31/01/2025 22:10", "", "8N", "53600", "323600", "Street"), "easting", "swapped_coordinates"),
        (row("5", "31/01/2025 22:10", "", "8N", "east", "53600", "Street"), "easting", "unreadable"),
        (row("6", "31/01/2025 22:10", "", "999Z", "323600", "53600", "Street"), "offence_code", "unknown_offence"),
        (row("", "31/01/2025 22:10", "", "8N", "323600", "53600", "Street"), "record_id", "missing"),
        ("9,too short".to_owned(), "row", "field_count"),
    ];
    let mut text = format!("{header}\r\n{good}\r\n");
    for (line, _, _) in &cases {
        text.push_str(line);
        text.push_str("\r\n");
    }
    // An attribute that nobody knows costs the attribute, not the crime.
    text.push_str(&row("7", "31/01/2025 22:10", "", "8N", "323600", "53600", "Moon"));
    text.push_str("\r\n");
    // Outside the area: kept and noted. Then enough good rows to stay below the thresholds.
    text.push_str(&row("10", "31/01/2025 22:10", "", "8N", "400000", "400000", "Street"));
    text.push_str("\r\n");
    for i in 0..500 {
        text.push_str(&row(&format!("G{i}"), "31/01/2025 22:10", "", "8N", "323600", "53600", "Street"));
        text.push_str("\r\n");
    }
    lab.write(BAD, text);
    lab.run().run().good();
    let table = sql(&lab.lake(), "SELECT file, row, column_name, rule FROM quarantine ORDER BY row");
    let found: Vec<[&str; 4]> = table.rows.iter().map(|r| [r[0].as_str(), &r[1], &r[2], &r[3]]).collect();
    let rows: Vec<String> = (0..cases.len()).map(|i| (i + 2).to_string()).collect();
    let file = label("rms_crimes_2025-01.csv");
    let wanted: Vec<[&str; 4]> =
        cases.iter().zip(&rows).map(|((_, c, r), row)| [file.as_str(), row.as_str(), *c, *r]).collect();
    assert_eq!(found, wanted);
    let receipt = sql(&lab.lake(), "SELECT rows_read, accepted, quarantined, duplicate FROM receipt");
    assert_eq!(receipt.rows, [["510", "503", "7", "0"]]);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event WHERE location_type IS NULL"), 1);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event WHERE in_area = false"), 1);
}

#[test]
fn keys() {
    let lab = Lab::police();
    lab.give(GOOD);
    let run = |more: &[&str]| {
        let lake = lab.lake();
        svp(["--site"])
            .arg(lab.site())
            .args(["run", "--area", "wessmark", "--clock", CLOCK, "--lake"])
            .arg(lake)
            .args(more)
            .run()
    };
    run(&[]).ended(5).says(&["key", "hint: ", "svp key new"]);
    assert!(!lab.lake().join("published").exists());
    let odd = lab.path("odd");
    fs::write(&odd, "secret").unwrap();
    let said = run(&["--key", odd.to_str().unwrap()]).ended(5).says(&["cannot be used", "hint: "]);
    assert!(!said.stderr.contains("secret\n") && !said.stderr.contains("`secret`"), "{}", said.stderr);
    run(&["--key", "env:SVP_NO_SUCH_KEY"]).ended(5).says(&["SVP_NO_SUCH_KEY", "hint: "]);

    lab.run().run().good();
    let (rows, release) = (number(&lab.lake(), "SELECT count(*) FROM event"), release_digests(&lab.release(1)));
    fs::write(lab.key(), OTHER_KEY).unwrap();
    lab.give(BAD);
    let said = lab.run().run().ended(5).says(&["not the key of the lake", "hint: "]);
    for secret in [KEY, OTHER_KEY] {
        assert!(!said.stderr.contains(secret.split_whitespace().last().unwrap()), "a key was told");
    }
    nothing_lost("wrong key", &lab, rows, &release);

    // `svp key new` makes one that works, for its owner only, and never writes over another.
    let made = lab.path("made");
    svp(["key", "new", "--out"]).arg(&made).run().good();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&made).unwrap();
    assert_ne!(svp(["key", "new", "--out"]).arg(&made).run().code, 0);
    assert_eq!(fs::read(&made).unwrap(), before);
    let show = svp(["key", "show"]).env("SVP_KEY", &made).run().good().stdout;
    assert!(show.contains("check"), "{show}");
    let secret = String::from_utf8(before).unwrap();
    assert!(!show.contains(secret.split_whitespace().last().unwrap()), "`svp key show` tells the key");
}

#[test]
fn a_lake_of_a_newer_version() {
    let lab = Lab::police();
    lab.give(GOOD);
    lab.run().run().good();
    let record = lab.lake().join("runs/00000001.json");
    let text = fs::read_to_string(&record).unwrap();
    assert!(text.contains("\"format\": 4"));
    fs::write(&record, text.replacen("\"format\": 4", "\"format\": 5", 1)).unwrap();
    lab.give(BAD);
    lab.run().run().ended(8).says(&["format 5", "hint: ", "upgrade"]);
    svp(["sql", "--lake"]).arg(lab.lake()).arg("SELECT 1").run().ended(8).says(&["hint: "]);
    assert!(!lab.lake().join("runs/00000002.json").exists());
    fs::write(&record, text).unwrap();
    lab.run().run().good();
}

/// Another run holds the lake: this one says so at once, and reading goes on.
#[test]
fn a_lake_in_use() {
    let lab = Lab::police();
    lab.give(GOOD);
    lab.run().run().good();
    let lock = fs::OpenOptions::new().read(true).write(true).open(lab.lake().join("runs/lease.lock")).unwrap();
    lock.lock().unwrap();
    lab.give(BAD);
    lab.run().run().ended(6).says(&["being written by", "hint: "]);
    assert!(number(&lab.lake(), "SELECT count(*) FROM event") > 0);
    lock.unlock().unwrap();
    lab.run().run().good();
}

#[test]
fn definitions_that_are_wrong() {
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        (
            "pipelines/sources/police_rms.toml",
            "encoding = \"windows-1252\"",
            "encodng = \"windows-1252\"",
            &["police_rms.toml", "encodng", "encoding"],
        ),
        ("pipelines/sources/police_rms.toml", "\"Easting\")", "\"Eastng\")", &["police_rms.toml", "easting", "Eastng"]),
        (
            "pipelines/definitions/opcc_2020.toml",
            "offence_code IN",
            "ofence_code IN",
            &["opcc_2020.toml", "ofence_code"],
        ),
        (
            "pipelines/outputs/by_district.sql",
            "coalesce(c.events, 0) AS events",
            "coalesce(c.evnts, 0) AS events",
            &["by_district.sql", "evnts"],
        ),
    ];
    for (file, from, to, words) in &cases {
        let lab = Lab::police();
        lab.give(GOOD);
        lab.edit(file, from, to);
        let words: Vec<&str> = words.iter().copied().chain(["hint: "]).collect();
        lab.check().run().ended(3).says(&words);
        assert!(!lab.lake().exists(), "svp check made a lake");
    }
    // Two at once are told at once, and a run refuses them as well.
    let lab = Lab::police();
    lab.give(GOOD);
    for (file, from, to, _) in [&cases[0], &cases[2]] {
        lab.edit(file, from, to);
    }
    lab.check().run().ended(3).says(&["encodng", "ofence_code", " problems in the definitions"]);
    lab.run().run().ended(3).says(&["encodng", "hint: "]);
    assert!(files_under(lab.path("extracts").as_path()).len() == 1 && !lab.lake().join("published").exists());
    svp(["check"]).run().good();
}

#[test]
fn an_audience_that_the_law_does_not_name() {
    let lab = Lab::police();
    lab.give(GOOD);
    lab.run().args(["--audience", "public"]).run().ended(9).says(&["police_rms", "`public`", "hint: "]);
    assert!(!lab.lake().join("published").exists());
    // The whole county: the emergency department's data may not go to the public either.
    let folder = tempfile::TempDir::new().unwrap();
    let lake = folder.path().join("lake");
    crate::support::sample_command(&lake, &sample().key)
        .args(["--audience", "public"])
        .run()
        .ended(9)
        .says(&["may not go", "hint: "]);
}

#[test]
fn command_lines_and_queries_that_are_wrong() {
    svp(["run"]).run().ended(2).says(&["--area"]);
    svp(["run", "--area", "wesmark"]).run().ended(2).says(&["wesmark", "hint: ", "wessmark"]);
    svp(["--site", "/nowhere", "check"]).run().ended(2).says(&["pipelines", "hint: "]);
    svp(["sql", "--lake", "/nowhere/lake", "SELECT 1"]).run().ended(7).says(&["no lake at", "hint: "]);
    let lake = &sample().lake;
    let query = |text: &str| svp(["sql", "--lake"]).arg(lake).arg(text).run();
    query("SELEC 1").ended(10).says(&["hint: "]);
    query("SELECT nothing FROM event").ended(10).says(&["nothing", "hint: "]);
    // A query reads and does nothing else.
    for text in [
        "DROP TABLE event",
        "CREATE TABLE t AS SELECT 1",
        "DELETE FROM event",
        "COPY event TO 'out.csv'",
        "SET datafusion.execution.batch_size = 1",
    ] {
        query(text).ended(10);
    }
}

/// The disk is full: the run says so, and the lake is the last good one. Needs the right to mount a small file system.
#[test]
fn a_full_disk() {
    let lab = Lab::police();
    lab.give(GOOD);
    let disk = lab.lake();
    fs::create_dir_all(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1800k", "tmpfs"]).arg(&disk).output();
    if !mounted.is_ok_and(|m| m.status.success()) {
        aloud("SKIPPED: a full disk, since this user cannot mount a small file system");
        return;
    }
    struct Unmount<'a>(&'a Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let _unmount = Unmount(&disk);
    lab.run().run().good();
    let (rows, release) = (number(&disk, "SELECT count(*) FROM event"), release_digests(&lab.release(1)));
    fs::write(disk.join("ballast"), vec![7_u8; 4 << 20]).unwrap_err();
    lab.give(BAD);
    lab.run().run().ended(7).says(&["no space left", "hint: "]);
    nothing_lost("full disk", &lab, rows, &release);
    fs::remove_file(disk.join("ballast")).unwrap();
    lab.run().run().good();
    verify_release(&lab.release(2));
}
