//! `svp area`: the months that are meant today, and what was written or listed.

use chrono::Datelike;
use svp_app::area::{AreaRequest, create, list};
use svp_app::{AppError, Progress};

use crate::args::{AreaArgs, AreaCommand, Cli};
use crate::tell::Tell;

/// The command.
pub fn command(cli: &Cli, args: &AreaArgs, tell: &Tell) -> Result<(), AppError> {
    match &args.command {
        AreaCommand::List => {
            list(&cli.site)?.iter().for_each(|line| tell.print(line));
            Ok(())
        }
        AreaCommand::New { force, out, from, to, audience, reference } => {
            let months = match (from, to) {
                (Some(from), Some(to)) => [from.clone(), to.clone()],
                _ => financial_years(chrono::Utc::now().date_naive()),
            };
            let request = AreaRequest {
                site: cli.site.clone(),
                force: force.clone(),
                out: out.clone(),
                months,
                audience: audience.clone(),
                reference: reference.clone(),
            };
            new(&request, tell)
        }
    }
}

fn new(request: &AreaRequest, tell: &Tell) -> Result<(), AppError> {
    let made = create(request)?;
    let (area, shown) = (&made.area, made.file.display());
    tell.step("area", &format!("{shown}: {}, {} districts", made.force, area.districts.len()));
    tell.step("area", &format!("period {} to {}, audience {}", area.period.from, area.period.to, area.audience));
    tell.print(&made.wanted);
    tell.print(format!("\nnext: lay the files there, then `svp check --area {}`", made.name));
    if made.site_has_problems {
        tell.step("area", "the site has other problems: `svp check` tells them");
    }
    Ok(())
}

/// First and last month of the two financial years that were over on a day.
fn financial_years(today: chrono::NaiveDate) -> [String; 2] {
    let ended = if today.month() >= 4 { today.year() } else { today.year() - 1 };
    [format!("{}-04", ended - 2), format!("{ended}-03")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn financial_years_that_are_over() {
        let years = |y, m, d| financial_years(chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(years(2026, 11, 29), ["2024-04", "2026-03"]);
        assert_eq!(years(2026, 4, 1), ["2024-04", "2026-03"]);
        assert_eq!(years(2026, 3, 31), ["2023-04", "2025-03"]);
        assert_eq!(years(2027, 1, 1), ["2024-04", "2026-03"]);
    }
}
