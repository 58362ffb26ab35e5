--! name = "hotspots"
--! title = "Hot spots by shift: Getis-Ord Gi* of every cell of the area"
--! description = "Events at a known point, spread over the hours in which they may have happened (aoristic weights, by the minute), counted in each cell and shift; every other cell of the area counts as zero. z is Gi* (Ord and Getis 1995), cell and neighbours with weight 1. q is the upper tail after Benjamini and Hochberg's correction over the cells of the shift, applied once. Shift `all` is all hours, also of events of which only the month is known. Cells are listed where something was counted."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:250" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "rings", about = "rings of neighbours", default = 1 },
--!   { name = "level", about = "false discovery rate below which a cell is called hot", default = 0.05 },
--! ]
--! notes = ["Counts of rare events are not normally distributed: `gi_star_permuted` gives a p without that assumption.", "An event counts in each shift that covers its hours: shifts that overlap count it in each."]
WITH placed AS (SELECT cell_of($grid, easting, northing) AS cell, t0, t1 FROM mappable_violence),
counted AS (
  SELECT h.shift, s.cell, sum(s.part['weight']) / 1000000.0 AS events
  -- The hours first: the join holds its left side in memory, and streams the other.
  FROM shift_hour AS h
  JOIN (SELECT cell, unnest(aoristic_hours(t0, t1)) AS part FROM placed WHERE t0 IS NOT NULL) AS s ON h.hour_of_week = s.part['hour_of_week']
  GROUP BY 1, 2
  UNION ALL
  SELECT 'all', cell, CAST(count(*) AS DOUBLE) FROM placed GROUP BY 2
),
judged AS (
  SELECT shift, cell, events, gi_star(cell, events, $layer, $rings) OVER (PARTITION BY shift) AS gi
  FROM counted
  WHERE cell IS NOT NULL
),
corrected AS (
  SELECT shift, cell, events, gi['z'] AS z, gi['p_high'] AS p,
         gi['q_high'] AS q,
         rank() OVER (PARTITION BY shift ORDER BY events DESC) AS rank
  FROM judged
)
SELECT shift, rank, cell, round(events, 3) AS events, round(z, 4) AS z, p, q, q < $level AS hot
FROM corrected
ORDER BY shift = 'all' DESC, shift, rank, cell
