//! The map of a table: outlines, shaded cells or areas, names, scale, and close-ups of the busiest places.

use geo::{BoundingRect, Coord, MultiPolygon, Rect};
use serde::Serialize;

use super::classes::{Classes, LegendLine};
use super::plane::{Label, Plane, ScaleBar, around, middle, place, simplified};
use crate::format::{self, px};
use crate::frame::{Cell, Frame};
use crate::geometry::Ground;
use crate::model::{Geometry, Outlines};

/// Width and greatest height of the main map, in drawing units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 660.0;
/// Above this number of cells the main map draws one path per shade, without a label for each cell.
const SINGLE_MARKS: usize = 1500;
/// Cells narrower than this on the main map ask for close-ups.
const TINY: f64 = 14.0;
/// Most close-ups.
const CLOSE_UPS: usize = 4;
/// Width and height of a close-up, in drawing units.
const CLOSE_UP: f64 = 440.0;

/// Everything the map template needs.
#[derive(Debug, Serialize)]
pub(crate) struct MapView {
    width: String,
    height: String,
    describe: String,
    land: Vec<String>,
    groups: Vec<Group>,
    marks: Vec<Mark>,
    labels: Vec<Label>,
    boxes: Vec<Place>,
    bar: ScaleBar,
    north_x: String,
    close_ups: Vec<CloseUp>,
    areas: bool,
    legend: Vec<LegendLine>,
    value_title: String,
    notes: Vec<String>,
}

/// All cells of one shade as one path.
#[derive(Debug, Serialize)]
struct Group {
    css: &'static str,
    d: String,
}

/// One cell or area.
#[derive(Debug, Serialize)]
struct Mark {
    css: &'static str,
    d: String,
    label: String,
    x: String,
    y: String,
    text: String,
}

/// Frame of a close-up on the main map.
#[derive(Debug, Serialize)]
struct Place {
    letter: &'static str,
    x: String,
    y: String,
    w: String,
    h: String,
    text_x: String,
    text_y: String,
    #[serde(skip)]
    rect: Rect<f64>,
}

/// A close-up.
#[derive(Debug, Serialize)]
struct CloseUp {
    letter: &'static str,
    name: String,
    width: String,
    height: String,
    describe: String,
    edges: Vec<String>,
    marks: Vec<Mark>,
    bar: ScaleBar,
}

/// One shape to draw.
struct Spot<'a> {
    shape: &'a MultiPolygon<f64>,
    cell: &'a Cell,
    centre: Coord<f64>,
    label: String,
    name: Option<String>,
    /// What is left of a larger cell: in its own shade, as its count is that of a larger ground.
    rest: bool,
}

