//! `knox`: the near repeat. The kernel is [`svp_methods::knox`].

use datafusion::logical_expr::ScalarUDF;
use svp_methods::knox::{Event, Rules, knox};

use crate::udf::{Kind, Spec, function, param, records_result, records_type, refused};

const NAMES: [&str; 8] = ["from_m", "to_m", "from_days", "to_days", "observed", "expected", "ratio", "p"];

/// Most permutations of one call.
const MOST: i64 = 99_999;

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "knox",
            section: super::SECTION,
            about: "Knox's test for near repeats: pairs of events by band of distance (Manhattan, metres) and of time (days), what to \
                    expect if places and days had nothing to do with each other (mean of permutations of the days), the ratio, and \
                    p = (b + 1) / (permutations + 1). Bands are [from, to); pairs at the very same place come first (0 to 0). \
                    These are the bands of the Near Repeat Calculator, in clear. Use it with `unnest`.",
            params: vec![
                param(Kind::Numbers, "easting", "one number for each event: `array_agg`"),
                param(Kind::Numbers, "northing", "in the same order"),
                param(Kind::Numbers, "day", "days since any day, in the same order"),
                param(Kind::Numbers, "metres", "breaks of the bands of distance, ascending, from 0"),
                param(Kind::Numbers, "days", "breaks of the bands of time, ascending, from 0"),
                param(Kind::Integer, "permutations", "how many, 1 to 99,999; 999 is usual"),
                param(Kind::Integer, "seed", "the same seed gives the same answer"),
            ],
            returns: records_type(&NAMES),
            examples: &[(
                "SELECT k['from_m'], k['to_m'], k['observed'] FROM (SELECT unnest(knox([0, 50, 900], [0, 0, 0], [1, 2, 30], [0, 100], [0, \
                 7], 99, 1)) AS k)",
                "0.0 | 0.0 | 0.0\n0.0 | 100.0 | 1.0",
            )],
        },
        |args| {
            let (x, y, day) = (args.numbers(0)?, args.numbers(1)?, args.numbers(2)?);
            let (metres, days) = (args.numbers(3)?, args.numbers(4)?);
            let (permutations, seed) = (args.integer(5)?, args.integer(6)?);
            if let Some(n) = permutations.get(0)
                && !(1..=MOST).contains(&n)
            {
                return refused(format!("knox: permutations must be 1 to {MOST}"));
            }
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let rules = Rules { same_place: true, ..Rules::default() };
            records_result(args.rows, NAMES, |row| {
                let (x, y, day) = (x.get(row)?, y.get(row)?, day.get(row)?);
                let (metres, days) = (metres.get(row)?, days.get(row)?);
                if x.len() != y.len() || x.len() != day.len() {
                    return None;
                }
                let events: Vec<Event> =
                    x.iter().zip(&y).zip(&day).map(|((x, y), day)| Event { x: *x, y: *y, day: *day }).collect();
                let permutations = u32::try_from(permutations.get(row)?).ok()?;
                let seed = seed.get(row)?.cast_unsigned();
                let found = knox(&events, &metres, &days, &rules, permutations, seed, threads)?;
                let bands = std::iter::once((0.0, 0.0)).chain(metres.windows(2).map(|w| (w[0], w[1])));
                let rows = bands.enumerate().flat_map(|(i, (from, to))| {
                    let found = &found;
                    days.windows(2).enumerate().map(move |(j, time)| {
                        [
                            Some(from),
                            Some(to),
                            Some(time[0]),
                            Some(time[1]),
                            Some(found.observed[i][j] as f64),
                            found.expected[i][j],
                            found.ratio[i][j],
                            found.p[i][j],
                        ]
                    })
                });
                Some(rows.collect())
            })
        },
    )
}
