use super::*;
use crate::person::name_key::name_key;

/// Which of two names, as typed, stand for none.
fn names(forename: &str, surname: &str) -> (bool, bool) {
    let key = |text: &str| name_key(text);
    placeholders(key(forename).as_deref(), key(surname).as_deref())
}

#[test]
fn every_entry_is_of_a_known_kind_and_in_the_form_that_it_is_compared_in() {
    let mut seen = HashSet::new();
    let lines: Vec<&str> = LIST.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    assert_eq!(lines[0], "field,how,value");
    for line in &lines[1..] {
        assert!(seen.insert(*line), "{line} stands twice");
        let cells: Vec<&str> = line.split(',').collect();
        let [field, how, value] = cells[..] else { panic!("{line}") };
        let hows: &[&str] = match field {
            "name" | "forename" | "surname" => &["whole", "start", "beside", "alone", "counted"],
            "names" | "birth_date" => &["whole"],
            "nhs_number" | "upn" | "postcode" | "text" => &["whole", "start"],
            _ => panic!("{line}: no such field"),
        };
        assert!(hows.contains(&how), "{line}");
        match field {
            "birth_date" => assert!(value.parse::<NaiveDate>().is_ok(), "{line}"),
            "names" => assert!(value.split(' ').all(|w| name_key(w).as_deref() == Some(w)), "{line}"),
            _ => assert_eq!(name_key(value).as_deref(), Some(value)),
        }
    }
}

#[test]
fn what_departments_type_for_nobody_is_no_name() {
    for (forename, surname) in [
        ("Unknown", "Unknown"),
        ("Unknown", "Male"),
        ("UNKNOWN MALE", "1"),
        ("Male", "Unknown 2"),
        ("Unknown1", "Female"),
        ("Unkown", "Unknown"),
        ("NULL", "NULL"),
        ("N/A", "N/A"),
        ("Not", "Known"),
        ("Not known", "Not known"),
        ("NK", "NK"),
        ("-", "Unknown"),
        ("Mr", "X"),
        ("Mrs X", "Unknown"),
        ("X", "X"),
        ("xxx", "XXXX"),
        ("A N", "Other"),
        ("A", "N Other"),
        ("John", "Doe"),
        ("Jane", "Doe 3"),
        ("Joe", "Bloggs"),
        ("Test", "Test"),
        ("Test", "Patient"),
        ("Patient", "Test 4"),
        ("ZZZTest", "ZZZTest"),
        ("XXTESTPATIENT-TGNP", "XXTESTPATIENT"),
        ("Dummy", "Patient"),
        ("Refused", "Refused"),
        ("Refused to give", "Refused"),
        ("Anonymous", "Anonymous"),
        ("Name withheld", "Withheld"),
        ("Deceased", "Deceased"),
        ("Unidentified", "Person"),
        ("Unconscious", "Patient"),
        ("Baby", "Unknown"),
        ("Male", "Child"),
        ("Mickey", "Mouse"),
        ("123", "456"),
        ("aaa", "bbb"),
    ] {
        let (first, last) = names(forename, surname);
        assert!(last && (first || name_key(forename).is_none()), "{forename} {surname}: {first} {last}");
    }
}

#[test]
fn a_newborn_child_keeps_its_surname_and_its_order_of_birth() {
    for (forename, order) in [
        ("Baby", None),
        ("Baby Girl", None),
        ("BABY BOY", None),
        ("Baby of Sarah", None),
        ("Baby Girl of Sarah", None),
        ("Infant", None),
        ("Newborn", None),
        ("Male infant", None),
        ("Girl", None),
        ("Twin", None),
        ("Baby 1", Some(1)),
        ("Baby 2", Some(2)),
        ("Baby A", Some(1)),
        ("Baby Girl 2", Some(2)),
        ("Twin 1", Some(1)),
        ("Twin 2", Some(2)),
        ("Twin One", Some(1)),
        ("Twin II", Some(2)),
        ("Twin B", Some(2)),
        ("Twin 2 of Sarah", Some(2)),
        ("Twin 1 girl", Some(1)),
        ("Baby twin 2", Some(2)),
        ("First twin", Some(1)),
        ("2nd Twin", Some(2)),
        ("Triplet 3", Some(3)),
    ] {
        assert_eq!(names(forename, "Smith"), (true, false), "{forename}");
        assert_eq!(birth_order(&name_key(forename).unwrap()), order, "{forename}");
    }
}

