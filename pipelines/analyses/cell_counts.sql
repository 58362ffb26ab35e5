--! name = "cell_counts"
--! title = "Counts of cells by month and shift, fractions among them"
--! description = "What hot spots, histories, densities and scores count. An event at a known point counts in its cell; with `places=all` one of which only a postcode or an LSOA is known counts too, spread over the cells in which it may lie (a disc around the postcode; an LSOA by where its people live). In a shift it counts with the part of its time that lies there (aoristic, by the minute); in the shift `all` it counts whole, also where only the month is known. With an index of harm every event counts by its weight. What releases keep off grids (domestic, sexual, homes, default places) is kept off here too."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:250" },
--!   { name = "places", about = "points: events at a known point; all: also those of a postcode or an LSOA, in fractions", default = "points", one_of = ["points", "all"] },
--!   { name = "spread_m", about = "radius of the disc around a postcode's centre, metres", default = 100.0 },
--!   { name = "index", about = "index in harm_weight.csv by which each event is weighed (one without a weight counts nothing); empty: every event counts one", default = "" },
--! ]
--! notes = ["Where people live is not where they are hurt: spreading by homes pulls events out of town centres. Compare with points.", "A cell that a month does not list had no event in it if the month was observed: `observed_month` says which were. Histories and scores leave the others out.", "Column `points`: what of the events is known to the point.", "An event counts in each shift that covers its hours: shifts that overlap count it in each."]
WITH weighed AS (
  SELECT e.*, CASE WHEN $index = '' THEN 1.0 ELSE coalesce(c.weight, g.weight, 0.0) END AS harm
  FROM placeable_violence AS e
  LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
  LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
  WHERE (e.place_precision IN ('exact', 'snapped') AND e.in_area)
     OR ($places = 'all' AND e.place_precision NOT IN ('exact', 'snapped'))
),
placed AS (
  SELECT place['cell'] AS cell, month, harm * place['weight'] / 1000000.0 AS weight, t0, t1, point
  FROM (SELECT unnest(place_weights($grid, easting, northing, place_precision, lsoa, $spread_m)) AS place, month, t0, t1, harm,
               place_precision IN ('exact', 'snapped') AS point
        FROM weighed)
),
counted AS (
  SELECT 'all' AS shift, month, cell, point, weight FROM placed
  UNION ALL
  -- The hours first: the join holds its left side in memory, and streams the other.
  SELECT h.shift, s.month, s.cell, s.point, s.weight * s.part['weight'] / 1000000.0
  FROM shift_hour AS h
  JOIN (SELECT cell, month, point, weight, unnest(aoristic_hours(t0, t1)) AS part FROM placed WHERE t0 IS NOT NULL) AS s
    ON h.hour_of_week = s.part['hour_of_week']
)
-- Rounded, since a sum of fractions hangs on its order in the last digits, and ranks would.
SELECT shift, month, cell, round(sum(weight), 6) AS events, round(sum(CASE WHEN point THEN weight ELSE 0 END), 6) AS points
FROM counted
WHERE cell IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY shift = 'all' DESC, shift, month, cell
