--! name = "hotspot_grid_h3"
--! title = "Hotspots, H3 hexagons of resolution 9"
--! subtitle = "Events in each H3 cell of resolution 9 (about 0.105 km² on average), whole period"
--! description = "H3 cells differ in area and none equals a 150 m square: for patrol work use the squares. Events at a known point only. Events that their source marks as domestic or sexual, or as at a home, and places that systems fill in by default, are left out. Open police data marks none of this; its points are snapped to at least eight addresses instead."
--! reads = ["event"]
--! per_definition = true
--! universe = "mappable_violence"
--! grain = [{ name = "cell", title = "H3 cell", dim = "h3:9" }]
--! counts = [{ name = "events", title = "Events", residents = "living_there", cell_key = "events_key" }]
--! derived = [
--!   { name = "rank", title = "Rank", unit = "1 = most events", expr = "CASE WHEN events IS NOT NULL AND NOT merged THEN rank() OVER (PARTITION BY merged ORDER BY events DESC NULLS LAST) END", inputs = ["events"] },
--!   { name = "z", title = "Gi*", unit = "standard score", expr = "CASE WHEN NOT merged THEN round(get_field(gi_star(cell, events, 'area') OVER (), 'z'), 2) END", inputs = ["events"] },
--!   { name = "hot", title = "Hot spot", unit = "false discovery rate below 0.05", expr = "CASE WHEN NOT merged AND events IS NOT NULL THEN CASE WHEN get_field(gi_star(cell, events, 'area') OVER (), 'q_high') < 0.05 THEN 'yes' WHEN get_field(gi_star(cell, events, 'area') OVER (), 'q_high') IS NOT NULL THEN 'no' END END", inputs = ["events"] },
--! ]
--! chart = { kind = "map", value = "events" }
--! geometry = { kind = "h3_cell", column = "cell" }
--! audiences = ["police", "partner", "public"]
--! not_available = "no event has a known point"
SELECT h3_cell(e.longitude, e.latitude, 9) AS cell,
       count(*) AS events,
       round(0.105 * min(p.residents / p.km2)) AS living_there,
       sum(record_key(e.event_id)) AS events_key
FROM mappable_violence AS e
LEFT JOIN population AS p ON p.code = e.lsoa AND p.latest
GROUP BY 1
ORDER BY events DESC, cell
