//! Reference data are held against the area: what would make a figure wrong is refused by every command alike, what leaves it open
//! is told and the figure is not available.

use std::fs;
use std::path::PathBuf;

use crate::support::{Lab, Ran, Svp, Table, copy_folder, number, sample_data, svp, verify_release};

const DISTRICTS: &str = "district_boundaries.geojson";
const SMALL: &str = "lsoa_boundaries.geojson";
const LOOKUP: &str = "lookup_lsoa21_ward24_ltla24.csv";
const MSOA: &str = "lookup_lsoa21_msoa21.csv";
const POPULATION: &str = "population.csv";

/// A site with one month of police crimes and a copy of the sample's reference data.
struct Bench {
    lab: Lab,
}

impl Bench {
    fn new() -> Self {
        let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district", "hotspot_grid_250m"]);
        lab.give("police_rms/rms_crimes_2024-12.csv");
        copy_folder(&sample_data("reference"), &lab.path("reference"));
        Self { lab }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.lab.path("reference").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Lays the sample's file there again.
    fn mend(&self, name: &str) {
        fs::copy(sample_data("reference").join(name), self.file(name)).unwrap();
    }

    fn with(&self, command: Svp) -> Svp {
        command.arg("--reference").arg(self.lab.path("reference"))
    }

    fn check(&self) -> Ran {
        self.with(self.lab.check()).run()
    }

    fn run(&self) -> Ran {
        self.with(self.lab.run()).run()
    }

    fn command(&self, words: &[&str]) -> Ran {
        let command = svp(["--site"]).arg(self.lab.site()).args(words).args(["--area", "wessmark", "--lake"]);
        self.with(command.arg(self.lab.lake())).run()
    }
}

/// The text without the lines that a test names.
fn without(text: &str, drop: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|l| !drop(l)).map(|l| format!("{l}\n")).collect()
}

/// The features of a GeoJSON file, one a line, changed or taken out.
fn features(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut collection: serde_json::Value = serde_json::from_str(text).unwrap();
    let all = collection["features"].as_array().unwrap();
    let kept = all.iter().filter_map(|f| change(&f.to_string())).map(|f| serde_json::from_str(&f).unwrap()).collect();
    collection["features"] = serde_json::Value::Array(kept);
    collection.to_string()
}

/// Coordinates of every position, changed.
fn positions(text: &str, change: impl Fn(f64, f64) -> (f64, f64) + Copy) -> String {
    fn walk(value: &mut serde_json::Value, change: impl Fn(f64, f64) -> (f64, f64) + Copy) {
        if let Some(list) = value.as_array_mut() {
            if let [x, y] = list.as_slice()
                && let (Some(x), Some(y)) = (x.as_f64(), y.as_f64())
            {
                let (x, y) = change(x, y);
                *list = vec![x.into(), y.into()];
            } else {
                list.iter_mut().for_each(|v| walk(v, change));
            }
        }
    }
    let mut collection: serde_json::Value = serde_json::from_str(text).unwrap();
    for feature in collection["features"].as_array_mut().unwrap() {
        walk(&mut feature["geometry"]["coordinates"], change);
    }
    collection.to_string()
}

/// Changes the n-th field of the rows that begin with a code, or hold it.
fn field(text: &str, code: &str, at: usize, value: &str) -> String {
    let row = |line: &str| match line.split(',').any(|f| f == code) {
        true => {
            let mut fields: Vec<&str> = line.split(',').collect();
            fields[at] = value;
            fields.join(",")
        }
        false => line.to_owned(),
    };
    text.lines().map(|l| row(l) + "\n").collect()
}

