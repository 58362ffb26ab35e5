//! The model of disclosure control: numbers that a reader sees or may infer, and the equations that tie them.
//!
//! A *number* is a published cell, a suppressed cell, or a latent quantity that nobody published but that
//! follows (a total, a difference). An *equation* says that a weighted sum of numbers is zero: a margin, a
//! hierarchy, one thing shown in two tables, a container and its parts. Unit of every number: a count.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Two numbers nearer than this are one number: the margin of every comparison with a protection, an interval or an
/// equation. Counts are whole, so it is far below anything that matters and far above the rounding of `f64`.
pub const MARGIN: f64 = 1e-6;

/// What the reader gets of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, perhaps rounded.
    Shown,
    /// Suppressed, marked `[c]`.
    Hidden,
    /// Not published, but it follows from what is.
    Latent,
}

/// What the reader must not learn of a number that is not shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProtectionInterval {
    /// Nothing to keep.
    None,
    /// The reader's bounds must contain this interval: the lower and the upper protection level. Of a total, as much of it as
    /// the shown zeros leave open (see [`crate::raise_intervals`]).
    BothSides {
        /// Lower end, in events.
        lower: f64,
        /// Upper end, in events.
        upper: f64,
    },
    /// The reader's bounds must not lie inside this interval (sliding protection). Counts are whole, so a bound has to reach
    /// `lower - 1` or `upper + 1`: a bound of 0.5 tells a reader that the count is 1 at least.
    EitherSide {
        /// Lower end, in events.
        lower: f64,
        /// Upper end, in events.
        upper: f64,
    },
}

/// One end of a protection interval: a feasible assignment in which the number is this low (or this high) proves it kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The number must be able to be as low as the end.
    Low,
    /// The number must be able to be as high as the end.
    High,
}

impl ProtectionInterval {
    /// The ends that must be reached, as (low, high); `None` where nothing is to be kept.
    #[must_use]
    pub fn ends(&self) -> Option<(f64, f64)> {
        match *self {
            Self::None => None,
            Self::BothSides { lower, upper } => Some((lower, upper)),
            Self::EitherSide { lower, upper } => Some((lower - 1.0, upper + 1.0)),
        }
    }

    /// Whether bounds that reach the low end, or the high end, protect the number.
    #[must_use]
    pub fn kept(&self, low: bool, high: bool) -> bool {
        match self {
            Self::None => true,
            Self::BothSides { .. } => low && high,
            Self::EitherSide { .. } => low || high,
        }
    }

    /// Whether a reader who knows `lo` to `hi` has learnt too much.
    #[must_use]
    pub fn broken_by(&self, lo: f64, hi: f64) -> bool {
        self.ends().is_some_and(|(low, high)| !self.kept(lo <= low + MARGIN, hi >= high - MARGIN))
    }
}

/// One number of a release, of an earlier release, or between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The truth, where it is known: always when protecting; perhaps not when attacking an old release.
    pub value: Option<f64>,
    /// What the reader knows when it is shown, rounding included.
    pub published: (f64, f64),
    /// What the reader assumes when it is hidden or latent.
    pub assumed: (f64, f64),
    /// What the reader gets.
    pub state: State,
    /// It belongs to an earlier release: its state cannot change.
    pub fixed: bool,
    /// The information that is lost by hiding it; not negative.
    pub cost: f64,
    /// What the reader must not learn while it is not shown.
    pub protection: ProtectionInterval,
    /// Place in an order that the caller gives and that does not depend on how rows happen to lie (the place of
    /// the cell's sorted name, say). All choices between equals follow it; equal places follow the index.
    pub order: u64,
}

impl Number {
    /// A count that is printed as it is. Hiding a large one costs a little more than hiding a small one.
    #[must_use]
    pub fn shown(value: f64) -> Self {
        Self {
            value: Some(value),
            published: (value, value),
            assumed: (1.0, f64::INFINITY),
            state: State::Shown,
            fixed: false,
            cost: 1.0 + value.max(0.0).ln_1p() / 8.0,
            protection: ProtectionInterval::None,
            order: 0,
        }
    }

    /// A count from 1 to one less than `below`, which is suppressed so that a reader learns no more than that.
    #[must_use]
    pub fn suppressed(value: f64, below: f64) -> Self {
        let protection = ProtectionInterval::BothSides { lower: 1.0, upper: below - 1.0 };
        Self { state: State::Hidden, protection, ..Self::shown(value) }
    }