/// Builds the map of some rows; `None` if none of them lies on the ground.
pub(crate) fn view(
    frame: &Frame<'_>,
    ground: &Ground,
    rows: &[usize],
    value: usize,
    outlines: &[Outlines],
) -> Option<MapView> {
    let backdrop = outlines.first();
    let spots = spots(frame, ground, rows, value);
    let land = backdrop.map(|b| b.areas.as_slice()).unwrap_or_default();
    if spots.is_empty() {
        return None;
    }
    // The outlines frame the map, so that one cell far away cannot shrink it.
    let whole = around(land.iter().map(|a| &a.2)).or_else(|| around(spots.iter().map(|s| s.shape)))?;
    let plane = Plane::fit(whole, WIDTH, HEIGHT, 12.0);
    let classes = Classes::new(spots.iter().filter(|s| !s.rest).filter_map(|s| s.cell.number()));
    let areas = ground.cell_size.is_none();
    let side = ground.cell_size.unwrap_or(f64::INFINITY) * plane.scale;
    let tiny = side < TINY;

    let mut names: Vec<(Coord<f64>, String)> = Vec::new();
    if areas {
        for spot in &spots {
            let text = spot.name.clone().unwrap_or_default();
            let value = format::cell(spot.cell, None, false);
            names.push((spot.centre, format!("{text} {value}").trim().to_string()));
        }
    } else {
        for (_, name, shape) in land {
            names.extend(middle(shape).map(|at| (at, name.clone())));
        }
    }
    let draw = |spot: &Spot<'_>| {
        if areas { plane.path(&simplified(spot.shape, plane.scale)) } else { plane.path(spot.shape) }
    };
    let mut order: Vec<&Spot<'_>> = spots.iter().collect();
    order.sort_by(|a, b| b.rest.cmp(&a.rest).then(depth(a.cell).total_cmp(&depth(b.cell))));
    let mut groups: Vec<Group> = Vec::new();
    let mut marks = Vec::new();
    if spots.len() > SINGLE_MARKS {
        for spot in order {
            let css = shade(spot, &classes);
            match groups.last_mut() {
                Some(group) if group.css == css => group.d.push_str(&draw(spot)),
                _ => groups.push(Group { css, d: draw(spot) }),
            }
        }
    } else {
        marks.extend(order.into_iter().map(|spot| Mark {
            css: shade(spot, &classes),
            d: draw(spot),
            label: spot.label.clone(),
            x: String::new(),
            y: String::new(),
            text: String::new(),
        }));
    }
    let (boxes, close_ups) = if tiny {
        close_ups(
            &spots,
            &classes,
            ground.cell_size.unwrap_or(250.0),
            matches!(frame.table.geometry, Geometry::BngCell { .. }),
            &plane,
            backdrop,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    let bar = plane.bar();
    let mut taken: Vec<Rect<f64>> = boxes.iter().map(|b| b.rect).collect();
    taken.push(bar.rect);
    let mut notes = Vec::new();
    if tiny {
        notes.push(
            "Cells are drawn with a border on the main map so that they can be seen; close-ups are to scale."
                .to_string(),
        );
    }
    let without = rows.len() - spots.len();
    if without > 0 {
        notes.push(format!(
            "{} without a place on the map; see the table.",
            format::counted(without, "row is", "rows are")
        ));
    }
    let outside = spots.iter().filter(|s| !plane.holds(s.centre)).count();
    if outside > 0 {
        notes.push(format!(
            "{} outside the frame of the map; see the table.",
            format::counted(outside, "place lies", "places lie")
        ));
    }
    let (one, more) = if areas { ("area", "areas") } else { ("cell", "cells") };
    let mut legend = classes.legend(one, more);
    legend.extend(special(&spots, one, more, tiny));
    let value_title = frame.title(value);
    Some(MapView {
        width: px(plane.width),
        height: px(plane.height),
        describe: format!(
            "Map of {}: {} shaded by value over outlines of the area. The table holds the same values.",
            value_title,
            format::counted(spots.len(), one, more)
        ),
        land: land.iter().map(|area| plane.path(&simplified(&area.2, plane.scale))).collect(),
        groups,
        marks,
        labels: place(&plane, &names, &taken),
        boxes,
        bar,
        north_x: px(plane.width - 26.0),
        close_ups,
        areas,
        legend,
        value_title,
        notes,
    })
}

fn spots<'a>(frame: &'a Frame<'_>, ground: &'a Ground, rows: &[usize], value: usize) -> Vec<Spot<'a>> {
    let title = frame.title(value);
    rows.iter()
        .filter_map(|row| {
            let shape = ground.metres[*row].as_ref()?;
            let centre = middle(shape)?;
            let cell = &frame.cells(value)[*row];
            let name = ground.names[*row].clone();
            let id = format::cell(&frame.cells(ground.column)[*row], None, true);
            let header = frame.columns[value].header.as_ref();
            let place = match &name {
                Some(name) if ground.cell_size.is_none() => name.clone(),
                Some(name) => format!("{name}, {id}"),
                None => id,
            };
            Some(Spot {
                shape,
                cell,
                centre,
                label: format!("{place}. {title}: {}", format::cell(cell, header, false)),
                name,
                rest: ground.rests[*row],
            })
        })
        .collect()
}

/// Drawing order: what is withheld first, the highest value last.
fn depth(cell: &Cell) -> f64 {
    match cell {
        Cell::Missing => -2.0,
        Cell::Suppressed => -1.0,
        other => other.number().unwrap_or(-2.0),
    }
}

