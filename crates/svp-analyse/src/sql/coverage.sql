-- What is known of which month: for each source and sender, whether a file that is live covers the month.
-- `slot_month`, `episode_month`: rows of each source, slot and month.
-- An open episode comes again in later returns: its start says nothing of what a file covers, unless nothing else does.
WITH made AS (
  SELECT source, slot, month_number(made) AS number, sum(n) AS n FROM slot_month WHERE made IS NOT NULL GROUP BY 1, 2, 3
),
held AS (SELECT source, slot FROM slot_month UNION SELECT source, slot FROM episode_month),
file AS (
  SELECT source, slot, coalesce(sender, '') AS sender, month_number(first_month) AS first, month_number(last_month) AS last FROM delivery
  UNION ALL
  SELECT h.source, h.slot, '', NULL, NULL FROM held AS h
  WHERE NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.source = h.source AND d.slot = h.slot)
),
looked_at AS (
  SELECT f.source, f.slot, f.sender, f.first, f.last, max(m.n) AS fullest,
         coalesce(sum(CASE WHEN m.number >= f.first AND m.number <= f.last THEN m.n END), 0) AS inside,
         coalesce(sum(CASE WHEN m.number < f.first OR m.number > f.last THEN m.n END), 0) AS outside,
         coalesce(max(CASE WHEN m.number < f.first OR m.number > f.last THEN m.n END), 0) AS fullest_outside
  FROM file AS f LEFT JOIN made AS m ON m.source = f.source AND m.slot = f.slot
  GROUP BY 1, 2, 3, 4, 5
),
-- A name is believed unless the rows contradict it: most of them are of other months, or another month is about as full as those that
-- the name says. A monthly file that repeats some records that changed is no such file.
judged AS (
  SELECT *, CASE WHEN first IS NULL OR last IS NULL THEN 'inferred'
                 WHEN outside > inside OR (fullest_outside >= 10 AND fullest_outside * 4.0 * (last - first + 1) >= inside * 3.0) THEN 'content'
                 ELSE 'name' END AS known_by
  FROM looked_at
),
of_content AS (
  SELECT j.source, j.slot, j.sender, j.first AS named_first, j.last AS named_last, min(m.number) AS first, max(m.number) AS last
  FROM judged AS j JOIN made AS m ON m.source = j.source AND m.slot = j.slot
  WHERE j.known_by = 'content' AND m.n * 10 >= j.fullest
  GROUP BY 1, 2, 3, 4, 5
),
of_rows AS (
  SELECT j.source, j.sender, min(r.number) AS first, max(r.number) AS last
  FROM judged AS j
  JOIN (SELECT source, slot, number FROM made
        UNION ALL
        SELECT source, slot, month_number(month) FROM episode_month WHERE source NOT IN (SELECT source FROM made)) AS r
    ON r.source = j.source AND r.slot = j.slot
  WHERE j.known_by = 'inferred'
  GROUP BY 1, 2
),
span AS (
  SELECT source, sender, first, last, 'name' AS known_by FROM judged WHERE known_by = 'name'
  UNION ALL
  -- A long extract is named by its last month; what came under the name of another month covers that month no more.
  SELECT source, sender, first, CASE WHEN last - first > named_last - named_first AND named_last > last THEN named_last ELSE last END, 'content'
  FROM of_content
  UNION ALL
  SELECT source, sender, first, last, 'inferred' FROM of_rows
),
covered AS (
  SELECT source, sender, number, bool_or(known_by = 'name') AS named, bool_or(known_by = 'content') AS filled
  FROM (SELECT source, sender, known_by, unnest(range(first, last + 1)) AS number FROM span)
  GROUP BY 1, 2, 3
),
begun AS (SELECT source, sender, min(first) AS first FROM span GROUP BY 1, 2),
source_begun AS (SELECT source, min(first) AS first FROM begun GROUP BY 1),
-- Who came later is not missed before.
wanted AS (
  SELECT b.source, b.sender, m.month, m.number
  FROM begun AS b JOIN source_begun AS s ON s.source = b.source CROSS JOIN calendar_month AS m
  WHERE m.number >= b.first OR b.first = s.first
),
rows AS (
  SELECT f.source, f.sender, r.month, sum(r.n) AS n
  FROM file AS f
  JOIN (SELECT source, slot, month, n FROM slot_month WHERE month IS NOT NULL UNION ALL SELECT source, slot, month, n FROM episode_month) AS r
    ON r.source = f.source AND r.slot = f.slot
  GROUP BY 1, 2, 3
)
SELECT w.source, w.sender, w.month,
       CASE WHEN c.number IS NULL THEN 'missing' WHEN r.n > 0 THEN 'loaded' ELSE 'empty' END AS state,
       CASE WHEN c.named THEN 'name' WHEN c.filled THEN 'content' WHEN c.number IS NOT NULL THEN 'inferred' END AS known_by
FROM wanted AS w
LEFT JOIN covered AS c ON c.source = w.source AND c.sender = w.sender AND c.number = w.number
LEFT JOIN rows AS r ON r.source = w.source AND r.sender = w.sender AND r.month = w.month
ORDER BY 1, 2, 3
