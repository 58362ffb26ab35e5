-- Every person who was hurt once, with the agencies that hold a record; those under 25.
WITH hurt AS (
  SELECT l.person_key, bool_or(aged_under(p.age_band, 25)) AS young
  FROM party AS p
  JOIN serious_violence AS e ON e.event_id = p.event_id
  JOIN person_link AS l ON l.person_record_id = p.person_record_id
  WHERE p.role IN ('victim', 'patient')
  GROUP BY 1
),
known AS (
  SELECT person_key, bool_or(agency = 'police') AS police, bool_or(agency = 'health') AS health, bool_or(agency = 'social_care') AS social_care
  FROM person_link
  GROUP BY 1
)
SELECT 'person ' || CAST(h.person_key AS VARCHAR) AS record, 1 AS weight,
       concat_ws(' + ', CASE WHEN k.police THEN 'police' END, CASE WHEN k.health THEN 'health' END, CASE WHEN k.social_care THEN 'social care' END) AS known_to
FROM hurt AS h
JOIN known AS k ON k.person_key = h.person_key
WHERE TRUE
  AND h.young
