//! What leaves by the doors of the program when something is wrong: exit codes and files of damage, no panic, no value, no name, no secret.

use std::fs;

use crate::support::{Lab, Ran, label, svp};

fn loaded() -> Lab {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    lab.run().arg("--ingest-only").run().good();
    lab
}

fn query(lab: &Lab, text: &str) -> Ran {
    svp(["sql", "--lake"]).arg(lab.lake()).arg(text).run()
}

#[test]
fn damage_to_a_lake_is_told_by_file_and_without_a_panic() {
    let lab = loaded();
    let log = lab.lake().join("canonical/event/_delta_log/00000000000000000000.json");
    let whole = fs::read(&log).unwrap();
    fs::remove_file(&log).unwrap();
    for ran in [query(&lab, "SELECT count(*) FROM event"), lab.run().arg("--ingest-only").run()] {
        let ran = ran.ended(7).says(&["canonical/event", "hint: ", "backup"]);
        for word in ["panicked", "RecvError", "crashed", "RUST_BACKTRACE"] {
            assert!(!ran.stderr.contains(word), "{}", ran.stderr);
        }
    }
    fs::write(&log, whole).unwrap();
    // A data file whose end is not the one that was written: the engine stops, and the file is named.
    let files = crate::support::files_under(&lab.lake().join("canonical/event"));
    let (_, file) = files.iter().find(|(name, _)| name.ends_with(".parquet") && !name.contains("_delta_log")).unwrap();
    let mut bytes = fs::read(file).unwrap();
    let end = bytes.len() - 40;
    bytes[4..end].fill(0x5a);
    fs::write(file, bytes).unwrap();
    query(&lab, "SELECT * FROM event").ended(7).says(&["canonical/event/source=police_rms", "was changed", "hint: "]);
    let check = svp(["--site"]).arg(lab.site()).args(["check", "--lake"]).arg(lab.lake()).run();
    check.ended(7).says(&["canonical/event/source=police_rms", "1 file of the lake"]);
}

/// One byte of a column, which the engine reads without a word.
#[test]
fn a_changed_file_is_not_counted_by_a_query() {
    let lab = loaded();
    let files = crate::support::files_under(&lab.lake().join("canonical/event"));
    let (_, file) = files.iter().find(|(name, _)| name.ends_with(".parquet") && !name.contains("_delta_log")).unwrap();
    let whole = fs::read(file).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    fs::write(file, bytes).unwrap();
    let changed = ["canonical/event/source=police_rms", "was changed", "hint: "];
    for text in
        ["SELECT count(*) FROM event", "WITH e AS (SELECT month FROM event) SELECT (SELECT count(*) FROM e) AS n"]
    {
        query(&lab, text).ended(7).says(&changed);
    }
    query(&lab, "EXPLAIN ANALYZE SELECT max(month) FROM event").ended(7).says(&changed);
    lab.run().arg("--ingest-only").arg("--reload").arg("police_rms").run().ended(7).says(&changed);
    // What does not read the table is answered.
    query(&lab, "SELECT count(*) FROM receipt").good();
    fs::write(file, whole).unwrap();
    query(&lab, "SELECT count(*) FROM event").good();
}

#[test]
fn queries_that_fail_tell_no_value_and_queries_that_are_too_deep_are_refused() {
    let lab = loaded();
    let ids = query(&lab, "SELECT event_id FROM event LIMIT 1").good().stdout;
    let id = ids.lines().nth(3).unwrap().trim_matches(['|', ' ']).to_owned();
    assert_eq!(id.len(), 32, "{ids}");
    for cast in ["INT", "DATE", "TIMESTAMP"] {
        let ran = query(&lab, &format!("SELECT cast(event_id AS {cast}) FROM event"));
        let ran = ran.ended(10).says(&["a cast met a value", "event.event_id", "hint: ", "try_cast"]);
        // No value is 32 hexadecimal digits, or the beginning of one.
        assert!(!ran.stderr.contains(&id[..8]) && !ran.stderr.contains('\''), "{}", ran.stderr);
    }
    query(&lab, &format!("SELECT 1{}", "+1".repeat(30_000))).ended(10).says(&["30000 operators", "hint: "]);
    // What is allowed is planned and run, however the program was built.
    let deep = query(&lab, &format!("SELECT 1{} AS n FROM event LIMIT 1", "+length(event_id)".repeat(1_900))).good();
    assert!(deep.stdout.contains(&(1 + 1_900 * 32).to_string()), "{}", deep.stdout);
}

