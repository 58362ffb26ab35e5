//! Writing the sample down, one file per source in the source's own format.

mod areas;
mod care;
mod hospital;
mod open;
mod output;
mod police;
mod reference;
mod truth;

pub use care::write_census;
pub use hospital::{write_assault_return, write_attendances};
pub use open::{write_later_release, write_stops, write_street};
pub use output::{Encoding, Table, output_path};
pub use police::{revised_in, write_crimes};
pub use reference::write_reference;
pub use truth::{Appearance, Planted, Summary, Truth, planted_hours};
