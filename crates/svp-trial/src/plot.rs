//! Before and after, week by week, as an SVG line plot.

use chrono::{Duration, NaiveDate};
use svp_contract::DesignKind;

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

/// The plot. Both lines differ in dash as well as in colour.
#[must_use]
pub fn svg(weeks: &[Week], times: &Times, title: &str) -> String {
    let most = weeks.iter().flat_map(|w| [w.treated, w.control]).flatten().fold(0.0, f64::max);
    let top = if most > 0.0 { most * 1.1 } else { 1.0 };
    let step = (WIDE - LEFT - RIGHT) / weeks.len().max(2).saturating_sub(1) as f64;
    let x = |i: usize| LEFT + i as f64 * step;
    let y = |v: f64| HIGH - BOTTOM - v / top * (HIGH - TOP - BOTTOM);
    let line = |of: &dyn Fn(&Week) -> Option<f64>| {
        let mut path = String::new();
        let mut pen_down = false;
        for (i, week) in weeks.iter().enumerate() {
            match of(week) {
                Some(v) => {
                    path.push_str(&format!("{}{:.1} {:.1}", if pen_down { "L" } else { "M" }, x(i), y(v)));
                    pen_down = true;
                }
                None => pen_down = false,
            }
        }
        path
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDE} {HIGH}\" role=\"img\" font-family=\"Arial, sans-serif\" font-size=\"12\">\n<title>{}</title>\n<rect width=\"{WIDE}\" height=\"{HIGH}\" fill=\"#ffffff\"/>\n",
        crate::sheet::escape(title)
    );
    for tick in 0..=4 {
        let value = top * f64::from(tick) / 4.0;
        out.push_str(&format!(
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1}\" y2=\"{0:.1}\" stroke=\"#b1b4b6\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{value:.2}</text>\n",
            y(value),
            WIDE - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0
        ));
    }
    if let Some(i) = weeks.iter().position(|w| w.from >= times.trial.from) {
        out.push_str(&format!(
            "<line x1=\"{0:.1}\" y1=\"{TOP}\" x2=\"{0:.1}\" y2=\"{1}\" stroke=\"#0b0c0c\" stroke-dasharray=\"2 3\"/><text x=\"{2:.1}\" y=\"{3}\" text-anchor=\"end\">trial</text>\n",
            x(i),
            HIGH - BOTTOM,
            x(i) - 4.0,
            TOP + 10.0
        ));
    }
    for (i, anchor) in [(0, "start"), (weeks.len().saturating_sub(1), "end")] {
        if let Some(week) = weeks.get(i) {
            out.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
                x(i),
                HIGH - BOTTOM + 18.0,
                week.from
            ));
        }
    }
    out.push_str(&format!(
        "<path d=\"{}\" fill=\"none\" stroke=\"#505a5f\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>\n<path d=\"{}\" fill=\"none\" stroke=\"#1d70b8\" stroke-width=\"2\"/>\n",
        line(&|w| w.control),
        line(&|w| w.treated)
    ));
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"16\">Events a week for each hot spot; <tspan fill=\"#1d70b8\">solid: treated</tspan>, dashed: control</text>\n</svg>\n"
    ));
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
