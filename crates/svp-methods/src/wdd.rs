//! Did crime fall where something was done, against where it was not, and did it move next door?

use crate::normal;

/// Counts of one area in two periods.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BeforeAfter {
    /// Count of the period before.
    pub before: f64,
    /// Count of the period after.
    pub after: f64,
}

impl BeforeAfter {
    /// Counts before and after.
    ///
    /// ```
    /// use svp_methods::wdd::BeforeAfter;
    /// assert_eq!(BeforeAfter::new(50.0, 30.0), BeforeAfter { before: 50.0, after: 30.0 });
    /// ```
    #[must_use]
    pub fn new(before: f64, after: f64) -> Self {
        Self { before, after }
    }

    fn counts(self) -> bool {
        [self.before, self.after].iter().all(|n| n.is_finite() && *n >= 0.0)
    }

    /// Change and its variance after both counts were divided by the weights of their periods.
    fn change(self, area: f64, time: (f64, f64)) -> (f64, f64) {
        let (w0, w1) = (area * time.0, area * time.1);
        (self.after / w1 - self.before / w0, self.after / (w1 * w1) + self.before / (w0 * w0))
    }
}

/// Counts of the four areas of the test; the displacement areas are noughts where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Areas {
    /// Where something was done.
    pub treated: BeforeAfter,
    /// A like area where it was not.
    pub control: BeforeAfter,
    /// Around the treated area, where crime might move.
    pub displacement_treated: BeforeAfter,
    /// Around the control area.
    pub displacement_control: BeforeAfter,
}

/// What the counts are divided by, where areas or periods differ in size. All are 1 by default, above 0 always.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WddWeights {
    /// Length of the period before, after (any unit): 2 and 1 for two years against one.
    pub time: (f64, f64),
    /// Size of the treated area.
    pub treated: f64,
    /// Size of the control area.
    pub control: f64,
    /// Size of the displacement area of the treated one.
    pub displacement_treated: f64,
    /// Size of the displacement area of the control.
    pub displacement_control: f64,
}

impl Default for WddWeights {
    fn default() -> Self {
        Self { time: (1.0, 1.0), treated: 1.0, control: 1.0, displacement_treated: 1.0, displacement_control: 1.0 }
    }
}

/// An estimate and its standard error, in (weighted) counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
}

/// The weighted displacement difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wdd {
    /// Treated against control alone.
    pub local: Estimate,
    /// The displacement areas alone.
    pub displacement: Estimate,
    /// Both together; below 0 where crime fell.
    pub total: Estimate,
    /// Total over its standard error.
    pub z: f64,
    /// Two-sided p of z.
    pub p_two: f64,
    /// p of a fall: Phi(z).
    pub p_fall: f64,
    /// Lower end of the interval of the total.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// The weighted displacement difference test: (change of treated - change of control) + (change around treated - change
/// around control). Counts are taken for Poisson, so that the variance is the sum of all counts, and the sum for normal: it
/// is less apt for very small counts.
///
/// `level` is the level of the interval (the reference implementation has 0.9). `None` where a count is negative or not
/// finite, a weight is not above 0, all counts are 0, or the level is not inside 0..1.
///
/// Wheeler and Ratcliffe 2018, *A simple weighted displacement difference test to evaluate place based crime interventions*;
/// weights of time and area as in R's `ptools`.
///
/// ```
/// use svp_methods::wdd::{Areas, BeforeAfter, WddWeights, wdd};
/// let areas = Areas {
///     treated: BeforeAfter::new(50.0, 30.0),
///     control: BeforeAfter::new(60.0, 58.0),
///     displacement_treated: BeforeAfter::new(20.0, 18.0),
///     displacement_control: BeforeAfter::new(19.0, 21.0),
/// };
/// let found = wdd(&areas, &WddWeights::default(), 0.95).unwrap();
/// // (-20 + 2) + (-2 - 2) = -22, and the variance is the sum of all counts, 276.
/// assert_eq!((found.total.estimate, found.local.estimate), (-22.0, -18.0));
/// assert!((found.total.se - 276.0_f64.sqrt()).abs() < 1e-12);
/// assert!((found.p_two - 0.185_422).abs() < 1e-6, "22 fewer may still be chance");
/// ```
#[must_use]
pub fn wdd(areas: &Areas, weights: &WddWeights, level: f64) -> Option<Wdd> {
    let all = [areas.treated, areas.control, areas.displacement_treated, areas.displacement_control];
    let w = weights;
    let sizes = [w.treated, w.control, w.displacement_treated, w.displacement_control, w.time.0, w.time.1];
    if !all.iter().all(|a| a.counts()) || !sizes.iter().all(|s| s.is_finite() && *s > 0.0) {
        return None;
    }
    let z_level = normal::z_of_level(level)?;
    let against = |one: (f64, f64), other: (f64, f64)| (one.0 - other.0, one.1 + other.1);
    let local = against(areas.treated.change(w.treated, w.time), areas.control.change(w.control, w.time));
    let around = against(
        areas.displacement_treated.change(w.displacement_treated, w.time),
        areas.displacement_control.change(w.displacement_control, w.time),
    );
    let estimate = |(estimate, variance): (f64, f64)| Estimate { estimate, se: variance.sqrt() };
    let total = estimate((local.0 + around.0, local.1 + around.1));
    let z = total.estimate / total.se;
    z.is_finite().then(|| Wdd {
        local: estimate(local),
        displacement: estimate(around),
        total,
        z,
        p_two: normal::two_sided(z),
        p_fall: normal::upper(-z),
        lower: total.estimate - z_level * total.se,
        upper: total.estimate + z_level * total.se,
    })
}

