-- One row for each different description of a record. What one row of a record does not say is taken from the others:
-- one file of a return holds the date of birth, another the home postcode. Of two values the greater is taken; numbers
-- of values follow their order.
WITH known AS (
  SELECT r.person_record_id,
         max(r.forename) AS forename, max(r.surname) AS surname, max(r.words) AS words, max(r.birth) AS birth,
         max(r.postcode) AS postcode, max(r.birth_place) AS birth_place, max(r.occupation) AS occupation,
         max(r.nhs) AS nhs, max(r.upn) AS upn, max(r.local) AS local, min(r.sex) AS sex,
         max(r.birth_order) AS birth_order
  FROM link_record AS r
  JOIN link_several AS s ON s.person_record_id = r.person_record_id
  GROUP BY r.person_record_id
),
described AS (
  SELECT r.person_record_id, r.source, r.agency, r.forename, r.surname, r.words, r.birth, r.postcode, r.birth_place,
         r.occupation, r.nhs, r.upn, r.local, r.key_usual_name_birth, r.key_sound_birth, r.key_initial_birth_postcode,
         r.key_usual_name_sector, r.key_surname_birth_sector, r.sex, r.common, r.birth_order
  FROM link_record AS r
  LEFT ANTI JOIN link_several AS s ON s.person_record_id = r.person_record_id
  UNION ALL
  SELECT DISTINCT r.person_record_id, r.source, r.agency,
         coalesce(r.forename, k.forename) AS forename, coalesce(r.surname, k.surname) AS surname,
         coalesce(r.words, k.words) AS words, coalesce(r.birth, k.birth) AS birth,
         coalesce(r.postcode, k.postcode) AS postcode, coalesce(r.birth_place, k.birth_place) AS birth_place,
         coalesce(r.occupation, k.occupation) AS occupation,
         coalesce(r.nhs, k.nhs) AS nhs, coalesce(r.upn, k.upn) AS upn, coalesce(r.local, k.local) AS local,
         r.key_usual_name_birth, r.key_sound_birth, r.key_initial_birth_postcode, r.key_usual_name_sector,
         r.key_surname_birth_sector, coalesce(r.sex, k.sex) AS sex,
         r.common, coalesce(r.birth_order, k.birth_order) AS birth_order
  FROM link_record AS r
  JOIN known AS k ON k.person_record_id = r.person_record_id
),
marked AS (
  SELECT *, content_digest(forename, surname, words, birth, postcode, birth_place, occupation, nhs, upn, local,
                     key_usual_name_birth, key_sound_birth, key_initial_birth_postcode, key_usual_name_sector,
                     key_surname_birth_sector) AS content_digest
  FROM described
)
SELECT CAST(row_number() OVER (ORDER BY person_record_id, content_digest, sex) - 1 AS INT UNSIGNED) AS row, *
FROM marked
ORDER BY row
