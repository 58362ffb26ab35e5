//! Text as extracts hold it: blanks, numbers, flags, code lists, reference tables.

use datafusion::logical_expr::DocSection;

pub mod clean_text;
pub mod code_map;
pub mod lookup;
pub mod parse_flag;
pub mod parse_integer;
pub mod parse_number;
pub mod record_key;

const SECTION: DocSection = DocSection { include: true, label: "Text", description: None };
