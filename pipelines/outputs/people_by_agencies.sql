--! name = "people_by_agencies"
--! title = "People hurt, by the agencies that know them"
--! subtitle = "Victims and patients of these events, as linked people, by the agencies that hold any record of them"
--! description = "Each person once. The agencies are those that hold any record of the person, of whatever kind. People are linked by exact keyed tokens only (national identifiers; names and date of birth; date of birth, sex and postcode), which misses records with errors: the overlap is a lower bound."
--! reads = ["event", "party", "person_record", "episode"]
--! per_definition = true
--! grain = [{ name = "known_to", title = "Known to" }]
--! counts = [{ name = "people", title = "People" }, { name = "under_25", title = "of them under 25", part_of = "people" }]
--! chart = { kind = "bar", x = "known_to", value = "people" }
--! audiences = ["partner"]
--! not_available = "no source of this definition identifies people"
WITH hurt AS (
  SELECT l.person_key, max(CASE WHEN aged_under(p.age_band, 25) THEN 1 ELSE 0 END) AS young
  FROM party AS p
  JOIN serious_violence AS e ON e.event_id = p.event_id
  JOIN person_link AS l ON l.person_record_id = p.person_record_id
  WHERE p.role IN ('victim', 'patient')
  GROUP BY 1
),
agencies AS (
  SELECT person_key,
         max(CASE WHEN agency = 'police' THEN 1 ELSE 0 END) AS police,
         max(CASE WHEN agency = 'health' THEN 1 ELSE 0 END) AS health,
         max(CASE WHEN agency = 'social_care' THEN 1 ELSE 0 END) AS social_care
  FROM person_link
  GROUP BY 1
)
SELECT concat_ws(' + ',
         CASE WHEN a.police = 1 THEN 'police' END,
         CASE WHEN a.health = 1 THEN 'health' END,
         CASE WHEN a.social_care = 1 THEN 'social care' END) AS known_to,
       count(*) AS people,
       sum(h.young) AS under_25
FROM hurt AS h
JOIN agencies AS a ON a.person_key = h.person_key
GROUP BY 1
ORDER BY 1
