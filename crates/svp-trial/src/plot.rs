//! Before and after, week by week, as an SVG line plot.

use chrono::{Datelike, Duration, NaiveDate};
use svp_contract::DesignKind;
use svp_methods::breaks::round_step;

use crate::assign::{Arm, Assignment};
use crate::clock::Times;
use crate::rings::Field;

/// One week: events for each week of a hot spot, on either side; `None` where a side has no day in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Week {
    /// First day.
    pub from: NaiveDate,
    /// Treated side (crossover, before the trial: `None`).
    pub treated: Option<f64>,
    /// Control side (crossover, before the trial: all hot spots).
    pub control: Option<f64>,
}

/// Weeks of baseline and trial. Seven days each, the last of the baseline and of the trial may be cut off; rates are by the
/// days that there are. Days between the two periods are in none.
#[must_use]
pub fn weeks(times: &Times, assignment: &Assignment, field: &Field) -> Vec<Week> {
    let spots = assignment.spots.len();
    let crossover = assignment.kind == DesignKind::Crossover;
    let mut out = Vec::new();
    for period in [times.baseline, times.trial] {
        let mut from = period.from;
        while from <= period.to {
            let to = (from + Duration::days(6)).min(period.to);
            // (events, days) of both sides.
            let mut sums = [(0u64, 0u64); 2];
            for day in from.iter_days().take_while(|d| *d <= to) {
                for spot in 0..spots {
                    let arm = match (period.has(times.trial.from), crossover) {
                        (true, _) => assignment.arm(spot, day),
                        (false, true) => Some(Arm::Control),
                        (false, false) => assignment.arm(spot, times.trial.from),
                    };
                    let side = match arm {
                        Some(Arm::Treatment) => 0,
                        Some(Arm::Control) => 1,
                        _ => continue,
                    };
                    sums[side].1 += 1;
                    sums[side].0 += field.0.get(&(day, spot)).map_or(0, |s| s.events);
                }
            }
            let rate = |(events, days): (u64, u64)| (days > 0).then(|| 7.0 * events as f64 / days as f64);
            out.push(Week { from, treated: rate(sums[0]), control: rate(sums[1]) });
            from = to + Duration::days(1);
        }
    }
    out
}

const WIDE: f64 = 900.0;
const HIGH: f64 = 320.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 40.0;

/// Most quarters that have a date each below the plot; of more, only years do.
const MOST_QUARTERS: usize = 14;

/// The plot. Weeks lie by their date, and days in neither period leave both lines open. Both lines differ in dash as well as in
/// colour.
#[must_use]
pub fn svg(weeks: &[Week], times: &Times, title: &str) -> String {
    let most = weeks.iter().flat_map(|w| [w.treated, w.control]).flatten().fold(0.0, f64::max);
    let step = round_step(most);
    let top = step * (most / step).ceil().max(1.0);
    let first = weeks.first().map_or(times.baseline.from, |w| w.from);
    let last = weeks.last().map_or(times.trial.to, |w| w.from);
    let days = (last - first).num_days().max(1) as f64;
    let x = |day: NaiveDate| LEFT + (day - first).num_days() as f64 / days * (WIDE - LEFT - RIGHT);
    let y = |v: f64| HIGH - BOTTOM - v / top * (HIGH - TOP - BOTTOM);
    let line = |of: &dyn Fn(&Week) -> Option<f64>| {
        let mut path = String::new();
        let mut before: Option<NaiveDate> = None;
        for week in weeks {
            let Some(v) = of(week) else {
                before = None;
                continue;
            };
            // The last week of a period may be shorter, never longer: what is farther apart is no neighbour.
            let joined = before.is_some_and(|b| (week.from - b).num_days() <= 7);
            path.push_str(&format!("{}{:.1} {:.1}", if joined { "L" } else { "M" }, x(week.from), y(v)));
            before = Some(week.from);
        }
        path
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDE} {HIGH}\" role=\"img\" font-family=\"Arial, sans-serif\" font-size=\"12\">\n<title>{}</title>\n<rect width=\"{WIDE}\" height=\"{HIGH}\" fill=\"#ffffff\"/>\n",
        minijinja::HtmlEscape(title)
    );
    let decimals = if step.fract() == 0.0 { 0 } else { 1 + usize::from(step < 0.1) };
    // At most nine steps: the step is chosen for about four.
    for tick in 0..=(top / step).round() as u32 {
        let value = step * f64::from(tick);
        out.push_str(&format!(
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1}\" y2=\"{0:.1}\" stroke=\"#d9dadb\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{value:.decimals$}</text>\n",
            y(value),
            WIDE - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0
        ));
    }
    out.push_str(&dates(first, last, &x));
    let begins = times.trial.from;
    out.push_str(&format!(
        "<line x1=\"{0:.1}\" y1=\"{TOP}\" x2=\"{0:.1}\" y2=\"{1}\" stroke=\"#0b0c0c\" stroke-dasharray=\"2 3\"/><text x=\"{2:.1}\" y=\"{3}\" text-anchor=\"end\">trial from {begins}</text>\n",
        x(begins),
        HIGH - BOTTOM,
        x(begins) - 5.0,
        TOP - 4.0
    ));
    out.push_str(&format!(
        "<path d=\"{}\" fill=\"none\" stroke=\"#505a5f\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>\n<path d=\"{}\" fill=\"none\" stroke=\"#1d70b8\" stroke-width=\"2\"/>\n",
        line(&|w| w.control),
        line(&|w| w.treated)
    ));
    // Before a crossover nobody is on a side.
    let sided = weeks.iter().any(|w| w.from < begins && w.treated.is_some());
    let dashed = if sided { "control" } else { "control; before the trial all of them" };
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"16\">Events a week for each hot spot; <tspan fill=\"#1d70b8\">solid: treated</tspan>, dashed: {dashed}</text>\n</svg>\n"
    ));
    out
}

