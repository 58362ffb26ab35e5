-- One row for each different description of a record. What one row of a record does not say is taken from the others:
-- one file of a return holds the date of birth, another the home postcode.
WITH known AS (
  SELECT person_record_id,
         max(token_nhs) AS nhs, max(token_upn) AS upn, max(token_local) AS local,
         max(enc_forename) AS forename, max(enc_surname) AS surname, max(enc_words) AS words, max(enc_birth) AS birth,
         max(enc_postcode) AS postcode, max(enc_birth_place) AS birth_place, max(enc_occupation) AS occupation,
         max(CASE WHEN sex IN ('male', 'female') THEN sex END) AS sex
  FROM person_record
  GROUP BY person_record_id
),
described AS (
  SELECT DISTINCT r.person_record_id, r.source, r.agency,
         coalesce(r.enc_forename, k.forename) AS forename,
         coalesce(r.enc_surname, k.surname) AS surname,
         coalesce(r.enc_words, k.words) AS words,
         coalesce(r.enc_birth, k.birth) AS birth,
         coalesce(r.enc_postcode, k.postcode) AS postcode,
         coalesce(r.enc_birth_place, k.birth_place) AS birth_place,
         coalesce(r.enc_occupation, k.occupation) AS occupation,
         coalesce(r.token_nhs, k.nhs) AS nhs,
         coalesce(r.token_upn, k.upn) AS upn,
         coalesce(r.token_local, k.local) AS local,
         coalesce(CASE WHEN r.sex IN ('male', 'female') THEN r.sex END, k.sex) AS sex,
         r.key_usual_name_birth, r.key_sound_birth, r.key_initial_birth_postcode, r.key_usual_name_sector,
         r.key_surname_birth_sector
  FROM person_record AS r
  JOIN known AS k ON k.person_record_id = r.person_record_id
),
ready AS (
  SELECT person_record_id, source, agency,
         arrow_cast(forename, 'BinaryView') AS forename, arrow_cast(surname, 'BinaryView') AS surname,
         arrow_cast(words, 'BinaryView') AS words, arrow_cast(birth, 'BinaryView') AS birth,
         arrow_cast(postcode, 'BinaryView') AS postcode, arrow_cast(birth_place, 'BinaryView') AS birth_place,
         arrow_cast(occupation, 'BinaryView') AS occupation,
         token_bits(nhs) AS nhs, token_bits(upn) AS upn, token_bits(local) AS local,
         token_bits(key_usual_name_birth) AS key_1, token_bits(key_sound_birth) AS key_2,
         token_bits(key_initial_birth_postcode) AS key_3, token_bits(key_usual_name_sector) AS key_4,
         token_bits(key_surname_birth_sector) AS key_5,
         CAST(CASE sex WHEN 'male' THEN 1 WHEN 'female' THEN 2 END AS BIGINT UNSIGNED) AS sex
  FROM described
),
marked AS (
  SELECT *, row_mark(forename, surname, words, birth, postcode, birth_place, occupation, nhs, upn, local, key_1, key_2,
                     key_3, key_4, key_5) AS mark
  FROM ready
)
SELECT CAST(row_number() OVER (ORDER BY person_record_id, mark, sex) - 1 AS INT UNSIGNED) AS row, *
FROM marked
ORDER BY row
