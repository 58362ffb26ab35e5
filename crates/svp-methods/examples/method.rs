//! The methods as a program, for checks against other implementations and for their benchmarks: one JSON request a line on standard input,
//! one JSON answer a line on standard output, with the seconds of the method alone. `tests/conformance/methods.py` says what the
//! requests look like. No answer is `null`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, missing_docs)]

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use svp_methods::circular::circular;
use svp_methods::counts_model::{Design, Fit, negative_binomial, poisson};
use svp_methods::fdr::{benjamini_hochberg, benjamini_yekutieli, bonferroni};
use svp_methods::gi_star::{
    Alternative, Weights, gi_star_permutations_drawn, gi_star_permutations_sided, gi_star_weighted,
};
use svp_methods::kernel_density::{Kernel, bandwidth_nrd, kernel_density};
use svp_methods::knox::{Closed, Event, Metric, Rules, knox};
use svp_methods::neighbours::Neighbours;
use svp_methods::rates::{conditional_test, e_test, poisson_exact, wilson};
use svp_methods::scoring::gini;
use svp_methods::trend::{mann_kendall, sen_slope};

type Answer = Option<Value>;

/// Numbers of a list; `null` is infinity, as JSON has none.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(|v| if v.is_null() { Some(f64::INFINITY) } else { v.as_f64() }).collect()
}

fn tuples<const N: usize>(value: &Value) -> Option<Vec<[f64; N]>> {
    value.as_array()?.iter().map(|row| numbers(row)?.try_into().ok()).collect()
}

fn number(request: &Value, name: &str) -> Option<f64> {
    request[name].as_f64()
}

fn whole(request: &Value, name: &str) -> usize {
    request[name].as_u64().unwrap_or(0) as usize
}

/// Runs the method alone and notes its time.
fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let found = work();
    *seconds += start.elapsed().as_secs_f64();
    found
}

fn neighbours(request: &Value, seconds: &mut f64) -> Option<Neighbours> {
    let rings = whole(request, "rings") as u32;
    if let Some(lists) = request["lists"].as_array() {
        let lists: Vec<Vec<u64>> =
            lists.iter().map(|l| serde_json::from_value(l.clone()).ok()).collect::<Option<_>>()?;
        let keys: Vec<u64> = (0..lists.len() as u64).collect();
        return Neighbours::from_lists(&keys, |key, out| out.extend(&lists[key as usize])).ok();
    }
    let cells: Vec<(i64, i64)> = serde_json::from_value(request["cells"].clone()).ok()?;
    timed(seconds, || match request["lattice"].as_str() {
        Some("hexagons") => Neighbours::hexagons(&cells, rings).ok(),
        _ => Neighbours::squares(&cells, rings).ok(),
    })
}

fn gi(request: &Value, seconds: &mut f64) -> Answer {
    let (values, mut apart) = (numbers(&request["values"])?, 0.0);
    let near = neighbours(request, &mut apart)?;
    let weights = if request["weights"] == "row" { Weights::RowStandardised } else { Weights::Binary };
    let alternative = match request["alternative"].as_str() {
        Some("greater") => Alternative::Greater,
        Some("less") => Alternative::Less,
        _ => Alternative::Directed,
    };
    let threads = whole(request, "threads").max(1);
    let found = timed(seconds, || gi_star_weighted(&values, &near, weights));
    let p_sim: Vec<Option<f64>> = if let Some(draws) = request["draws"].as_array() {
        let width = draws.first().and_then(Value::as_array).map_or(0, Vec::len);
        let ids: Vec<u32> =
            draws.iter().filter_map(Value::as_array).flatten().map(|id| id.as_u64().unwrap_or(0) as u32).collect();
        timed(seconds, || gi_star_permutations_drawn(&values, &near, alternative, &ids, width, threads))
    } else if whole(request, "permutations") > 0 {
        let (permutations, seed) = (whole(request, "permutations") as u32, whole(request, "seed") as u64);
        timed(seconds, || gi_star_permutations_sided(&values, &near, alternative, permutations, seed, threads))
    } else {
        Vec::new()
    };
    let z: Vec<Option<f64>> = found.iter().map(|l| l.map(|l| l.z)).collect();
    let p_one: Vec<Option<f64>> = found.iter().map(|l| l.map(|l| l.p_one)).collect();
    let p_high: Vec<Option<f64>> = found.iter().map(|l| l.map(|l| l.p_high)).collect();
    Some(json!({"z": z, "p_one": p_one, "p_high": p_high, "p_sim": p_sim, "neighbours_seconds": apart}))
}

fn fdr(request: &Value, seconds: &mut f64) -> Answer {
    let p: Vec<Option<f64>> = serde_json::from_value(request["p"].clone()).ok()?;
    Some(timed(
        seconds,
        || json!({"bh": benjamini_hochberg(&p), "by": benjamini_yekutieli(&p), "bonferroni": bonferroni(&p)}),
    ))
}

