//! Offences: the codes under which crimes are recorded.

use datafusion::logical_expr::DocSection;

pub mod offence_code;

const SECTION: DocSection = DocSection { include: true, label: "Offence", description: None };
