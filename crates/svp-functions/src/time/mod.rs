//! Time: what clocks in Great Britain showed, as instants, and instants as local hours, days and months.

use datafusion::logical_expr::DocSection;

pub mod analysis_day;
pub mod aoristic_hours;
pub mod format;
pub mod hour_label;
pub mod hour_of_week;
pub mod in_doubled_hour;
pub mod local_day;
pub mod local_month;
pub mod london;
pub mod month_number;
pub mod month_text;
pub mod placeholder_time;
pub mod uk_clock_flag;
pub mod uk_date;
pub mod uk_timestamp;
pub mod utc_timestamp;
pub mod weekday_name;

const SECTION: DocSection = DocSection { include: true, label: "Time", description: None };

/// How formats are written; part of the documentation of each function that takes one.
const FORMAT_HELP: &str = "fields `dd`, `mm`, `mon` (Jan to Dec, or the month's full name), `yyyy`, `hh`, \
     `mi`, `ss`; `mm` straight after `hh` means minutes; everything else stands for itself";