#[test]
fn what_is_whole_passes_and_says_so() {
    let bench = Bench::new();
    let ran = bench.check().good();
    assert!(ran.stderr.contains("reference data are whole and fit the area"), "{}", ran.stderr);
    // In other clothes the same: a byte order mark, wide text, a spreadsheet's line ends and empty columns, notes below.
    let plain = bench.run().good();
    let release = |n: u64| Table::read(&bench.lab.release(n).join("by_district__opcc_2020.csv")).counts("name", "rate");
    assert!(!plain.stderr.contains("not available"), "{}", plain.stderr);
    let rates = release(1);
    fs::write(bench.file(DISTRICTS), format!("\u{feff}{}", bench.text(DISTRICTS))).unwrap();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(bench.text(SMALL).encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(bench.file(SMALL), wide).unwrap();
    fs::write(bench.file(LOOKUP), format!("\u{feff}{}", bench.text(LOOKUP).replace('\n', ",,\r\n"))).unwrap();
    let population = bench.text(POPULATION);
    let header = population.lines().next().unwrap().to_owned();
    fs::write(bench.file(POPULATION), format!("{population}{header}\n,,\nSource: the office\n")).unwrap();
    bench.check().good();
    bench.run().good();
    assert_eq!(release(2), rates);
    assert!(rates.len() >= 4);
}

/// Everything that is refused: which file is damaged, how, and what the message names.
fn damages(bench: &Bench) -> Vec<(&'static str, &'static str, String, Vec<&'static str>)> {
    let (districts, small, lookup) = (bench.text(DISTRICTS), bench.text(SMALL), bench.text(LOOKUP));
    let (population, deciles, postcodes) =
        (bench.text(POPULATION), bench.text("imd_lsoa21.csv"), bench.text("postcodes.csv"));
    let first = |text: &str| text.lines().nth(1).unwrap().to_owned();
    let of = |code: &'static str| move |f: &str| f.contains(code);
    let drop = |text: &str, code: &'static str| features(text, |f| (!of(code)(f)).then(|| f.to_owned()));
    let double = |text: &str, code: &str, other: &str| features(text, |f| Some(f.replace(code, other)));
    let null = |text: &str, code: &'static str| {
        features(text, |f| {
            let mut feature: serde_json::Value = serde_json::from_str(f).unwrap();
            if of(code)(f) {
                feature["geometry"] = serde_json::Value::Null;
            }
            Some(feature.to_string())
        })
    };
    let again = |text: &str, from: &str, to: &str| format!("{text}{}\n", first(text).replacen(from, to, 1));
    let cut = |text: &str, by: usize| text.trim_end()[..text.trim_end().len() - by].to_owned();
    vec![
        ("a district without ground", DISTRICTS, drop(&districts, "E07990002"), vec!["no boundary", "E07990002"]),
        ("a district whose ground is empty", DISTRICTS, null(&districts, "E07990002"), vec!["empty"]),
        (
            "a boundary code twice",
            DISTRICTS,
            double(&districts, "E07990002", "E07990001"),
            vec!["code of another area"],
        ),
        ("longitude and latitude exchanged", DISTRICTS, positions(&districts, |x, y| (y, x)), vec!["exchanged"]),
        ("metres", SMALL, positions(&small, |x, y| (x * 1e5 + 6e5, y * 1e3)), vec!["metres"]),
        ("elsewhere", DISTRICTS, positions(&districts, |x, y| (x + 1.5, y)), vec!["outside the area's box"]),
        ("cut in the middle", SMALL, small[..small.len() / 2].to_owned(), vec!["cut"]),
        ("no GeoJSON", DISTRICTS, "district,shape\n".to_owned(), vec!["not a GeoJSON"]),
        (
            "a small area without ground",
            SMALL,
            drop(&small, "\"E01990040\""),
            vec!["no boundary for 1 small area", "E01990040"],
        ),
        ("a small area without a district", LOOKUP, without(&lookup, |l| l.contains("E01990040")), vec!["E01990040"]),
        ("a small area with a blank district", LOOKUP, field(&lookup, "E01990040", 5, ""), vec!["no district"]),
        (
            "a small area in another district",
            LOOKUP,
            field(&lookup, "E01990001", 5, "E07990004"),
            vec!["district", "E01990001"],
        ),
        ("a small area in two districts", LOOKUP, again(&lookup, "E07990001", "E07990002"), vec!["another value"]),
        ("a lookup of another place", LOOKUP, lookup.replace("E0799", "E0699"), vec!["no small area lies in"]),
        ("a lookup that is cut in a row", LOOKUP, cut(&lookup, 20), vec!["cut", "row 99"]),
        ("a lookup that is cut in a code", LOOKUP, cut(&lookup, 3), vec!["cut", "row 99"]),
        (
            "a column that stands twice",
            LOOKUP,
            lookup.replacen("ltla24_name", "ltla24_code", 1),
            vec!["`ltla24_code` twice"],
        ),
        (
            "a layer that lacks small areas",
            MSOA,
            without(&bench.text(MSOA), |l| l.contains("E01990040")),
            vec!["no msoa for 1 small area", "E01990040"],
        ),
        (
            "a small area in two areas of a layer",
            MSOA,
            again(&bench.text(MSOA), "E02990001", "E02990002"),
            vec!["several", "E01990001"],
        ),
        ("people below zero", POPULATION, field(&population, "E01990040", 2, "-5"), vec!["whole number", "row"]),
        ("half people", POPULATION, field(&population, "E01990040", 2, "1500.5"), vec!["whole number", "row"]),
        ("blank people", POPULATION, field(&population, "E01990040", 2, ""), vec!["whole number", "row"]),
        ("other people of one place", POPULATION, again(&population, "1690", "1691"), vec!["other people"]),
        ("people of another place", POPULATION, population.replace("E0199", "E0155"), vec!["none of the small areas"]),
        ("people cut in a row", POPULATION, cut(&population, 9), vec!["cut"]),
        (
            "a place where nobody lives",
            POPULATION,
            field(&population, "E01990040", 2, "0"),
            vec!["nobody lives", "E01990040"],
        ),
        ("ten times the people", POPULATION, tenfold(&population), vec!["in the mean", "1,000 to 3,000"]),
        (
            "people who are not the sum of their ages",
            POPULATION,
            field(&population, "E01990040", 30, "900"),
            vec!["do not add up", "E01990040"],
        ),
        (
            "postcodes that are cut",
            "postcodes.csv",
            postcodes.lines().take(300).map(|l| format!("{l}\n")).collect(),
            vec!["no postcode lies in"],
        ),
        (
            "changes of the census that are cut",
            "lookup_lsoa11_lsoa21_lad22.csv",
            bench.text("lookup_lsoa11_lsoa21_lad22.csv").lines().take(30).map(|l| format!("{l}\n")).collect(),
            vec!["does not say what became of"],
        ),
        (
            "places to leave out in kilometres",
            "premises_to_exclude.csv",
            "name,easting,northing,radius_m\nHQ,316625,62375,0.1\n".to_owned(),
            vec!["metres"],
        ),
        ("an eleventh decile", "imd_lsoa21.csv", field(&deciles, "E01990040", 1, "11"), vec!["1 to 10"]),
        (
            "a postcode in two places",
            "postcodes.csv",
            again(&postcodes, &first_code(&postcodes), "E01990090"),
            vec!["another value"],
        ),
        (
            "places to leave out, exchanged",
            "premises_to_exclude.csv",
            "name,easting,northing,radius_m\nHQ,62375,316625,100\n".to_owned(),
            vec!["exchanged"],
        ),
        (
            "places to leave out of another force",
            "premises_to_exclude.csv",
            "name,easting,northing,radius_m\nHQ,530000,180000,100\n".to_owned(),
            vec!["box"],
        ),
    ]
}