/// The name of an extract is on the terminal, and in nothing that is written for machines.
#[test]
fn names_of_files_are_for_the_terminal_alone() {
    const NAME: &str = "smith_john_19900312 rms_crimes_2024-12 SMITH.csv";
    let lab = Lab::police();
    // A source whose pattern lets anything stand around its slot.
    let slot = r"(?<slot>rms_crimes_(?<year>\d{4})-(?<month>\d{2}))";
    lab.edit("pipelines/sources/police_rms.toml", slot, &format!(r"[\w ]*?{slot}[A-Z ]*"));
    let bytes = fs::read(lab.give("police_rms/rms_crimes_2024-12.csv")).unwrap();
    fs::remove_file(lab.extracts("police_rms").join("rms_crimes_2024-12.csv")).unwrap();
    lab.write(&format!("police_rms/{NAME}"), &bytes);
    lab.write("police_rms/smith_notes.docx", "x");
    // Good, bad by its content, and bad by its header.
    let bad = String::from_utf8_lossy(&bytes).replace(",M,", ",Man,").replace(",F,", ",Woman,");
    let cases = [(bytes.clone(), 0), (bad.into_bytes(), 4), (b"Smith,1990\r\n1,2\r\n".to_vec(), 4), (Vec::new(), 4)];
    for (i, (bytes, code)) in cases.into_iter().enumerate() {
        let lake = lab.path(&format!("lake{i}"));
        lab.write(&format!("police_rms/{NAME}"), &bytes);
        let run = |log: &str| lab.run_into(&lake).args(["--ingest-only", "--log", log]).run();
        let json = run("json").ended(code);
        assert!(!json.stderr.to_lowercase().contains("smith"), "{}", json.stderr);
        assert!(json.stderr.contains(&label(NAME)), "{}", json.stderr);
        let check = lab.check().args(["--rows", "--log", "json"]).run();
        assert!(!check.stderr.to_lowercase().contains("smith"), "{}", check.stderr);
        if code != 0 {
            run("text").ended(code).says(&[NAME]);
        }
    }
    // Header cells that are values are told by their place.
    lab.write(&format!("police_rms/{NAME}"), String::from_utf8_lossy(&bytes).replacen("Beat", "Trelawney 1990", 1));
    let ran = lab.run().run().ended(4).says(&["missing", "\"Beat\""]);
    assert!(!ran.stderr.contains("Trelawney") && ran.stderr.contains("column "), "{}", ran.stderr);
}

#[test]
fn secrets_of_a_store_come_from_the_environment_and_are_shown_nowhere() {
    let lake = || svp(["sql", "--lake", "s3://bucket/lake", "SELECT 1"]);
    let ran = lake().args(["--store-option", "aws_secret_access_key=hunter2"]).run().ended(2);
    assert!(ran.stderr.contains("AWS_SECRET_ACCESS_KEY") && !ran.stderr.contains("hunter2"), "{}", ran.stderr);
    lake().args(["--store-option", "regoin=x"]).run().ended(2).says(&["knows no such option", "hint: "]);
    lake().env("AWS_PROFILE", "work").run().ended(2).says(&["profiles are not read", "hint: "]);
    // A store that answers: the request is signed by what the environment says, and the refusal is told.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = server.accept().unwrap();
        let mut request = vec![0; 16 * 1024];
        let n = stream.read(&mut request).unwrap();
        let body = "<Error><Code>AccessDenied</Code><RequestId>ANSWER</RequestId></Error>";
        let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: ";
        write!(stream, "{head}{}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8_lossy(&request[..n]).into_owned()
    });
    let ran = lake()
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        .env("AWS_SESSION_TOKEN", "tokentoken")
        .env("AWS_REGION", "eu-west-2")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ALLOW_HTTP", "true")
        .run()
        .ended(7)
        .says(&["storage failed at runs", "403", "hint: "]);
    for secret in ["AKIDEXAMPLE", "hunter2", "tokentoken", "ANSWER"] {
        assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    }
    let request = heard.join().unwrap();
    assert!(
        request.contains("AKIDEXAMPLE") && request.contains("eu-west-2") && request.contains("tokentoken"),
        "{request}"
    );
    assert!(!request.contains("hunter2"), "{request}");
}
