-- The part of every person in every event; the record is the event, so that people and events can be held beside one another.
SELECT p.event_id AS record, 1 AS weight, p.role, coalesce(age_group(p.age_band), 'not known') AS age_band, coalesce(p.sex, 'unknown') AS sex
FROM party AS p
JOIN serious_violence AS e ON e.event_id = p.event_id
WHERE p.role IN ('victim', 'patient', 'suspect')
