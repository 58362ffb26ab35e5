-- The months from the first to the last event, without those with a break in recording: a month of no event is one of them.
SELECT m.month
FROM (
  SELECT lpad(CAST(i / 12 AS TEXT), 4, '0') || '-' || lpad(CAST(i % 12 + 1 AS TEXT), 2, '0') AS month
  FROM (
    SELECT unnest(range(
             min(CAST(split_part(month, '-', 1) AS BIGINT) * 12 + CAST(split_part(month, '-', 2) AS BIGINT) - 1),
             max(CAST(split_part(month, '-', 1) AS BIGINT) * 12 + CAST(split_part(month, '-', 2) AS BIGINT)))) AS i
    FROM comparable_violence
    WHERE month IS NOT NULL
  )
) AS m
WHERE NOT EXISTS (SELECT 1 FROM broken_month AS b WHERE b.kind = 'recording' AND b.month = m.month)
