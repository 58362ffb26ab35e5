-- The records without the numbers that are nobody's (`link_shared`).
SELECT r.person_record_id, r.source, r.agency, r.forename, r.surname, r.words, r.birth, r.postcode, r.birth_place, r.occupation,
       CASE WHEN n.number IS NULL THEN r.nhs END AS nhs, CASE WHEN u.number IS NULL THEN r.upn END AS upn,
       CASE WHEN l.number IS NULL THEN r.local END AS local,
       r.key_usual_name_birth, r.key_sound_birth, r.key_initial_birth_postcode, r.key_usual_name_sector,
       r.key_surname_birth_sector, r.sex, r.common, r.birth_order
FROM link_record AS r
LEFT JOIN link_shared AS n ON n.kind = 1 AND n.number = r.nhs
LEFT JOIN link_shared AS u ON u.kind = 2 AND u.number = r.upn
LEFT JOIN link_shared AS l ON l.kind = 3 AND l.number = r.local
