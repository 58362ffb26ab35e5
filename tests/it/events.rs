//! Events without people: the matches against the planted truth, what is estimated from them, and bad input.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use svp_functions::estimate::{chapman::chapman, chapman_lower::chapman_lower, chapman_upper::chapman_upper};
use svp_pseudonymise::{Key, Tokeniser};

use crate::support::{KEY, Lab, Table, aloud, number, sample, sample_data, sql};

/// The event tokens of a source's record numbers.
struct Tokens(Tokeniser);

impl Tokens {
    fn new() -> Self {
        Self(Tokeniser::new(&Key::parse(KEY.trim()).unwrap(), "event_id"))
    }

    fn event(&self, source: &str, record: &str) -> String {
        String::from_utf8(self.0.token([source.as_bytes(), record.as_bytes()]).to_vec()).unwrap()
    }
}

type Pairs = BTreeSet<(String, String)>;

/// The planted links whose both records are in scope, as event tokens.
fn planted() -> Pairs {
    let tokens = Tokens::new();
    let listed = sql(&sample().lake, "SELECT event_id FROM event_matchable WHERE source IN ('police_rms', 'ecds')");
    let listed: BTreeSet<&str> = listed.column("event_id").into_iter().collect();
    let links = Table::read(&sample_data("truth/event_links.csv"));
    let pair = |r: &Vec<String>| (tokens.event("police_rms", &r[0]), tokens.event("ecds", &r[1]));
    let known: Pairs =
        links.rows.iter().map(pair).filter(|(p, h)| listed.contains(&p[..]) && listed.contains(&h[..])).collect();
    assert!(known.len() > 700, "{} of {} planted links are in scope", known.len(), links.rows.len());
    known
}

/// The matches of ECDS at a level and all stricter ones.
fn matched(health: &str, levels: &[&str]) -> Pairs {
    let all = sql(
        &sample().lake,
        &format!("SELECT police_event_id, health_event_id, level FROM event_match WHERE health_source = '{health}'"),
    );
    let rows = all.rows.iter().filter(|r| levels.contains(&r[2].as_str()));
    rows.map(|r| (r[0].clone(), r[1].clone())).collect()
}

const LEVELS: [(&str, &[&str]); 3] =
    [("strict", &["strict"]), ("middle", &["strict", "middle"]), ("loose", &["strict", "middle", "loose"])];

/// Precision and recall against the planted links, and the chance matches that the negative control expects.
#[test]
fn matches_are_those_that_were_planted() {
    let truth = planted();
    let control =
        sql(&sample().lake, "SELECT level, matches, by_chance FROM event_match_level WHERE health_source = 'ecds'");
    let by_chance = control.counts("level", "by_chance");
    // Precision and recall that each level must reach: below them something broke.
    let floors = [("strict", 0.98, 0.60), ("middle", 0.97, 0.80), ("loose", 0.95, 0.85)];
    let mut before = Pairs::new();
    for ((level, levels), (_, precision_floor, recall_floor)) in LEVELS.into_iter().zip(floors) {
        let found = matched("ecds", levels);
        let right = found.intersection(&truth).count();
        let (precision, recall) = (right as f64 / found.len() as f64, right as f64 / truth.len() as f64);
        let wrong = found.len() - right;
        aloud(&format!(
            "events, ECDS, {level}: {} matches, {} planted, precision {precision:.3}, recall {recall:.3}, {wrong} wrong, {:.1} expected",
            found.len(),
            truth.len(),
            by_chance[level]
        ));
        assert!(precision >= precision_floor && recall >= recall_floor, "{level}: {precision:.3}, {recall:.3}");
        assert!(before.is_subset(&found), "a strict match is a loose one");
        before = found;
        // What is told of chance is of the size of what is wrong: not twice as many wrong, and ten besides.
        assert!((wrong as f64) <= 2.0 * by_chance[level] + 10.0, "{level}: {wrong} wrong, {} told", by_chance[level]);
    }
}

