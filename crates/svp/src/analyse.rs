//! `svp analyse`: the rows of an analysis are printed or written to a file.

use std::path::Path;

use svp_app::analyse::{AnalyseRequest, analyse, describe, list};
use svp_app::{AppError, Progress, Site};

use crate::args::{Cli, lake_at};
use crate::question_args::{AnalyseArgs, ResultForm};
use crate::sql::render;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &AnalyseArgs, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let Some(name) = &args.analysis else {
        for (name, title) in list(&site) {
            tell.print(format!("{name:28} {title}"));
        }
        return Ok(());
    };
    if args.describe {
        tell.print(describe(&site, name)?);
        return Ok(());
    }
    let request = AnalyseRequest {
        analysis: name.clone(),
        lake: lake_at(&args.lake, &args.store_option),
        area: args.area.clone(),
        paths: args.paths.choice(),
        definition: args.definition.clone(),
        from: args.from,
        to: args.to,
        set: args.set.clone(),
        events: args.events.clone(),
        everywhere: args.everywhere,
    };
    let batches = analyse(&site, &request, &cli.machine(), tell).await?;
    let text = render(&batches, args.format)?;
    match &args.out {
        Some(file) => {
            svp_lake::files::write_file(Path::new(file), text.as_bytes())?;
            let rows = batches.iter().map(|b| b.num_rows()).sum::<usize>();
            tell.step("analyse", &format!("{rows} rows written to {file}"));
        }
        None => tell.print(text.trim_end()),
    }
    if args.format == ResultForm::Table {
        tell.step("analyse", "true counts: nothing of this is published but through `svp run` or `svp disclose`");
    }
    Ok(())
}
