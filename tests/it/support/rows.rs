//! Rows of extracts, cell by cell, and the findings that a load of them gives.

use serde_json::Value;

use super::{Lab, Ran, number};

pub const ECDS: &str = "EC_Ident,Provider_Code,Site_Code_of_Treatment,EC_Department_Type,EC_AttendanceCategory,NHS_Number,\
    NHS_Number_Status_Indicator_Code,Person_Given_Name,Person_Family_Name,Person_Birth_Date,Postcode,Der_Postcode_LSOA_Code,Sex,\
    Age_At_Arrival,Ethnic_Category,Arrival_Date,Arrival_Time,EC_Injury_Date,EC_Injury_Time,EC_Injury_Intent_SNOMED_CT,\
    EC_Injury_Mechanism_SNOMED_CT,EC_Place_Of_Injury_SNOMED_CT,EC_Place_Of_Injury_Latitude,EC_Place_Of_Injury_Longitude,\
    EC_Alcohol_Drug_Involvement_01,EC_Chief_Complaint_SNOMED_CT,Discharge_Destination_SNOMED_CT";
pub const RMS: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,\
    Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,\
    Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";
pub const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,\
    Last outcome category,Context";
pub const ISTV: &str = "REPORTING PERIOD START DATE,REPORTING PERIOD END DATE,SITE CODE (OF TREATMENT),\
    ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT METHOD OTHER DESCRIPTION,\
    ASSAULT LOCATION TYPE,ASSAULT LOCATION DESCRIPTION";

pub fn nhs(i: usize) -> String {
    (0..)
        .map(|n| 999_200_000 + i * 11 + n)
        .find_map(|nine| {
            let digits = format!("{nine:09}");
            let sum: usize = digits.bytes().enumerate().map(|(at, b)| usize::from(b - b'0') * (10 - at)).sum();
            match 11 - sum % 11 {
                10 => None,
                11 => Some(format!("{digits}0")),
                check => Some(format!("{digits}{check}")),
            }
        })
        .unwrap()
}

/// A row of cells by name; a cell that is not given is blank.
pub fn row(header: &str, cells: &[(&str, String)]) -> String {
    for (name, _) in cells {
        assert!(header.split(',').any(|h| h == *name), "{name}");
    }
    let cell = |name: &str| cells.iter().rev().find(|(n, _)| *n == name).map_or(String::new(), |(_, v)| v.clone());
    let quoted = |v: String| if v.contains([',', '"']) { format!("\"{}\"", v.replace('"', "\"\"")) } else { v };
    header.split(',').map(|h| quoted(cell(h))).collect::<Vec<_>>().join(",")
}

pub fn extract(header: &str, rows: usize, of: impl Fn(usize) -> Vec<(&'static str, String)>) -> String {
    let lines = (0..rows).map(|i| row(header, &of(i)));
    std::iter::once(header.to_owned()).chain(lines).map(|line| line + "\n").collect()
}

pub fn attendance(i: usize) -> Vec<(&'static str, String)> {
    let day = format!("2025-03-{:02}", i % 28 + 1);
    vec![
        ("EC_Ident", format!("T{i:05}")),
        ("EC_AttendanceCategory", "1".into()),
        ("NHS_Number", nhs(i)),
        ("Person_Given_Name", format!("Given{}", (b'a' + (i % 26) as u8) as char)),
        ("Person_Family_Name", format!("Family{}", (b'a' + (i / 26) as u8) as char)),
        ("Person_Birth_Date", format!("19{:02}-{:02}-{:02}", 50 + i % 40, i % 12 + 1, i % 28 + 1)),
        ("Postcode", "WM21 0PX".into()),
        ("Sex", (i % 2 + 1).to_string()),
        ("Ethnic_Category", "A".into()),
        ("Arrival_Date", day.clone()),
        ("Arrival_Time", format!("21:{:02}:00", i % 60)),
        ("EC_Injury_Date", day),
        ("EC_Injury_Time", format!("20:{:02}:10", i % 60)),
        ("EC_Injury_Intent_SNOMED_CT", "999800000000001101".into()),
        ("EC_Injury_Mechanism_SNOMED_CT", "999800000000002101".into()),
        ("EC_Place_Of_Injury_SNOMED_CT", "999800000000003102".into()),
    ]
}

pub fn crime(i: usize) -> Vec<(&'static str, String)> {
    vec![
        ("Crime Ref", format!("C{i:05}")),
        ("Report Date", "20/01/2025 04:06".into()),
        ("Committed From", format!("{:02}/01/2025 22:27", i % 19 + 1)),
        ("HOCR Class", "8N".into()),
        ("Status", "Filed".into()),
        ("Easting", "320555".into()),
        ("Northing", "60515".into()),
        ("Location Type", "Street".into()),
        ("DA Flag", "N".into()),
        ("Nominal Ref", format!("N{i}")),
        ("Role", "VICTIM".into()),
        ("Forename", "Ada".into()),
        ("Surname", "Quill".into()),
        ("Date Of Birth", "02/06/2001".into()),
        ("Sex", "F".into()),
        ("SDE", "W1".into()),
        ("Relationship", "Stranger".into()),
    ]
}

pub fn ecds() -> Lab {
    Lab::new(&["ecds"], "injury_violence", &["monthly_trend"])
}

pub fn ingest(lab: &Lab, file: &str, text: &str) -> Ran {
    lab.write(file, text);
    lab.run().args(["--ingest-only", "--log", "json"]).run()
}

pub fn findings(ran: &Ran) -> Vec<Value> {
    let lines = ran.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let all = lines.filter_map(|line| serde_json::from_str(line["fields"]["finding"].as_str()?).ok());
    // The months that these extracts do not cover are told in every run.
    all.filter(|f: &Value| f["kind"] != "missing_months").collect()
}

/// The finding of a kind about a column of a table (empty: of the extract).
#[track_caller]
pub fn finding(ran: &Ran, kind: &str, table: &str, column: &str) -> Value {
    let all = findings(ran);
    let text = |f: &Value, key: &str| f[key].as_str().unwrap_or_default().to_owned();
    let found =
        all.iter().find(|f| text(f, "kind") == kind && text(f, "table") == table && text(f, "column") == column);
    found.unwrap_or_else(|| panic!("no {kind} of {table}.{column} among {all:#?}\n{}", ran.stderr)).clone()
}

#[track_caller]
pub fn counts(lab: &Lab, query: &str) -> i64 {
    number(&lab.lake(), query)
}

pub const MARCH: &str = "ecds/ecds_2025-03.csv";
pub const JANUARY: &str = "police_rms/rms_crimes_2025-01.csv";

pub fn with(mut row: Vec<(&'static str, String)>, more: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    row.extend(more);
    row
}
