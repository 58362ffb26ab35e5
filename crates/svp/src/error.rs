//! Exit codes: one for each way in which a command can end badly.

use svp_app::AppError;
use svp_lake::ErrorKind;

/// Exit code of a defect.
pub const INTERNAL: u8 = 1;
const DEFINITION: u8 = 3;
const INPUT: u8 = 4;
const KEY: u8 = 5;
const BUSY: u8 = 6;
const STORAGE: u8 = 7;
const NEWER: u8 = 8;
const FORBIDDEN: u8 = 9;
const QUERY: u8 = 10;
const TERMS: u8 = 11;

/// The exit code of an error.
pub fn code(error: &AppError) -> u8 {
    match error {
        AppError::Problems(_) => DEFINITION,
        AppError::Argument { .. } => 2,
        AppError::NoKey | AppError::Key { .. } | AppError::KeyVariable(_) | AppError::WrongKey { .. } => KEY,
        AppError::Files(errors) | AppError::Load(errors) | AppError::Encode(errors) => {
            errors.first().map_or(INPUT, ingest_code)
        }
        AppError::Ingest(error) => ingest_code(error),
        AppError::Link(svp_link::LinkError::Lake(error)) | AppError::Lake(error) => lake_code(error),
        AppError::Analyse(svp_analyse::AnalyseError::Disclose { .. })
        | AppError::Audience { .. }
        | AppError::Disclosure { .. }
        | AppError::Ledger { .. }
        | AppError::Found(_) => FORBIDDEN,
        AppError::Analyse(svp_analyse::AnalyseError::Header { .. }) => DEFINITION,
        // The lookups say so.
        AppError::Analyse(svp_analyse::AnalyseError::TwoParents { .. }) => INPUT,
        AppError::Query(_) | AppError::QueryFailed => QUERY,
        AppError::Trial(error) => trial_code(error),
        AppError::Record { .. } => STORAGE,
        AppError::Link(_)
        | AppError::Analyse(_)
        | AppError::Publish(_)
        | AppError::Runtime(_)
        | AppError::Arrow(_)
        | AppError::Unwritable { .. } => INTERNAL,
    }
}

fn ingest_code(error: &svp_ingest::IngestError) -> u8 {
    use svp_ingest::IngestError as E;
    use svp_ingest::desk::DeskError as D;
    match error {
        E::Read(_)
        | E::Reference { .. }
        | E::Slot { .. }
        | E::SameSlot { .. }
        | E::Replaced { .. }
        | E::Refused { .. } => INPUT,
        E::Desk(D::Terms { .. } | D::Format { .. }) => TERMS,
        E::Desk(D::Damaged { .. } | D::Source { .. } | D::Already { .. } | D::Unreadable { .. }) => INPUT,
        E::Desk(D::Lake(error)) => lake_code(error),
        E::Desk(D::Unwritable { .. }) => INTERNAL,
        E::Definition { .. } | E::Expression { .. } => DEFINITION,
        E::Lake(error) => lake_code(error),
        E::Pseudonymise(_)
        | E::Unbalanced { .. }
        | E::Arrow { .. }
        | E::Revision { .. }
        | E::Unwritable(_)
        | E::Worker => INTERNAL,
    }
}

/// What the plan wants and the data cannot carry is a wrong definition; the rest lies in the files.
fn trial_code(error: &svp_trial::TrialError) -> u8 {
    use svp_trial::TrialError as T;
    match error {
        T::Day { .. } => 2,
        T::TooFew { .. } | T::Design { .. } | T::Dose { .. } => DEFINITION,
        T::Empty { .. }
        | T::Column { .. }
        | T::File { .. }
        | T::Exchanged { .. }
        | T::Elsewhere { .. }
        | T::Repeated { .. }
        | T::DayMonth { .. }
        | T::Uncovered { .. }
        | T::NoEvents { .. }
        | T::Overlap { .. }
        | T::Spots { .. }
        | T::NoPings { .. }
        | T::OffGrid { .. } => INPUT,
    }
}

fn lake_code(error: &svp_lake::LakeError) -> u8 {
    match error.kind() {
        ErrorKind::Busy | ErrorKind::Conflict => BUSY,
        ErrorKind::NewerFormat => NEWER,
        ErrorKind::Storage | ErrorKind::Full | ErrorKind::Damaged | ErrorKind::Missing => STORAGE,
        ErrorKind::Input => INPUT,
        ErrorKind::Query => QUERY,
        _ => INTERNAL,
    }
}
