--! name = "hour_of_week_profile"
--! title = "Hours of the week"
--! subtitle = "Events by hour of the week, local clock time, whole period"
--! description = "An event with a window from/to is spread over the hours that it covers, by the minute (aoristic weights, Ratcliffe 2002); a placeholder time (00:00, 12:00, 23:59) or a bare date over its whole day; so nobody's midnight makes a peak. Events of which only the month is known take no part: the table of time coverage says how many."
--! reads = ["event"]
--! per_definition = true
--! universe = "timed_violence"
--! grain = [{ name = "hour_of_week", title = "Hour of week (0 = Monday 00:00)" }]
--! attributes = [{ name = "weekday", title = "Weekday" }, { name = "hour", title = "Hour" }]
--! counts = [{ name = "events", title = "Events", same_as = { measure = "events", universe = "serious_violence", at = { time_precision = ["exact", "window", "placeholder", "date"] } } }]
--! derived = [
--!   { name = "share", title = "Share of the week", unit = "%", expr = "round(100.0 * events / nullif(sum(events) OVER (), 0), 1)", inputs = ["events"] },
--! ]
--! chart = { kind = "hour_of_week", hour = "hour_of_week", value = "events" }
--! audiences = ["police", "partner", "public"]
--! not_available = "the sources of this definition give the month only, so no hour is known"
WITH spread AS (SELECT unnest(aoristic_hours(t0, t1)) AS part FROM timed_violence),
total AS (
  SELECT part['hour_of_week'] AS hour_of_week, sum(part['weight']) AS weight
  FROM spread
  GROUP BY 1
)
SELECT CAST(h.value AS INT) AS hour_of_week,
       weekday_name(CAST(h.value / 24 AS INT)) AS weekday,
       CAST(h.value % 24 AS INT) AS hour,
       coalesce(t.weight, 0) / 1000000.0 AS events
FROM generate_series(0, 167) AS h
LEFT JOIN total AS t ON t.hour_of_week = h.value
WHERE EXISTS (SELECT 1 FROM timed_violence)
ORDER BY hour_of_week
