-- The part whose hour is known or can be spread.
SELECT *
FROM serious_violence
WHERE t0 IS NOT NULL