/// ISTV knows neither place nor person: fewer matches, and those that there are can be believed at the strict levels.
#[test]
fn anonymous_returns_are_matched_by_time() {
    let truth = planted();
    // An ISTV row is the ECDS record with the same minute of arrival, where there is only one.
    let same = sql(
        &sample().lake,
        "SELECT i.event_id AS istv, min(e.event_id) AS ecds FROM event AS i
         JOIN event AS e ON e.source = 'ecds' AND e.injury_intent = 'assault' AND e.recorded_at = i.recorded_at
         WHERE i.source = 'istv' GROUP BY 1 HAVING count(*) = 1",
    );
    let ecds: BTreeMap<&str, &str> = same.rows.iter().map(|r| (r[0].as_str(), r[1].as_str())).collect();
    let crime: BTreeMap<&str, &str> = truth.iter().map(|(p, h)| (h.as_str(), p.as_str())).collect();
    let wanted = ecds.values().filter(|e| crime.contains_key(**e)).count();
    let mut recalls = Vec::new();
    for ((level, levels), floor) in LEVELS.into_iter().zip([0.95, 0.90, 0.80]) {
        let found: Vec<(String, &str)> =
            matched("istv", levels).into_iter().filter_map(|(p, h)| Some((p, *ecds.get(h.as_str())?))).collect();
        let right = found.iter().filter(|(p, e)| crime.get(e) == Some(&p.as_str())).count();
        let (precision, recall) = (right as f64 / found.len() as f64, right as f64 / wanted as f64);
        aloud(&format!(
            "events, ISTV, {level}: {} matches, {wanted} planted, precision {precision:.3}, recall {recall:.3}",
            found.len()
        ));
        assert!(precision >= floor, "{level}: precision {precision:.3}");
        recalls.push(recall);
    }
    assert!(recalls.windows(2).all(|r| r[0] <= r[1]) && recalls[2] > 0.5, "{recalls:?}");
}

/// What is published, against the same figures from the planted links.
#[test]
fn the_estimate_follows_the_planted_overlap() {
    let table = Table::read(&sample().release.join("known_to_whom__injury_violence.csv"));
    let whole = table.rows.iter().find(|r| r[0] == "all").unwrap();
    let shown = |column: &str| whole[table.at(column)].parse::<f64>().unwrap();
    let overlap = planted().len() as f64;
    let truth = chapman(shown("police"), shown("health"), overlap).unwrap();
    for (level, most) in [("_strict", 0.40), ("_middle", 0.10), ("_loose", 0.06), ("", 0.04)] {
        let (linked, estimate) = (shown(&format!("linked{level}")), shown(&format!("estimate{level}")));
        let (low, high) = (shown(&format!("lower{level}")), shown(&format!("upper{level}")));
        aloud(&format!(
            "events, {}: {linked} known to both, {overlap} planted; all incidents {estimate} ({low} to {high}), {truth:.0} from the planted overlap",
            if level.is_empty() { "corrected" } else { &level[1..] }
        ));
        assert!(low <= estimate && estimate <= high);
        assert!((linked / overlap - 1.0).abs() < most && (estimate / truth - 1.0).abs() < most, "{level}");
        // A stricter level misses more, and its estimate is the higher for it.
        assert!(linked <= overlap * 1.04 && estimate >= truth * 0.96, "{level}");
    }
    // The sample has no incident that neither list knows: its lists depend on one another, and the estimate is too high by
    // what the assumption of independence adds. This is what the note under the table warns of.
    let seen = shown("police") + shown("health") - overlap;
    aloud(&format!("events: {seen:.0} incidents are in the sample, {truth:.0} by Chapman from the planted overlap"));
    assert!(truth > seen);
}

/// The assumptions stand beside the numbers, and the tables are told apart from those of a definition that has no hospitals.
#[test]
fn the_assumptions_are_printed() {
    let text = std::fs::read_to_string(sample().release.join("report.html")).unwrap();
    for words in ["a closed population", "positive dependence", "Links that are still missing make it too high"] {
        assert!(text.contains(words), "the report lacks `{words}`");
    }
    for table in ["known_to_whom", "known_to_whom_by_month", "known_to_whom_by_hour", "known_to_whom_by_sex_and_age"] {
        assert!(sample().release.join(format!("{table}__injury_violence.csv")).is_file(), "{table}");
        assert!(!sample().release.join(format!("{table}__opcc_2020.csv")).exists(), "{table} without hospitals");
    }
}

#[test]
fn nobody_is_matched_twice() {
    let lake = &sample().lake;
    for (side, other) in [("police", "health"), ("health", "police")] {
        let query = format!(
            "SELECT count(*) FROM (SELECT 1 FROM event_match GROUP BY {side}_event_id, {side}_source, {other}_source HAVING count(*) > 1)"
        );
        assert_eq!(number(lake, &query), 0, "{side}");
    }
    assert_eq!(number(lake, "SELECT count(*) FROM event_match WHERE level NOT IN ('strict', 'middle', 'loose')"), 0);
}

/// A closed population in which each list holds each incident by a chance of its own.
struct Closed {
    police: String,
    health: String,
    /// Records on the lists, and on both.
    lists: (u32, u32, u32),
}

