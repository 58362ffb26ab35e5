//! People whom nobody named, and people who look like one: placeholders, dummy numbers, newborn children, twins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use crate::link::{People, crowd};
use crate::support::aloud;

/// Groups of records by the keyed id of each, of ids that are unique over both sources.
struct Found(BTreeMap<String, String>);

impl Found {
    fn new(people: &People, ids: &[(&'static str, Vec<String>)]) -> Self {
        let links = people.sql("SELECT person_record_id, person_key FROM person_link");
        let by: BTreeMap<&str, &str> =
            links.column("person_record_id").into_iter().zip(links.column("person_key")).collect();
        let mut out = BTreeMap::new();
        for (source, ids) in ids {
            for (id, token) in ids.iter().zip(tokens(people, source, ids)) {
                assert!(out.insert(id.clone(), by[token.as_str()].to_owned()).is_none(), "{id} stands twice");
            }
        }
        Self(out)
    }

    fn same(&self, a: &str, b: &str) -> bool {
        self.0[a] == self.0[b]
    }
}

/// Tokens of people's ids, made at the desk in one go.
fn tokens(people: &People, source: &str, ids: &[String]) -> Vec<String> {
    let file = people.path(&format!("ids-{source}"));
    fs::write(&file, ids.join("\n")).unwrap();
    let out = Command::new(crate::support::svp_bin())
        .args(["--site".as_ref(), people.path("site").as_os_str(), "key".as_ref(), "token".as_ref()])
        .args(["--source".as_ref(), source.as_ref(), "--key".as_ref(), people.path("key").as_os_str()])
        .stdin(Stdio::from(fs::File::open(file).unwrap()))
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

fn id(row: &str) -> String {
    row.split(',').next().unwrap_or_default().to_owned()
}

/// A number that passes the check and is on no list; in this test everybody has it.
const DUMMY: &str = "6152439086";

/// Two records each (forename, surname, birth, postcode, sex, NHS number), and whether they are one person.
const PAIRS: [(&str, &str, bool); 31] = [
    // Nobody's names, alone and with what goes with them.
    ("Unknown,Male,,,M,", "Unknown,Male,,,M,", false),
    ("NULL,NULL,,,,", "NULL,NULL,,,,", false),
    ("Unknown,Unknown,1900-01-01,ZZ99 3VZ,M,", "Unknown,Unknown,1900-01-01,ZZ99 3VZ,M,", false),
    ("Test,Patient,1901-01-01,,F,", "Test,Patient,1901-01-01,,F,", false),
    ("John,Doe,,,M,", "John,Doe,,,M,", false),
    ("Mr,X,,,M,", "Mr,X,,,M,", false),
    ("A N,Other,,,F,", "A N,Other,,,F,", false),
    ("ZZZTest,ZZZTest,,,F,9876543210", "ZZZTest,ZZZTest,,,F,9876543210", false),
    ("Refused,Refused,,,M,2222222222", "Refused,Refused,,,M,2222222222", false),
    ("Anonymous,Anonymous,,NFA,F,1234567881", "Anonymous,Anonymous,,NFA,F,1234567881", false),
    ("Not known,Not known,,,,", "Not known,Not known,,,,", false),
    // Newborn children: the surname stays, and the order of birth tells twins apart.
    ("Baby,Smithson,2025-04-02,TQ1 1AB,F,", "Baby,Smithson,2025-04-02,TQ1 1AB,M,", false),
    ("Baby Boy,Smythe,2025-04-02,TQ2 1AB,M,", "Baby Girl,Smythe,2025-04-02,TQ2 1AB,F,", false),
    ("Twin 1,Okafor,2024-05-06,TQ3 2CD,F,", "Twin 2,Okafor,2024-05-06,TQ3 2CD,F,", false),
    ("Twin I,Penrose,2024-05-07,TQ4 2CD,F,", "Baby A,Penrose,2024-05-07,TQ4 2CD,F,", true),
    ("Baby,Trelawny,2024-03-03,PL1 2AB,F,4505577104", "Jenifer,Trelawny,2024-03-03,PL1 2AB,F,4505577104", true),
    // Names that look like placeholders and are somebody's.
    ("Christopher,Null,1977-07-19,EX2 4TH,M,", "Christopher,Null,1977-07-19,EX2 4TH,M,", true),
    ("Sarah,Male,1981-10-23,EX3 4TH,F,", "Sarah,Male,1981-10-23,EX3 4TH,F,", true),
    // Twins, of names that are a little, and more than a little, alike.
    ("Amelia,Thornquist,2010-05-14,TQ5 1AB,F,", "Olivia,Thornquist,2010-05-14,TQ5 1AB,F,", false),
    ("Jack,Ravensdale,2009-02-17,TQ6 1AB,M,", "James,Ravensdale,2009-02-17,TQ6 1AB,M,", false),
    ("Ella,Penwarne,2011-09-23,TQ7 1AB,F,", "Ellie,Penwarne,2011-09-23,TQ7 1AB,F,", false),
    ("Jayden,Carnwell,2012-11-20,TQ8 1AB,M,", "Hayden,Carnwell,2012-11-20,TQ8 1AB,M,", false),
    ("Maisie,Dunstane,2013-01-09,TQ9 1AB,F,", "Megan,Dunstane,2013-01-09,TQ9 1AB,F,", false),
    ("Emma,Lostwith,2008-06-25,TQ10 1AB,F,", "Emily,Lostwith,2008-06-25,TQ10 1AB,F,", false),
    // One person, written down twice.
    ("Eleanor,Treverbyn,2007-03-11,TQ11 1AB,F,", "Ellie,Treverbyn,2007-03-11,TQ11 1AB,F,", true),
    ("Jack,Bodinnar,2006-08-04,TQ12 1AB,M,", "Jcak,Bodinnar,2006-08-04,TQ12 1AB,M,", true),
    ("Olivia,Angwinney,2005-12-13,TQ13 1AB,F,", "Oliva,Angwinney,2005-12-13,TQ13 1AB,F,", true),
    ("Sara,Boscawyn,2004-10-22,TQ14 1AB,F,", "Sarah,Boscawyn,2004-10-22,TQ14 1AB,F,", true),
    ("J,Fothergale,1981-06-30,EX10 1AB,M,", "Jonathan,Fothergale,1981-06-30,EX10 1AB,M,", true),
    ("James,Kilvorder,1990-02-15,EX11 1AB,M,", "Jmaes,Kilvorder,1990-02-15,EX11 1AB,M,", true),
    ("Katherine,Underhayle,1984-12-23,EX12 1AB,F,", "Kathrine,Underhayle,1984-12-23,EX12 1AB,F,", true),
];

#[test]
fn nobody_is_linked_on_a_placeholder_and_twins_stay_two() {
    let people = People::new(false);
    let (mut first, mut second) = crowd();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (i, (x, y, _)) in PAIRS.iter().enumerate() {
        a.push(format!("a{i},{x}"));
        b.push(format!("b{i},{y}"));
    }
    // Twelve people under one number, and somebody of whom that number is all that is said.
    for (i, surname) in ["Ashlake", "Birkwood", "Coldwell", "Dryden", "Eastlake", "Fernhill"].iter().enumerate() {
        let birth = format!("{}-0{}-1{i}", 1950 + 7 * i, 1 + i);
        a.push(format!("d{i},Terrence,{surname},{birth},EX{} 2AB,M,{DUMMY}", 20 + i));
        b.push(format!("e{i},Priya,{surname}ton,19{}-1{}-2{i},EX{} 2CD,F,{DUMMY}", 60 + 5 * i, i % 3, 10 + i));
    }
    b.push(format!("nobody,Unknown,Unknown,,,,{DUMMY}"));
    let ids = [("first", a.iter().map(|r| id(r)).collect()), ("second", b.iter().map(|r| id(r)).collect())];
    first.extend(a);
    second.extend(b);
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    let ran = people.run(&[]);
    assert!(ran.stderr.contains("1 numbers stand for too many people"), "{}", ran.stderr);
    let found = Found::new(&people, &ids);
    let mut wrong = Vec::new();
    for (i, (x, y, is_one)) in PAIRS.iter().enumerate() {
        if found.same(&format!("a{i}"), &format!("b{i}")) != *is_one {
            wrong.push(format!("{x} and {y} are {}one person", if *is_one { "" } else { "not " }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sharers: Vec<String> = (0..6).flat_map(|i| [format!("d{i}"), format!("e{i}")]).collect();
    let groups: BTreeSet<&String> = sharers.iter().map(|id| &found.0[id]).collect();
    assert_eq!(groups.len(), 12, "people who share a dummy number were merged");
    assert!(sharers.iter().all(|id| !found.same(id, "nobody")), "a dummy number alone made two records one person");

    // What a placeholder left out is counted, and no token was made of it.
    let noted = people.sql("SELECT count(*) AS n FROM person_record WHERE token_nhs IS NOT NULL");
    assert_eq!(noted.one(), "15", "NHS numbers: 13 of the dummy, 2 of a child");
}

/// A stream of numbers that is the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn chance(&mut self, of_thousand: usize) -> bool {
        self.below(1000) < of_thousand
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

#[rustfmt::skip]
const GIRLS: [&str; 40] = [
    "Olivia", "Amelia", "Isla", "Ava", "Ivy", "Freya", "Lily", "Florence", "Mia", "Willow", "Rosie", "Sophia", "Isabella",
    "Grace", "Daisy", "Sienna", "Poppy", "Elsie", "Emily", "Ella", "Evelyn", "Phoebe", "Evie", "Charlotte", "Millie",
    "Matilda", "Maya", "Sophie", "Alice", "Emma", "Ellie", "Layla", "Luna", "Eliza", "Ruby", "Lola", "Maisie", "Megan",
    "Hannah", "Holly",
];
#[rustfmt::skip]
const BOYS: [&str; 40] = [
    "Oliver", "George", "Harry", "Noah", "Jack", "Leo", "Arthur", "Oscar", "Charlie", "Jacob", "Thomas", "Henry",
    "William", "James", "Theo", "Alfie", "Joshua", "Freddie", "Archie", "Ethan", "Isaac", "Alexander", "Joseph", "Edward",
    "Samuel", "Max", "Daniel", "Logan", "Lucas", "Harrison", "Toby", "Mason", "Benjamin", "Sebastian", "Reuben", "Finley",
    "Jayden", "Hayden", "Harvey", "Luke",
];
const SHORT: [(&str, &str); 12] = [
    ("Alexander", "Alex"),
    ("William", "Will"),
    ("Benjamin", "Ben"),
    ("Thomas", "Tom"),
    ("Daniel", "Dan"),
    ("Samuel", "Sam"),
    ("Joseph", "Joe"),
    ("Edward", "Ted"),
    ("Isabella", "Bella"),
    ("Matilda", "Tilly"),
    ("Charlotte", "Lottie"),
    ("James", "Jim"),
];

/// Exchanges, drops, doubles or changes one letter.
fn slip(name: &str, draw: &mut Draw) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = 1 + draw.below(letters.len() - 2);
    match draw.below(4) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = ['a', 'e', 'i', 'o', 'r', 's', 't', 'n'][draw.below(8)],
    }
    letters.into_iter().collect()
}

/// Families with twins (15 births in a thousand, so three children in a hundred, as in England and Wales; more than a
/// third of the couples have names that begin alike), brothers and sisters, in two sources; each record with its slips.
/// Right is: a twin is never the other; a person written down twice is found again. Reached is: 1 of these 70 couples is joined
/// (28 by a port of this generator without levels for two common names and shares of twins; 19 while the data could move how
/// often one person bears two such names), so that 5 in 100 is the bound.
#[test]
fn generated_twins_stay_two_and_one_person_stays_one() {
    const SYLLABLES: [&str; 12] = ["Ash", "Bar", "Cal", "Dun", "Ed", "Far", "Gar", "Hol", "Jar", "Kel", "Lan", "Mor"];
    /// Letters that the second part of a postcode may have.
    const INWARD: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
    const ENDS: [&str; 10] = ["by", "ton", "ford", "ham", "well", "ley", "wick", "worth", "den", "combe"];
    let mut draw = Draw(20_261_129);
    let people = People::new(false);
    let mut rows: [Vec<String>; 2] = Default::default();
    // Person → ids and forenames of its records.
    let mut records: Vec<Vec<(String, String)>> = Vec::new();
    let mut couples = Vec::new();
    let mut write = |forename: &str, family: &(String, String), birth: &str, sex: &str, draw: &mut Draw| {
        let person = records.len();
        records.push(Vec::new());
        for (s, letter) in ["p", "h"].iter().enumerate() {
            for k in 0..draw.below(3).min(1 + s) {
                let short = SHORT.iter().find(|(name, _)| *name == forename);
                let written = match (draw.below(100), short) {
                    (0..4, _) => slip(forename, draw),
                    (4..12, Some((_, short))) => (*short).to_owned(),
                    _ => forename.to_owned(),
                };
                let surname = if draw.chance(20) { slip(&family.0, draw) } else { family.0.clone() };
                let birth = if draw.chance(30) { "" } else { birth };
                let postcode = if draw.chance(60) { "" } else { family.1.as_str() };
                let id = format!("{letter}{person}x{k}");
                rows[s].push(format!("{id},{written},{surname},{birth},{postcode},{sex},"));
                records[person].push((id, written));
            }
        }
        person
    };
    for family in 0..3_000usize {
        let surname = format!("{}{}", draw.pick(&SYLLABLES), draw.pick(&ENDS));
        let letters = [INWARD[draw.below(20)], INWARD[draw.below(20)]];
        let home =
            (surname, format!("EX{} {}{}", 1 + family % 40, draw.below(9) + 1, String::from_utf8_lossy(&letters)));
        for _ in 0..1 + draw.below(3) {
            let girl = draw.chance(500);
            let (names, sex) = if girl { (GIRLS, "F") } else { (BOYS, "M") };
            let birth = format!("{}-{:02}-{:02}", 1990 + draw.below(32), 1 + draw.below(12), 1 + draw.below(28));
            let forename = draw.pick(&names);
            let one = write(forename, &home, &birth, sex, &mut draw);
            if draw.chance(15) {
                let alike: Vec<&str> =
                    names.iter().copied().filter(|n| *n != forename && n[..1] == forename[..1]).collect();
                let others: Vec<&str> = names.iter().copied().filter(|n| *n != forename).collect();
                let twin = if draw.chance(350) && !alike.is_empty() { draw.pick(&alike) } else { draw.pick(&others) };
                couples.push((one, write(twin, &home, &birth, sex, &mut draw)));
            }
        }
    }
    let [first, second] = rows;
    let ids = [("first", first.iter().map(|r| id(r)).collect()), ("second", second.iter().map(|r| id(r)).collect())];
    people.give("first_1.csv", &first);
    people.give("second_1.csv", &second);
    people.run(&[]);
    let found = Found::new(&people, &ids);
    let joined =
        |a: &[(String, String)], b: &[(String, String)]| a.iter().any(|(x, _)| b.iter().any(|(y, _)| found.same(x, y)));
    let both: Vec<_> = couples.iter().filter(|(a, b)| !records[*a].is_empty() && !records[*b].is_empty()).collect();
    let wrong = both.iter().filter(|(a, b)| joined(&records[*a], &records[*b])).count();
    let (mut pairs, mut kept) = ([0usize; 2], [0usize; 2]);
    for of in &records {
        for (i, (x, written)) in of.iter().enumerate() {
            for (y, again) in &of[i + 1..] {
                let otherwise = usize::from(written != again);
                pairs[otherwise] += 1;
                kept[otherwise] += usize::from(found.same(x, y));
            }
        }
    }
    aloud(&format!(
        "twins: {wrong} of {} couples joined; one person found again: {} of {} pairs with one forename, {} of {} with two spellings",
        both.len(),
        kept[0],
        pairs[0],
        kept[1],
        pairs[1]
    ));
    assert!(both.len() > 60 && pairs[1] > 200, "{} couples, {pairs:?}", both.len());
    assert!(wrong * 100 <= both.len() * 5, "{wrong} of {} couples of twins were joined", both.len());
    assert!(kept[0] * 100 >= pairs[0] * 98 && kept[1] * 100 >= pairs[1] * 94, "{kept:?} of {pairs:?}");
}
