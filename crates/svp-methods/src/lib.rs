//! What enters: slices of numbers: counts of cells, places, times.
//! What leaves: the measures of crime analysis over them, each as its source defines it.
//! Never: an engine, a file, a clock; a NaN where there is no answer (that is `None`), a result that hangs on the number of threads.
//! To add one: a file with the formula, its source and its oracles, and one line below.
//!
//! The measures of place-based crime analysis as plain functions: counts of cells, coordinates and times go in, a number
//! with its uncertainty comes out. There is no data frame, no file and no global state, so the functions can be called from
//! anywhere; the SQL functions of svp are thin covers over them. Every function names its source, and its tests hold the
//! answers of an independent implementation.
//!
//! ```
//! use svp_methods::{Neighbours, fdr::benjamini_hochberg, gi_star::gi_star};
//!
//! // Serious violence in a year on a board of 20 by 20 squares: one in each, and a cluster of nine with eight in each.
//! let cells: Vec<(i64, i64)> = (0..400).map(|i| (i % 20, i / 20)).collect();
//! let in_cluster = |(x, y): &(i64, i64)| (4..7).contains(x) && (10..13).contains(y);
//! let counts: Vec<f64> = cells.iter().map(|cell| if in_cluster(cell) { 8.0 } else { 1.0 }).collect();
//!
//! // Which squares are hotter, with those around them, than chance would have it? 400 tests need an adjusted p.
//! let near = Neighbours::squares(&cells, 1)?;
//! let p: Vec<Option<f64>> = gi_star(&counts, &near).iter().map(|local| local.map(|local| local.p_high)).collect();
//! let hot = benjamini_hochberg(&p).iter().filter(|q| q.is_some_and(|q| q <= 0.05)).count();
//! // The nine themselves and those that touch two of them: all of the ring but its four corners.
//! assert_eq!(hot, 9 + 12);
//! # Ok::<(), svp_methods::Error>(())
//! ```
//!
//! # Which function when
//!
//! | question | function | what comes out |
//! |---|---|---|
//! | Where is more than chance would put there? | [`gi_star::gi_star`], then [`fdr::benjamini_hochberg`] | z and p of each cell |
//! | The same with small counts, which no normal tail fits | [`gi_star::gi_star_permutations_sided`] | pseudo-p of each cell |
//! | The same, where nearer neighbours count for more | [`gi_star::gi_star_weighted`], [`gi_star::gi_star_permutations_weighted`], weights by [`Neighbours::weigh`] | as above |
//! | How thick do events lie at a place? | [`kernel_density::kernel_density`], bandwidth by [`kernel_density::bandwidth`] | events per square metre |
//! | One density over another, events over people say | [`kernel_density::density_ratio`] | ratios |
//! | Does one event make the next near it likelier? | [`knox::knox`] | pairs by distance and time, ratio, p |
//! | At which hour, and how sharply? | [`circular::circular`]; of counts by hour [`circular::circular_counts`] | mean time, spread, Rayleigh's p |
//! | Is it rising? | [`trend::mann_kendall`], [`trend::sen_slope`]; with gaps [`trend::sen_slope_at`] | p; change for each step |
//! | Which cells are hot again and again? | [`trend::classify_cell`], [`trend::course`], [`trend::persistence`] | a class; runs |
//! | How concentrated is it? | [`scoring::generalised_gini`], [`scoring::cells_for_share`] | coefficient; share of the cells |
//! | Did the map foretell it? | [`scoring::score`], [`scoring::score_at`] | hit rate, PAI, PEI, RRI |
//! | A share, a count or a rate with its interval | [`rates::wilson`], [`rates::count_interval`], [`rates::directly_standardised`] | two ends |
//! | Do two rates differ? | [`rates::rate_ratio`], [`rates::conditional_test`]; small counts [`rates::e_test`] | ratio, p |
//! | Into which classes does a shaded map fall? | [`breaks::natural_breaks`]; steps of an axis [`breaks::round_step`] | where each class begins |
//! | Did a measure work, and did crime move next door? | [`wdd::wdd`], [`wdd::wdq`], [`rates::chi_square_of_change`] | difference, p |
//! | What of that holds when other things are taken into account? | [`counts_model::negative_binomial`], [`counts_model::poisson`] | rate ratios |
//!
//! # What holds for all of them
//!
//! - Coordinates, distances and bandwidths are metres on a plane (eastings and northings), times are days or the unit of
//!   their period. Slices have one value for each cell, and answers have their order.
//! - Where there is no answer it is `None` and never NaN: too few values, all equal, not finite, lengths that differ. Each
//!   function says when. An [`Error`] is for cells that cannot be neighbours of each other.
//! - What is random follows from a `seed`, and what takes `threads` gives the same bits with any number of them.
//! - `level` is that of a two-sided interval, 0.95 as a rule.
//!
//! # The names of others
//!
//! What does the same elsewhere, with the options that ask for the same. Approximations, and so the last digits, can differ.
//!
//! | here | R | Python |
//! |---|---|---|
//! | [`Neighbours::squares`] | `spdep::cell2nb(type = "queen")` | `libpysal.weights.lat2W(rook=False)` |
//! | [`gi_star::gi_star`] | `spdep::localG` of `include.self` neighbours, style B | `esda.G_Local(transform="B", star=True).Zs` |
//! | [`gi_star::gi_star_weighted`] with [`gi_star::Weights::Each`] | `spdep::localG` of `include.self` neighbours and general weights | |
//! | [`gi_star::gi_star_permutations`] | `spdep::localG_perm` | `esda.G_Local(transform="B", star=True).p_sim` |
//! | [`fdr::benjamini_hochberg`] | `p.adjust(method = "BH")` | `statsmodels` `multipletests(method="fdr_bh")`, `scipy.stats.false_discovery_control` |
//! | [`fdr::benjamini_yekutieli`] | `p.adjust(method = "BY")` | `multipletests(method="fdr_by")` |
//! | [`fdr::bonferroni`] | `p.adjust(method = "bonferroni")` | `multipletests(method="bonferroni")` |
//! | [`kernel_density::kernel_density`] | `spatstat.explore::density.ppp(kernel = "quartic", diggle = TRUE)`, whose sigma is a standard deviation | `scipy.stats.gaussian_kde` for the Gaussian kernel |
//! | [`kernel_density::bandwidth_nrd`] | `MASS::bandwidth.nrd` | |
//! | [`knox::knox`] | `NearRepeat::NearRepeat`, `surveillance::knox` for one pair of thresholds | `pointpats` `spacetime.Knox` for one pair of thresholds |
//! | [`circular::circular`] | `circular::mean.circular`, `circular::rayleigh.test` | `scipy.stats.circmean`, `circstd`, `circvar` |
//! | [`trend::mann_kendall`] | `trend::mk.test` | `pymannkendall.original_test` |
//! | [`trend::sen_slope`], [`trend::sen_slope_at`] | `trend::sens.slope` | `pymannkendall.sens_slope`, `scipy.stats.theilslopes` |
//! | [`trend::classify_cell`] | `sfhotspot::hotspot_classify` | |
//! | [`scoring::score`] | `ptools::pai` | |
//! | [`scoring::gini`], [`scoring::gini_unbiased`] | `ineq::Gini`, with `corr = TRUE` | |
//! | [`scoring::generalised_gini`] | the package `lorenzgini` | |
//! | [`rates::wilson`] | `prop.test(correct = FALSE)`, `PHEindicatormethods::phe_proportion` | `statsmodels` `proportion_confint(method="wilson")`, `scipy` `binomtest(k, n).proportion_ci(method="wilson")` |
//! | [`rates::poisson_exact`] | `poisson.test` | `statsmodels` `confint_poisson(method="exact-c")` |
//! | [`rates::count_interval`] | `PHEindicatormethods::phe_rate` | |
//! | [`rates::directly_standardised`] | `PHEindicatormethods::calculate_dsr` | |
//! | [`rates::rate_ratio`] | `epitools::rateratio.wald` | `statsmodels` `confint_poisson_2indep(method="wald-log")` |
//! | [`rates::poisson_difference`] | | `test_poisson_2indep(compare="diff", method="wald")` |
//! | [`rates::conditional_test`] | `poisson.test` of two counts | `test_poisson_2indep(method="exact-cond")` |
//! | [`rates::e_test`] | `ptools::e_test` | `test_poisson_2indep(method="etest")` |
//! | [`rates::chi_square_of_change`] | `chisq.test(correct = FALSE)` | `scipy.stats.chi2_contingency(correction=False)` |
//! | [`counts_model::poisson`] | `glm(family = poisson)` | `statsmodels` `GLM(family=Poisson())` |
//! | [`counts_model::negative_binomial`] | `MASS::glm.nb`, whose theta is 1 / alpha | `statsmodels` `NegativeBinomial` |
//! | [`wdd::wdd`] | `ptools::wdd` | |
//! | [`breaks::natural_breaks`] | `classInt::classIntervals(style = "fisher")` | `mapclassify.FisherJenks`, `jenkspy` |
//!
//! The repository's conformance tests run esda, pointpats, statsmodels, scipy and pymannkendall beside these functions.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]
// In tests a skipped oracle is said aloud, and loops over indices read like the formulas.
#![cfg_attr(test, allow(clippy::print_stderr))]

pub mod breaks;
pub mod circular;
pub mod counts_model;
mod draw;
pub mod error;
pub mod fdr;
pub mod gi_star;
pub mod kernel_density;
pub mod knox;
pub mod neighbours;
mod normal;
pub mod rates;
pub mod scoring;
mod small_matrix;
pub mod trend;
mod two_rates;
pub mod wdd;

pub use error::Error;
pub use neighbours::Neighbours;

/// The example of the README is run as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
