{
    // Each agency encodes under one key; whoever links sees tokens and filters, and ids that say nothing.
    let key = Key::generate("needs-assessment").unwrap();
    let encode = |agency: &str, people: &[[&str; 5]]| {
        let text = |of: &dyn Fn(&[&str; 5]) -> String| Arc::new(people.iter().map(|p| Some(of(p))).collect::<StringArray>());
        let column = |kind, domain: &str, name: &str, field: usize| {
            let mut encoder = Encoder::new(&key, kind, domain, name);
            let encoding = |person: &[&str; 5]| {
                let (value, mut out) = (person[field], Vec::new());
                // Of a name its usual form and its sound are encoded, too.
                let parts = [Some(value), Some(value), value.get(..3)];
                let parts = if kind == EncodingKind::Name { &parts[..] } else { &parts[..1] };
                encoder.encode(parts, &mut out).then_some(out)
            };
            Arc::new(people.iter().map(encoding).collect::<BinaryArray>())
        };
        RecordBatch::try_from_iter([
            ("person_record_id", text(&|p| p[0].to_owned()) as ArrayRef),
            ("source", text(&|_| agency.to_owned())),
            ("agency", text(&|_| agency.to_owned())),
            ("enc_forename", column(EncodingKind::Name, "name", "forename", 1)),
            ("enc_surname", column(EncodingKind::Name, "name", "surname", 2)),
            ("enc_birth", column(EncodingKind::Date, "birth", "birth", 3)),
            ("enc_postcode", column(EncodingKind::Postcode, "postcode", "postcode", 4)),
        ])
        .unwrap()
    };
    let police = [
        ["p1", "ISOBEL", "KETTLEWICK", "1984-03-17", "WX1 2AB"],
        ["p2", "BARNABY", "HUCKLEDON", "1971-11-02", "WX4 8QT"],
    ];
    let health = [
        ["h1", "ISOBEL", "KETTLEWIK", "1984-03-17", "WX1 2AB"],
        ["h2", "ROWENA", "TASKERLEY", "1990-06-25", "WX7 1ZZ"],
    ];
    let records = [encode("police", &police), encode("health", &health)];

    // The definition that ships: comparisons, levels, blocking rules, thresholds. The weights are learned from the records.
    let linkage = Linkage::shipped().unwrap();
    let linked = Linker::new(&linkage).fit(&records).await.unwrap();
    assert_eq!(linked.people(), [vec!["h1", "p1"], vec!["h2"], vec!["p2"]]);
    // Of the candidate pairs one is likely: record 0 with record 2, in the order of the ids.
    let likely: Vec<_> = linked.pairs.iter().filter(|pair| pair.probability() > 0.5).map(|pair| (pair.a, pair.b)).collect();
    assert_eq!(likely, [(0, 2)]);
}
