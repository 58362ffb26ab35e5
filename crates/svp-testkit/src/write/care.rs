//! Children's services: the Children in Need census (XML) and the looked-after return (SSDA903).

use std::path::Path;

use chrono::NaiveDate;

use super::output::{Encoding, Table};
use super::truth::{Appearance, Truth};
use crate::dice::{Dice, Purpose};
use crate::error::Result;
use crate::life::{Care, Case, World};
use crate::people::{Identity, Person, Reader, Sex, child_id, ethnic_codes, identity};

/// Writes the census and the looked-after return of a year ending on `end`.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_census(
    root: &Path,
    world: &World,
    truth: &mut Truth,
    year: i32,
    end: NaiveDate,
    care: &Care,
) -> Result<()> {
    write_need(root, world, truth, year, end, care)?;
    write_looked_after(root, world, truth, year, end, care)
}

struct Xml(Table);

impl Xml {
    fn line(&mut self, depth: usize, text: &str) -> Result<()> {
        self.0.raw(&format!("{}{text}", " ".repeat(depth)))
    }

    fn leaf(&mut self, depth: usize, name: &str, text: &str) -> Result<()> {
        self.line(depth, &format!("<{name}>{text}</{name}>"))
    }
}

fn sex(person: &Person, year: i32) -> &'static str {
    match (person.sex, year <= 2024) {
        (Sex::Male, true) => "1",
        (Sex::Female, true) => "2",
        (Sex::Male, false) => "M",
        (Sex::Female, false) => "F",
    }
}

fn yes(value: bool, year: i32) -> &'static str {
    match (value, year <= 2024) {
        (true, true) => "1",
        (false, true) => "0",
        (true, false) => "true",
        (false, false) => "false",
    }
}

fn written(world: &World, child: &Person, on: NaiveDate, source: u64) -> Identity {
    let mut dice = Dice::new(world.seed, Purpose::Identity, (source << 40) + u64::from(child.id));
    let mut identity = identity(child, on, Reader::Care, &world.streets, &mut dice);
    identity.forename.clear();
    identity.surname.clear();
    identity.dirt.retain(|word| matches!(*word, "no_birth_date" | "wrong_birth_date" | "no_upn"));
    identity
}

fn write_need(root: &Path, world: &World, truth: &mut Truth, year: i32, end: NaiveDate, care: &Care) -> Result<()> {
    let name = format!("cin/CIN_{year}.xml");
    let mut xml = Xml(Table::create(root, &name, "<?xml version=\"1.0\" encoding=\"utf-8\"?>", Encoding::Utf8, false)?);
    xml.line(0, "<Message>")?;
    xml.line(1, "<Header>")?;
    xml.line(2, "<CollectionDetails>")?;
    xml.leaf(3, "Collection", "CIN")?;
    xml.leaf(3, "Year", &year.to_string())?;
    xml.leaf(3, "ReferenceDate", &end.to_string())?;
    xml.line(2, "</CollectionDetails>")?;
    xml.line(2, "<Source>")?;
    xml.leaf(3, "SourceLevel", "L")?;
    xml.leaf(3, "LEA", "989")?;
    xml.leaf(3, "SoftwareCode", "Invented Case System")?;
    xml.leaf(3, "Release", "ver 1.0.0")?;
    xml.leaf(3, "SerialNo", "001")?;
    xml.leaf(3, "DateTime", &format!("{year}-06-12T09:30:00"))?;
    xml.line(2, "</Source>")?;
    xml.line(1, "</Header>")?;
    xml.line(1, "<Children>")?;
    let (mut children, mut cases_written) = (0, 0);
    for cases in care.cases.values() {
        let cases: Vec<&Case> = cases.iter().filter(|case| case.referred <= end).collect();
        let Some(first) = cases.first() else { continue };
        children += 1;
        let child = &first.child;
        let mut identity = written(world, child, end, 2);
        identity.postcode.clear();
        let bad = match (year, children) {
            (2024, 5) | (2025, 9) => Some(("impossible_date", "CINreferralDate")),
            (2024, 11) => Some(("unknown_code", "AssessmentFactors")),
            (2025, 14) => Some(("unknown_code", "ReferralSource")),
            (2025, 20) => Some(("missing_record_id", "LAchildID")),
            _ => None,
        };
        if let Some((kind, column)) = bad {
            truth.plant(kind, &xml.0, children, column, &child_id(child.id));
        }
        let column = bad.map_or("", |(_, column)| column);
        write_identifiers(&mut xml, child, &identity, year, column == "LAchildID")?;
        let mut dice = Dice::new(world.seed, Purpose::Care, (1 << 40) + u64::from(child.id));
        xml.line(3, "<ChildCharacteristics>")?;
        let ethnicity = if dice.chance(0.06) { dice.pick(&["NOBT", "REFU"]) } else { ethnic_codes(child.ethnicity).1 };
        xml.leaf(4, "Ethnicity", ethnicity)?;
        let disability = if dice.chance(0.9) { "NONE" } else { dice.pick(&["AUT", "BEH", "LD", "MOB"]) };
        xml.line(4, &format!("<Disabilities><Disability>{disability}</Disability></Disabilities>"))?;
        xml.line(3, "</ChildCharacteristics>")?;
        for (index, case) in cases.iter().enumerate() {
            write_case(&mut xml, case, year, end, if index == 0 { column } else { "" })?;
            cases_written += 1;
        }
        xml.line(2, "</Child>")?;
        let born = identity.born.map(|born| born.to_string()).unwrap_or_default();
        let id = child_id(child.id);
        truth.appear(
            child,
            &identity,
            &Appearance { source: "cin", file: &name, record_id: &id, person_key: &id, born },
        )?;
    }
    xml.line(1, "</Children>")?;
    xml.line(0, "</Message>")?;
    truth.add(&format!("cin_children_{year}"), children);
    truth.add(&format!("cin_episodes_{year}"), cases_written);
    truth.close(xml.0)
}

