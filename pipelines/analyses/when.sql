--! name = "when"
--! title = "When: mean hour and spread, by day of the week and for the night-time economy"
--! description = "Circular mean and standard deviation of the local hour of the day, and Rayleigh's test that all hours are alike, for all events, each day of the week (days run from 06:00, so that the small hours of Sunday are Saturday night), and by band: day (06 to 18), evening (18 to 22), night (22 to 06), and the night-time economy (Friday and Saturday 22 to 04). Aoristic weights by the minute; events of which only the month is known take no part."
--! notes = ["The test sees one peak; two that lie opposite cancel out.", "Expected share: what the band would have if all hours were alike."]
WITH spread AS (
  SELECT h.part['hour_of_week'] AS hour_of_week, sum(h.part['weight']) / 1000000.0 AS events
  FROM (SELECT unnest(aoristic_hours(t0, t1)) AS part FROM timed_violence) AS h
  GROUP BY 1
),
hours AS (
  SELECT CAST(v.value AS INT) AS hour_of_week, CAST(v.value % 24 AS INT) AS hour,
         CAST((v.value + 162) % 168 / 24 AS INT) AS day, coalesce(s.events, 0) AS events
  FROM generate_series(0, 167) AS v
  LEFT JOIN spread AS s ON s.hour_of_week = v.value
),
grouped AS (
  SELECT 0 AS place, 'all' AS what, hour, events FROM hours
  UNION ALL
  SELECT 1 + day, weekday_name(day) || ', from 06:00', hour, events FROM hours
  UNION ALL
  SELECT CASE WHEN hour >= 6 AND hour < 18 THEN 10 WHEN hour >= 18 AND hour < 22 THEN 11 ELSE 12 END,
         CASE WHEN hour >= 6 AND hour < 18 THEN 'day, 06 to 18' WHEN hour >= 18 AND hour < 22 THEN 'evening, 18 to 22' ELSE 'night, 22 to 06' END,
         hour, events
  FROM hours
  UNION ALL
  SELECT 13, 'night-time economy, Friday and Saturday 22 to 04', hour, events
  FROM hours
  WHERE day IN (4, 5) AND (hour >= 22 OR hour < 4)
),
listed AS (
  SELECT place, what, count(*) AS hours, sum(events) AS events, circular(array_agg(hour + 0.5), array_agg(events), 24) AS c
  FROM grouped GROUP BY 1, 2
)
SELECT what, round(events, 2) AS events, round(events / nullif((SELECT max(events) FROM listed WHERE place = 0), 0), 4) AS share,
       round(hours / 168.0, 4) AS expected_share, round(c['mean'], 2) AS mean_hour, round(c['sd'], 2) AS sd_hours,
       round(c['resultant'], 3) AS concentration, round(c['p'], 6) AS p_uniform
FROM listed
ORDER BY place
