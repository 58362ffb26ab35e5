--! name = "scoring"
--! title = "How well do past months foretell where later ones will be?"
--! description = "Out of time and walking forward: at each origin the cells of the area are ranked by months before it, and scored by months after it. Methods: all the training months; the last year; the last quarter; a moving average in which a month weighs half of what the one `half_life` months later does; the kernel density of all the training months. Hit rate, PAI, PEI and RRI at shares of the area's cells (R package ptools); of equal ranks the worst case counts. Months that were not supplied or not by all, and those with a break in recording, are neither learned from nor foretold: what is foretold is for the months that were looked at. Every cell of the area takes part, also those without events. Counts are those of `cell_counts`: one shift (`shift`), events of uncertain place (`places=all`) and weights of harm (`index`) score as well."
--! reads = ["cell_counts"]
--! params = [
--!   { name = "shift", about = "shift of shift.csv whose hours count; `all`: all hours, also where only the month is known", default = "all" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "train", about = "months before an origin that are learned from", default = 12 },
--!   { name = "horizon", about = "months from an origin that are foretold", default = 3 },
--!   { name = "step", about = "months between origins", default = 3 },
--!   { name = "half_life", about = "months after which a month of the moving average weighs half", default = 6.0 },
--!   { name = "bandwidth", about = "bandwidth of the kernel density, metres", default = 500.0 },
--!   { name = "without", about = "kind of break (pipelines/reference/recording_break.csv) whose months are left out beside those of recording; none if empty", default = "" },
--! ]
--! notes = ["Points of open police data are snapped to the nearest of a list of anonymous points: a small cell holds a point or none, and a figure for it is one of the list as much as of the streets.", "Cells are of equal area on squares and hexagons; H3 cells are not, and their shares of cells are not shares of ground."]
WITH looked_at AS (
  SELECT month, number AS idx FROM comparable_month
  WHERE month NOT IN (SELECT month FROM broken_month WHERE kind = $without)
),
months AS (
  SELECT m.cell, l.idx, m.events AS n
  FROM cell_counts AS m
  JOIN looked_at AS l ON l.month = m.month
  WHERE m.shift = $shift
),
span AS (SELECT min(idx) AS first, max(idx) AS last FROM looked_at WHERE EXISTS (SELECT 1 FROM months)),
dated AS (
  SELECT unnest(range(CAST(first + $train AS BIGINT), CAST(last + 2 - $horizon AS BIGINT), CAST($step AS BIGINT))) AS origin FROM span
),
-- How many months before and after an origin were looked at, and what they weigh: a month that nobody has supplied is none.
origin AS (
  SELECT d.origin,
         count(*) FILTER (WHERE l.idx < d.origin) AS trained,
         count(*) FILTER (WHERE l.idx < d.origin AND l.idx >= d.origin - 12) AS of_year,
         count(*) FILTER (WHERE l.idx < d.origin AND l.idx >= d.origin - 3) AS of_quarter,
         sum(power(0.5, (d.origin - 1 - l.idx) / $half_life)) FILTER (WHERE l.idx < d.origin) AS weight,
         count(*) FILTER (WHERE l.idx >= d.origin) AS foretold
  FROM dated AS d
  JOIN looked_at AS l ON l.idx >= d.origin - $train AND l.idx < d.origin + $horizon
  GROUP BY 1
  HAVING count(*) FILTER (WHERE l.idx < d.origin) > 0 AND count(*) FILTER (WHERE l.idx >= d.origin) > 0
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
  SELECT o.origin, o.trained, o.of_year, o.of_quarter, o.weight, o.foretold, c.cell, coalesce(s.all_months, 0) AS all_months, coalesce(s.last_year, 0) AS last_year,
         coalesce(s.last_quarter, 0) AS last_quarter, coalesce(s.moving_average, 0) AS moving_average,
         coalesce(s.observed, 0) AS observed
  FROM origin AS o
  CROSS JOIN cells AS c
  LEFT JOIN summed AS s ON s.origin = o.origin AND s.cell = c.cell
),
methods AS (
  -- Predictions are in events of the months that are foretold, so that RRI compares like with like. A method whose months were not
  -- looked at foretells nothing.
  SELECT origin, observed, unnest(make_array(
           named_struct('method', 'all months', 'predicted', all_months * CAST(foretold AS DOUBLE) / trained),
           named_struct('method', 'last year', 'predicted', last_year * CAST(foretold AS DOUBLE) / nullif(of_year, 0)),
           named_struct('method', 'last quarter', 'predicted', last_quarter * CAST(foretold AS DOUBLE) / nullif(of_quarter, 0)),
           named_struct('method', 'moving average', 'predicted', moving_average * foretold / weight),
           named_struct('method', 'kernel density', 'predicted', density * events / dense * foretold / trained))) AS m
  FROM (SELECT *, sum(density) OVER (PARTITION BY origin) AS dense, sum(all_months) OVER (PARTITION BY origin) AS events
        FROM (SELECT *, kernel_density(cell, all_months, $bandwidth, 'quartic') OVER (PARTITION BY origin) AS density FROM every_cell))
),
scored AS (
  SELECT origin, m['method'] AS method, observed,
         score_ranked(m['predicted'], observed) OVER (PARTITION BY origin, m['method']) AS s
  FROM methods
),
total AS (SELECT origin, method, sum(observed) AS events, count(*) AS cells FROM scored GROUP BY 1, 2),
shares AS (SELECT unnest(make_array(0.001, 0.005, 0.01, 0.02, 0.05)) AS share),
-- The last row that fits into each share; shares are few, so only their edges are looked at.
edge AS (
  SELECT t.origin, t.method, t.events, t.cells, h.share, floor(h.share * t.cells + 0.000001) AS searched
  FROM total AS t
  CROSS JOIN shares AS h
)
SELECT month_of_number(e.origin) AS origin, e.method,
       e.share, CAST(e.searched AS BIGINT) AS searched, e.cells, round(e.events, 3) AS events, round(c.s['hit_rate'], 4) AS hit_rate,
       round(c.s['pai'], 2) AS pai, round(c.s['pei'], 4) AS pei, round(c.s['rri'], 3) AS rri
FROM edge AS e
LEFT JOIN scored AS c ON c.origin = e.origin AND c.method = e.method AND c.s['searched'] = e.searched
ORDER BY 1, share, method
