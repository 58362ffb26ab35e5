//! The drawing plane of a map: metres to drawing units, outlines to path data, a scale bar.

use geo::{
    Area, BoundingRect, Centroid, Contains, Coord, InteriorPoint, LineString, MultiPolygon, Polygon, Rect, Simplify,
};
use serde::Serialize;

use crate::format::px;

/// Metres to drawing units; north is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane {
    west: f64,
    north: f64,
    /// Drawing units per metre.
    pub(crate) scale: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pad: f64,
}

impl Plane {
    /// Fits a rectangle in metres into a drawing of at most `width` × `height`.
    pub(crate) fn fit(ground: Rect<f64>, width: f64, height: f64, pad: f64) -> Self {
        let (w, h) = (ground.width().max(1.0), ground.height().max(1.0));
        let scale = ((width - 2.0 * pad) / w).min((height - 2.0 * pad) / h);
        Self {
            west: ground.min().x,
            north: ground.max().y,
            scale,
            width: w * scale + 2.0 * pad,
            height: h * scale + 2.0 * pad,
            pad,
        }
    }

    pub(crate) fn x(&self, easting: f64) -> f64 {
        (easting - self.west) * self.scale + self.pad
    }

    pub(crate) fn y(&self, northing: f64) -> f64 {
        (self.north - northing) * self.scale + self.pad
    }

    /// Whether a point in metres lies inside the drawing.
    pub(crate) fn holds(&self, at: Coord<f64>) -> bool {
        (0.0..=self.width).contains(&self.x(at.x)) && (0.0..=self.height).contains(&self.y(at.y))
    }

    /// Path data of a shape: absolute starts, relative lines, closed rings.
    pub(crate) fn path(&self, shape: &MultiPolygon<f64>) -> String {
        let mut out = String::new();
        for polygon in shape {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                let coords: Vec<Coord<f64>> = ring.coords().copied().collect();
                let open = coords.len().saturating_sub(1);
                self.line(&mut out, &coords[..open]);
                out.push('z');
            }
        }
        out
    }

    /// Appends one line, in whole tenths so that rounding never adds up.
    fn line(&self, out: &mut String, coords: &[Coord<f64>]) {
        let mut last: Option<(f64, f64)> = None;
        for coord in coords {
            let at = ((self.x(coord.x) * 10.0).round(), (self.y(coord.y) * 10.0).round());
            match last {
                None => out.push_str(&format!("M{} {}", px(at.0 / 10.0), px(at.1 / 10.0))),
                Some(from) if from == at => continue,
                Some(from) => out.push_str(&format!("l{} {}", px((at.0 - from.0) / 10.0), px((at.1 - from.1) / 10.0))),
            }
            last = Some(at);
        }
    }

    /// Path data of the edges of a shape that cross or touch a window; edges elsewhere are left out.
    pub(crate) fn edges_in(&self, shape: &MultiPolygon<f64>, window: Rect<f64>) -> String {
        let mut out = String::new();
        for polygon in shape {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                let mut run: Vec<Coord<f64>> = Vec::new();
                for edge in ring.lines() {
                    let near = edge.start.x.min(edge.end.x) <= window.max().x
                        && edge.start.x.max(edge.end.x) >= window.min().x
                        && edge.start.y.min(edge.end.y) <= window.max().y
                        && edge.start.y.max(edge.end.y) >= window.min().y;
                    if near {
                        if run.is_empty() {
                            run.push(edge.start);
                        }
                        run.push(edge.end);
                    } else if !run.is_empty() {
                        self.line(&mut out, &run);
                        run.clear();
                    }
                }
                self.line(&mut out, &run);
            }
        }
        out
    }

    /// A scale bar of about a fifth of the width.
    pub(crate) fn bar(&self) -> ScaleBar {
        let target = self.width / 5.0 / self.scale;
        let power = 10f64.powf(target.log10().floor());
        let step = [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= target).unwrap_or(1.0);
        let metres = step * power;
        let label = if metres >= 1000.0 { format!("{} km", px(metres / 1000.0)) } else { format!("{} m", px(metres)) };
        let right = self.width - 14.0;
        let left = right - metres * self.scale;
        ScaleBar {
            rect: Rect::new(Coord { x: left - 6.0, y: self.height - 36.0 }, Coord { x: right, y: self.height }),
            left: px(left),
            right: px(right),
            middle: px(left.midpoint(right)),
            y: px(self.height - 14.0),
            label_y: px(self.height - 22.0),
            label,
        }
    }
}

