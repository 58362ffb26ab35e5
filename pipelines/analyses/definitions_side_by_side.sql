--! name = "definitions_side_by_side"
--! title = "One place, several meanings of serious violence"
--! description = "Every definition of the area in the same months, those that are known under all of them: how many events it counts, how many of them no other definition counts, who knows of them, and whether the picture changes: mean hour, share at night (22 to 06), share in the top hundredth of the cells that have events, share of victims and patients under 25."
--! params = [{ name = "grid", about = "bng:SIZE, hex:SIZE or h3:RESOLUTION", default = "bng:250" }]
WITH counted AS (
  SELECT definition, count(*) AS events, count(*) FILTER (WHERE agency = 'police') AS police, count(*) FILTER (WHERE agency = 'health') AS health
  FROM violence_by_definition GROUP BY 1
),
alone AS (
  SELECT definition, count(*) AS only_here
  FROM (SELECT event_id, max(definition) AS definition FROM violence_by_definition GROUP BY 1 HAVING count(*) = 1)
  GROUP BY 1
),
hours AS (
  SELECT definition, h.part['hour_of_week'] % 24 AS hour, sum(h.part['weight']) / 1000000.0 AS n
  FROM (SELECT definition, unnest(aoristic_hours(t0, t1)) AS part FROM violence_by_definition WHERE t0 IS NOT NULL) AS h
  GROUP BY 1, 2
),
clock AS (
  SELECT definition, circular(array_agg(hour + 0.5), array_agg(n), 24) AS c, sum(n) FILTER (WHERE hour >= 22 OR hour < 6) / sum(n) AS night
  FROM hours GROUP BY 1
),
cells AS (
  SELECT definition, cell_of($grid, easting, northing) AS cell, count(*) AS n
  FROM violence_by_definition WHERE place_precision IN ('exact', 'snapped') GROUP BY 1, 2
),
places AS (SELECT definition, top_share(array_agg(n), 0.01) AS top, generalised_gini(array_agg(n)) AS gini FROM cells WHERE cell IS NOT NULL GROUP BY 1),
ages AS (
  SELECT v.definition, count(*) FILTER (WHERE aged_under(p.age_band, 25)) / CAST(nullif(count(aged_under(p.age_band, 25)), 0) AS DOUBLE) AS young
  FROM violence_by_definition AS v JOIN party AS p ON p.event_id = v.event_id
  WHERE p.role IN ('victim', 'patient') GROUP BY 1
)
SELECT c.definition, c.events, coalesce(a.only_here, 0) AS only_here, c.police, c.health, round(k.c['mean'], 2) AS mean_hour,
       round(k.night, 3) AS share_at_night, round(p.top, 3) AS share_in_top_hundredth, round(p.gini, 3) AS gini_of_places,
       round(y.young, 3) AS share_under_25
FROM counted AS c
LEFT JOIN alone AS a ON a.definition = c.definition
LEFT JOIN clock AS k ON k.definition = c.definition
LEFT JOIN places AS p ON p.definition = c.definition
LEFT JOIN ages AS y ON y.definition = c.definition
ORDER BY c.events DESC, c.definition
