//! Dates, months and places of extracts as agencies really send them.

use crate::support::rows::*;
use crate::support::{Lab, sql};

#[test]
fn a_file_of_another_month_is_refused() {
    let month = |month: &'static str| {
        move |i: usize| {
            vec![
                ("Crime ID", format!("c{i}")),
                ("Month", month.into()),
                ("Falls within", "Wessmark Police".into()),
                ("Longitude", "-3.156".into()),
                ("Latitude", "50.444".into()),
                ("LSOA code", "E01990001".into()),
                ("Crime type", "Violence and sexual offences".into()),
            ]
        }
    };
    let lab = Lab::street();
    let file = "police_street/2025-02-wessmark-street.csv";
    ingest(&lab, file, &extract(STREET, 40, month("2025-01"))).ended(4).says(&["outside_period", "40 of 40", "month"]);
    ingest(&lab, file, &extract(STREET, 40, month("2025-02"))).good();
    // An extract of changes holds older crimes, but not only, and none that are newer.
    let lab = Lab::police();
    let late = |i: usize| {
        with(
            crime(i),
            vec![
                ("Report Date", if i < 30 { "20/12/2024 10:00" } else { "20/01/2025 10:00" }.into()),
                ("Committed From", "01/12/2024 10:00".into()),
            ],
        )
    };
    ingest(&lab, JANUARY, &extract(RMS, 60, late)).good();
    let lab = Lab::police();
    // All of them older: it may be a whole history, or another month's; it is told.
    ingest(&lab, "police_rms/rms_crimes_2025-02.csv", &extract(RMS, 60, crime))
        .good()
        .says(&["outside_period", "recorded_at"]);
    let lab = Lab::police();
    ingest(&lab, "police_rms/rms_crimes_2024-12.csv", &extract(RMS, 60, crime)).ended(4).says(&["outside_period"]);
}

#[test]
fn dates_that_cannot_be_give_way_to_the_record() {
    let lab = ecds();
    let odd = ["1900-01-01", "2025-12-02", "2205-03-03", "1925-03-04", "9999-12-31"];
    let text = extract(ECDS, 60, |i| {
        with(attendance(i), odd.get(i).map(|d| vec![("EC_Injury_Date", (*d).to_owned())]).unwrap_or_default())
    });
    let ran = ingest(&lab, MARCH, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE month = '2025-03'"), 60);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE occurred_from IS NULL AND time_precision = 'none'"), 5);
    let told: i64 =
        findings(&ran).iter().filter(|f| f["kind"] == "implausible_date").filter_map(|f| f["count"].as_i64()).sum();
    assert_eq!(told, 5);

    let lab = Lab::police();
    let times: [[&str; 3]; 6] = [
        ["02/01/2025 04:06", "01/01/2205 10:00", ""],
        ["02/01/2025 04:06", "01/01/0025 10:00", ""],
        ["02/01/2025 04:06", "01/01/1925 10:00", ""],
        ["01/01/2025 10:00", "05/01/2025 10:00", ""],
        ["02/01/2025 04:06", "01/01/2025 10:00", "01/01/2026 10:00"],
        ["01/01/2025 10:00", "01/01/2025 15:00", ""],
    ];
    let text = extract(RMS, 300, |i| {
        let names = ["Report Date", "Committed From", "Committed To"];
        let odd = times.get(i).map(|t| names.iter().zip(t).map(|(n, v)| (*n, (*v).to_owned())).collect());
        with(crime(i), odd.unwrap_or_default())
    });
    let ran = ingest(&lab, JANUARY, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE month = '2025-01'"), 300);
    let kept = sql(
        &lab.lake(),
        "SELECT time_precision, count(*) AS n FROM event GROUP BY time_precision ORDER BY time_precision",
    );
    assert_eq!(kept.rows, [["exact", "295"], ["month", "4"], ["window", "1"]]);
    // The window that ends in another year had ended when it was recorded.
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE occurred_to = recorded_at"), 1);
    let told: i64 =
        findings(&ran).iter().filter(|f| f["kind"] == "implausible_date").filter_map(|f| f["count"].as_i64()).sum();
    assert_eq!(told, 6);
}