/// What a weighted displacement quotient says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Displacement {
    /// Above 1: the buffer gained more than the treated area itself.
    DiffusionBeyondEffect,
    /// Above 0 up to 1: the buffer gained as well.
    Diffusion,
    /// 0: neither.
    Neither,
    /// Below 0, not below -1: displacement took part of the gain (all of it at -1).
    Displacement,
    /// Below -1: more was displaced than gained.
    DisplacementBeyondEffect,
}

/// The weighted displacement quotient and its two parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wdq {
    /// Buffer over success.
    pub wdq: f64,
    /// B1/C1 - B0/C0: change of the buffer against the control; below 0 where it gained.
    pub buffer: f64,
    /// A1/C1 - A0/C0: change of the treated area against the control; below 0.
    pub success: f64,
}

impl Wdq {
    /// What it says.
    ///
    /// ```
    /// use svp_methods::wdd::{BeforeAfter, Displacement, wdq};
    /// let says = |buffer| {
    ///     wdq(BeforeAfter::new(50.0, 30.0), buffer, BeforeAfter::new(60.0, 60.0)).map(|found| found.says())
    /// };
    /// assert_eq!(says(BeforeAfter::new(20.0, 18.0)), Some(Displacement::Diffusion));
    /// assert_eq!(says(BeforeAfter::new(20.0, 26.0)), Some(Displacement::Displacement));
    /// ```
    #[must_use]
    pub fn says(&self) -> Displacement {
        match self.wdq {
            q if q > 1.0 => Displacement::DiffusionBeyondEffect,
            q if q > 0.0 => Displacement::Diffusion,
            q if q < -1.0 => Displacement::DisplacementBeyondEffect,
            q if q < 0.0 => Displacement::Displacement,
            _ => Displacement::Neither,
        }
    }
}

