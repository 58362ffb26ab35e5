--! name = "special_days"
--! title = "Bank holidays, their eves, school holidays and paydays beside other days"
--! description = "Events for each day of a kind in pipelines/reference/calendar.csv, beside the other days of the period: the ratio with an interval of 95 % and an exact test. Days run from 06:00 to 05:59, so that a night belongs to the evening that it began with. Events whose day is known; days of months with a break in recording, and of those that were not supplied or not by all, are left out."
--! notes = ["Bank holidays fall on Mondays and in the warm months more often than others: a ratio is no cause.", "Windows count on the day on which they begin."]
WITH bounds AS (
  -- From the first to the last event, and months before and after them that were observed and had none.
  SELECT least(e.first, CASE WHEN m.first < substr(CAST(e.first AS TEXT), 1, 7) THEN CAST(m.first || '-01' AS DATE) END) AS first,
         greatest(e.last, CASE WHEN m.last > substr(CAST(e.last AS TEXT), 1, 7) THEN CAST(m.after || '-01' AS DATE) - INTERVAL '1 day' END) AS last
  FROM (SELECT CAST(min(analysis_day(t0)) AS DATE) AS first, CAST(max(analysis_day(t0)) AS DATE) AS last FROM timed_violence) AS e
  CROSS JOIN (SELECT min(month) AS first, max(month) AS last, month_of_number(max(number) + 1) AS after FROM comparable_month) AS m
),
day AS (
  SELECT CAST(d.value AS DATE) AS day
  FROM (SELECT unnest(generate_series((SELECT first FROM bounds), (SELECT last FROM bounds), INTERVAL '1 day')) AS value) AS d
  WHERE NOT EXISTS (SELECT 1 FROM broken_month AS b WHERE b.kind = 'recording' AND b.month = substr(CAST(CAST(d.value AS DATE) AS TEXT), 1, 7))
    AND NOT EXISTS (SELECT 1 FROM observed_month AS o WHERE NOT o.observed AND o.month = substr(CAST(CAST(d.value AS DATE) AS TEXT), 1, 7))
),
kinds AS (
  SELECT day, kind FROM calendar
  UNION ALL
  SELECT day - INTERVAL '1 day', kind || '_eve' FROM calendar WHERE kind = 'bank_holiday'
  UNION ALL
  SELECT day, CASE WHEN date_part('dow', day) IN (5, 6) THEN 'friday_or_saturday' ELSE 'sunday_to_thursday' END FROM day
),
events AS (SELECT analysis_day(t0) AS day, count(*) AS n FROM timed_violence GROUP BY 1),
daily AS (SELECT d.day, coalesce(e.n, 0) AS n FROM day AS d LEFT JOIN events AS e ON e.day = d.day),
marked AS (
  SELECT k.kind, count(DISTINCT d.day) AS days, sum(d.n) AS events
  FROM daily AS d
  JOIN (SELECT DISTINCT CAST(day AS DATE) AS day, kind FROM kinds) AS k ON k.day = d.day
  GROUP BY 1
),
total AS (SELECT count(*) AS days, sum(n) AS events FROM daily),
compared AS (
  SELECT m.kind, m.days, m.events, t.days - m.days AS other_days, t.events - m.events AS other_events,
         rate_ratio(m.events, m.days, t.events - m.events, t.days - m.days) AS r
  FROM marked AS m CROSS JOIN total AS t
)
SELECT kind, days, events, round(events / CAST(days AS DOUBLE), 3) AS a_day,
       round(other_events / CAST(nullif(other_days, 0) AS DOUBLE), 3) AS other_days, round(r['ratio'], 3) AS ratio,
       round(r['lower'], 3) AS lower, round(r['upper'], 3) AS upper, round(r['p'], 4) AS p
FROM compared
ORDER BY kind
