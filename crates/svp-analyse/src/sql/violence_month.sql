-- Events of every month of the period. NULL where the month is not known: a zero would be a lie, and no row would be one too. In a month
-- with a break in recording of which there is no event at all, nothing was supplied either.
SELECT m.month, m.number, m.year, m.month_of_year, m.days, m.observed, m.state, b.name AS broken,
       CASE WHEN m.observed AND (c.n IS NOT NULL OR b.recording IS NOT TRUE) THEN coalesce(c.n, 0) END AS events,
       CASE WHEN m.observed AND (c.n IS NOT NULL OR b.recording IS NOT TRUE) THEN coalesce(c.events_key, 0) END AS events_key
FROM observed_month AS m
LEFT JOIN (SELECT month, count(*) AS n, sum(record_key(event_id)) AS events_key FROM serious_violence WHERE month IS NOT NULL GROUP BY 1) AS c
  ON c.month = m.month
LEFT JOIN (SELECT month, max(name) AS name, bool_or(kind = 'recording') AS recording FROM broken_month GROUP BY 1) AS b ON b.month = m.month