    /// What the reader knows before any arithmetic.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        if self.state == State::Shown { self.published } else { self.assumed }
    }

    /// Whether it could be hidden. A shown zero cannot where the mark means one at the least.
    #[must_use]
    pub fn hideable(&self) -> bool {
        self.state == State::Shown && !self.fixed && self.value.is_some_and(|v| inside(v, self.assumed))
    }
}

/// Σ coefficient · number = 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Equation {
    /// (index of the number, coefficient); each number at most once.
    pub terms: Vec<(usize, f64)>,
}

impl Equation {
    /// `total` is the sum of `parts`.
    #[must_use]
    pub fn sum(total: usize, parts: &[usize]) -> Self {
        let mut terms = vec![(total, -1.0)];
        terms.extend(parts.iter().map(|&p| (p, 1.0)));
        Self { terms }
    }
}

/// Everything that a reader of one audience has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// The numbers.
    pub numbers: Vec<Number>,
    /// What ties them.
    pub equations: Vec<Equation>,
}

/// Why a system is refused. Indices only, never a number of the data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SystemError {
    /// A term that names no number, names one twice, or has no usable coefficient.
    #[error("equation {equation}: a term is not usable")]
    Term {
        /// Index of the equation.
        equation: usize,
    },
    /// An interval, a cost or a protection interval with no meaning.
    #[error("number {number}: its intervals or its cost make no sense")]
    Meaningless {
        /// Index of the number.
        number: usize,
    },
    /// A value that is not finite, or is negative where the reader assumes none is.
    #[error("number {number}: a count must be finite and not negative")]
    NotACount {
        /// Index of the number.
        number: usize,
    },
    /// A value outside what the reader is told or assumes.
    #[error("number {number}: what the reader is told or assumes of it is not true")]
    Untrue {
        /// Index of the number.
        number: usize,
    },
    /// The values do not add up.
    #[error("equation {equation}: the values do not add up")]
    DoesNotAddUp {
        /// Index of the equation.
        equation: usize,
    },
    /// What the reader knows contradicts itself.
    #[error("equation {equation}: what is published contradicts itself at or near it")]
    Contradiction {
        /// Index of the equation.
        equation: usize,
    },
    /// Protection needs the truth of every number.
    #[error("number {number}: its value is needed to protect it")]
    NoValue {
        /// Index of the number.
        number: usize,
    },
    /// The linear programme of a number gave no answer that can be relied on.
    #[error("number {number}: the linear programme gave no answer")]
    NoAnswer {
        /// Index of the number.
        number: usize,
    },
}

impl Advice for SystemError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::DoesNotAddUp { .. } | Self::Contradiction { .. } => {
                "look for a hierarchy with a hole, a row left out, or tables made from different extracts"
            }
            Self::NotACount { .. } => {
                "counts must be of events or people; weights that can be negative cannot be released"
            }
            Self::Untrue { .. } => "the published number is not the rounded truth: make the table again from its rows",
            Self::NoValue { .. } => "protect from the rows, not from a published table",
            Self::Term { .. } | Self::Meaningless { .. } => {
                "the system was built wrongly; this is a fault of the program"
            }
            Self::NoAnswer { .. } => "treat the number as disclosed, or release fewer tables together",
        }))
    }
}

/// Whether `x` lies in `interval`, give or take the margin.
#[must_use]
pub fn inside(x: f64, interval: (f64, f64)) -> bool {
    x >= interval.0 - MARGIN && x <= interval.1 + MARGIN
}

/// Σ coefficient · value of an equation, and the size of its terms, for the rounding that a sum may have.
pub(crate) fn residual(equation: &Equation, value: impl Fn(usize) -> f64) -> (f64, f64) {
    equation.terms.iter().fold((0.0, 0.0), |(sum, size), &(i, c)| {
        let term = c * value(i);
        (sum + term, size + term.abs())
    })
}

/// Whether an equation holds, give or take the margin and the rounding of `f64`.
pub(crate) fn holds(equation: &Equation, value: impl Fn(usize) -> f64) -> bool {
    let (sum, size) = residual(equation, value);
    holds_to(sum, size)
}

/// Whether a sum of terms of this size is zero, give or take the margin and the rounding of `f64`.
pub(crate) fn holds_to(sum: f64, size: f64) -> bool {
    sum.abs() <= MARGIN + 1e-12 * size
}

/// For each number, the equations that it stands in, with its coefficient there.
pub(crate) type Links = Vec<Vec<(usize, f64)>>;

