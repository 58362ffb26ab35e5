//! What enters: linked tables, a definition of serious violence, the outputs of a site.
//! What leaves: raw counts that only svp-disclose can open; derived columns of what it disclosed.
//! Never: publishes, or shows a count that has not passed `svp_disclose::disclose`.
//! To add one: an output is one file in `pipelines/outputs/`; a view that outputs share is one file in `sql/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

mod ages;
mod analysis;
mod content;
mod coverage;
mod error;
mod geography;
mod hierarchies;
mod lineage;
mod measures;
mod output;
mod outside;
mod placed;
mod site_tables;
mod tables;
mod views;

pub use analysis::{check_analysis, run_analysis};
pub use coverage::{
    Delivery, Gap, Late, Months, ObservedMonths, gaps, hold_coverage, inferred_sources, late_senders, month_list,
    month_spans, observed_months, register_coverage,
};
pub use error::AnalyseError;
pub use hierarchies::SiteHierarchies;
pub use output::{Content, Counted, Result as OutputResult, check_output, count_output, derive};
pub use outside::outside_months;
pub use placed::{PlacedEvent, placed_events};
pub use site_tables::{SITE_TABLES, read_site_table, register_site_table};
pub use tables::{register_empty, register_never_mapped, register_reference};
pub use views::{UNIVERSES, can_be_asked, define, define_side_by_side, definition_atoms, definition_sources};
