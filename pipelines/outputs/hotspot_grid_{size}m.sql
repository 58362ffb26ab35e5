--! name = "hotspot_grid_{size}m"
--! variants = { size = [150, 250, 500] }
--! title = "Hotspots, {size} m squares"
--! subtitle = "Events in each {size} m square of the British National Grid, whole period"
--! description = "Squares with a fixed origin (multiples of {size} m), so that releases can be compared. Events at a known point only. Events that their source marks as domestic or sexual, or as at a home, are left out: a square can be an address. Open police data marks none of this; its points are snapped to at least eight addresses instead. Places that systems fill in by default (custody suites, hospitals, headquarters) are left out by the area's exclusion list."
--! reads = ["event"]
--! per_definition = true
--! universe = "mappable_violence"
--! grain = [{ name = "cell", title = "Square (south-west corner)", dim = "bng:{size}" }]
--! counts = [{ name = "events", title = "Events", residents = "living_there", cell_key = "events_key" }]
--! derived = [
--!   { name = "rank", title = "Rank", unit = "1 = most events", expr = "CASE WHEN events IS NOT NULL AND NOT merged THEN rank() OVER (PARTITION BY merged ORDER BY events DESC NULLS LAST) END", inputs = ["events"] },
--!   { name = "density", title = "Density", unit = "events per km²", expr = "CASE WHEN NOT merged THEN round(events * 1000000.0 / ({size}.0 * {size}.0), 1) END", inputs = ["events"] },
--!   { name = "z", title = "Gi*", unit = "standard score", expr = "CASE WHEN NOT merged THEN round(get_field(gi_star(cell, events, 'area') OVER (), 'z'), 2) END", inputs = ["events"] },
--!   { name = "hot", title = "Hot spot", unit = "false discovery rate below 0.05", expr = "CASE WHEN NOT merged AND events IS NOT NULL THEN CASE WHEN get_field(gi_star(cell, events, 'area') OVER (), 'q_high') < 0.05 THEN 'yes' WHEN get_field(gi_star(cell, events, 'area') OVER (), 'q_high') IS NOT NULL THEN 'no' END END", inputs = ["events"] },
--! ]
--! chart = { kind = "map", value = "events" }
--! geometry = { kind = "bng_cell", column = "cell" }
--! audiences = ["police", "partner", "public"]
--! not_available = "no event has a known point"
--! notes = ["Residents are not a fair denominator for town centres: counts are given, not rates.", "Gi* is that of Ord and Getis: the cell and its eight neighbours against the mean of all cells of the area, those without events among them. It is computed from the counts of this table: what was merged is spread evenly over its ground, so that it says less near small counts."]
SELECT bng_cell(e.easting, e.northing, {size}) AS cell,
       count(*) AS events,
       round({size}.0 * {size}.0 / 1000000.0 * min(p.residents / p.km2)) AS living_there,
       sum(record_key(e.event_id)) AS events_key
FROM mappable_violence AS e
LEFT JOIN population AS p ON p.code = e.lsoa AND p.latest
GROUP BY 1
ORDER BY events DESC, cell
