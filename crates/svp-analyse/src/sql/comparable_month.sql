-- The months that can be compared with one another: those that were observed, without those with a break in recording. A month of no event
-- is one of them. Where no file's name says when what it covers begins and ends, the first and the last event say it.
SELECT m.*
FROM observed_month AS m
CROSS JOIN (SELECT min(month_number(month)) AS first, max(month_number(month)) AS last FROM comparable_violence WHERE month IS NOT NULL) AS s
WHERE m.observed
  AND (m.named OR (m.number >= s.first AND m.number <= s.last))
  AND NOT EXISTS (SELECT 1 FROM broken_month AS b WHERE b.kind = 'recording' AND b.month = m.month)
