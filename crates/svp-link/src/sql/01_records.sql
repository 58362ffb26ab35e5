-- The person records as they are read, once: encodings as views, the first 64 bits of tokens, sex as a number. `link_source`
-- is `person_record`, with NULL in columns that it has not, as a lake that an earlier version filled.
SELECT arrow_cast(person_record_id, 'Utf8') AS person_record_id, arrow_cast(source, 'Utf8') AS source,
       arrow_cast(agency, 'Utf8') AS agency,
       arrow_cast(enc_forename, 'BinaryView') AS forename, arrow_cast(enc_surname, 'BinaryView') AS surname,
       arrow_cast(enc_words, 'BinaryView') AS words, arrow_cast(enc_birth, 'BinaryView') AS birth,
       arrow_cast(enc_postcode, 'BinaryView') AS postcode, arrow_cast(enc_birth_place, 'BinaryView') AS birth_place,
       arrow_cast(enc_occupation, 'BinaryView') AS occupation,
       token_bits(token_nhs) AS nhs, token_bits(token_upn) AS upn, token_bits(token_local) AS local,
       token_bits(key_usual_name_birth) AS key_usual_name_birth, token_bits(key_sound_birth) AS key_sound_birth,
       token_bits(key_initial_birth_postcode) AS key_initial_birth_postcode,
       token_bits(key_usual_name_sector) AS key_usual_name_sector,
       token_bits(key_surname_birth_sector) AS key_surname_birth_sector,
       CAST(CASE sex WHEN 'male' THEN 1 WHEN 'female' THEN 2 END AS BIGINT UNSIGNED) AS sex,
       CAST(CASE WHEN forename_common THEN 1 END AS BIGINT UNSIGNED) AS common,
       CAST(birth_order AS BIGINT UNSIGNED) AS birth_order
FROM link_source
