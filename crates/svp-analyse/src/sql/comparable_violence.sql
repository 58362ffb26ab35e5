-- Events of months that can be compared: without those with a break in recording, and those that not all have supplied. Events of no
-- month are among them.
SELECT e.*
FROM serious_violence AS e
WHERE NOT EXISTS (SELECT 1 FROM broken_month AS b WHERE b.kind = 'recording' AND b.month = e.month)
  AND NOT EXISTS (SELECT 1 FROM observed_month AS o WHERE NOT o.observed AND o.month = e.month)