/// Ten times the residents, and of each age.
fn tenfold(text: &str) -> String {
    let number = |field: &str| field.parse::<u32>().map_or_else(|_| field.to_owned(), |n| (10 * n).to_string());
    let rows = text.lines().skip(1).map(|line| line.split(',').map(number).collect::<Vec<_>>().join(","));
    text.lines().take(1).map(str::to_owned).chain(rows).map(|line| line + "\n").collect()
}

/// The small area of the first postcode.
fn first_code(text: &str) -> String {
    text.lines().nth(1).unwrap().split(',').find(|f| f.starts_with("E0199")).unwrap().to_owned()
}

#[test]
fn what_would_make_a_figure_wrong_is_refused() {
    let bench = Bench::new();
    // What the definitions are is another matter: without analyses a check is quicker.
    fs::remove_dir_all(bench.lab.site().join("pipelines/analyses")).unwrap();
    for (what, file, text, told) in damages(&bench) {
        assert!(text != bench.text(file), "{what}: nothing was damaged");
        fs::write(bench.file(file), text).unwrap();
        let ran = bench.check();
        assert_eq!(ran.code, 4, "{what}: {}", ran.stderr);
        for word in told.iter().chain(&["error: ", "hint: "]) {
            assert!(ran.stderr.contains(word), "{what}: `{word}` is not in:\n{}", ran.stderr);
        }
        bench.mend(file);
    }
    bench.check().good();
}

