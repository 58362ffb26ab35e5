//! The methods of crime analysis in SQL. Functions that judge a row by all others are window functions; those of a whole list
//! take lists (`array_agg`), so that every step runs wherever the engine does. The kernels are those of `svp_methods`.

use datafusion::logical_expr::DocSection;

pub mod adjusted_p;
pub mod circular;
pub mod concentration;
pub mod displacement;
pub mod gi_star;
pub mod gi_star_permuted;
pub mod kernel_density;
pub mod knox;
pub mod neighbour_mean;
pub mod rates;
pub mod score_cells;
pub mod score_ranked;
mod surface;
pub mod trend;

const SECTION: DocSection = DocSection { include: true, label: "Crime analysis", description: None };
