//! `svp pseudonymise`: at the data owner's desk an extract becomes an encoded file, so that clear text never leaves it.

use std::path::Path;

use svp_app::{AppError, Paths, Progress, Site, acceptances, intake, needs_postcodes, plans, terms, unknown};
use svp_ingest::desk::{Encoded, Need, encode, needs};
use svp_ingest::reference::{self, ReferenceData};
use svp_ingest::{Known, Receipt, pending};

use crate::args::{Cli, PseudonymiseArgs};
use crate::key;
use crate::tell::Tell;

/// The command.
pub fn command(cli: &Cli, args: &PseudonymiseArgs, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let Some(source) = site.sources.get(&args.source).map(|s| &s.item) else {
        let known = site.sources.keys().map(String::as_str);
        return Err(unknown("source", &args.source, known).argument("sources of this site"));
    };
    let area = args.area.as_ref().map(|name| site.area(name)).transpose()?.map(|a| &a.item);
    let key = key::read(args.key.as_deref())?;
    let root = match (area, &args.reference) {
        (Some(area), None) => site.beside_area(&area.reference_root),
        (_, given) => given.clone().unwrap_or_default(),
    };
    let area_root = area.map(|area| (area, root.as_str()));
    let wanted = needs(source, &site.tables);
    if area.is_none() && wanted.iter().any(Need::of_an_area) {
        let list: Vec<String> = wanted.iter().filter(|n| n.of_an_area()).map(Need::to_string).collect();
        return Err(AppError::Argument {
            what: format!("the mapping of source {} asks for reference data: {}", source.name, list.join(", ")),
            hint: "name the area with --area; its files must be those that the lake uses".to_owned(),
        });
    }
    let names = std::slice::from_ref(&args.source);
    let machine = cli.machine();
    let quick = plans(&machine, &site, area, names, &ReferenceData::default())?;
    let accepted = acceptances(&args.accept.choice(args.reason.as_deref()), "", 0)?;
    let paths = Paths { inputs: vec![(args.source.clone(), args.extracts.clone())], ..Paths::default() };
    let intake = intake(&site, &paths, &quick, &accepted)?;
    let queue = pending(&quick, intake.files, &Known::default())?;
    tell.findings(&intake.findings);
    tell.findings(&queue.findings);
    let files = queue.files;
    let folder = Path::new(&args.out);
    let there = files.iter().map(|f| Encoded::place(folder, f, &files)).find(|path| svp_lake::files::exists(path));
    if let Some(path) = there.filter(|_| !args.force) {
        return Err(AppError::Argument {
            what: format!("{} is there already", path.display()),
            hint: "choose another --out, or write over it with --force".to_owned(),
        });
    }

    let terms = terms(&site, area_root, source, Some(&key))?;
    let data = match area {
        Some(area) => {
            tell.step("reference", &format!("boundaries, lookups and postcodes of {}", area.title));
            let postcodes = needs_postcodes(&site, names);
            reference::load(area, &root, &site.offences, postcodes, machine.threads)?
        }
        None => reference::without_area(&site.offences),
    };
    let plans = plans(&machine, &site, area, names, &data)?;
    let Some(plan) = plans.first() else { return Ok(()) };
    tell.bar("encode", files.iter().map(|f| f.input.bytes).sum(), true);
    let on_file = |file: &str, bytes: u64| tell.advance(bytes, file);
    let version = env!("CARGO_PKG_VERSION");
    let encoded = encode(plan, &files, folder, &terms, version, &key, &accepted, machine.threads, &on_file)
        .map_err(AppError::Encode)?;
    tell.end_bar();
    let failures = data.failures();
    if !failures.is_empty() {
        return Err(failures.into());
    }

    let receipts: Vec<Receipt> = encoded.iter().flat_map(|e| e.manifest.receipts.clone()).collect();
    for line in svp_app::summary(&receipts) {
        tell.step("encode", &line);
    }
    tell.step("terms", &format!("{}, key {} for purpose {}", terms.digits(), terms.key_id, terms.purpose));
    let mut lines = Vec::new();
    for file in encoded {
        lines.push(summary(&file));
        file.commit(args.force)?;
    }
    tell.step("done", &format!("encoded files: {}", lines.len()));
    tell.print(lines.join("\n"));
    Ok(())
}

/// What a file holds, in numbers of rows.
fn summary(file: &Encoded) -> String {
    let manifest = &file.manifest;
    let sum = |f: fn(&Receipt) -> u64| manifest.receipts.iter().map(f).sum::<u64>();
    let held: Vec<String> = manifest.rows_by_table().iter().map(|(table, rows)| format!("{rows} {table}")).collect();
    format!(
        "{}\n  extract  {}, slot {}, {} rows read = {} accepted + {} quarantined + {} duplicate\n  holds    {}; {} bytes\n  sha256   {}",
        file.path().display(),
        manifest.extract,
        manifest.slot,
        sum(|r| r.rows_read),
        sum(|r| r.accepted),
        sum(|r| r.quarantined),
        sum(|r| r.duplicate),
        if held.is_empty() { "no row".to_owned() } else { held.join(", ") },
        file.bytes(),
        file.sha256(),
    )
}