#[test]
fn a_run_refuses_what_a_check_finds_and_so_does_every_question() {
    let bench = Bench::new();
    bench.run().good();
    let events = number(&bench.lab.lake(), "SELECT count(*) FROM event");
    let lines = |ran: &Ran| -> Vec<String> {
        let errors = ran.stderr.lines().filter(|l| l.starts_with("error: reference file"));
        errors.map(str::to_owned).collect()
    };
    let all = damages(&bench);
    let named = |name: &str| all.iter().find(|(what, ..)| *what == name).unwrap();
    for what in [
        "a district without ground",
        "a small area without ground",
        "a lookup that is cut in a row",
        "people below zero",
        "a postcode in two places",
    ] {
        let (_, file, text, _) = named(what);
        fs::write(bench.file(file), text).unwrap();
        let check = bench.check().ended(4);
        assert!(!lines(&check).is_empty(), "{what}: {}", check.stderr);
        let ran = bench.run().ended(4);
        assert_eq!(lines(&ran), lines(&check), "{what}");
        assert_eq!(lines(&bench.command(&["sql", "SELECT 1"]).ended(4)), lines(&check), "{what}");
        bench.mend(file);
    }
    let (_, file, text, _) = named("no GeoJSON");
    fs::write(bench.file(file), text).unwrap();
    bench.command(&["analyse", "by_area"]).ended(4).says(&[file]);
    bench.command(&["disclose", "--attack", "--audience", "partner"]).ended(4).says(&[file]);
    // Several faults are told at once, and those of definitions come first.
    fs::write(bench.file(POPULATION), field(&bench.text(POPULATION), "E01990040", 2, "-5")).unwrap();
    bench.check().ended(4).says(&[file, POPULATION, "2 problems"]);
    bench.lab.edit("pipelines/areas/wessmark.toml", "\"by_district\"", "\"by_distrikt\"");
    bench.check().ended(3).says(&[file, POPULATION, "by_distrikt"]);
    bench.run().ended(3).says(&["by_distrikt"]);
    assert!(!bench.lab.release(2).exists());
    assert_eq!(number(&bench.lab.lake(), "SELECT count(*) FROM event"), events);
}

#[test]
fn files_that_are_not_there_are_all_told() {
    let bench = Bench::new();
    for file in [DISTRICTS, "imd_lsoa21.csv", "postcodes.csv"] {
        fs::remove_file(bench.file(file)).unwrap();
    }
    for ran in [bench.check(), bench.run()] {
        ran.ended(4).says(&[
            DISTRICTS,
            "imd_lsoa21.csv",
            "postcodes.csv",
            "3 problems in extracts and reference files",
        ]);
    }
}

/// Cells of a published table, by district.
fn by_name(release: &std::path::Path, column: &str) -> Vec<(String, String)> {
    let table = Table::read(&release.join("by_district__opcc_2020.csv"));
    let (name, at) = (table.at("name"), table.at(column));
    table.rows.iter().map(|r| (r[name].clone(), r[at].clone())).collect()
}

#[test]
fn a_rate_over_people_who_are_not_known_is_not_available() {
    let bench = Bench::new();
    bench.run().good();
    let whole = by_name(&bench.lab.release(1), "rate");
    let events = by_name(&bench.lab.release(1), "events");
    // Three small areas of Averholt are not in the file.
    let gone = ["E01990003", "E01990008", "E01990012"];
    let text = without(&bench.text(POPULATION), |l| gone.iter().any(|g| l.contains(g)));
    fs::write(bench.file(POPULATION), text).unwrap();
    let told = ["population.csv", "3 small areas", "E07990001", "not available"];
    bench.check().good().says(&told);
    bench.run().good().says(&told);
    let release = bench.lab.release(2);
    verify_release(&release);
    for ((name, rate), (_, before)) in by_name(&release, "rate").iter().zip(&whole) {
        if name == "Averholt" {
            assert!(rate.parse::<f64>().is_err() && before.parse::<f64>().is_ok(), "{name}: {rate} for {before}");
        } else {
            assert_eq!(rate, before, "{name}");
        }
    }
    assert_eq!(by_name(&release, "events"), events, "counts need no residents");
    let report = fs::read_to_string(release.join("report.html")).unwrap();
    assert!(report.contains("no residents of mid-2023 for 3 small areas"), "the report does not say why");

    let analyse = |words: &[&str]| {
        let ran = bench.command(&[&["analyse"], words, &["--format", "csv"]].concat()).good();
        Table::parse(&ran.stdout)
    };
    let districts = analyse(&["by_area", "--set", "layer=district"]);
    for row in districts.rows() {
        let known = row["code"] != "E07990001" && row["code"] != "not placed";
        assert_eq!((row["residents"].is_empty(), row["rate"].is_empty()), (!known, !known), "{row:?}");
    }
    for row in analyse(&["by_area", "--set", "layer=force"]).rows() {
        assert!(row["rate"].is_empty(), "{row:?}");
    }
    for row in analyse(&["standardised_rates"]).rows() {
        let known = row["state"].contains("residents by age are not known");
        assert_eq!(known, row["code"] == "E07990001", "{row:?}");
        assert!(row["code"] != "E07990001" || row["crude_rate"].is_empty(), "{row:?}");
    }
    // The density of people is not known near them, and as before elsewhere.
    // On a coarse grid, which is quick.
    let dense = ["dual_density", "--set", "grid=bng:500", "--set", "bandwidth=1000"];
    let partly = analyse(&dense);
    bench.mend(POPULATION);
    let fully = analyse(&dense);
    let (mut unknown, mut same) = (0, 0);
    for (row, before) in partly.rows().zip(fully.rows()) {
        assert_eq!(row["cell"], before["cell"]);
        assert_eq!(row["events_km2"], before["events_km2"]);
        if row["people_km2"].is_empty() {
            assert!(row["events_per_1000_people"].is_empty());
            unknown += 1;
        } else {
            assert_eq!(row["people_km2"], before["people_km2"], "{row:?}");
            same += 1;
        }
    }
    assert!(unknown > 0 && same > 0, "{unknown} and {same}");
}