impl System {
    /// Refuses a system that makes no sense or is not true.
    ///
    /// # Errors
    /// The first thing that is wrong: numbers first, then equations, by index.
    pub fn validate(&self) -> Result<(), SystemError> {
        for (number, n) in self.numbers.iter().enumerate() {
            let interval = |(lo, hi): (f64, f64)| lo <= hi && lo < f64::INFINITY && hi > f64::NEG_INFINITY;
            let protection = match n.protection {
                ProtectionInterval::None => true,
                ProtectionInterval::BothSides { lower: lo, upper: hi }
                | ProtectionInterval::EitherSide { lower: lo, upper: hi } => {
                    lo <= hi && lo.is_finite() && hi.is_finite()
                }
            };
            if !interval(n.published) || !interval(n.assumed) || !protection || !n.cost.is_finite() || n.cost < 0.0 {
                return Err(SystemError::Meaningless { number });
            }
            let Some(value) = n.value else { continue };
            if !value.is_finite() || (n.assumed.0 >= 0.0 && value < 0.0) {
                return Err(SystemError::NotACount { number });
            }
            if !inside(value, n.interval()) {
                return Err(SystemError::Untrue { number });
            }
        }
        for (equation, e) in self.equations.iter().enumerate() {
            let mut named: Vec<usize> = e.terms.iter().map(|t| t.0).collect();
            named.sort_unstable();
            let usable = e.terms.iter().all(|&(i, c)| i < self.numbers.len() && c.is_finite() && c != 0.0);
            if !usable || named.windows(2).any(|w| w[0] == w[1]) {
                return Err(SystemError::Term { equation });
            }
            let known: Option<Vec<f64>> = e.terms.iter().map(|&(i, _)| self.numbers[i].value).collect();
            let Some(known) = known else { continue };
            let terms = e.terms.iter().zip(known).map(|(&(_, c), v)| (0, c * v)).collect();
            if !holds(&Equation { terms }, |_| 1.0) {
                return Err(SystemError::DoesNotAddUp { equation });
            }
        }
        Ok(())
    }

    /// For each number, the equations that it stands in, with its coefficient there.
    pub(crate) fn links(&self) -> Links {
        let mut of = vec![Vec::new(); self.numbers.len()];
        for (e, equation) in self.equations.iter().enumerate() {
            for &(i, c) in &equation.terms {
                of[i].push((e, c));
            }
        }
        of
    }
}

/// A system in the caller's order, so that no result depends on how numbers and equations happened to lie.
pub(crate) struct Canonical {
    /// Numbers by their `order`; equations by their terms.
    pub system: System,
    /// Index in the given system of each number here.
    pub numbers: Vec<usize>,
    /// Index in the given system of each equation here.
    pub equations: Vec<usize>,
}

impl Canonical {
    pub fn new(given: &System) -> Self {
        let mut numbers: Vec<usize> = (0..given.numbers.len()).collect();
        numbers.sort_by_key(|&i| (given.numbers[i].order, i));
        let mut place = vec![0; numbers.len()];
        for (to, &from) in numbers.iter().enumerate() {
            place[from] = to;
        }
        let mut equations: Vec<(Vec<(usize, f64)>, usize)> = Vec::with_capacity(given.equations.len());
        for (index, equation) in given.equations.iter().enumerate() {
            let mut terms: Vec<(usize, f64)> = equation.terms.iter().map(|&(i, c)| (place[i], c)).collect();
            terms.sort_by_key(|t| t.0);
            if terms.first().is_some_and(|t| t.1 < 0.0) {
                terms.iter_mut().for_each(|t| t.1 = -t.1);
            }
            equations.push((terms, index));
        }
        equations.sort_by(|(a, i), (b, j)| {
            let by = |x: &(usize, f64), y: &(usize, f64)| x.0.cmp(&y.0).then(x.1.total_cmp(&y.1));
            let first = a.iter().zip(b).map(|(x, y)| by(x, y)).find(|o| o.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len())).then(i.cmp(j))
        });
        let system = System {
            // From here on the order is the place.
            numbers: (0..).zip(&numbers).map(|(order, &i)| Number { order, ..given.numbers[i].clone() }).collect(),
            equations: equations.iter().map(|(terms, _)| Equation { terms: terms.clone() }).collect(),
        };
        Self { system, numbers, equations: equations.into_iter().map(|e| e.1).collect() }
    }
}
