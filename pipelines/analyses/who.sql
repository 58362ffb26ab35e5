--! name = "who"
--! title = "Who, and what it was like"
--! description = "People's parts in events by role and characteristic, and events by what is recorded of them, with the share and its interval (Wilson, 95 %) of those of whom it is known. `not recorded` is a row of its own and in no share: no is not the same as not recorded."
WITH parts AS (
  SELECT p.* FROM party AS p JOIN serious_violence AS e ON e.event_id = p.event_id
),
listed AS (
  SELECT role AS of_whom, 'sex' AS what, sex AS value FROM parts
  UNION ALL SELECT role, 'age band', age_group(age_band) FROM parts
  UNION ALL SELECT role, 'under 25', CASE WHEN aged_under(age_band, 25) THEN 'yes' WHEN NOT aged_under(age_band, 25) THEN 'no' END FROM parts
  UNION ALL SELECT role, 'ethnic group', ethnic_group FROM parts
  UNION ALL SELECT role, 'relationship', relationship FROM parts
  UNION ALL SELECT 'event', 'agency', agency FROM serious_violence
  UNION ALL SELECT 'event', 'offence group', offence_group FROM serious_violence
  UNION ALL SELECT 'event', 'domestic', CASE WHEN domestic THEN 'yes' WHEN NOT domestic THEN 'no' END FROM serious_violence
  UNION ALL SELECT 'event', 'alcohol', CASE WHEN alcohol THEN 'yes' WHEN NOT alcohol THEN 'no' END FROM serious_violence
  UNION ALL SELECT 'event', 'drugs', CASE WHEN drugs THEN 'yes' WHEN NOT drugs THEN 'no' END FROM serious_violence
  UNION ALL SELECT 'event', 'weapon', weapon FROM serious_violence
  UNION ALL SELECT 'event', 'mechanism', injury_mechanism FROM serious_violence
  UNION ALL SELECT 'event', 'kind of place', location_type FROM serious_violence
),
counted AS (SELECT of_whom, what, coalesce(value, 'not recorded') AS value, count(*) AS n FROM listed GROUP BY 1, 2, 3),
known AS (
  SELECT *, sum(n) FILTER (WHERE value <> 'not recorded') OVER (PARTITION BY of_whom, what) AS known,
         sum(n) OVER (PARTITION BY of_whom, what) AS all_of_them
  FROM counted
),
shared AS (SELECT *, CASE WHEN value <> 'not recorded' THEN wilson(n, known) END AS w FROM known)
SELECT of_whom, what, value, n, round(CASE WHEN value <> 'not recorded' THEN n / CAST(known AS DOUBLE) END, 4) AS share,
       round(w['lower'], 4) AS lower, round(w['upper'], 4) AS upper, round(known / CAST(all_of_them AS DOUBLE), 3) AS known
FROM shared
WHERE known > 0 OR value = 'not recorded'
ORDER BY of_whom, what, value = 'not recorded', n DESC, value
