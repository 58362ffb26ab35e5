//! Places: postcodes, coordinates, grid cells, boundaries. Coordinates are metres of the British National
//! Grid or degrees of WGS84; longitude comes before latitude, easting before northing.

use datafusion::logical_expr::DocSection;

pub mod area_at;
pub mod area_cells;
pub mod area_code;
pub mod areas;
pub mod bng_cell;
pub mod bng_hexagon;
pub mod cell_centre;
pub mod cell_of;
pub mod cells;
pub mod h3_cell;
pub mod in_area_box;
pub mod osgb;
pub mod place_weights;
pub mod postcode;
pub mod postcode_sector;
pub mod to_bng;
pub mod to_wgs84;
pub mod within_box;

const SECTION: DocSection = DocSection { include: true, label: "Place", description: None };
