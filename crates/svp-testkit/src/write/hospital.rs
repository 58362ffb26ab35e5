//! Emergency care records (ECDS) and the monthly assault return (ISTV).

use std::path::Path;

use chrono::{Days, Duration};

use super::output::{Encoding, Table};
use super::truth::{Appearance, Truth};
use crate::dice::{Dice, Purpose};
use crate::error::Result;
use crate::life::{Attendance, Intent, Mechanism, Spot, World};
use crate::people::{Identity, Reader, Sex, ethnic_codes, identity};

const ECDS: &str = "EC_Ident,Provider_Code,Site_Code_of_Treatment,EC_Department_Type,EC_AttendanceCategory,NHS_Number,NHS_Number_Status_Indicator_Code,Person_Given_Name,Person_Family_Name,Person_Birth_Date,Postcode,Der_Postcode_LSOA_Code,Sex,Age_At_Arrival,Ethnic_Category,Arrival_Date,Arrival_Time,EC_Injury_Date,EC_Injury_Time,EC_Injury_Intent_SNOMED_CT,EC_Injury_Mechanism_SNOMED_CT,EC_Place_Of_Injury_SNOMED_CT,EC_Place_Of_Injury_Latitude,EC_Place_Of_Injury_Longitude,EC_Alcohol_Drug_Involvement_01,EC_Chief_Complaint_SNOMED_CT,Discharge_Destination_SNOMED_CT";
const ISTV: &str = "REPORTING PERIOD START DATE,REPORTING PERIOD END DATE,SITE CODE (OF TREATMENT),ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT METHOD OTHER DESCRIPTION,ASSAULT LOCATION TYPE,ASSAULT LOCATION DESCRIPTION";

/// Bad rows by month: kind and column.
const PLAN: [(u32, &str, &str); 14] = [
    (1, "impossible_date", "Arrival_Date"),
    (3, "repeated_digit_nhs", "NHS_Number"),
    (4, "unknown_code", "EC_Injury_Intent_SNOMED_CT"),
    (5, "swapped_coordinates", "EC_Place_Of_Injury_Latitude"),
    (7, "sentinel_nhs", "NHS_Number"),
    (8, "sentinel_birth_date", "Person_Birth_Date"),
    (9, "injury_after_arrival", "EC_Injury_Date"),
    (11, "repeated_digit_nhs", "NHS_Number"),
    (13, "impossible_date", "EC_Injury_Date"),
    (14, "unknown_code", "Sex"),
    (15, "short_nhs", "NHS_Number"),
    (17, "swapped_coordinates", "EC_Place_Of_Injury_Latitude"),
    (19, "unknown_code", "EC_Injury_Mechanism_SNOMED_CT"),
    (21, "missing_record_id", "EC_Ident"),
];

/// An invented code: they differ in their last digit only, so a reader that takes them for numbers fails.
fn code(number: u32) -> String {
    format!("99980000000000{number:04}")
}

fn intent(intent: Intent) -> String {
    match intent {
        Intent::Assault => code(1_101),
        Intent::Accident => "242056005".to_owned(),
        Intent::SelfHarm => "276853009".to_owned(),
        Intent::Undetermined => "269735005".to_owned(),
    }
}

fn mechanism(mechanism: Mechanism) -> String {
    code(match mechanism {
        Mechanism::Knife => 2_101,
        Mechanism::Bottle => 2_102,
        Mechanism::Body => 2_103,
        Mechanism::Blunt => 2_104,
        Mechanism::Firearm => 2_105,
        Mechanism::Fall => 2_106,
        Mechanism::Other => 2_109,
    })
}

fn spot(spot: Option<Spot>) -> String {
    code(match spot {
        Some(Spot::Dwelling) => 3_101,
        Some(Spot::Street | Spot::CarPark) => 3_102,
        Some(Spot::Licensed) => 3_103,
        Some(Spot::School) => 3_104,
        Some(Spot::Workplace) => 3_105,
        Some(Spot::Transport) => 3_106,
        Some(Spot::Park) => 3_107,
        Some(Spot::Shop | Spot::Other) => 3_109,
        None => 3_199,
    })
}

