-- Events of months that can be compared: without those that not all have supplied, and those with a break in recording. Events of no
-- month are among them.
SELECT e.*
FROM observed_violence AS e
WHERE NOT EXISTS (SELECT 1 FROM broken_month AS b WHERE b.kind = 'recording' AND b.month = e.month)
