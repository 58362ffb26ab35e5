-- What is known of which month: for each source and sender, whether a file that is live covers the month.
-- `coverage_file`, `coverage_span`: what files cover; `slot_month`, `episode_month`: rows of each source, slot and month.
WITH covered AS (
  SELECT source, sender, number, bool_or(known_by = 'name') AS named, bool_or(known_by = 'content') AS filled
  FROM (SELECT source, sender, known_by, unnest(range(first, last + 1)) AS number FROM coverage_span)
  GROUP BY 1, 2, 3
),
begun AS (SELECT source, sender, min(first) AS first FROM coverage_span GROUP BY 1, 2),
source_begun AS (SELECT source, min(first) AS first FROM begun GROUP BY 1),
-- Who came later is not missed before.
wanted AS (
  SELECT b.source, b.sender, m.month, m.number
  FROM begun AS b JOIN source_begun AS s ON s.source = b.source CROSS JOIN calendar_month AS m
  WHERE m.number >= b.first OR b.first = s.first
),
rows AS (
  SELECT f.source, f.sender, r.month, sum(r.n) AS n
  FROM coverage_file AS f
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
