--! name = "scoring"
--! title = "How well do past months foretell where later ones will be?"
--! description = "Out of time and walking forward: at each origin the cells of the area are ranked by months before it, and scored by months after it. Methods: all the training months; the last year; the last quarter; a moving average in which a month weighs half of what the one `half_life` months later does; the average of the last year over the cell and its neighbours. Hit rate, PAI, PEI and RRI at shares of the area's cells (R package ptools); of equal ranks the worst case counts. Every cell of the area takes part, also those without events."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:250" },
--!   { name = "layer", about = "boundary layer that holds the area's cells", default = "district" },
--!   { name = "train", about = "months before an origin that are learned from", default = 12 },
--!   { name = "horizon", about = "months from an origin that are foretold", default = 3 },
--!   { name = "step", about = "months between origins", default = 3 },
--!   { name = "half_life", about = "months after which a month of the moving average weighs half", default = 6.0 },
--!   { name = "without", about = "kind of break (pipelines/reference/recording_break.csv) whose months are left out beside those of recording; none if empty", default = "" },
--! ]
--! notes = ["Points of open police data are snapped to the nearest of a list of anonymous points: a small cell holds a point or none, and a figure for it is one of the list as much as of the streets.", "Cells are of equal area on squares and hexagons; H3 cells are not, and their shares of cells are not shares of ground."]
WITH months AS (
  SELECT m.cell, m.month, CAST(split_part(m.month, '-', 1) AS INT) * 12 + CAST(split_part(m.month, '-', 2) AS INT) - 1 AS idx, count(*) AS n
  FROM (SELECT cell_of($grid, easting, northing) AS cell, month FROM mappable_violence WHERE month IS NOT NULL) AS m
  WHERE m.cell IS NOT NULL
    AND NOT EXISTS (
      SELECT 1 FROM recording_break AS b
      WHERE m.month >= b.from_month AND m.month <= b.to_month
        AND (b.kind = 'recording' OR b.kind = $without)
        AND (b.area IS NULL OR b.area IN (SELECT parent FROM area WHERE layer = 'csp'))
    )
  GROUP BY 1, 2
),
span AS (SELECT min(idx) AS first, max(idx) AS last FROM months),
origin AS (
  SELECT unnest(range(CAST(first + $train AS BIGINT), CAST(last + 2 - $horizon AS BIGINT), CAST($step AS BIGINT))) AS origin FROM span
),
cells AS (SELECT unnest(area_cells($layer, $grid)) AS cell UNION SELECT cell FROM months),
summed AS (
  SELECT o.origin, m.cell,
         sum(m.n) FILTER (WHERE m.idx < o.origin) AS all_months,
         sum(m.n) FILTER (WHERE m.idx < o.origin AND m.idx >= o.origin - 12) AS last_year,
         sum(m.n) FILTER (WHERE m.idx < o.origin AND m.idx >= o.origin - 3) AS last_quarter,
         sum(m.n * power(0.5, (o.origin - 1 - m.idx) / $half_life)) FILTER (WHERE m.idx < o.origin) AS moving_average,
         sum(m.n) FILTER (WHERE m.idx >= o.origin) AS observed
  FROM origin AS o
  JOIN months AS m ON m.idx >= o.origin - $train AND m.idx < o.origin + $horizon
  GROUP BY 1, 2
),
every_cell AS (
  SELECT o.origin, c.cell, coalesce(s.all_months, 0) AS all_months, coalesce(s.last_year, 0) AS last_year,
         coalesce(s.last_quarter, 0) AS last_quarter, coalesce(s.moving_average, 0) AS moving_average,
         coalesce(s.observed, 0) AS observed
  FROM origin AS o
  CROSS JOIN cells AS c
  LEFT JOIN summed AS s ON s.origin = o.origin AND s.cell = c.cell
),
around AS (
  SELECT *, neighbour_mean(cell, last_year) OVER (PARTITION BY origin) AS neighbours FROM every_cell
),
listed AS (
  SELECT origin, sum(observed) AS events, array_agg(observed ORDER BY cell) AS observed,
         array_agg(all_months ORDER BY cell) AS all_months, array_agg(last_year ORDER BY cell) AS last_year,
         array_agg(last_quarter ORDER BY cell) AS last_quarter, array_agg(moving_average ORDER BY cell) AS moving_average,
         array_agg(neighbours ORDER BY cell) AS neighbours
  FROM around
  GROUP BY 1
),
methods AS (
  SELECT origin, events, observed, unnest(make_array(
           named_struct('method', 'all months', 'predicted', all_months), named_struct('method', 'last year', 'predicted', last_year),
           named_struct('method', 'last quarter', 'predicted', last_quarter),
           named_struct('method', 'moving average', 'predicted', moving_average),
           named_struct('method', 'last year, neighbours', 'predicted', neighbours))) AS m
  FROM listed
),
scored AS (
  SELECT origin, m['method'] AS method, events, cardinality(observed) AS cells,
         unnest(score_cells(m['predicted'], observed, NULL, [0.001, 0.005, 0.01, 0.02, 0.05])) AS s
  FROM methods
)
SELECT lpad(CAST(origin / 12 AS TEXT), 4, '0') || '-' || lpad(CAST(origin % 12 + 1 AS TEXT), 2, '0') AS origin, method,
       s['share'] AS share, CAST(s['cells'] AS BIGINT) AS searched, cells, events, round(s['hit_rate'], 4) AS hit_rate,
       round(s['pai'], 2) AS pai, round(s['pei'], 4) AS pei, round(s['rri'], 3) AS rri
FROM scored
ORDER BY 1, share, method
