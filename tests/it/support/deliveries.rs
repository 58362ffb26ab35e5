//! Small deliveries, and what a run says of them.

use std::fs;
use std::path::PathBuf;

use super::{Lab, Ran, Svp, label, number};

pub const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,Last outcome category,Context";
pub const ISTV: &str = "REPORTING PERIOD START DATE,REPORTING PERIOD END DATE,SITE CODE (OF TREATMENT),ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT METHOD OTHER DESCRIPTION,ASSAULT LOCATION TYPE,ASSAULT LOCATION DESCRIPTION";
pub const RMS: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";

/// Crimes of a month, each with its id.
pub fn street(month: &str, ids: impl IntoIterator<Item = String>) -> String {
    let row = |id| {
        format!(
            "{id},{month},F,F,-2.849123,50.598612,On or near A Street,E01990001,A,Violence and sexual offences,Under investigation,\n"
        )
    };
    format!("{STREET}\n{}", ids.into_iter().map(row).collect::<String>())
}

pub fn numbered(prefix: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{prefix}{i}")).collect()
}

/// Attendances of a month at a site.
pub fn istv(month: &str, site: &str, rows: usize) -> String {
    let (year, m) = month.split_once('-').unwrap();
    let row = |i: usize| {
        let at = format!("{:02}/{m}/{year} {:02}", 1 + i / 20, i % 20);
        format!("{month}-01,{month}-28,{site},{at}:30:00,{at}:00:00,Knife,,Street,A Street\n")
    };
    format!("{ISTV}\n{}", (0..rows).map(row).collect::<String>())
}

/// Crimes with a class and a status, each with one victim.
pub fn rms(crimes: &[(&str, &str, &str)]) -> String {
    let row = |(id, class, status): &(&str, &str, &str)| {
        format!(
            "{id},02/01/2025 04:06,01/01/2025 22:27,01/01/2025 22:41,10501,{class},Assault,{status},,320555,60515,WM1 4ED,Street,AV001,Averholt LPA,N,,N,N,,,P{id},VICTIM,Ada,Quill{id},02/06/2001,23,F,W1,WM22 2HA,Stranger\n"
        )
    };
    format!("{RMS}\n{}", crimes.iter().map(row).collect::<String>())
}

/// A census of an authority: children by id, each with a referral and, where it is closed, the day.
pub fn cin(year: u32, authority: &str, children: &[(&str, Option<&str>)]) -> String {
    let child = |(id, closed): &(&str, Option<&str>)| {
        let closed = closed.map(|d| format!("<CINclosureDate>{d}</CINclosureDate>")).unwrap_or_default();
        format!(
            "<Child><ChildIdentifiers><LAchildID>{id}</LAchildID><PersonBirthDate>2012-01-11</PersonBirthDate><Sex>M</Sex></ChildIdentifiers><ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics><CINdetails><CINreferralDate>2023-11-15</CINreferralDate><ReferralSource>6</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>{closed}</CINdetails></Child>"
        )
    };
    let children: String = children.iter().map(child).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>{year}</Year><ReferenceDate>{year}-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>{authority}</LEA></Source></Header><Children>{children}</Children></Message>"
    )
}

pub fn lab(source: &str) -> Lab {
    Lab::new(&[source], "injury_violence", &["monthly_trend"])
}

/// `svp run --ingest-only`.
pub fn ingest(lab: &Lab) -> Svp {
    lab.run().arg("--ingest-only")
}

/// Writes an extract below the folder of its source, folders and all.
pub fn give(lab: &Lab, source: &str, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let to = lab.extracts(source).join(file);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(&to, text).unwrap();
    to
}

/// The findings that a command told, as kind and file.
///
/// Those about rows and about the calendar are left out: deliveries of these tests are a few rows of a few months.
pub fn findings(ran: &Ran) -> Vec<(String, String)> {
    const OTHERS: [&str; 8] = [
        "missing_months",
        "missing_tables",
        "missing_words",
        "noted",
        "outside_period",
        "column_blank",
        "values_lost",
        "rows_quarantined",
    ];
    let field = |line: &str| -> Option<(String, String)> {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let finding: serde_json::Value = serde_json::from_str(line["fields"]["finding"].as_str()?).ok()?;
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        Some((text("kind"), text("file")))
    };
    ran.stderr.lines().filter_map(field).filter(|(kind, _)| !OTHERS.contains(&kind.as_str())).collect()
}

/// A finding as a run says it to machines: the file by its label.
pub fn told(kind: &str, file: &str) -> (String, String) {
    (kind.to_owned(), if file.is_empty() { String::new() } else { label(file) })
}

pub fn events(lab: &Lab) -> i64 {
    number(&lab.lake(), "SELECT count(*) FROM event")
}
