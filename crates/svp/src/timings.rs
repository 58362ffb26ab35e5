//! How long the parts of a command take: by the clock, by the processor, and how much memory was held.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use svp_app::Timing;
use svp_lake::files::read_text;

/// Ticks of a second in which Linux tells programs their processor time (`USER_HZ` of proc(5)).
const TICKS: u64 = 100;

/// A part that goes on: where it stands in the list, and what had been used when it began.
struct Open {
    at: usize,
    began: Instant,
    cpu_ms: Option<u64>,
}

/// The parts so far.
#[derive(Default)]
pub struct Timings {
    parts: Vec<Timing>,
    open: Vec<Open>,
}

impl Timings {
    /// A part begins; parts of one name in one part are one.
    pub fn begin(&mut self, part: &str) {
        let depth = self.open.len();
        // What follows the part in which this one lies, and lies no higher, is in it.
        let from = self.open.last().map_or(0, |open| open.at + 1);
        let inside = from + self.parts[from..].iter().take_while(|p| p.depth >= depth).count();
        let known = (from..inside).find(|at| self.parts[*at].depth == depth && self.parts[*at].part == part);
        let at = known.unwrap_or_else(|| {
            let part = part.to_owned();
            self.parts.insert(inside, Timing { depth, part, times: 0, wall_ms: 0, cpu_ms: Some(0), peak_kib: None });
            inside
        });
        self.open.push(Open { at, began: Instant::now(), cpu_ms: cpu_ms() });
    }

    /// The part that began last ends.
    pub fn end(&mut self) {
        let Some(Open { at, began, cpu_ms: before }) = self.open.pop() else { return };
        let part = &mut self.parts[at];
        part.times += 1;
        part.wall_ms += u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let used = before.zip(cpu_ms()).map(|(before, now)| now.saturating_sub(before));
        part.cpu_ms = part.cpu_ms.zip(used).map(|(sum, used)| sum + used);
        part.peak_kib = peak_kib();
    }

    /// The parts that have ended.
    pub fn done(&self) -> Vec<Timing> {
        self.parts.iter().filter(|p| p.times > 0).cloned().collect()
    }

    /// As lines for people.
    pub fn table(&self) -> String {
        let mut out = format!("{:<44}{:>6}{:>12}{:>12}{:>12}\n", "part", "times", "wall s", "processor s", "peak MiB");
        for part in self.done() {
            let name = format!("{:indent$}{}", "", part.part, indent = 2 * part.depth);
            let seconds = |ms: u64| format!("{}.{:03}", ms / 1_000, ms % 1_000);
            let cpu = part.cpu_ms.map_or_else(|| "-".to_owned(), seconds);
            let peak = part.peak_kib.map_or_else(|| "-".to_owned(), |kib| (kib / 1_024).to_string());
            let _ = writeln!(out, "{name:<44}{:>6}{:>12}{cpu:>12}{peak:>12}", part.times, seconds(part.wall_ms));
        }
        out
    }
}

/// Processor time of this process so far, of all its threads.
fn cpu_ms() -> Option<u64> {
    let stat = read_text(Path::new("/proc/self/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything; the 12th and 13th fields after it are the times.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) * 1_000 / TICKS)
}

/// The most memory that this process held so far.
fn peak_kib() -> Option<u64> {
    let status = read_text(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_one_name_in_one_part_are_one() {
        let mut timings = Timings::default();
        for (part, inner) in [("a", &["x"]), ("b", &["x"]), ("a", &["y"]), ("a", &["x"])] {
            timings.begin(part);
            for inner in inner {
                timings.begin(inner);
                timings.end();
            }
            timings.end();
        }
        timings.begin("b");
        let found: Vec<(usize, String, u64)> = timings.done().into_iter().map(|t| (t.depth, t.part, t.times)).collect();
        let part = |depth, name: &str, times| (depth, name.to_owned(), times);
        let whole = [part(0, "a", 3), part(1, "x", 2), part(1, "y", 1), part(0, "b", 1), part(1, "x", 1)];
        assert_eq!(found, whole, "and what goes on is not counted");
    }
}