fn near_repeat(request: &Value, seconds: &mut f64) -> Answer {
    let events =
        tuples::<3>(&request["events"])?.into_iter().map(|[x, y, day]| Event { x, y, day }).collect::<Vec<_>>();
    let (space, time) = (numbers(&request["space"])?, numbers(&request["time"])?);
    let closed = match request["closed"].as_str() {
        Some("right") => Closed::Right,
        Some("right and lowest") => Closed::RightAndLowest,
        _ => Closed::Left,
    };
    let rules = Rules {
        metric: if request["metric"] == "euclidean" { Metric::Euclidean } else { Metric::Manhattan },
        space: closed,
        time: closed,
        same_place: request["same_place"] == true,
        single_precision: request["single_precision"] == true,
    };
    let (permutations, seed) = (whole(request, "permutations") as u32, whole(request, "seed") as u64);
    let threads = whole(request, "threads").max(1);
    let found = timed(seconds, || knox(&events, &space, &time, &rules, permutations, seed, threads))?;
    Some(
        json!({"observed": found.observed, "expected": found.expected, "median": found.median, "ratio": found.ratio, "p": found.p}),
    )
}

fn density(request: &Value, seconds: &mut f64) -> Answer {
    let points: Vec<(f64, f64, f64)> =
        tuples::<3>(&request["points"])?.into_iter().map(|[x, y, w]| (x, y, w)).collect();
    let at: Vec<(f64, f64)> = tuples::<2>(&request["at"])?.into_iter().map(|[x, y]| (x, y)).collect();
    let kernel = if request["kernel"] == "gaussian" { Kernel::Gaussian } else { Kernel::Quartic };
    let (h, threads) = (number(request, "bandwidth")?, whole(request, "threads").max(1));
    let xs: Vec<f64> = points.iter().map(|p| p.0).collect();
    let found = timed(seconds, || kernel_density(&points, &at, h, kernel, None, threads))?;
    Some(json!({"density": found, "bandwidth_nrd": bandwidth_nrd(&xs)}))
}

fn trend(request: &Value, seconds: &mut f64) -> Answer {
    let values = numbers(&request["values"])?;
    let (mk, sen) = timed(seconds, || (mann_kendall(&values), sen_slope(&values)));
    let (mk, sen) = (mk?, sen?);
    Some(
        json!({"s": mk.s, "var": mk.var, "z": mk.z, "p": mk.p_two, "tau": mk.tau, "slope": sen.slope, "intercept": sen.intercept}),
    )
}

fn round(request: &Value, seconds: &mut f64) -> Answer {
    let (values, weights) = (numbers(&request["values"])?, numbers(&request["weights"]));
    let period = number(request, "period")?;
    let found = timed(seconds, || circular(&values, weights.as_deref(), period))?;
    Some(
        json!({"mean": found.mean, "sd": found.sd, "variance": found.variance, "resultant": found.resultant, "p": found.p_rayleigh}),
    )
}

fn rates(request: &Value, seconds: &mut f64) -> Answer {
    let [x1, t1, x2, t2, level] =
        ["x1", "t1", "x2", "t2", "level"].map(|name| number(request, name).unwrap_or(f64::NAN));
    timed(seconds, || {
        let ends = |i: Option<svp_methods::rates::Interval>| i.map(|i| [i.lower, i.upper]);
        Some(json!({
            "wilson": ends(wilson(x1, x1 + x2, level)),
            "exact": ends(poisson_exact(x1, level)),
            "conditional": conditional_test(x1, t1, x2, t2),
            "e_test": e_test(x1, t1, x2, t2),
            "gini": gini(&[x1, x2, t1, t2]),
        }))
    })
}

fn counts(request: &Value, seconds: &mut f64) -> Answer {
    let (y, x, offset) = (numbers(&request["y"])?, numbers(&request["x"])?, numbers(&request["offset"]));
    let clusters: Option<Vec<u32>> = serde_json::from_value(request["clusters"].clone()).ok();
    let design = Design {
        y: &y,
        x: &x,
        columns: whole(request, "columns"),
        offset: offset.as_deref(),
        clusters: clusters.as_deref(),
    };
    let said = |fit: Option<Fit>| {
        fit.map(|fit| {
            json!({"coefficients": fit.coefficients, "covariance": fit.covariance, "robust": fit.robust, "alpha": fit.alpha,
                   "log_likelihood": fit.log_likelihood, "converged": fit.converged, "iterations": fit.iterations})
        })
    };
    let (poisson, binomial) = timed(seconds, || (poisson(&design), negative_binomial(&design)));
    Some(json!({"poisson": said(poisson), "negative_binomial": said(binomial)}))
}

fn main() -> ExitCode {
    for line in std::io::stdin().lock().lines() {
        let Some(request) = line.ok().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else {
            eprintln!("a line is no JSON");
            return ExitCode::FAILURE;
        };
        let method = match request["method"].as_str() {
            Some("gi_star") => gi,
            Some("fdr") => fdr,
            Some("knox") => near_repeat,
            Some("kernel_density") => density,
            Some("trend") => trend,
            Some("circular") => round,
            Some("rates") => rates,
            Some("counts_model") => counts,
            _ => {
                eprintln!("no such method");
                return ExitCode::FAILURE;
            }
        };
        let rounds = whole(&request, "rounds").max(1);
        let (mut answer, mut times) = (None, Vec::with_capacity(rounds));
        for _ in 0..rounds {
            let mut seconds = 0.0;
            answer = method(&request, &mut seconds);
            times.push(seconds);
        }
        times.sort_unstable_by(f64::total_cmp);
        println!("{}", json!({"answer": answer, "seconds": times[times.len() / 2]}));
    }
    ExitCode::SUCCESS
}
