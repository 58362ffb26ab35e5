//! `svp disclose`: the attack on what was released, the ledger, the review records.

use svp_analyse::{Known, UNIVERSES, nested_definitions};
use svp_contract::Definition;
use svp_disclose::DiscloseError;
use svp_disclose::attack::{Effort, Proof, attack};
use svp_disclose::relate::relate;
use svp_functions::CodeMaps;
use svp_lake::input::digest_bytes;
use svp_lake::{Lake, Open};

use crate::args::{Cli, DiscloseArgs};
use crate::context;
use crate::error::AppError;
use crate::gate;
use crate::ledger;
use crate::run::{Body, read_body};
use crate::site::Site;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &DiscloseArgs, tell: &Tell) -> Result<(), AppError> {
    if let Some(file) = &args.check {
        return gate::check(cli, args, file, tell).await;
    }
    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Read).await?;
    if let Some(release) = &args.review {
        let page = lake.get(&format!("ledger/{release}/review.md")).await?;
        tell.print(String::from_utf8_lossy(&page).trim_end());
        return Ok(());
    }
    let body = match lake.last_run() {
        Some(run) => read_body(&lake, run)?,
        None => Body::default(),
    };
    if args.ledger {
        return list(&lake, &body, tell).await;
    }
    attack_all(cli, args, &lake, &body, tell).await
}

/// Verifies every ledger and lists its releases.
async fn list(lake: &Lake, body: &Body, tell: &Tell) -> Result<(), AppError> {
    let mut audiences: Vec<&str> = body.ledger.iter().map(|l| l.head.audience.as_str()).collect();
    audiences.sort_unstable();
    audiences.dedup();
    for audience in audiences {
        let ledger = ledger::read(lake, &body.ledger, audience, None).await?;
        tell.print(format!("{audience}: {} releases, chain whole", ledger.entries().len()));
        for entry in ledger.entries() {
            tell.print(format!(
                "  {} {} area {} tables {}{}",
                entry.number,
                entry.release,
                entry.area,
                entry.tables.len(),
                if entry.begun_anew.is_some() { " (ledger begun anew)" } else { "" }
            ));
        }
    }
    Ok(())
}

/// Bounds every suppressed and implied number from everything that the audience holds.
async fn attack_all(cli: &Cli, args: &DiscloseArgs, lake: &Lake, body: &Body, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let area = &site.area(args.area.as_deref().unwrap_or_default())?.item;
    let paths = context::paths(&site, area, &args.paths)?;
    let (data, _) = context::reference(cli, &site, area, &paths, false, tell)?;
    let ctx = context::session(cli, Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
    lake.register(&ctx).await?;
    let mut known = Known::new(area, &data.lookups);
    for (inner, outer) in UNIVERSES {
        known.add_universe_within(inner, outer);
    }
    let definitions: Vec<_> = site.definitions.values().collect();
    let items: Vec<&Definition> = definitions.iter().map(|d| &d.item).collect();
    let key = |i: usize| {
        let text = site.texts.get(&definitions[i].file).map(String::as_bytes).unwrap_or_default();
        format!("{} {}", definitions[i].item.name, digest_bytes(text))
    };
    for (inner, outer) in nested_definitions(&ctx, &items).await? {
        known.add_definition_within(&key(inner), &key(outer));
    }
    let told = ledger::read(lake, &body.ledger, &args.audience, None).await?;
    let tables = told.tables();
    let mut related = relate(&tables, &known);
    if args.blind {
        related.system.numbers.iter_mut().for_each(|number| number.value = None);
    }
    let refused = |_| AppError::Disclosure {
        audience: args.audience.clone(),
        source: DiscloseError::Contradiction { tables: "of the ledger".to_owned() },
    };
    let found = attack(&related.system, &Effort::default()).map_err(refused)?;
    let by = |proof: Proof| found.bounds.iter().filter(|b| b.proof == proof && !b.broken).count();
    tell.print(format!(
        "{} releases to `{}`, {} tables: {} numbers, {} equations",
        told.entries().len(),
        args.audience,
        tables.len(),
        related.system.numbers.len(),
        related.system.equations.len()
    ));
    tell.print(format!(
        "{} suppressed or implied numbers attacked: {} safe by another table that fits, {} by the whole linear programme",
        found.bounds.len(),
        by(Proof::Witness),
        by(Proof::FullLp)
    ));
    let broken = &found.broken;
    for number in broken {
        tell.print(format!("BROKEN  {}", related.origins[*number].label));
    }
    if broken.is_empty() {
        tell.print("nothing can be bounded inside its protection interval");
        Ok(())
    } else {
        Err(AppError::Found(format!("{} numbers can be bounded too tightly", broken.len())))
    }
}