/// The weighted displacement quotient (B1/C1 - B0/C0) / (A1/C1 - A0/C0) of treated area A, buffer B and control C.
///
/// `None` where there was no success, as the treated area did not fall against the control: without a gain nothing can
/// diffuse or be displaced. `None` as well where a count is negative or not finite, or a count of the control is 0.
///
/// Bowers and Johnson 2003, *Measuring the geographical displacement and diffusion of benefit effects of crime prevention activity*.
///
/// ```
/// use svp_methods::wdd::{BeforeAfter, wdq};
/// // Treated 50 to 30, its buffer 20 to 18, the control 60 as before: (-2 / 60) over (-20 / 60).
/// let found = wdq(BeforeAfter::new(50.0, 30.0), BeforeAfter::new(20.0, 18.0), BeforeAfter::new(60.0, 60.0)).unwrap();
/// assert!((found.wdq - 0.1).abs() < 1e-12, "the buffer gained a tenth of what the treated area gained");
/// ```
#[must_use]
pub fn wdq(treated: BeforeAfter, buffer: BeforeAfter, control: BeforeAfter) -> Option<Wdq> {
    if ![treated, buffer, control].iter().all(|a| a.counts()) || control.before == 0.0 || control.after == 0.0 {
        return None;
    }
    let against = |area: BeforeAfter| area.after / control.after - area.before / control.before;
    let (buffer, success) = (against(buffer), against(treated));
    let wdq = buffer / success;
    (success < 0.0 && wdq.is_finite()).then_some(Wdq { wdq, buffer, success })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() < within, "{a} {b}");
    }

    #[test]
    fn the_oracle_of_the_paper() {
        let mut areas =
            Areas { treated: BeforeAfter::new(20.0, 10.0), control: BeforeAfter::new(20.0, 20.0), ..Areas::default() };
        let found = wdd(&areas, &WddWeights::default(), 0.9).unwrap();
        assert_eq!(found.total.estimate, -10.0);
        close(found.total.se, 8.3666, 5e-5);
        close(found.z, -1.195, 5e-4);
        close(found.upper, -10.0 + 1.644_853_627 * 70.0_f64.sqrt(), 1e-8);
        close(found.p_two, 2.0 * found.p_fall, 1e-15);
        areas.displacement_treated = BeforeAfter::new(30.0, 20.0);
        areas.displacement_control = BeforeAfter::new(30.0, 30.0);
        let found = wdd(&areas, &WddWeights::default(), 0.9).unwrap();
        assert_eq!((found.total.estimate, found.local.estimate, found.displacement.estimate), (-20.0, -10.0, -10.0));
        close(found.total.se, 13.416, 5e-4);
        close(found.z, -1.491, 5e-4);
    }

    #[test]
    fn weights_divide() {
        let areas =
            Areas { treated: BeforeAfter::new(20.0, 10.0), control: BeforeAfter::new(20.0, 20.0), ..Areas::default() };
        let two_years = WddWeights { time: (2.0, 1.0), ..WddWeights::default() };
        let found = wdd(&areas, &two_years, 0.95).unwrap();
        close(found.total.estimate, (10.0 - 10.0) - (20.0 - 10.0), 1e-12);
        close(found.total.se.powi(2), 10.0 + 5.0 + 20.0 + 5.0, 1e-12);
        let larger = WddWeights { treated: 2.0, ..WddWeights::default() };
        let found = wdd(&areas, &larger, 0.95).unwrap();
        close(found.total.estimate, -5.0, 1e-12);
        close(found.total.se.powi(2), 30.0 / 4.0 + 40.0, 1e-12);
    }

    #[test]
    fn no_answer_where_there_is_none() {
        let one = Areas { treated: BeforeAfter::new(1.0, 0.0), ..Areas::default() };
        let plain = WddWeights::default();
        assert!(wdd(&one, &plain, 0.9).is_some());
        assert_eq!(wdd(&Areas::default(), &plain, 0.9), None, "nothing was counted");
        assert_eq!(wdd(&one, &plain, 1.0), None);
        assert_eq!(wdd(&one, &WddWeights { control: 0.0, ..plain }, 0.9), None);
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(wdd(&Areas { control: BeforeAfter::new(bad, 1.0), ..one }, &plain, 0.9), None);
        }
    }

    #[test]
    fn quotients() {
        let control = BeforeAfter::new(100.0, 100.0);
        let of = |b1: f64| wdq(BeforeAfter::new(50.0, 30.0), BeforeAfter::new(40.0, b1), control).unwrap();
        close(of(30.0).wdq, 0.5, 1e-12);
        for (b1, says) in [
            (10.0, Displacement::DiffusionBeyondEffect),
            (30.0, Displacement::Diffusion),
            (40.0, Displacement::Neither),
            (50.0, Displacement::Displacement),
            (70.0, Displacement::DisplacementBeyondEffect),
        ] {
            assert_eq!(of(b1).says(), says, "{b1}");
        }
        let buffer = BeforeAfter::new(40.0, 30.0);
        assert_eq!(wdq(BeforeAfter::new(50.0, 50.0), buffer, control), None, "no success");
        assert_eq!(wdq(BeforeAfter::new(50.0, 60.0), buffer, control), None, "the contrary of success");
        assert_eq!(wdq(BeforeAfter::new(50.0, 30.0), buffer, BeforeAfter::new(0.0, 9.0)), None);
        assert_eq!(wdq(BeforeAfter::new(f64::NAN, 30.0), buffer, control), None);
    }

    proptest! {
        /// Treated and control changed over: the sign turns and nothing else.
        #[test]
        fn it_is_antisymmetric(t0 in 0u16..500, t1 in 0u16..500, c0 in 0u16..500, c1 in 1u16..500) {
            let (t, c) = (BeforeAfter::new(t0.into(), t1.into()), BeforeAfter::new(c0.into(), c1.into()));
            let of = |treated, control| wdd(&Areas { treated, control, ..Areas::default() }, &WddWeights::default(), 0.95).unwrap();
            let (one, other) = (of(t, c), of(c, t));
            prop_assert!((one.z + other.z).abs() < 1e-9);
            prop_assert!((one.lower + other.upper).abs() < 1e-6);
            prop_assert!(one.lower <= one.total.estimate && one.total.estimate <= one.upper);
        }
    }
}
