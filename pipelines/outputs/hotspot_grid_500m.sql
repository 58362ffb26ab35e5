--! name = "hotspot_grid_500m"
--! title = "Hotspots, 500 m squares"
--! subtitle = "Events in each 500 m square of the British National Grid, whole period"
--! description = "Squares with a fixed origin (multiples of 500 m), so that releases can be compared. Events at a known point only. Events that their source marks as domestic or sexual, or as at a home, are left out: a square can be an address. Open police data marks none of this; its points are snapped to at least eight addresses instead. Places that systems fill in by default (custody suites, hospitals, headquarters) are left out by the area's exclusion list."
--! reads = ["event"]
--! per_definition = true
--! grain = [{ name = "cell", title = "Square (south-west corner)" }]
--! counts = [{ name = "events", title = "Events" }]
--! derived = [
--!   { name = "rank", title = "Rank", unit = "1 = most events", expr = "CASE WHEN events IS NOT NULL THEN rank() OVER (ORDER BY events DESC NULLS LAST) END", inputs = ["events"] },
--!   { name = "density", title = "Density", unit = "events per km²", expr = "round(events * 1000000.0 / (500.0 * 500.0), 1)", inputs = ["events"] },
--! ]
--! chart = { kind = "map", value = "events" }
--! geometry = { kind = "bng_cell", column = "cell" }
--! audiences = ["police", "partner", "public"]
--! not_available = "no event has a known point"
--! notes = ["Residents are not a fair denominator for town centres: counts are given, not rates."]
SELECT bng_cell(easting, northing, 500) AS cell,
       count(*) AS events
FROM mappable_violence
GROUP BY 1
ORDER BY events DESC, cell