/// Dates below the plot: the first day of each quarter, or of each year where there are many.
fn dates(first: NaiveDate, last: NaiveDate, x: &dyn Fn(NaiveDate) -> f64) -> String {
    let starts = |months: &[u32]| -> Vec<NaiveDate> {
        first.iter_days().take_while(|d| *d <= last).filter(|d| d.day() == 1 && months.contains(&d.month())).collect()
    };
    let quarters = starts(&[1, 4, 7, 10]);
    let shown = if quarters.len() > MOST_QUARTERS { starts(&[1]) } else { quarters };
    let mut out = format!(
        "<line x1=\"{LEFT}\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\" stroke=\"#0b0c0c\"/>\n",
        HIGH - BOTTOM,
        WIDE - RIGHT
    );
    for day in shown {
        out.push_str(&format!(
            "<line x1=\"{0:.1}\" y1=\"{1}\" x2=\"{0:.1}\" y2=\"{2}\" stroke=\"#0b0c0c\"/><text x=\"{0:.1}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
            x(day),
            HIGH - BOTTOM,
            HIGH - BOTTOM + 5.0,
            HIGH - BOTTOM + 20.0,
            day.format("%b %Y")
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::assign;
    use crate::fixture::{event, spots, trial, trial_with};
    use crate::rings::outcome;

    #[test]
    fn weeks_are_rates_of_the_days_that_there_are() {
        let trial = trial_with(&[
            ("\"crossover\"\nfrom", "\"matched_pairs\"\nfrom"),
            ("share_treated = 0.4", "share_treated = 0.5"),
        ]);
        let (times, spots) = (Times::new(&trial), spots(2));
        let assignment = assign(&trial, &times, &spots).unwrap();
        let treated = assignment.treated(times.trial.from)[0];
        let (e, n) = spots[treated].cell.centre();
        // 731 days of baseline: 104 weeks and 3 days; 90 of trial: 12 weeks and 6 days.
        let events = vec![event(e, n, "2025-03-31"), event(e, n, "2025-05-01"), event(e, n, "2025-05-02")];
        let found = weeks(&times, &assignment, &outcome(&trial, &spots, &events).inside);
        assert_eq!(found.len(), 105 + 13);
        assert_eq!((found[104].treated, found[104].control), (Some(7.0 / 3.0), Some(0.0)));
        assert_eq!((found[105].from, found[105].treated), (times.trial.from, Some(2.0)));
    }

    #[test]
    fn weeks_lie_by_their_date_and_days_between_the_periods_are_open() {
        let trial = trial();
        let times = Times::new(&trial);
        let spots = spots(20);
        let assignment = assign(&trial, &times, &spots).unwrap();
        let (e, n) = spots[0].cell.centre();
        let events = vec![event(e, n, "2025-03-31"), event(e, n, "2025-05-01")];
        let text = svg(&weeks(&times, &assignment, &outcome(&trial, &spots, &events).inside), &times, "t");
        let control = text.lines().find(|l| l.contains("stroke-dasharray=\"5 3\"")).unwrap();
        // One stretch of line for the baseline and one for the trial, with April between them.
        assert_eq!(control.matches('M').count(), 2, "{control}");
        // 844 days from 2023-04-01 to 2025-07-24; the trial begins on day 761.
        let begins = LEFT + 761.0 / 845.0 * (WIDE - LEFT - RIGHT);
        assert!(text.contains(&format!("<line x1=\"{begins:.1}\"")), "{text}");
        assert!(text.contains("dashed: control; before the trial all of them"));
        for date in ["Apr 2023", "Jan 2024", "Jul 2025"] {
            assert!(text.contains(&format!(">{date}</text>")), "{date}");
        }
    }

    #[test]
    fn a_plot_has_no_number_that_is_none() {
        let trial = trial();
        let times = Times::new(&trial);
        let assignment = assign(&trial, &times, &spots(4)).unwrap();
        for weeks in [Vec::new(), weeks(&times, &assignment, &Field::default())] {
            let text = svg(&weeks, &times, "a < b");
            assert!(!text.contains("NaN") && !text.contains("inf") && text.contains("a &lt; b"));
            let mut reader = quick_xml::Reader::from_str(&text);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
        }
    }
}
