//! Attacks on encoded files on their way from a data owner's desk: somebody has every byte of them, public data, and no key. The same
//! attacks run on what the key opens of them, where they must find nearly everybody but for postcodes.

use super::*;
use crate::desk;

/// Folders with the encoded files of the sample: every entry as a tar program unpacks it beside the file itself, and what the key opens.
fn unpacked() -> &'static (PathBuf, PathBuf) {
    static FOLDERS: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it-transit");
        if at.exists() {
            fs::remove_dir_all(&at).unwrap();
        }
        let write = |folder: &Path, entries: Vec<(String, Vec<u8>)>| {
            for (name, content) in entries {
                let to = folder.join(name);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::write(to, content).unwrap();
            }
        };
        let (sent, opened) = (at.join("sent"), at.join("opened"));
        for (name, path) in files_under(desk::encoded()) {
            let whole = fs::read(&path).unwrap();
            write(&sent.join(&name), desk::entries(&whole));
            write(&sent.join(&name), vec![("whole".to_owned(), whole)]);
            let entries = desk::opened(&path).into_iter();
            write(&opened.join(&name), entries.map(|(name, content)| (name, aged(content))).collect());
        }
        (sent, opened)
    })
}

/// An entry with the ages of parties in the clear, as the holder of the key reads them; others as they are.
fn aged(content: Vec<u8>) -> Vec<u8> {
    if !content.starts_with(b"PAR1") {
        return content;
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(content.clone())).unwrap();
    if reader.schema().column_with_name("age_sealed").is_none() {
        return content;
    }
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| with_ages(&batch.unwrap(), KEY)).collect();
    let Some(first) = batches.first() else { return content };
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

/// What a chance of `1 / values` gives somebody who guesses.
fn blind(values: usize, records: usize) -> (f64, f64) {
    let chance = 1.0 / values as f64;
    (chance, 1.96 * (chance / (records * SEEDS.len()) as f64).sqrt())
}

#[test]
fn encoded_files_on_their_way_tell_no_more_than_guessing() {
    let (sent, opened) = unpacked();
    let (sent, opened) = (Loot::read(sent), Loot::read(opened));
    let (people, parts) = (opened.people.len(), opened.parts.len());
    assert!(people > 4_000 && parts > 4_000 && opened.days.len() > 4_000, "{people} {parts}");

    let truth = births(&opened);
    assert!(truth.len() > 4_000, "{}", truth.len());
    let of_sent = mean(|seed| share(&truth, &sent.births(&mut Random(seed))));
    let of_opened = share(&truth, &opened.births(&mut Random(SEEDS[0])));
    let what = "dates of birth in encoded files";
    held(what, truth.len(), of_sent, blind(36_525, truth.len()), of_opened, 0.95);

    let directory = directory();
    let truth = homes(&opened, &directory);
    let of_sent = mean(|seed| share(&truth, &sent.homes(&directory, &mut Random(seed))));
    let of_before = with_filters(&opened, &directory);
    let of_before = share(&truth, &of_before.homes(&directory, &mut Random(SEEDS[0])));
    let guess = blind(directory.len(), truth.len());
    held("postcodes in encoded files, with the filter of before", truth.len(), of_sent, guess, of_before, 0.95);
    let of_opened = mean(|seed| share(&truth, &opened.homes(&directory, &mut Random(seed))));
    aloud(&format!("postcodes in encoded files, as they are made now: with the key {:.2} %", 100.0 * of_opened));
    assert!(of_opened <= MOST_HOMES, "{of_opened} of the postcodes are worked out from what the key opens");

    for name in NAMES {
        let list = name.list();
        let truth = name.truth(&opened, &list);
        let known = known(&truth, SEEDS[0]);
        let rest = others(&truth, &known);
        let of_sent = share(&rest, &sent.names(name.of, &known, &list));
        let of_opened = share(&rest, &opened.names(name.of, &known, &list));
        let guess = blind(list.len(), rest.len());
        held(&format!("{}s in encoded files", name.name), rest.len(), of_sent, guess, of_opened, name.least);
    }
    // There is nothing to attack: no row of any table, no token of a record, no day.
    assert!(sent.people.is_empty() && sent.parts.is_empty() && sent.days.is_empty() && sent.links.is_empty());
}

#[test]
fn no_piece_of_a_person_record_stands_in_an_encoded_file() {
    let (sent, opened) = unpacked();
    let mut rows = Vec::new();
    for path in files_under(opened).into_values().filter(|p| p.display().to_string().contains("/person_record-")) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
        rows.extend(reader.build().unwrap().map(Result::unwrap));
    }
    let (bytes, texts) = pieces(&rows);
    assert!(bytes.len() > 10_000 && texts.len() > 20_000, "{} {}", bytes.len(), texts.len());
    assert_eq!(standing(sent, &bytes, &texts), (0, 0), "pieces of encodings, of tokens");
    assert_eq!(standing(opened, &bytes, &texts), (bytes.len(), texts.len()), "the search is blind");
}