#[test]
fn people_of_another_census_for_a_split_area_are_told_and_a_gap_is_seen() {
    // 2011: E01980001 became E01990001 and E01990002; E01980002 and another became E01990003.
    let bench = Bench::new();
    let population = bench.text(POPULATION);
    let row = |code: &str| population.lines().find(|l| l.contains(code)).unwrap().to_owned();
    let sum = |a: &str, b: &str, code: &str| -> String {
        let (a, b) = (row(a), row(b));
        let fields = a.split(',').zip(b.split(',')).enumerate();
        let sum = |(i, (a, b)): (usize, (&str, &str))| match i {
            0 => "Averholt".to_owned(),
            1 => code.to_owned(),
            _ => (a.parse::<i64>().unwrap() + b.parse::<i64>().unwrap()).to_string(),
        };
        fields.map(sum).collect::<Vec<_>>().join(",")
    };
    let rest = without(&population, |l| l.contains("E01990001") || l.contains("E01990002"));
    let one = sum("E01990001", "E01990002", "E01980001");
    fs::write(bench.file(POPULATION), format!("{rest}{one}\n")).unwrap();
    // The people of a small area that was split are not shared out: of its parts they are not known, which is told.
    bench.check().good().says(&["population.csv", "2 small areas", "not available"]);
    fs::write(bench.file(POPULATION), rest).unwrap();
    bench.check().good().says(&["population.csv", "2 small areas", "E07990001"]);
}

#[test]
fn a_trial_does_not_choose_hot_spots_in_the_sea() {
    let lab = Lab::police();
    copy_folder(&crate::support::root().join("pipelines/trials"), &lab.site().join("pipelines/trials"));
    lab.edit("pipelines/trials/wessmark.toml", "definition = \"injury_violence\"", "definition = \"opcc_2020\"");
    // Forty squares of the county, a few events in each, and one square of events by mistake.
    let rows = |exchanged: bool| {
        let mut text = "easting,northing,occurred\n".to_owned();
        for (i, n) in (0..40).flat_map(|i| (0..5 + i % 7).map(move |n| (i, n))) {
            let (e, north) = (316_050 + 600 * (i % 8), 55_050 + 600 * (i / 8));
            let (month, day) = ((3 + i + 5 * n) % 24, 1 + (7 * i + 3 * n) % 28);
            let (a, b) = if exchanged { (north, e) } else { (e, north) };
            text.push_str(&format!("{a},{b},{}-{:02}-{day:02} 20:15\n", 2023 + (month + 3) / 12, 1 + (month + 3) % 12));
        }
        text
    };
    let choose = |text: String| {
        let file = lab.path("events.csv");
        fs::write(&file, text).unwrap();
        svp(["--site"])
            .arg(lab.site())
            .args(["trial", "choose", "--trial", "wessmark", "--folder"])
            .arg(lab.path("trial"))
            .arg("--events")
            .arg(file)
            .run()
    };
    choose(rows(true)).ended(4).says(&["events.csv", "exchanged", "hint: "]);
    assert!(!lab.path("trial/hot_spots.csv").exists());
    // Without an area: nowhere in England and Wales, nor in an area of the site.
    lab.edit("pipelines/trials/wessmark.toml", "area = \"wessmark\"", "");
    choose(rows(true)).ended(4).says(&["events.csv", "exchanged"]);
    choose(rows(false)).good();
    assert!(lab.path("trial/hot_spots.csv").exists());
}

#[test]
fn an_answer_knows_what_a_check_told() {
    let bench = Bench::new();
    let text = without(&bench.text(POPULATION), |l| l.contains("E01990040"));
    fs::write(bench.file(POPULATION), text).unwrap();
    bench.run().good();
    let query = "SELECT count(*) - count(residents) AS unknown FROM population WHERE latest";
    let ran = bench.command(&["sql", "--format", "csv", query]).good();
    assert_eq!(Table::parse(&ran.stdout).one(), "2", "the small area and its district");
}