const RMS: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";
const ECDS: &str = "EC_Ident,Provider_Code,Site_Code_of_Treatment,EC_Department_Type,EC_AttendanceCategory,NHS_Number,NHS_Number_Status_Indicator_Code,Person_Given_Name,Person_Family_Name,Person_Birth_Date,Postcode,Der_Postcode_LSOA_Code,Sex,Age_At_Arrival,Ethnic_Category,Arrival_Date,Arrival_Time,EC_Injury_Date,EC_Injury_Time,EC_Injury_Intent_SNOMED_CT,EC_Injury_Mechanism_SNOMED_CT,EC_Place_Of_Injury_SNOMED_CT,EC_Place_Of_Injury_Latitude,EC_Place_Of_Injury_Longitude,EC_Alcohol_Drug_Involvement_01,EC_Chief_Complaint_SNOMED_CT,Discharge_Destination_SNOMED_CT";

/// What a list says of itself in [`closed`].
#[derive(Clone, Copy, Default)]
struct Says {
    age_and_sex: bool,
    time: bool,
}

/// Invents `incidents` over the 28 days of February 2025. A plain generator: the same seed, the same files.
fn closed(incidents: u32, seed: u64, says: Says) -> Closed {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    // Places inside the county: an event outside it would leave the closed population.
    let places = Table::read(&sample_data("reference/postcodes.csv"));
    let (east, north) = (places.at("east1m"), places.at("north1m"));
    let (mut police, mut health) = (format!("{RMS}\n"), format!("{ECDS}\n"));
    let mut lists = (0, 0, 0);
    for i in 0..incidents {
        let minute = below(27 * 1440);
        let (age, male) = (14 + below(50), below(100) < 65);
        let place = &places.rows[below(places.rows.len() as u64) as usize];
        let (easting, northing) = (&place[east], &place[north]);
        let (known, came) = (below(100) < 60, below(100) < 50);
        let late = minute + 25 + below(300);
        let clock = |m: u64| (1 + m / 1440, m / 60 % 24, m % 60);
        if known {
            let (d, h, m) = clock(minute);
            let sex = if male { "M" } else { "F" };
            let (who, old) = if says.age_and_sex { (sex, age.to_string()) } else { ("U", String::new()) };
            let _ = writeln!(
                police,
                "50250{i:06},{d:02}/02/2025 23:58,{},,8/6,8N,Assault occasioning ABH (Sec 47),Filed,,{easting},{northing},,Street,X,X,N,N,N,,,,N{i:08},VICTIM,,,,{old},{who},NS,,",
                if says.time { format!("{d:02}/02/2025 {h:02}:{m:02}") } else { String::new() },
            );
        }
        if came {
            let ((d, h, m), (ad, ah, am)) = (clock(minute), clock(late));
            let (sex, old) = match (says.age_and_sex, male) {
                (true, true) => ("1", age.to_string()),
                (true, false) => ("2", age.to_string()),
                (false, _) => ("9", String::new()),
            };
            // One in four knows no time of the injury.
            let injury =
                if says.time && below(4) > 0 { format!("2025-02-{d:02},{h:02}:{m:02}:00") } else { ",".to_owned() };
            let _ = writeln!(
                health,
                "EC{i:08},XW1,XW101,01,1,,03,,,,,,{sex},{old},Z,2025-02-{ad:02},{ah:02}:{am:02}:00,{injury},999800000000001101,999800000000002103,999800000000003102,,,,999800000000005102,999800000000006101",
            );
        }
        lists = (lists.0 + u32::from(known), lists.1 + u32::from(came), lists.2 + u32::from(known && came));
    }
    Closed { police, health, lists }
}

fn lab(closed: &Closed, health: bool) -> Lab {
    let lab = Lab::new(&["police_rms", "ecds"], "injury_violence", &["known_to_whom"]);
    lab.write("police_rms/rms_crimes_2025-02.csv", &closed.police);
    if health {
        lab.write("ecds/ecds_2025-02.csv", &closed.health);
    } else {
        let area = lab.site().join("pipelines/areas/wessmark.toml");
        let text = std::fs::read_to_string(&area).unwrap();
        std::fs::write(&area, text.replace("source = \"ecds\"", "source = \"ecds\"\noptional = true")).unwrap();
    }
    lab
}

const EVERYTHING: Says = Says { age_and_sex: true, time: true };

