--! name = "place_types"
--! title = "Kinds of place"
--! subtitle = "Events by kind of place and source"
--! description = "The kind of place as each source names it, brought to one list. Not recorded is not the same as other."
--! reads = ["event"]
--! per_definition = true
--! grain = [{ name = "source", title = "Source" }, { name = "location_type", title = "Kind of place" }]
--! counts = [{ name = "events", title = "Events", cell_key = "events_key" }]
--! audiences = ["police", "partner"]
--! not_available = "no event falls under this definition in the period"
SELECT source, coalesce(location_type, 'not recorded') AS location_type, count(*) AS events, sum(record_key(event_id)) AS events_key
FROM serious_violence
GROUP BY 1, 2
ORDER BY 1, 2