#[test]
fn a_window_that_ends_in_the_second_of_two_hours_is_kept() {
    let lab = Lab::police();
    let night = |i: usize| {
        let times = [
            ("Report Date", "27/10/2024 09:00"),
            ("Committed From", "27/10/2024 01:45"),
            ("Committed To", "27/10/2024 01:15"),
        ];
        with(crime(i), times.into_iter().map(|(n, v)| (n, v.to_owned())).collect())
    };
    ingest(&lab, "police_rms/rms_crimes_2024-10.csv", &extract(RMS, 3, night)).good();
    let times = sql(
        &lab.lake(),
        "SELECT DISTINCT to_char(occurred_from, '%H:%M') AS f, to_char(occurred_to, '%H:%M') AS t FROM event",
    );
    assert_eq!(times.rows, [["00:45", "01:15"]]);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 3);
}

#[test]
fn filler_coordinates_are_no_place() {
    let fillers =
        [["0", "0"], ["-1", "-1"], ["999999", "999999"], ["320555", ""], ["", "60515"], ["400000", "-100000"]];
    let lab = Lab::police();
    let text = extract(RMS, 120, |i| {
        let at = fillers.get(i % 12).map(|[e, n]| vec![("Easting", (*e).to_owned()), ("Northing", (*n).to_owned())]);
        with(crime(i), at.unwrap_or_default())
    });
    let ran = ingest(&lab, JANUARY, &text).good();
    assert_eq!(
        counts(
            &lab,
            "SELECT count(*) FROM event WHERE place_precision = 'none' AND in_area IS NULL AND easting IS NULL AND longitude IS NULL"
        ),
        60
    );
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE place_precision = 'exact' AND in_area"), 60);
    assert_eq!(finding(&ran, "implausible_place", "event", "easting")["count"], 60);

    let lab = Lab::street();
    let fillers = [["0", "0"], ["-7.557160", "49.766809"], ["-1", "-1"], ["-3.156", ""], ["999", "999"]];
    let text = extract(STREET, 60, |i| {
        let [lon, lat] = fillers.get(i).copied().unwrap_or(["-3.156", "50.444"]);
        vec![
            ("Crime ID", format!("c{i}")),
            ("Month", "2025-01".into()),
            ("Falls within", "Wessmark Police".into()),
            ("Longitude", lon.into()),
            ("Latitude", lat.into()),
            ("Crime type", "Robbery".into()),
        ]
    });
    ingest(&lab, "police_street/2025-01-wessmark-street.csv", &text).good();
    let found = sql(
        &lab.lake(),
        "SELECT place_precision, count(*) AS n FROM event GROUP BY place_precision ORDER BY place_precision",
    );
    assert_eq!(found.rows, [["none", "5"], ["snapped", "55"]]);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 60);
}

#[test]
fn small_areas_of_the_census_before_and_events_of_another_force() {
    let lab = Lab::street();
    let street = |i: usize, force: &str, place: [&str; 3]| {
        vec![
            ("Crime ID", format!("{force}{i}")),
            ("Month", "2025-01".into()),
            ("Falls within", force.to_owned()),
            ("Longitude", place[0].into()),
            ("Latitude", place[1].into()),
            ("LSOA code", place[2].into()),
            ("Crime type", "Robbery".into()),
        ]
    };
    // E01980001 was split into two small areas of one district.
    let old = |i: usize| {
        street(i, "Wessmark Police", if i < 10 { ["", "", "E01980001"] } else { ["-3.156", "50.444", "E01980001"] })
    };
    ingest(&lab, "police_street/2025-01-wessmark-street.csv", &extract(STREET, 30, old)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area"), 30);
    let other = |i: usize| street(i, "Otherham Constabulary", ["", "", ""]);
    ingest(&lab, "police_street/2025-01-otherham-street.csv", &extract(STREET, 20, other)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 30);
    // Without a place, what is the force's own counts.
    let own = |i: usize| street(i + 100, "Wessmark Police", ["", "", ""]);
    ingest(&lab, "police_street/2025-02-wessmark-street.csv", &extract(STREET, 5, own).replace("2025-01", "2025-02"))
        .good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 35);
}