fn shade(spot: &Spot<'_>, classes: &Classes) -> &'static str {
    match spot.cell {
        Cell::Suppressed => "sup",
        other if spot.rest && other.number().is_some_and(|value| value != 0.0) => "rest",
        other => other.number().map_or("mis", |value| classes.css(value)),
    }
}

fn special(spots: &[Spot<'_>], one: &str, more: &str, tiny: bool) -> Vec<LegendLine> {
    let line = |css, text: &str, test: &dyn Fn(&Cell) -> bool| {
        let found = spots.iter().filter(|s| test(s.cell)).count();
        (found > 0).then(|| LegendLine { css, text: format!("{text} ({})", format::counted(found, one, more)) })
    };
    let withheld = if tiny { "[c] suppressed, not zero; grey on the whole map" } else { "[c] suppressed, not zero" };
    let rests = spots.iter().filter(|s| s.rest).count();
    let merged = (rests > 0).then(|| LegendLine {
        css: "rest",
        text: format!(
            "merged: small {more} shown as one number, the rest of a larger {one} ({})",
            format::counted(rests, "rest", "rests")
        ),
    });
    [
        merged,
        line("zero", "0", &|cell| cell.number() == Some(0.0)),
        line("sup", withheld, &|cell| *cell == Cell::Suppressed),
        line("mis", "[x] not available", &|cell| *cell == Cell::Missing),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const LETTERS: [&str; CLOSE_UPS] = ["A", "B", "C", "D"];

fn close_ups(
    spots: &[Spot<'_>],
    classes: &Classes,
    cell: f64,
    square: bool,
    plane: &Plane,
    backdrop: Option<&Outlines>,
) -> (Vec<Place>, Vec<CloseUp>) {
    let side = (cell * 16.0).clamp(2400.0, 12_000.0);
    let mut found: Vec<Coord<f64>> = Vec::new();
    let mut ranked: Vec<(f64, &Spot<'_>)> = spots
        .iter()
        .filter(|s| !s.rest)
        .filter_map(|s| s.cell.number().map(|value| (value, s)))
        .filter(|(value, _)| classes.of(*value).is_some_and(|class| class + 2 >= classes.len()))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (_, spot) in &ranked {
        let near = |at: &Coord<f64>, other: &Coord<f64>, reach: f64| {
            (at.x - other.x).abs() <= reach && (at.y - other.y).abs() <= reach
        };
        if found.len() == CLOSE_UPS {
            break;
        }
        if found.iter().any(|at| near(at, &spot.centre, side * 0.5)) {
            continue;
        }
        // The window settles on the centre of mass of what lies around the peak, but keeps the peak inside.
        let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
        for other in spots.iter().filter(|s| !s.rest) {
            if let Some(value) = other.cell.number().filter(|_| near(&other.centre, &spot.centre, side * 0.35)) {
                x += value * other.centre.x;
                y += value * other.centre.y;
                mass += value;
            }
        }
        let centre = if mass > 0.0 { Coord { x: x / mass, y: y / mass } } else { spot.centre };
        found.push(if square { snapped(centre, side, cell) } else { centre });
    }
    LETTERS
        .into_iter()
        .zip(found)
        .map(|(letter, centre)| {
            let window = Rect::new(
                Coord { x: centre.x - side / 2.0, y: centre.y - side / 2.0 },
                Coord { x: centre.x + side / 2.0, y: centre.y + side / 2.0 },
            );
            let place = frame_of(letter, window, plane);
            (place, close_up(letter, window, spots, classes, cell, backdrop))
        })
        .unzip()
}

/// Moves a window so that its edges lie on edges of grid squares.
fn snapped(centre: Coord<f64>, side: f64, cell: f64) -> Coord<f64> {
    let snap = |middle: f64| ((middle - side / 2.0) / cell).round() * cell + side / 2.0;
    Coord { x: snap(centre.x), y: snap(centre.y) }
}

fn frame_of(letter: &'static str, window: Rect<f64>, plane: &Plane) -> Place {
    let w = (window.width() * plane.scale).max(16.0);
    let centre = window.center();
    let (x, y) = (plane.x(centre.x) - w / 2.0, plane.y(centre.y) - w / 2.0);
    Place {
        letter,
        x: px(x),
        y: px(y),
        w: px(w),
        h: px(w),
        text_x: px(x + w + 4.0),
        text_y: px(y + 12.0),
        rect: Rect::new(Coord { x, y }, Coord { x: x + w + 18.0, y: y + w }),
    }
}

fn close_up(
    letter: &'static str,
    window: Rect<f64>,
    spots: &[Spot<'_>],
    classes: &Classes,
    cell: f64,
    backdrop: Option<&Outlines>,
) -> CloseUp {
    let plane = Plane::fit(window, CLOSE_UP, CLOSE_UP, 0.0);
    let numbers = cell * plane.scale >= 22.0;
    let mut inside: Vec<&Spot<'_>> = spots
        .iter()
        .filter(|spot| {
            spot.shape.bounding_rect().is_some_and(|r| {
                r.min().x < window.max().x
                    && r.max().x > window.min().x
                    && r.min().y < window.max().y
                    && r.max().y > window.min().y
            })
        })
        .collect();
    inside.sort_by_key(|spot| !spot.rest);
    let name = inside
        .iter()
        .filter(|s| s.name.is_some())
        .max_by(|a, b| depth(a.cell).total_cmp(&depth(b.cell)))
        .and_then(|s| s.name.clone());
    let centre = window.center();
    let at = format!(
        "easting {}, northing {}",
        px((centre.x / 100.0).round() * 100.0),
        px((centre.y / 100.0).round() * 100.0)
    );
    let name = name.map_or_else(|| format::capital(&at), |name| format!("{name}, around {at}"));
    let edges = backdrop
        .iter()
        .flat_map(|b| &b.areas)
        .map(|area| plane.edges_in(&area.2, window))
        .filter(|d| !d.is_empty())
        .collect();
    let marks = inside
        .iter()
        .map(|spot| Mark {
            css: shade(spot, classes),
            d: plane.path(spot.shape),
            label: spot.label.clone(),
            x: px(plane.x(spot.centre.x)),
            y: px(plane.y(spot.centre.y) + 4.0),
            text: match spot.cell {
                Cell::Suppressed | Cell::Missing => String::new(),
                other if numbers => format::cell(other, None, false),
                _ => String::new(),
            },
        })
        .collect();
    CloseUp {
        letter,
        describe: format!(
            "Close-up {letter}: {name}, {} km wide. {} in view; the table holds the values.",
            px(window.width() / 1000.0),
            format::counted(inside.len(), "cell", "cells")
        ),
        name: format!("{name}; {} km wide", px(window.width() / 1000.0)),
        width: px(plane.width),
        height: px(plane.height),
        edges,
        marks,
        bar: plane.bar(),
    }
}