/// Writes the emergency care records of a month of arrivals.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_attendances(
    root: &Path,
    world: &World,
    truth: &mut Truth,
    month: u32,
    attendances: &[Attendance],
) -> Result<()> {
    let zipped = if month < 12 { ".gz" } else { "" };
    let file = format!("ecds/ecds_{}.csv{zipped}", world.period.text(month));
    let mut table = Table::create(root, &file, ECDS, Encoding::Utf8, false)?;
    let mut plan: Vec<(&'static str, &'static str)> =
        PLAN.iter().filter(|(at, ..)| *at == month).map(|(_, kind, column)| (*kind, *column)).collect();
    let mut duplicate = month % 4 == 2;
    for attendance in attendances {
        let mut dice = Dice::new(world.seed, Purpose::Identity, (1 << 40) + attendance.number);
        let patient = &attendance.patient;
        let on = attendance.arrival.date();
        let mut written = identity(patient, on, Reader::Hospital, &world.streets, &mut dice);
        let mut fields = fields(world, attendance, &written, &mut dice)?;
        let fits = |kind: &str| match kind {
            "swapped_coordinates" => !fields[22].is_empty(),
            "injury_after_arrival" | "impossible_date" => !fields[17].is_empty(),
            "repeated_digit_nhs" | "sentinel_nhs" | "short_nhs" => written.nhs.len() == 10,
            _ => attendance.intent == Intent::Assault,
        };
        let bad = plan.last().copied().filter(|(kind, _)| fits(kind));
        if let Some((kind, column)) = bad {
            plan.pop();
            spoil(&mut fields, kind, column);
            truth.plant(kind, &table, table.rows() + 1, column, &attendance.ident());
            written.nhs.clone_from(&fields[5]);
        }
        if written.dirt.contains(&"bad_nhs") {
            truth.plant("bad_nhs_check_digit", &table, table.rows() + 1, "NHS_Number", &attendance.ident());
        }
        table.row(&fields)?;
        if duplicate && bad.is_none() {
            duplicate = false;
            let row = table.row(&fields)?;
            truth.plant("duplicate_row", &table, row, "", &attendance.ident());
        }
        truth.count("attendances");
        if attendance.intent == Intent::Assault {
            truth.count("assault_attendances");
            truth.add("assault_attendances_unknown_to_police", u64::from(attendance.crime.is_none()));
        }
        if let Some(crime) = &attendance.crime {
            truth.link(crime, &attendance.ident())?;
        }
        truth.appear(
            patient,
            &written,
            &Appearance {
                source: "ecds",
                file: &file,
                record_id: &attendance.ident(),
                person_key: "",
                born: fields[9].clone(),
            },
        )?;
    }
    truth.close(table)
}

fn fields(world: &World, attendance: &Attendance, written: &Identity, dice: &mut Dice) -> Result<Vec<String>> {
    let patient = &attendance.patient;
    let (arrival, injured) = (attendance.arrival, attendance.injured);
    let lsoa = written
        .postcode_index
        .map(|index| world.county.lsoas[usize::from(world.streets.postcodes[index].lsoa)].code.clone());
    let status = match (written.nhs.is_empty(), dice.chance(0.9)) {
        (true, _) => "03",
        (false, true) => "01",
        (false, false) => "02",
    };
    let sex = match (patient.sex, dice.below(100)) {
        (_, 0) => "9",
        (_, 1) => "0",
        (Sex::Male, _) => "1",
        (Sex::Female, _) => "2",
    };
    let ethnicity = match dice.unit() {
        x if x < 0.1 => "Z",
        x if x < 0.15 => "99",
        _ => ethnic_codes(patient.ethnicity).0,
    };
    let (latitude, longitude) = match attendance.at {
        Some(point) => {
            let (longitude, latitude) = point.lon_lat()?;
            (format!("{latitude:.6}"), format!("{longitude:.6}"))
        }
        None => (String::new(), String::new()),
    };
    let time_known = attendance.time_known;
    let complaint = match attendance.mechanism {
        Mechanism::Knife => 5_103,
        Mechanism::Bottle => 5_101,
        Mechanism::Body => 5_102,
        Mechanism::Fall => 5_104,
        _ => 5_109,
    };
    let discharge = match (attendance.admitted, dice.chance(0.07)) {
        (true, _) => 6_102,
        (false, true) => 6_103,
        (false, false) => 6_101,
    };
    Ok(vec![
        attendance.ident(),
        "XW1".to_owned(),
        if attendance.main_site { "XW101" } else { "XW102" }.to_owned(),
        if attendance.main_site { "01" } else { "03" }.to_owned(),
        if dice.chance(0.95) { "1" } else { "2" }.to_owned(),
        written.nhs.clone(),
        status.to_owned(),
        written.forename.clone(),
        written.surname.clone(),
        written.born.map(|born| born.to_string()).unwrap_or_default(),
        written.postcode.clone(),
        lsoa.unwrap_or_default(),
        sex.to_owned(),
        patient.age(arrival.date()).to_string(),
        ethnicity.to_owned(),
        arrival.date().to_string(),
        arrival.format("%H:%M:%S").to_string(),
        if time_known || dice.chance(0.3) { injured.date().to_string() } else { String::new() },
        if time_known { injured.format("%H:%M:%S").to_string() } else { String::new() },
        if dice.chance(0.98) { intent(attendance.intent) } else { String::new() },
        mechanism(attendance.mechanism),
        spot(attendance.spot),
        latitude,
        longitude,
        match attendance.alcohol {
            Some(true) => code(4_101),
            Some(false) => code(4_103),
            None => String::new(),
        },
        code(complaint),
        code(discharge),
    ])
}

