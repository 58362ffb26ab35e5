-- The months that each source and sender covers, as first and last month of spans, and how that is known. `coverage_file`: what each file
-- says it covers. An open episode comes again in later returns: its start says nothing of what a file covers, unless nothing else does.
WITH made AS (
  SELECT source, slot, month_number(made) AS number, sum(n) AS n FROM slot_month WHERE made IS NOT NULL GROUP BY 1, 2, 3
),
of_content AS (
  SELECT j.source, j.slot, j.sender, j.first AS named_first, j.last AS named_last, min(m.number) AS first, max(m.number) AS last
  FROM coverage_file AS j JOIN made AS m ON m.source = j.source AND m.slot = j.slot
  WHERE j.known_by = 'content' AND m.n * 10 >= j.fullest
  GROUP BY 1, 2, 3, 4, 5
),
of_rows AS (
  SELECT j.source, j.sender, min(r.number) AS first, max(r.number) AS last
  FROM coverage_file AS j
  JOIN (SELECT source, slot, number FROM made
        UNION ALL
        SELECT source, slot, month_number(month) FROM episode_month WHERE source NOT IN (SELECT source FROM made)) AS r
    ON r.source = j.source AND r.slot = j.slot
  WHERE j.known_by = 'inferred'
  GROUP BY 1, 2
),
span AS (
  SELECT source, sender, first, last, 'name' AS known_by FROM coverage_file WHERE known_by = 'name'
  UNION ALL
  -- A long extract is named by its last month; what came under the name of another month covers that month no more.
  SELECT source, sender, first, CASE WHEN last - first > named_last - named_first AND named_last > last THEN named_last ELSE last END, 'content'
  FROM of_content
  UNION ALL
  SELECT source, sender, first, last, 'inferred' FROM of_rows
)
SELECT source, sender, first, last, known_by FROM span