fn write_identifiers(xml: &mut Xml, child: &Person, identity: &Identity, year: i32, no_id: bool) -> Result<()> {
    xml.line(2, "<Child>")?;
    xml.line(3, "<ChildIdentifiers>")?;
    xml.leaf(4, "LAchildID", &if no_id { String::new() } else { child_id(child.id) })?;
    if identity.upn.is_empty() {
        xml.leaf(4, "UPNunknown", "UN1")?;
    } else {
        xml.leaf(4, "UPN", &identity.upn)?;
    }
    if let Some(born) = identity.born {
        xml.leaf(4, "PersonBirthDate", &born.to_string())?;
    }
    xml.leaf(4, "Sex", sex(child, year))?;
    xml.line(3, "</ChildIdentifiers>")
}

fn write_case(xml: &mut Xml, case: &Case, year: i32, end: NaiveDate, bad: &str) -> Result<()> {
    let by_then = |date: NaiveDate| date <= end;
    xml.line(3, "<CINdetails>")?;
    let referred = if bad == "CINreferralDate" { format!("{year}-02-31") } else { case.referred.to_string() };
    xml.leaf(4, "CINreferralDate", &referred)?;
    xml.leaf(4, "ReferralSource", if bad == "ReferralSource" { "9Z" } else { case.source })?;
    xml.leaf(4, "PrimaryNeedCode", case.need)?;
    if let Some((closed, reason)) = case.closed.filter(|(date, _)| by_then(*date)) {
        xml.leaf(4, "CINclosureDate", &closed.to_string())?;
        xml.leaf(4, "ReasonForClosure", reason)?;
    }
    if let Some(conference) = case.enquiry.and_then(|(_, conference)| conference).filter(|date| by_then(*date)) {
        xml.leaf(4, "DateOfInitialCPC", &conference.to_string())?;
    }
    if let Some((start, authorised, factors)) = case.assessment.as_ref().filter(|(start, ..)| by_then(*start)) {
        xml.line(4, "<Assessments>")?;
        xml.leaf(5, "AssessmentActualStartDate", &start.to_string())?;
        if by_then(*authorised) {
            xml.leaf(5, "AssessmentAuthorisationDate", &authorised.to_string())?;
            xml.line(5, "<FactorsIdentifiedAtAssessment>")?;
            for factor in factors {
                // The retired codes are not found after 2024.
                let factor = match (*factor, year > 2024) {
                    ("18A", true) => "18C",
                    ("19A", true) => "19C",
                    (factor, _) => factor,
                };
                xml.leaf(6, "AssessmentFactors", factor)?;
            }
            if bad == "AssessmentFactors" {
                xml.leaf(6, "AssessmentFactors", "99Z")?;
            }
            xml.line(5, "</FactorsIdentifiedAtAssessment>")?;
        }
        xml.line(4, "</Assessments>")?;
    }
    if let Some((start, finish)) = case.plan.filter(|(start, _)| by_then(*start)) {
        xml.line(4, "<CINPlanDates>")?;
        xml.leaf(5, "CINPlanStartDate", &start.to_string())?;
        if by_then(finish) {
            xml.leaf(5, "CINPlanEndDate", &finish.to_string())?;
        }
        xml.line(4, "</CINPlanDates>")?;
    }
    if let Some((start, conference)) = case.enquiry.filter(|(start, _)| by_then(*start)) {
        xml.line(4, "<Section47>")?;
        xml.leaf(5, "S47ActualStartDate", &start.to_string())?;
        if let Some(date) = conference {
            xml.leaf(5, "InitialCPCtarget", &date.to_string())?;
            if by_then(date) {
                xml.leaf(5, "DateOfInitialCPC", &date.to_string())?;
            }
        }
        xml.leaf(5, "ICPCnotRequired", yes(conference.is_none(), year))?;
        xml.line(4, "</Section47>")?;
    }
    xml.leaf(4, "ReferralNFA", yes(case.no_action, year))?;
    if let Some((start, finish, category, earlier)) = case.protection.filter(|(start, ..)| by_then(*start)) {
        xml.line(4, "<ChildProtectionPlans>")?;
        xml.leaf(5, "CPPstartDate", &start.to_string())?;
        if by_then(finish) {
            xml.leaf(5, "CPPendDate", &finish.to_string())?;
        }
        xml.leaf(5, "InitialCategoryOfAbuse", category)?;
        xml.leaf(5, "LatestCategoryOfAbuse", category)?;
        xml.leaf(5, "NumberOfPreviousCPP", &earlier.to_string())?;
        let review = start + chrono::Days::new(85);
        if by_then(review) && review < finish {
            xml.line(5, &format!("<Reviews><CPPreviewDate>{review}</CPPreviewDate></Reviews>"))?;
        }
        xml.line(4, "</ChildProtectionPlans>")?;
    }
    xml.line(3, "</CINdetails>")
}

