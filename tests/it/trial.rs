//! `svp trial` as a pilot walks it: choose, power, assign, patrols, dosage, evaluate, on invented events with a planted
//! effect; and what it says when there is too little.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Ran, Table, copy_folder, files_under, sample, svp};

/// Days of the sample trial, as days since 2023-04-01: baseline to 2025-03-31, trial 2025-05-01 to 2025-07-29.
const BASELINE: usize = 731;
const TRIAL: std::ops::Range<usize> = 761..851;

/// A day as text.
fn day(number: usize) -> String {
    let lengths =
        |year: usize| [31, if year.is_multiple_of(4) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut year, mut month, mut left) = (2023, 4, number);
    while left >= lengths(year)[month - 1] {
        left -= lengths(year)[month - 1];
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    format!("{year}-{month:02}-{:02}", left + 1)
}

/// Numbers that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// South-west corner of the i-th busy square: 30 of them, 750 m apart.
fn corner(i: usize) -> (usize, usize) {
    (312_000 + 750 * (i % 6), 51_000 + 750 * (i / 6))
}

/// Events of the late shift; a treated square on its day has half of them.
fn events(days: impl Iterator<Item = usize>, treated: &BTreeSet<(String, (usize, usize))>) -> String {
    let (mut numbers, mut out) = (Numbers(7), String::from("easting,northing,occurred\n"));
    for number in days {
        let day = day(number);
        for i in 0..30 {
            let (e, n) = corner(i);
            let rate = 0.45 - i as f64 * 0.01;
            let rate = if treated.contains(&(day.clone(), (e, n))) { rate / 2.0 } else { rate };
            // Two chances a day make a count of 0, 1 or 2.
            for _ in 0..2 {
                let (chance, x, y, minute) = (numbers.unit(), numbers.unit(), numbers.unit(), numbers.unit());
                if chance < rate / 2.0 {
                    let (e, n) = (e as f64 + 149.0 * x, n as f64 + 149.0 * y);
                    let minute = (minute * 470.0) as usize;
                    out.push_str(&format!("{e:.1},{n:.1},{day} {:02}:{:02}\n", 14 + minute / 60, minute % 60));
                }
            }
        }
    }
    out
}

struct Pilot {
    folder: TempDir,
}

impl Pilot {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A step in the folder `t`; arguments that begin with `@` are files of this pilot.
    fn step(&self, step: &str, more: &[&str]) -> Ran {
        let file = |a: &&str| a.strip_prefix('@').map_or((*a).to_owned(), |name| self.path(name).display().to_string());
        svp(["trial", step, "--trial", "wessmark", "--folder"]).arg(self.path("t")).args(more.iter().map(file)).run()
    }

    /// Squares and days that the assignment treats.
    fn treated(&self) -> BTreeSet<(String, (usize, usize))> {
        let spots = Table::parse(&self.text("t/hot_spots.csv"));
        let place: BTreeMap<String, (usize, usize)> = spots
            .rows()
            .map(|r| (r["hot_spot"].to_owned(), (r["easting"].parse().unwrap(), r["northing"].parse().unwrap())))
            .collect();
        let rows = Table::parse(&self.text("t/assignment.csv"));
        let treated = rows.rows().filter(|r| r["arm"] == "treatment");
        treated.map(|r| (r["day"].to_owned(), place[r["hot_spot"]])).collect()
    }
}

#[test]
fn a_pilot_from_the_first_map_to_the_last_table() {
    let pilot = Pilot::new();
    let none = BTreeSet::new();
    pilot.write("baseline.csv", events(0..BASELINE, &none));
    // The busiest square of all is the police headquarters of this story.
    let (e, n) = corner(0);
    pilot.write("exclude.csv", format!("name,easting,northing,radius_m\nHeadquarters,{},{},50\n", e + 75, n + 75));
    let ran = pilot.step("choose", &["--events", "@baseline.csv", "--exclude", "@exclude.csv"]).good();
    assert!(ran.stdout.contains("20 hot spots hold") && ran.stdout.contains("1 on ground left out"), "{}", ran.stdout);
    let list = pilot.text("t/hot_spots.csv");
    assert_eq!(list.lines().count(), 21);
    assert!(!list.contains(&format!("150m:{e}:{n}")));

    let ran = pilot.step("power", &["--events", "@baseline.csv", "--effect", "0.1,0.5", "--simulations", "60"]).good();
    assert!(ran.stdout.contains("least fall that is found in 80 of 100"), "{}", ran.stdout);

    pilot.step("assign", &[]).good();
    let (drawn, record) = (pilot.text("t/assignment.csv"), pilot.text("t/assignment.json"));
    pilot.step("assign", &[]).good();
    assert_eq!((&drawn, &record), (&pilot.text("t/assignment.csv"), &pilot.text("t/assignment.json")));
    assert_eq!(drawn.matches("treatment").count(), 720);
    pilot.step("assign", &["--verify", "@t/assignment.csv"]).good();
    pilot.write("changed.csv", drawn.replacen("treatment", "control", 1));
    pilot.step("assign", &["--verify", "@changed.csv"]).ended(9).says(&["is not the draw", "hint:"]);
    // Hot spots from which somebody has drawn are not chosen anew by an oversight.
    pilot.step("choose", &["--events", "@baseline.csv"]).ended(2).says(&["says something else", "--force"]);

    let ran = pilot.step("patrols", &["--from", "2025-05-01", "--to", "2025-05-10"]).good();
    assert!(ran.stdout.contains("320 visits of 15 minutes on 10 days"), "{}", ran.stdout);
    let sheets = files_under(&pilot.path("t/patrols"));
    assert_eq!(sheets.len(), 10 * 7);
    let sheet = pilot.text("t/patrols/2025-05-01/sheet.html");
    assert!(sheet.contains("BST") && !sheet.contains("events"));

    // Unit 1 of four walks as written, the others not at all.
    let mut pings = String::from("unit,timestamp,easting,northing\nZulu7,never,1,1\n");
    for number in 0..10 {
        let text = pilot.text(&format!("t/patrols/{}/patrols.csv", day(TRIAL.start + number)));
        for row in Table::parse(&text).rows().filter(|r| r["unit"] == "1") {
            let start = row["start_local"].to_owned();
            let (date, clock) = start.split_once(' ').unwrap();
            let minutes: usize = clock[..2].parse::<usize>().unwrap() * 60 + clock[3..].parse::<usize>().unwrap();
            for m in minutes..=minutes + 15 {
                pings.push_str(&format!(
                    "Zulu7,{date} {:02}:{:02},{},{}\n",
                    m / 60,
                    m % 60,
                    row["easting"],
                    row["northing"]
                ));
            }
        }
    }
    pilot.write("pings.csv", &pings);
    let ran = pilot.step("dosage", &["--pings", "@pings.csv"]).good().says(&["1 without a time"]);
    assert!(ran.stdout.contains("80 of 2880 (2.8 %)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("20 of 720") && ran.stdout.contains("0 of 1080"), "{}", ran.stdout);
    assert!(!pilot.text("t/dosage.csv").contains("Zulu7"), "a unit is in the dosage");

    let all = (0..BASELINE).chain(TRIAL);
    pilot.write("all.csv", events(all, &pilot.treated()));
    fs::remove_file(pilot.path("t/dosage.csv")).unwrap();
    pilot.step("evaluate", &["--events", "@all.csv"]).good();
    let first = pilot.text("t/evaluation.json");
    let json: serde_json::Value = serde_json::from_str(&first).unwrap();
    let find = |place: &str, method: &str| {
        let all = json["estimates"].as_array().unwrap();
        all.iter().find(|e| e["place"] == place && e["method"] == method).unwrap().clone()
    };
    for method in [
        "rate ratio, Poisson",
        "rate ratio within strata, cluster-robust",
        "rate ratio, negative binomial, cluster-robust",
    ] {
        let found = find("hot spots", method);
        let (lower, upper) = (found["lower"].as_f64().unwrap(), found["upper"].as_f64().unwrap());
        assert!(lower < 0.5 && 0.5 < upper && upper < 0.75, "{found}");
    }
    assert!(find("hot spots", "randomisation test, events")["p"].as_f64().unwrap() < 0.01);
    assert!(first.contains("svp disclose --check"));
    let page = pilot.text("t/report.html");
    assert!(page.contains("<svg") && !page.contains("NaN") && !page.contains("http://localhost"));
    pilot.step("evaluate", &["--events", "@all.csv"]).good();
    assert_eq!(first, pilot.text("t/evaluation.json"));
    assert_eq!(page, pilot.text("t/report.html"));
}

#[test]
fn too_little_is_said_and_never_a_nan() {
    let pilot = Pilot::new();
    let says = |text: &str, code: i32, words: &[&str]| {
        pilot.write("e.csv", text);
        let ran = pilot.step("choose", &["--events", "@e.csv"]).ended(code).says(words).says(&["hint:"]);
        assert!(!ran.stdout.contains("NaN") && !ran.stderr.contains("NaN"));
    };
    says("", 4, &["has no rows"]);
    says("easting,northing,occurred\n", 4, &["has no rows"]);
    says("easting,occurred\n1,2\n", 4, &["no column `northing`"]);
    says("easting,northing,occurred\n,,\nx,y,z\n", 4, &["no event lies in the baseline", "2 without a place"]);
    // Twice a month through the whole baseline.
    let one: String = (0..48)
        .map(|i| (3 + i / 2, i))
        .map(|(m, i)| format!("312075,51075,{}-{:02}-{:02} 15:00\n", 2023 + m / 12, 1 + m % 12, 5 + 15 * (i % 2)))
        .collect();
    says(&format!("easting,northing,occurred\n{one}"), 3, &["1 hot spots can be chosen", "wants 20"]);
    let early = one.replace("15:00", "09:00");
    says(&format!("easting,northing,occurred\n{early}"), 4, &["hours that count"]);
    let ran = svp(["trial", "assign", "--trial", "wesmark"]).run().ended(2);
    ran.says(&["did you mean `wessmark`?"]);
    pilot.step("assign", &[]).ended(2).says(&["hot_spots.csv is not there", "svp trial choose"]);
    let header = "hot_spot,cell,easting,northing,size_m,events,harm\n";
    pilot.write("t/hot_spots.csv", format!("{header}A,a,312000,51000,150,9,0\nB,b,312000,51000,150,8,0\n"));
    pilot.step("assign", &[]).ended(4).says(&["A and B overlap", "hint:"]);
    pilot.write("t/hot_spots.csv", format!("{header}A,a,312000,51000,150,9,0\n"));
    pilot.step("assign", &[]).ended(3).says(&["1 hot spots cannot be compared", "hint:"]);
    pilot.write("t/hot_spots.csv", format!("{header}A,a,312000,51000,150,9,0\nB,b,313500,51000,150,8,0\n"));
    pilot.step("assign", &[]).good();
    pilot.step("patrols", &["--from", "2024-01-01"]).ended(2).says(&["is not a day of the trial"]);
    pilot.write("p.csv", "unit,timestamp,lon,lat\nA,b,c,d\n");
    pilot.step("dosage", &["--pings", "@p.csv"]).ended(4).says(&["no ping that can be used", "hint:"]);
    pilot.write("e.csv", "easting,northing,occurred\n312075,51075,2024-06-01 15:00\n");
    pilot.step("evaluate", &["--events", "@e.csv"]).ended(4).says(&["the hot spots during the trial", "hint:"]);
}

/// Rows that stand twice, dates whose month and day are exchanged, and a baseline covered in part would give wrong hot spots.
#[test]
fn hot_spots_do_not_stand_on_damaged_events() {
    let pilot = Pilot::new();
    let good = events(0..BASELINE, &BTreeSet::new());
    let choose = |text: &str| {
        pilot.write("e.csv", text);
        pilot.step("choose", &["--events", "@e.csv"])
    };
    choose(&good).good();
    assert!(!pilot.text("t/hot_spots.geojson").contains("notes"));
    let (header, rows) = good.split_once('\n').unwrap();
    fs::remove_file(pilot.path("t/hot_spots.csv")).unwrap();
    choose(&format!("{good}{rows}")).ended(4).says(&["e.csv", "stand twice", "in the same order", "hint:"]);
    // As a spreadsheet of another country leaves dates.
    let exchanged: String = rows
        .lines()
        .map(|row| {
            let (place, at) = row.rsplit_once(',').unwrap();
            let (year, month, day) = (&at[..4], &at[5..7], &at[8..10]);
            match day.parse::<u32>().unwrap() {
                1..=12 => format!("{place},{year}-{day}-{month}{}\n", &at[10..]),
                _ => format!("{place},{day}/{month}/{year}{}\n", &at[10..]),
            }
        })
        .collect();
    choose(&format!("{header}\n{exchanged}")).ended(4).says(&["e.csv", "month and day", "hint:"]);
    let after = |from: &str| -> String {
        rows.lines().filter(|row| row.rsplit_once(',').unwrap().1 >= from).map(|row| format!("{row}\n")).collect()
    };
    choose(&format!("{header}\n{}", after("2024-07"))).ended(4).says(&["e.csv", "15 of the 24 months", "[baseline]"]);
    assert!(!pilot.path("t/hot_spots.csv").exists());
    choose(&format!("{header}\n{}", after("2023-07"))).good().says(&["to know", "2023-04 to 2023-06"]);
    assert!(pilot.text("t/hot_spots.geojson").contains("2023-04 to 2023-06"));
}

/// The lake of the sample gives the same kind of list, by the trial's definition and without what stays off grids.
#[test]
fn hot_spots_out_of_a_lake() {
    let pilot = Pilot::new();
    let ran = svp(["trial", "choose", "--trial", "wessmark", "--folder"])
        .arg(pilot.path("t"))
        .arg("--lake")
        .arg(&sample().lake)
        .run()
        .good();
    assert!(ran.stdout.contains("20 hot spots hold"), "{}", ran.stdout);
    let list = Table::parse(&pilot.text("t/hot_spots.csv"));
    let excluded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-data/reference/premises_to_exclude.csv");
    let excluded = Table::parse(&fs::read_to_string(excluded).unwrap());
    for place in excluded.rows() {
        let (e, n): (f64, f64) = (place["easting"].parse().unwrap(), place["northing"].parse().unwrap());
        for spot in list.rows() {
            let (w, s): (f64, f64) = (spot["easting"].parse().unwrap(), spot["northing"].parse().unwrap());
            let holds = (w..w + 150.0).contains(&e) && (s..s + 150.0).contains(&n);
            assert!(!holds || spot["share_at_one_point"].parse::<f64>().unwrap() < 0.5);
        }
    }
}

/// With an index of harm the events of a lake carry their weights: totals agree with what the lake's own SQL gives.
#[test]
fn harm_out_of_a_lake() {
    let pilot = Pilot::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    copy_folder(&root.join("pipelines"), &pilot.path("site/pipelines"));
    let plan = fs::read_to_string(root.join("pipelines/trials/wessmark.toml")).unwrap();
    let choose = |change: &[(&str, &str)]| {
        let text = change.iter().fold(plan.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        pilot.write("site/pipelines/trials/wessmark.toml", text);
        svp(["trial", "choose", "--force", "--trial", "wessmark", "--site"])
            .arg(pilot.path("site"))
            .args(["--reference"])
            .arg(root.join("sample-data/reference"))
            .arg("--folder")
            .arg(pilot.path("t"))
            .arg("--lake")
            .arg(&sample().lake)
            .run()
    };
    let (harm, index) = (("measure = \"events\"", "measure = \"harm\""), "# harm_index = \"cchi_anchors\"");
    choose(&[harm]).ended(2).says(&["names no harm_index", "hint:", "cchi_anchors"]);
    choose(&[harm, (index, "harm_index = \"cchi_anchor\"")])
        .ended(2)
        .says(&["there is no harm index `cchi_anchor`", "did you mean `cchi_anchors`?"]);
    let unknown = svp(["check", "--area", "wessmark", "--site"]).arg(pilot.path("site")).run();
    unknown.ended(3).says(&["there is no harm index", "pipelines/trials/wessmark.toml"]);
    // All hours count, so that the weights of the squares can be added up beside the lake's events.
    let hours = ("hours = \"patrolled\"", "hours = \"all\"");
    let few = ("hot_spots = 20", "hot_spots = 5");
    let ran = choose(&[harm, hours, few, (index, "harm_index = \"cchi_anchors\"")]).good();
    assert!(ran.stderr.contains("without a harm weight (their harm counts nothing)"), "{}", ran.stderr);
    let list = Table::parse(&pilot.text("t/hot_spots.csv"));
    // The analysis of the same name adds up the same weights of the same squares, over the months of the baseline.
    let ran = svp(["analyse", "weighted_hotspots", "--area", "wessmark", "--format", "csv", "--quiet", "--set"])
        .args(["grid=bng:150", "--set", "index=cchi_anchors", "--site"])
        .arg(pilot.path("site"))
        .arg("--reference")
        .arg(root.join("sample-data/reference"))
        .arg("--lake")
        .arg(&sample().lake)
        .run()
        .good();
    let cells = Table::parse(&ran.stdout);
    let sums: BTreeMap<&str, f64> =
        cells.rows().filter(|r| r["shift"] == "all").map(|r| (r["cell"], r["points"].parse().unwrap())).collect();
    assert_eq!(list.rows().count(), 5);
    for spot in list.rows() {
        let harm: f64 = spot["harm"].parse().unwrap();
        assert!(
            harm > 0.0 && (harm - sums[spot["cell"]]).abs() < 0.01,
            "{} of {harm}, not {}",
            spot["cell"],
            sums[spot["cell"]]
        );
    }
    // Without an index nothing is weighed, and nothing is said to lack a weight.
    let ran = choose(&[hours, few]).good();
    assert!(!ran.stderr.contains("harm weight"), "{}", ran.stderr);
    assert!(Table::parse(&pilot.text("t/hot_spots.csv")).rows().all(|r| r["harm"] == "0"));
}