/// Where the assumptions hold, the whole way from extracts to the published interval covers what there is.
#[test]
fn the_interval_covers_the_truth_where_the_assumptions_hold() {
    let incidents = 900;
    let (mut covered, mut told) = (0, String::new());
    for seed in [11, 12, 13, 14, 15] {
        let closed = closed(incidents, seed, EVERYTHING);
        let lab = lab(&closed, true);
        lab.run().run().good();
        let table = Table::read(&lab.release(1).join("known_to_whom__injury_violence.csv"));
        let whole = table.rows.iter().find(|r| r[0] == "all").unwrap();
        let shown = |column: &str| whole[table.at(column)].parse::<f64>().unwrap();
        let (low, high) = (shown("lower"), shown("upper"));
        let (n1, n2, m) = closed.lists;
        let (n1, n2, m) = (f64::from(n1), f64::from(n2), f64::from(m));
        let _ = writeln!(
            told,
            "events, {incidents} in all: {} linked of {m}; {} ({low} to {high}); from the true overlap {:.0} ({:.0} to {:.0})",
            shown("linked"),
            shown("estimate"),
            chapman(n1, n2, m).unwrap(),
            chapman_lower(n1, n2, m).unwrap(),
            chapman_upper(n1, n2, m).unwrap()
        );
        covered += usize::from((low..=high).contains(&f64::from(incidents)));
    }
    aloud(told.trim());
    assert!(covered >= 4, "{covered} of 5 intervals cover {incidents}:\n{told}");
}

/// Why a table is not there, from the manifest.
fn why(lab: &Lab) -> String {
    let manifest = std::fs::read(lab.release(1).join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    manifest["tables"][0]["not_available_because"].as_str().unwrap_or_default().to_owned()
}

/// Input from which nothing can be learned says so; it is no zero and no error.
#[test]
fn too_little_is_not_available() {
    let some = closed(900, 21, EVERYTHING);
    let one = closed(1, 3, EVERYTHING);
    let nameless = closed(900, 22, Says { age_and_sex: false, time: false });
    for (case, closed, health) in [
        ("no hospital", &some, false),
        ("one event", &one, true),
        ("nothing is said of time, age or sex", &nameless, true),
    ] {
        let lab = lab(closed, health);
        lab.run().run().good();
        assert!(why(&lab).contains("enough of them to learn from"), "{case}: {}", why(&lab));
        assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event_match"), 0, "{case}");
        assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event_match_level"), 0, "{case}");
    }
}

/// A site that has ISTV only: no age, no sex, no place, a definition of its own.
#[test]
fn the_anonymous_return_alone_makes_the_table() {
    let outputs = ["known_to_whom", "known_to_whom_by_hour", "known_to_whom_by_sex_and_age"];
    let lab = Lab::new(&["police_rms", "istv"], "injury_violence_istv", &outputs);
    for folder in ["police_rms", "istv"] {
        crate::support::copy_folder(&sample_data(folder), &lab.extracts(folder));
    }
    lab.run().run().good();
    let table = Table::read(&lab.release(1).join("known_to_whom__injury_violence_istv.csv"));
    let whole = table.rows.iter().find(|r| r[0] == "all").unwrap();
    let shown = |column: &str| whole[table.at(column)].parse::<f64>().unwrap();
    aloud(&format!("events, ISTV alone: {} known to both, estimate {}", shown("linked"), shown("estimate")));
    assert!(shown("linked") > 600.0 && shown("lower") <= shown("estimate"));
    // Who was hurt is not in ISTV: no table, rather than one in which hospitals know nobody.
    assert!(lab.release(1).join("known_to_whom_by_hour__injury_violence_istv.csv").is_file());
    assert!(!lab.release(1).join("known_to_whom_by_sex_and_age__injury_violence_istv.csv").exists());
}

/// Without ages and sexes the times carry it.
#[test]
fn no_age_at_all_still_matches() {
    let closed = closed(300, 31, Says { age_and_sex: false, time: true });
    let lab = lab(&closed, true);
    lab.run().run().good();
    let matches = number(&lab.lake(), "SELECT count(*) FROM event_match WHERE level <> 'loose'") as f64;
    let overlap = f64::from(closed.lists.2);
    assert!(matches > 0.3 * overlap && matches < 1.1 * overlap, "{matches} matches, {overlap} planted");
}

/// A site without the file matches nothing; one with a wrong condition is told where.
#[test]
fn the_rules_are_the_sites() {
    let some = closed(300, 41, EVERYTHING);
    let lab = lab(&some, true);
    lab.edit("pipelines/linkage/events.toml", "injury_intent = 'assault'", "injury_intend = 'assault'");
    lab.check().run().ended(3).says(&["pipelines/linkage/events.toml", "scope.health", "injury_intend"]);
    std::fs::remove_file(lab.site().join("pipelines/linkage/events.toml")).unwrap();
    lab.check().run().good();
    lab.run().run().good();
    assert!(why(&lab).contains("pipelines/linkage/events.toml"), "{}", why(&lab));
}
