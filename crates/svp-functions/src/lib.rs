//! What enters: Arrow arrays or literals, as arguments of SQL functions.
//! What leaves: Arrow arrays; a missing or unreadable value is NULL.
//! Never: an error or a panic for a value, a look at storage, clock or environment, state that changes.
//! To add one: a file beside its neighbours (kernel, `udf`, tests) and one line in [`register_list`] or [`window_list`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

pub mod crime;
pub mod estimate;
pub mod offence;
pub mod person;
pub mod place;
mod reference;
#[cfg(test)]
mod testing;
pub mod text;
pub mod time;
mod udf;
mod weights;

use datafusion::logical_expr::{ScalarUDF, WindowUDF};
use datafusion::prelude::SessionContext;

pub use place::areas::{Areas, Loader as Boundaries};
pub use place::in_area_box::AreaBox;
pub use reference::reference_markdown;
pub use text::code_map::CodeMaps;
pub use text::lookup::{Lookups, ReadPairs};
pub use udf::{Refused, converted_argument};

/// Every function of a row that needs no data.
pub fn register_list() -> Vec<ScalarUDF> {
    vec![
        text::clean_text::udf(),
        text::parse_number::udf(),
        text::parse_integer::udf(),
        text::parse_flag::udf(),
        text::record_key::udf(),
        person::nhs_number::udf(),
        person::nhs_number_status::udf(),
        person::name_key::udf(),
        person::name_words::udf(),
        person::nickname::udf(),
        person::soundex::udf(),
        person::common_forename::udf(),
        person::placeholder::known_forename(),
        person::placeholder::known_surname(),
        person::placeholder::known_words(),
        person::placeholder::known_value(),
        person::placeholder::known_date(),
        person::placeholder::birth_order_udf(),
        person::birth_date::udf(),
        person::upn::udf(),
        person::age_at::udf(),
        person::age_band::udf(),
        person::age_band::known(),
        person::age_band::from(),
        person::age_band::to(),
        person::age_band::under(),
        person::age_band::group(),
        place::area_code::udf(),
        place::postcode::udf(),
        place::postcode_sector::udf(),
        place::to_bng::udf(),
        place::to_wgs84::udf(),
        place::h3_cell::udf(),
        place::bng_cell::udf(),
        place::bng_hexagon::udf(),
        place::cell_of::udf(),
        place::cell_centre::udf(),
        place::within_box::udf(),
        time::uk_timestamp::udf(),
        time::uk_clock_flag::udf(),
        time::utc_timestamp::udf(),
        time::uk_date::udf(),
        time::placeholder_time::udf(),
        time::in_doubled_hour::udf(),
        time::local_month::udf(),
        time::month_text::udf(),
        time::month_number::number(),
        time::month_number::of_number(),
        time::local_day::start(),
        time::local_day::end(),
        time::hour_of_week::udf(),
        time::analysis_day::udf(),
        time::aoristic_hours::udf(),
        time::weekday_name::udf(),
        time::hour_label::udf(),
        offence::offence_code::udf(),
        estimate::chapman::udf(),
        estimate::chapman_se::udf(),
        estimate::chapman_lower::udf(),
        estimate::chapman_upper::udf(),
        crime::score_cells::udf(),
        crime::concentration::gini(),
        crime::concentration::generalised_gini(),
        crime::concentration::top_share(),
        crime::concentration::recapture_rate(),
        crime::circular::udf(),
        crime::knox::udf(),
        crime::trend::mann_kendall_udf(),
        crime::trend::space_time_class(),
        crime::trend::hot_spot_course(),
        crime::trend::kernel_bandwidth(),
        crime::rates::byar(),
        crime::rates::wilson(),
        crime::rates::standardised_rate(),
        crime::rates::rate_ratio(),
        crime::displacement::wdd_udf(),
        crime::displacement::wdq_udf(),
    ]
}

/// Every window function that needs no data.
pub fn window_list() -> Vec<WindowUDF> {
    vec![crime::adjusted_p::udwf(), crime::score_ranked::udwf()]
}

/// The functions that hold data of the site: code maps of a source, reference tables, boundaries, the box.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// Functions of a row.
    pub scalar: Vec<ScalarUDF>,
    /// Functions of a row among all others of its partition.
    pub window: Vec<WindowUDF>,
}

/// The functions that hold data of the site. The first three arguments are cheap to clone and shared, not copied, by them.
pub fn bound(maps: CodeMaps, lookups: Lookups, areas: Areas, area: AreaBox) -> Bound {
    let cover = place::cells::Cover::new(areas.clone());
    Bound {
        scalar: vec![
            text::code_map::udf(maps),
            text::lookup::udf(lookups),
            place::area_at::udf(areas),
            place::in_area_box::udf(area),
            place::area_cells::udf(cover.clone()),
            place::place_weights::udf(cover.clone()),
        ],
        window: vec![
            crime::gi_star::udwf(cover.clone()),
            crime::gi_star_permuted::udwf(cover.clone()),
            crime::neighbour_mean::udwf(cover.clone()),
            crime::kernel_density::udwf(cover),
        ],
    }
}

/// Registers every function with a session: one list for local, cluster and wire.
pub fn register(ctx: &SessionContext, bound: Bound) {
    for function in register_list().into_iter().chain(bound.scalar) {
        ctx.register_udf(function);
    }
    for function in window_list().into_iter().chain(bound.window) {
        ctx.register_udwf(function);
    }
}
