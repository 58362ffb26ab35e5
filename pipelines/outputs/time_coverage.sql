--! name = "time_coverage"
--! title = "What is known of the time"
--! subtitle = "Events by what the source knows of their time"
--! description = "Beside every profile of hours: how many events it rests on, and how many it cannot use. A window is spread over its hours; a placeholder or a date over its day; a month is never turned into hours."
--! reads = ["event"]
--! per_definition = true
--! grain = [{ name = "source", title = "Source" }, { name = "time_precision", title = "Time known as" }]
--! counts = [{ name = "events", title = "Events", cell_key = "events_key" }]
--! audiences = ["police", "partner", "public"]
--! not_available = "no event falls under this definition in the period"
SELECT source, coalesce(time_precision, 'none') AS time_precision, count(*) AS events, sum(record_key(event_id)) AS events_key
FROM serious_violence
GROUP BY 1, 2
ORDER BY 1, 2
