use std::collections::HashMap;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use svp_contract::EncodingKind;
use svp_pseudonymise::encode::Encoder;
use svp_pseudonymise::{Key, Tokeniser};

use super::*;

/// A person as a source describes it: id, forename, surname, date of birth, postcode, sex.
type Person = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// A batch of one source, with the columns of `person_record` that such a source can fill.
fn batch(source: &str, people: &[Person]) -> RecordBatch {
    let key = Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
    let ids = Tokeniser::new(&key, "person_record_id");
    let text =
        |of: &dyn Fn(&Person) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(people.iter().map(of))) };
    let encoding = |kind, domain, column, of: &dyn Fn(&Person) -> Vec<String>| -> ArrayRef {
        let mut encoder = Encoder::new(&key, kind, domain, column);
        Arc::new(BinaryArray::from_iter(people.iter().map(|person| {
            let (parts, mut out) = (of(person), Vec::new());
            let parts: Vec<Option<&str>> = parts.iter().map(|p| Some(p.as_str())).collect();
            encoder.encode(&parts, &mut out).then_some(out)
        })))
    };
    let sound = |name: &str| name.chars().take(3).collect::<String>();
    let name = |column, of: &dyn Fn(&Person) -> &'static str| {
        encoding(EncodingKind::Name, "name", column, &|p| vec![of(p).to_owned(), of(p).to_owned(), sound(of(p))])
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "person_record_id",
            text(&|p| String::from_utf8_lossy(&ids.token([source.as_bytes(), p.0.as_bytes()])).into()),
        ),
        ("source", text(&|_| source.to_owned())),
        ("agency", text(&|_| "police".to_owned())),
        ("enc_forename", name("forename", &|p| p.1)),
        ("enc_surname", name("surname", &|p| p.2)),
        ("enc_birth", encoding(EncodingKind::Date, "birth", "birth", &|p| vec![p.3.to_owned()])),
        ("enc_postcode", encoding(EncodingKind::Postcode, "postcode", "postcode", &|p| vec![p.4.to_owned()])),
        ("sex", text(&|p| p.5.to_owned())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn police() -> RecordBatch {
    batch(
        "police",
        &[
            ("1", "ISOBEL", "KETTLEWICK", "1984-03-17", "WX1 2AB", "female"),
            ("2", "BARNABY", "HUCKLEDON", "1971-11-02", "WX4 8QT", "male"),
            ("3", "ROWENA", "TASKERLEY", "1990-06-25", "WX7 1ZZ", "female"),
        ],
    )
}

fn health() -> RecordBatch {
    batch(
        "health",
        &[
            // One letter is wrong.
            ("a", "ISOBEL", "KETTLEWIK", "1984-03-17", "WX1 2AB", "female"),
            ("b", "BARNABY", "HUCKLEDON", "1971-11-02", "WX4 8QT", "male"),
            // A brother of Rowena's, of another age.
            ("c", "ALARIC", "TASKERLEY", "1987-01-09", "WX7 1ZZ", "male"),
        ],
    )
}

/// The people of `linked` as what their records are called above.
fn people(linked: &Linked, batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let names = ["1", "2", "3", "a", "b", "c"];
    let ids = batches.iter().flat_map(|b| {
        let ids = b.column(0).as_any().downcast_ref::<StringArray>().unwrap();
        ids.iter().flatten().map(str::to_owned).collect::<Vec<_>>()
    });
    let name: HashMap<String, &str> = ids.zip(names).collect();
    let mut people: Vec<Vec<String>> = linked
        .people()
        .into_iter()
        .map(|person| {
            let mut names: Vec<String> = person.into_iter().map(|id| name[id].to_owned()).collect();
            names.sort();
            names
        })
        .collect();
    people.sort();
    people
}

#[tokio::test]
async fn the_example_of_the_front_page() {
    include!("front_page.rs")
}

/// Linkage without a lake: batches in, people out.
#[tokio::test]
async fn a_few_batches_in_memory_are_linked() {
    let linkage = Linkage::shipped().unwrap();
    let batches = [police(), health()];
    let linked = Linker::new(&linkage).fit(&batches).await.unwrap();
    assert_eq!(people(&linked, &batches), [vec!["1", "a"], vec!["2", "b"], vec!["3"], vec!["c"]]);
    assert_eq!(linked.records.len(), 6);
    for pair in &linked.pairs {
        let together = linked.group[pair.a as usize] == linked.group[pair.b as usize];
        assert_eq!(together, pair.probability() > 0.5, "{pair:?}");
    }
}

#[tokio::test]
async fn neither_threads_nor_the_order_of_the_batches_matter() {
    let linkage = Linkage::shipped().unwrap();
    let one = Linker::new(&linkage).fit(&[police(), health()]).await.unwrap();
    let many = Linker::new(&linkage).threads(3).fit(&[health(), police()]).await.unwrap();
    let parts = Linker::new(&linkage).pairs_at_once(1).fit(&[police(), health()]).await.unwrap();
    assert_eq!((&one.records, &one.group), (&many.records, &many.group));
    let bits = |linked: &Linked| linked.pairs.iter().map(|p| (p.a, p.b, p.weight.to_bits())).collect::<Vec<_>>();
    assert_eq!(bits(&one), bits(&many));
    assert_eq!(one.candidates, parts.candidates);
}

/// Two records, often, of each of sixty people, who share names and postcodes with others; some records are described twice.
fn many() -> Vec<RecordBatch> {
    let text = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let forenames = ["ISOBEL", "BARNABY", "ROWENA", "ALARIC", "ISABEL", "WINIFRED", "OSWALD"];
    let surnames = ["KETTLEWICK", "HUCKLEDON", "TASKERLEY", "OAKENSHAW", "KETTLEWIK"];
    let person = |i: usize, again: usize| -> Person {
        let n = i % 60;
        let birth = text(format!("19{:02}-0{}-1{}", 40 + n / 2, 1 + n % 3, n % 2));
        let postcode = text(format!("WX{} {}AB", 1 + n % 4, 1 + (n + again) % 5));
        (text(i.to_string()), forenames[n % 7], surnames[n % 5], birth, postcode, "female")
    };
    let first: Vec<Person> = (0..110).map(|i| person(i, 0)).collect();
    let again: Vec<Person> = (0..110).filter(|i| i % 4 == 0).map(|i| person(i, 1)).collect();
    vec![batch("police", &first[..70]), batch("health", &first[70..]), batch("police", &again[..15])]
}

/// Pairs that cannot be in a group need not be kept, and parts may end between two rows of a record.
#[tokio::test]
async fn pairs_that_are_not_kept_change_nothing() {
    let linkage = Linkage::shipped().unwrap();
    for at_once in [1, 50, 1000, u64::MAX] {
        let linker = Linker::new(&linkage).threads(2).pairs_at_once(at_once);
        let (all, close) = (linker.fit(&many()).await.unwrap(), linker.close_pairs_only().fit(&many()).await.unwrap());
        assert!(all.pairs.is_sorted_by(|x, y| (x.a, x.b) < (y.a, y.b)));
        assert_eq!(all.weights.pairs, all.pairs.len() as u64);
        assert_eq!((&all.group, all.candidates, all.weights), (&close.group, close.candidates, close.weights));
        assert_eq!(all.best, close.best);
        let people = all.group.iter().collect::<BTreeSet<_>>().len();
        assert!(people < 100, "{people} people at {at_once} pairs");
        assert!(close.pairs.len() < all.pairs.len(), "{} pairs of {people} people at {at_once}", all.pairs.len());
        let good = all.pairs.iter().filter(|pair| group::good(&linkage, pair.weight));
        assert!(good.clone().count() > 20 && good.clone().all(|pair| close.pairs.contains(pair)));
        assert!(close.pairs.iter().all(|pair| all.pairs.contains(pair)));
    }
}

#[tokio::test]
async fn a_source_that_has_each_person_once_is_not_linked_with_itself() {
    let linkage = Linkage::shipped().unwrap();
    let twice = batch("police", &[("1", "ISOBEL", "KETTLEWICK", "1984-03-17", "WX1 2AB", "female"); 1]);
    let again = batch("police", &[("9", "ISOBEL", "KETTLEWICK", "1984-03-17", "WX1 2AB", "female"); 1]);
    let batches = [twice, again];
    let linked = Linker::new(&linkage).fit(&batches).await.unwrap();
    assert_eq!(linked.people().len(), 1);
    let once = BTreeSet::from(["police".to_owned()]);
    let linked = Linker::new(&linkage).deduplicated_within_source(&once).fit(&batches).await.unwrap();
    assert_eq!((linked.people().len(), linked.candidates), (2, 0));
}

#[tokio::test]
async fn records_without_an_id_are_refused_and_no_records_are_nobody() {
    let linkage = Linkage::shipped().unwrap();
    let without = police().project(&[1, 2, 3]).unwrap();
    let error = Linker::new(&linkage).fit(&[without]).await.unwrap_err();
    assert!(matches!(error, LinkError::Column { column: "person_record_id" }), "{error}");
    let nothing = Linker::new(&linkage).fit(&[]).await.unwrap();
    assert!(nothing.people().is_empty() && nothing.pairs.is_empty());
}