#[test]
fn real_names_are_kept() {
    for (forename, surname) in [
        ("Christopher", "Null"),
        ("Sarah", "Male"),
        ("George", "Male"),
        ("Zoe", "Test"),
        ("Lee", "Child"),
        ("Minnie", "Driver"),
        ("Isaac", "Man"),
        ("Twinkle", "Khanna"),
        ("Boyd", "Anderson"),
        ("Malek", "Hassan"),
        ("Maleeha", "Khan"),
        ("Babette", "Cole"),
        ("Xavier", "Xu"),
        ("X", "Smith"),
        ("Na", "Li"),
        ("Nan", "Goldin"),
        ("Nil", "Roig"),
        ("Bo", "Other"),
        ("Jane", "Person"),
        ("John", "Smith"),
        ("Doe", "Jennings"),
        ("Oo", "Oo"),
        ("Unity", "Unwin"),
        ("Anona", "Winn"),
        ("Refugio", "Nono"),
        ("Lady", "Newman"),
        ("Иван", "Петров"),
    ] {
        let found = names(forename, surname);
        assert_eq!(found, (forename == "Lady", false), "{forename} {surname}");
    }
    assert_eq!(placeholders(None, Some("WHITE")), (false, false));
    assert_eq!(placeholders(None, Some("NULL")), (false, true));
    assert_eq!(placeholders(Some("SARAH"), None), (false, false));
    assert_eq!(placeholders(None, None), (false, false));
}

#[test]
fn words_of_a_whole_name_lose_what_is_none() {
    let check = |words: &str, expected: Option<&str>| {
        let mut out = String::new();
        let found = write_known_words(words, &mut out).map(|()| out.as_str());
        assert_eq!(found, expected, "{words}");
    };
    check("SARAH ANN SMITH", Some("SARAH ANN SMITH"));
    check("UNKNOWN MALE", None);
    check("UNKNOWN", None);
    check("BABY SMITH", Some("SMITH"));
    check("BABY OF SARAH SMITH", Some("SMITH"));
    check("TWIN 2 SMITH", Some("SMITH"));
    check("SARAH UNKNOWN", Some("SARAH"));
    check("TEST PATIENT", None);
    check("CHRISTOPHER NULL", Some("CHRISTOPHER NULL"));
}

#[test]
fn numbers_dates_and_postcodes_that_are_nobodys() {
    let check = |field: &str, value: &str, expected: bool| {
        assert_eq!(is_placeholder(field, value), expected, "{field} {value}");
    };
    check("nhs_number", "9876543210", true);
    check("nhs_number", "987 654 3210", true);
    check("nhs_number", "2222222222", true);
    check("nhs_number", "1234567881", true);
    check("nhs_number", "9434765919", false);
    check("nhs_number", "9990000565", false);
    check("upn", "A000000000000", true);
    check("upn", "X999999999999", true);
    check("upn", "Z11111111111A", true);
    check("upn", "A123456789012", true);
    check("upn", "C989000183919", false);
    check("birth_date", "1900-01-01", true);
    check("birth_date", "9999-12-31", true);
    check("birth_date", "1970-01-01", false);
    check("postcode", "ZZ99 3VZ", true);
    check("postcode", "NFA", true);
    check("postcode", "AA1 1AA", true);
    check("postcode", "EX1 1AE", false);
    check("text", "Not known", true);
    check("text", "UNKNOWN", true);
    check("text", "TORQUAY", false);
    assert!(is_placeholder_date("1900-01-01".parse().unwrap()));
    assert!(!is_placeholder_date("1970-01-01".parse().unwrap()));
}
