//! What enters: the text of definition files (`schemas/`, `pipelines/`).
//! What leaves: typed tables, sources, areas, definitions, outputs; the data dictionary; an ODCS contract.
//! Never: touches a file system, an engine or a clock. Text in, types and problems out.
//! To add one: a source, definition, output or analysis is one file in `pipelines/`; a canonical table is one in `schemas/` and entries in the lists that name the tables.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod advice;
mod ages;
mod analysis;
mod area;
mod calendar;
mod canonical;
mod cell;
pub mod comparison;
mod count;
mod declared;
mod definition;
mod dictionary;
pub mod encoding;
mod event_rules;
mod feed;
mod finding;
mod forces;
mod geography;
mod header;
mod linkage;
mod names;
mod output;
mod policy;
mod problem;
mod readers;
mod rule_at;
mod seal;
mod source;
mod strict;
mod table;
mod tie;
mod trial;
mod words;

pub use advice::{Advice, ErrorKind, Hint};
pub use ages::{AGE_EDGES, AgeBand, OLDEST_AGE, age_edges, is_age_edge, published_age_edges};
pub use analysis::{Analysis, Parameter, Value};
pub use area::{Area, District, Exclusion, Input, Period, Reference};
pub use calendar::{Day, Month, NotADate};
pub use canonical::canonical;
pub use cell::{GridKind, NotASquare, Square, length};
pub use comparison::{COMPARISONS, Comparison, Level, MAX_LEVELS};
pub use count::as_i64;
pub use declared::tie_problems;
pub use definition::{Definition, Include};
pub use dictionary::{dictionary_markdown, odcs_yaml};
pub use encoding::EncodingKind;
pub use event_rules::{
    EventAges, EventControl, EventLevel, EventPlaces, EventRules, EventScope, EventTimes, EventWindow,
};
pub use feed::{Feed, Mapping};
pub use finding::{Acceptance, FIRST_ROWS, Finding, FindingKind};
pub use forces::{Choices, Force, ForceDistrict, Forces, Wanted};
pub use geography::{Ages, AreaChange, AreaLink, Change, Places};
pub use linkage::{
    Alternative, Block, Blocking, Comparison as ComparisonShares, LinkModel, LinkThreshold, Linkage, Numbers,
};
pub use names::{DefinitionId, PublishedName};
pub use output::{Chart, CountColumn, DerivedColumn, Geometry, GrainColumn, LabelledColumn, Limit, Output};
pub use policy::{
    AgeRule, AreaRule, AudienceLaw, AudiencePolicy, DominanceRule, Floor, Gateway, Gateways, MapMethod, MapRule,
    OnDifference, PerturbRule, Refusal, WEAKEST, refusals,
};
pub use problem::{Problem, nearest};
pub use readers::{read_beside, reads_problems};
pub use rule_at::RuleAt;
pub use seal::Seal;
pub use source::{Covers, DisclosureRule, Encoding, Files, Law, Reader, Revises, Source};
pub use strict::parse;
pub use table::{Check, Column, ColumnType, Nature, OnBad, Sensitivity, Table, canonical_tables};
pub use tie::{NumberOf, Tie, Whole};
pub use trial::{Design, DesignKind, Dose, Gps, Hours, Measure, OutcomeRules, Shift, Trial, TrialDays, clock};
pub use words::{Words, missing_words};