/// Where the scale bar lies and what it says.
#[derive(Debug, Serialize)]
pub(crate) struct ScaleBar {
    left: String,
    right: String,
    middle: String,
    y: String,
    label_y: String,
    label: String,
    /// Room that it takes, which no name may.
    #[serde(skip)]
    pub(crate) rect: Rect<f64>,
}

/// An outline made light enough to draw: half a drawing unit of tolerance, no specks.
pub(crate) fn simplified(shape: &MultiPolygon<f64>, scale: f64) -> MultiPolygon<f64> {
    let tolerance = 0.5 / scale;
    let speck = 3.0 / (scale * scale);
    let kept: Vec<Polygon<f64>> = shape
        .iter()
        .filter(|polygon| polygon.unsigned_area() >= speck)
        .map(|polygon| {
            let light = polygon.simplify(tolerance);
            let (outer, inner) = light.into_inner();
            let inner: Vec<LineString<f64>> =
                inner.into_iter().filter(|ring| Polygon::new(ring.clone(), vec![]).unsigned_area() >= speck).collect();
            Polygon::new(outer, inner)
        })
        .collect();
    MultiPolygon::new(kept)
}

/// A point inside the largest part of a shape, for its name.
pub(crate) fn middle(shape: &MultiPolygon<f64>) -> Option<Coord<f64>> {
    let largest = shape.iter().max_by(|a, b| a.unsigned_area().total_cmp(&b.unsigned_area()))?;
    let centre = largest.centroid()?;
    if largest.contains(&centre) {
        return Some(centre.into());
    }
    largest.interior_point().map(Coord::from)
}

/// Smallest rectangle around shapes.
pub(crate) fn around<'a>(shapes: impl IntoIterator<Item = &'a MultiPolygon<f64>>) -> Option<Rect<f64>> {
    shapes.into_iter().filter_map(BoundingRect::bounding_rect).reduce(|a, b| {
        Rect::new(
            Coord { x: a.min().x.min(b.min().x), y: a.min().y.min(b.min().y) },
            Coord { x: a.max().x.max(b.max().x), y: a.max().y.max(b.max().y) },
        )
    })
}

/// A name on the map.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Label {
    x: String,
    y: String,
    text: String,
    #[serde(skip)]
    rect: Rect<f64>,
}

/// Where a name may go when its own place is taken, in drawing units.
const SHIFTS: [(f64, f64); 11] = [
    (0.0, 0.0),
    (0.0, -14.0),
    (0.0, 14.0),
    (0.0, -28.0),
    (0.0, 28.0),
    (46.0, 0.0),
    (-46.0, 0.0),
    (40.0, -16.0),
    (40.0, 18.0),
    (-40.0, -16.0),
    (-40.0, 18.0),
];

/// Places names so that they do not lie on each other or on what is `taken`, and stay inside; a name
/// without room is left out.
pub(crate) fn place(plane: &Plane, names: &[(Coord<f64>, String)], taken: &[Rect<f64>]) -> Vec<Label> {
    let mut placed: Vec<Label> = Vec::new();
    for (at, text) in names {
        #[allow(clippy::cast_precision_loss)]
        let half = 3.4 * text.chars().count() as f64 + 2.0;
        let (least, most) = (half.min(plane.width / 2.0), (plane.width - half).max(plane.width / 2.0));
        let free = SHIFTS.into_iter().find_map(|(right, down)| {
            let x = (plane.x(at.x) + right).clamp(least, most);
            let y = plane.y(at.y) + down;
            let rect = Rect::new(Coord { x: x - half, y: y - 10.0 }, Coord { x: x + half, y: y + 4.0 });
            let clear = placed.iter().map(|other| &other.rect).chain(taken).all(|r| apart(r, &rect));
            (clear && y > 12.0 && y < plane.height - 4.0).then_some((x, y, rect))
        });
        if let Some((x, y, rect)) = free {
            placed.push(Label { x: px(x), y: px(y), text: text.clone(), rect });
        }
    }
    placed
}

fn apart(a: &Rect<f64>, b: &Rect<f64>) -> bool {
    a.max().x < b.min().x || b.max().x < a.min().x || a.max().y < b.min().y || b.max().y < a.min().y
}
