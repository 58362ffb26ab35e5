-- Every person record once, with who holds it.
SELECT person_record_id, min(source) AS source, min(agency) AS agency
FROM person_record
GROUP BY person_record_id
ORDER BY person_record_id
