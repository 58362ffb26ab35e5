--! name = "by_district"
--! title = "Districts"
--! subtitle = "Events by local authority district, whole period, with usual residents"
--! description = "Where the event happened, not where people live. A district that is too small to stand alone is published with its neighbour (the Isles of Scilly with Cornwall). Events without a known place stand in a row of their own."
--! reads = ["event"]
--! per_definition = true
--! grain = [{ name = "district", title = "District" }]
--! attributes = [{ name = "name", title = "Name" }, { name = "residents", title = "Residents" }]
--! counts = [{ name = "events", title = "Events", cell_key = "events_key" }]
--! derived = [
--!   { name = "rate", title = "Rate", unit = "events per 1,000 residents, whole period", expr = "round(1000.0 * events / residents, 2)", inputs = ["events"] },
--!   { name = "rate_lower", title = "At least", unit = "95% interval of the rate (Byar)", expr = "round(1000.0 * get_field(byar(events), 'lower') / residents, 2)", inputs = ["events"] },
--!   { name = "rate_upper", title = "At most", unit = "95% interval of the rate (Byar)", expr = "round(1000.0 * get_field(byar(events), 'upper') / residents, 2)", inputs = ["events"] },
--! ]
--! chart = { kind = "bar", x = "name", value = "events" }
--! geometry = { kind = "area", layer = "district", column = "district" }
--! audiences = ["police", "partner", "public"]
--! not_available = "no event falls under this definition in the period"
--! notes = ["Rates on residents mislead in town centres and resorts."]
WITH districts AS (
  SELECT a.published_with AS district, max(b.name) AS name, max(r.residents) AS residents
  FROM area AS a
  JOIN area AS b ON b.layer = 'district' AND b.code = a.published_with
  LEFT JOIN (
    -- Where the residents of a part are not known, those of the whole are not.
    SELECT a.published_with AS code, CASE WHEN count(*) = count(p.residents) THEN sum(p.residents) END AS residents
    FROM area AS a LEFT JOIN population AS p ON p.code = a.code AND p.latest
    WHERE a.layer = 'district' GROUP BY 1
  ) AS r ON r.code = a.published_with
  WHERE a.layer = 'district'
  GROUP BY 1
),
counted AS (
  SELECT coalesce(a.published_with, 'unknown') AS place, count(*) AS events, sum(record_key(event_id)) AS events_key
  FROM serious_violence AS e
  LEFT JOIN area AS a ON a.layer = 'district' AND a.code = e.district
  GROUP BY 1
)
SELECT coalesce(d.district, c.place) AS district,
       coalesce(d.name, 'Place not known') AS name,
       d.residents AS residents,
       coalesce(c.events, 0) AS events,
       coalesce(c.events_key, 0) AS events_key
FROM districts AS d
FULL JOIN counted AS c ON c.place = d.district
WHERE EXISTS (SELECT 1 FROM serious_violence)