fn spoil(fields: &mut [String], kind: &str, column: &str) {
    let index = ECDS.split(',').position(|name| name == column).unwrap_or(0);
    match kind {
        "swapped_coordinates" => fields.swap(22, 23),
        "injury_after_arrival" => {
            let arrival = chrono::NaiveDate::parse_from_str(&fields[15], "%Y-%m-%d").unwrap_or_default();
            fields[17] = (arrival + Days::new(2)).to_string();
            fields[18] = "10:00:00".to_owned();
        }
        "impossible_date" => fields[index] = "2024-02-31".to_owned(),
        "repeated_digit_nhs" => fields[index] = "4444444444".to_owned(),
        "sentinel_nhs" => fields[index] = "0000000000".to_owned(),
        "short_nhs" => {
            fields[index].pop();
        }
        "sentinel_birth_date" => fields[index] = "1900-01-01".to_owned(),
        "missing_record_id" => fields[index] = String::new(),
        _ if column == "Sex" => fields[index] = "7".to_owned(),
        _ => fields[index] = code(9_999),
    }
}

/// Writes the monthly return of assaults: no key of a person, places in free text.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_assault_return(
    root: &Path,
    world: &World,
    truth: &mut Truth,
    month: u32,
    attendances: &[Attendance],
) -> Result<()> {
    let period = world.period;
    let file = format!("istv/istv_{}.csv", period.text(month));
    let mut table = Table::create(root, &file, ISTV, Encoding::Utf8Bom, true)?;
    let (first, last) = (period.first(month).to_string(), period.last(month).to_string());
    for attendance in attendances {
        let mut dice = Dice::new(world.seed, Purpose::Writing, (1 << 40) + attendance.number);
        if !attendance.main_site || attendance.intent != Intent::Assault || !dice.chance(0.85) {
            continue;
        }
        let method = match attendance.mechanism {
            Mechanism::Knife => "Knife",
            Mechanism::Bottle => "Bottle or glass",
            Mechanism::Body => "Body part",
            Mechanism::Blunt => "Blunt object",
            Mechanism::Firearm => "Firearm",
            Mechanism::Fall | Mechanism::Other => {
                if dice.chance(0.5) {
                    "Other"
                } else {
                    "Unknown"
                }
            }
        };
        let other =
            if method == "Other" { *dice.pick(&["dog lead", "thrown phone", "walking stick", "bitten"]) } else { "" };
        let place = match attendance.spot {
            Some(Spot::Dwelling) => "Home",
            Some(Spot::Street | Spot::CarPark) => "Street",
            Some(Spot::Licensed) => "Licensed premises",
            Some(Spot::School) => "School",
            Some(Spot::Workplace) => "Work",
            Some(Spot::Transport) => "Public transport",
            Some(Spot::Park) => "Park",
            Some(Spot::Shop | Spot::Other) => "Other",
            None => "Not known",
        };
        // People say the time roughly: most round it to a quarter of an hour.
        let minutes = i64::from(attendance.injured.format("%M").to_string().parse::<u8>().unwrap_or(0));
        let said = attendance.injured - Duration::minutes(if dice.chance(0.7) { minutes % 15 } else { 0 });
        let stamp = |at: chrono::NaiveDateTime| at.format("%d/%m/%Y %H:%M:%S").to_string();
        let mut fields = [
            first.clone(),
            last.clone(),
            "XW101".to_owned(),
            if dice.chance(0.96) { stamp(attendance.arrival) } else { String::new() },
            stamp(said),
            method.to_owned(),
            other.to_owned(),
            place.to_owned(),
            attendance.spoken.clone(),
        ];
        let row = table.rows() + 1;
        match (month, row) {
            (2 | 14, 3) => {
                fields[4] = "31/02/2024 23:10:00".to_owned();
                truth.plant("impossible_date", &table, row, "ASSAULT DATE AND TIME", "");
            }
            (6, 4) => {
                fields[5] = "Harpoon".to_owned();
                truth.plant("unknown_code", &table, row, "ASSAULT METHOD", "");
            }
            (10, 5) => {
                fields[4] = String::new();
                truth.plant("missing_time", &table, row, "ASSAULT DATE AND TIME", "");
            }
            _ => {}
        }
        table.row(&fields)?;
        if matches!((month, row), (4 | 12 | 20, 6)) {
            let row = table.row(&fields)?;
            truth.plant("duplicate_row", &table, row, "", "");
        }
    }
    truth.close(table)
}
