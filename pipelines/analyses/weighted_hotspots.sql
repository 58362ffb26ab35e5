--! name = "weighted_hotspots"
--! title = "Hot spots by shift, events of uncertain place among them"
--! description = "As `hotspots`, but an event of which only a postcode or an LSOA is known takes part too: it is spread over the cells in which it may lie (a disc around the postcode; an LSOA by where its people live), as it is over the hours. z is Gi* of the sums of weights, q its upper tail corrected over the cells of the shift. What releases keep off grids (domestic, sexual, homes, default places) is kept off here too. With an index of harm every event counts by its weight."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:500" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "spread_m", about = "radius of the disc around a postcode's centre, metres", default = 100.0 },
--!   { name = "index", about = "index in harm_weight.csv by which each event is weighed (one without a weight counts nothing); empty: every event counts one", default = "" },
--!   { name = "level", about = "false discovery rate below which a cell is called hot", default = 0.05 },
--! ]
--! notes = ["Where people live is not where they are hurt: spreading by homes pulls events out of town centres. Compare with `hotspots`.", "Column `points`: what of the events is known to the point."]
WITH weighed AS (
  SELECT e.*, CASE WHEN $index = '' THEN 1.0 ELSE coalesce(c.weight, g.weight, 0.0) END AS harm
  FROM placeable_violence AS e
  LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
  LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
),
placed AS (
  SELECT p.place['cell'] AS cell, p.harm * p.place['weight'] / 1000000.0 AS weight, p.t0, p.t1, p.point
  FROM (SELECT unnest(place_weights($grid, easting, northing, place_precision, lsoa, $spread_m)) AS place, t0, t1, harm,
               place_precision IN ('exact', 'snapped') AS point
        FROM weighed) AS p
),
counted AS (
  SELECT h.shift, s.cell, sum(s.weight * s.part['weight'] / 1000000.0) AS events,
         sum(CASE WHEN s.point THEN s.weight * s.part['weight'] / 1000000.0 ELSE 0 END) AS points
  FROM shift_hour AS h
  JOIN (SELECT cell, weight, point, unnest(aoristic_hours(t0, t1)) AS part FROM placed WHERE t0 IS NOT NULL) AS s ON h.hour_of_week = s.part['hour_of_week']
  GROUP BY 1, 2
  UNION ALL
  SELECT 'all', cell, sum(weight), sum(CASE WHEN point THEN weight ELSE 0 END) FROM placed GROUP BY 2
),
judged AS (
  SELECT shift, cell, events, points, gi_star(cell, events, $layer) OVER (PARTITION BY shift) AS gi
  FROM counted
  WHERE cell IS NOT NULL
)
SELECT shift, rank() OVER (PARTITION BY shift ORDER BY events DESC) AS rank, cell, round(events, 3) AS events, round(points, 3) AS points,
       round(gi['z'], 4) AS z, gi['p_high'] AS p, gi['q_high'] AS q, gi['q_high'] < $level AS hot
FROM judged
ORDER BY shift = 'all' DESC, shift, rank, cell