fn uk(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

fn write_looked_after(
    root: &Path,
    world: &World,
    truth: &mut Truth,
    year: i32,
    end: NaiveDate,
    care: &Care,
) -> Result<()> {
    let file = |table: &str| format!("ssda903/SSDA903_{year}_{table}.csv");
    let open = |table: &str, header: &str| Table::create(root, &file(table), header, Encoding::Utf8, false);
    let mut header = open("header", "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB")?;
    let mut episodes = open(
        "episodes",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN",
    )?;
    let mut missing = open("missing", "CHILD,DOB,MISSING,MIS_START,MIS_END")?;
    let by_then = |date: &NaiveDate| *date <= end;
    let since = end - chrono::Days::new(365);
    for looked_after in care.looked_after.values() {
        let child = &looked_after.child;
        let placements: Vec<_> = looked_after
            .placements
            .iter()
            .filter(|placement| by_then(&placement.start) && placement.end.is_none_or(|finish| finish >= since))
            .collect();
        if placements.is_empty() {
            continue;
        }
        let id = child_id(child.id);
        let identity = written(world, child, end, 3);
        let born = identity.born.map(uk).unwrap_or_default();
        let (_, ethnicity, _, _) = ethnic_codes(child.ethnicity);
        header.row(&[id.as_str(), sex(child, year), &born, ethnicity, &identity.upn, "", ""])?;
        for placement in placements {
            let first = placement.start == looked_after.placements[0].start;
            let finish = placement.end.filter(by_then);
            let last = looked_after.placements.last().is_some_and(|last| last.start == placement.start);
            let mut fields = [
                id.clone(),
                uk(placement.start),
                if first { "S" } else { "P" }.to_owned(),
                "C2".to_owned(),
                looked_after.need.to_owned(),
                placement.place.to_owned(),
                "PR1".to_owned(),
                finish.map(uk).unwrap_or_default(),
                match (finish, last) {
                    (None, _) => "",
                    (Some(_), true) => "E4A",
                    (Some(_), false) => "X1",
                }
                .to_owned(),
                if finish.is_some() && !last { "CARPL" } else { "" }.to_owned(),
                identity.postcode.clone(),
                world.streets.text(placement.postcode),
                "XXXXXXX".to_owned(),
            ];
            let row = episodes.rows() + 1;
            if row == 7 {
                fields[1] = format!("31/02/{year}");
                truth.plant("impossible_date", &episodes, row, "DECOM", &id);
            }
            if row == 12 && year == 2025 {
                fields[5] = "ZZ".to_owned();
                truth.plant("unknown_code", &episodes, row, "PLACE", &id);
            }
            episodes.row(&fields)?;
        }
        for (kind, gone, back) in looked_after.missing.iter().filter(|(_, gone, _)| by_then(gone) && *gone >= since) {
            let row = missing.rows() + 1;
            let mut back = back.filter(by_then);
            if row == 4 {
                back = Some(*gone - chrono::Days::new(3));
                truth.plant("from_after_to", &missing, row, "MIS_END", &id);
            }
            missing.row(&[id.as_str(), &born, kind, &uk(*gone), &back.map(uk).unwrap_or_default()])?;
        }
        let header_file = file("header");
        truth.appear(
            child,
            &identity,
            &Appearance { source: "ssda903", file: &header_file, record_id: &id, person_key: &id, born },
        )?;
    }
    for table in [header, episodes, missing] {
        truth.close(table)?;
    }
    Ok(())
}
