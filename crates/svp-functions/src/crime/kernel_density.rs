//! `kernel_density`: how thick events lie around the middle of each cell. The kernel is [`svp_methods::kernel_density`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::WindowUDF;
use svp_methods::kernel_density::{Kernel, Land, kernel_density};

use super::surface::Surface;
use crate::place::cells::{Cover, Place};
use crate::udf::{Kind, Spec, optional, param, primitive_result, refused, window_function};

const SQUARE_METRES: f64 = 1_000_000.0;

pub(crate) fn udwf(cover: Cover) -> WindowUDF {
    let identity = cover.identity();
    let mut params = super::gi_star::cells();
    params.push(param(Kind::Number, "bandwidth", "metres; two cells at least, or the cells show through"));
    params.push(optional(Kind::Text, "kernel", "`quartic` if not given, or `gaussian`"));
    params.push(optional(Kind::Text, "layer", "boundary layer of the land: what would lie in the sea is put back"));
    window_function(
        Spec {
            name: "kernel_density",
            section: super::SECTION,
            about: "Events per km² at the middle of each cell of the partition, every event spread over the ground by a quartic \
                    hill of that radius (or a Gaussian one). Events stand at the middle of their cell. With a layer, what of a hill \
                    lies outside the land is put back over the land (Diggle 1985), so that the densities of all cells times their \
                    area sum to the events. A usual bandwidth is `kernel_bandwidth`.",
            params,
            returns: DataType::Float64,
            examples: &[(
                "SELECT c, round(kernel_density(c, n, 300) OVER (), 3) FROM (VALUES ('100m:0:0', 9), ('100m:100:0', 3)) AS v(c, n) \
                 ORDER BY c",
                "100m:0:0 | 120.643\n100m:100:0 | 107.282",
            )],
        },
        identity,
        move |args| {
            let kernel = match if args.has(3) { args.text(3)?.get(0).map(str::to_owned) } else { None }.as_deref() {
                None | Some("quartic") => Kernel::Quartic,
                Some("gaussian") => Kernel::Gaussian,
                Some(_) => return refused("kernel_density: the kernel is none of quartic, gaussian"),
            };
            let layer =
                if args.has(4) { args.text(4)?.get(0).map(str::to_owned).filter(|l| !l.is_empty()) } else { None };
            let none = |rows| primitive_result::<Float64Type>(rows, |_| None);
            let (Some(bandwidth), Some(surface)) =
                (args.number(2)?.get(0), Surface::of(args, "kernel_density", 4, &cover)?)
            else {
                return none(args.rows);
            };
            let centres: Option<Vec<(f64, f64)>> = surface.cells.iter().map(Place::centre).collect();
            let Some(centres) = centres else { return none(args.rows) };
            let points: Vec<(f64, f64, f64)> =
                centres.iter().zip(&surface.values).map(|((x, y), n)| (*x, *y, *n)).filter(|p| p.2 != 0.0).collect();
            let cell_area = surface.cells.iter().map(Place::square_metres).sum::<f64>() / surface.cells.len() as f64;
            let land = layer.map(|_| Land { centres: &centres, cell_area });
            let at: Vec<(f64, f64)> = surface.rows.iter().map(|row| row.map_or((0.0, 0.0), |i| centres[i])).collect();
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let found = kernel_density(&points, &at, bandwidth, kernel, land, threads);
            primitive_result::<Float64Type>(args.rows, |row| {
                surface.rows[row]?;
                found.as_ref()?.get(row).map(|density| density * SQUARE_METRES)
            })
        },
    )
}
