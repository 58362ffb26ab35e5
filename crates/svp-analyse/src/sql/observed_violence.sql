-- Events of months that all have supplied. Events of no month are among them.
SELECT e.*
FROM serious_violence AS e
WHERE NOT EXISTS (SELECT 1 FROM observed_month AS o WHERE NOT o.observed AND o.month = e.month)
