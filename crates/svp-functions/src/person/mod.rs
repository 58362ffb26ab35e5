//! People: numbers, names, ages. What these functions return is still identifying; ingestion turns it into
//! tokens before anything is stored.

use datafusion::logical_expr::DocSection;

pub mod age_at;
pub mod age_band;
pub mod birth_date;
pub mod common_forename;
pub mod name_key;
pub mod name_words;
pub mod nhs_number;
pub mod nhs_number_status;
pub mod nickname;
pub mod placeholder;
pub mod soundex;
pub mod upn;

const SECTION: DocSection = DocSection { include: true, label: "Person", description: None };
