-- The person records as they are read, once: encodings, the first 64 bits of tokens, sex as a number. `link_source`
-- is `person_record`, with NULL in columns that it has not, as a lake that an earlier version filled. In the table of these rows,
-- `link_record`, numbers in the order of the values stand for texts and encodings (`values.rs`).
SELECT arrow_cast(person_record_id, 'Utf8') AS person_record_id, arrow_cast(source, 'Utf8') AS source,
       arrow_cast(agency, 'Utf8') AS agency,
       arrow_cast(enc_forename, 'Binary') AS forename, arrow_cast(enc_surname, 'Binary') AS surname,
       arrow_cast(enc_words, 'Binary') AS words, arrow_cast(enc_birth, 'Binary') AS birth,
       arrow_cast(enc_postcode, 'Binary') AS postcode, arrow_cast(enc_birth_place, 'Binary') AS birth_place,
       arrow_cast(enc_occupation, 'Binary') AS occupation,
       token_bits(token_nhs) AS nhs, token_bits(token_upn) AS upn, token_bits(token_local) AS local,
       token_bits(key_usual_name_birth) AS key_usual_name_birth, token_bits(key_sound_birth) AS key_sound_birth,
       token_bits(key_initial_birth_postcode) AS key_initial_birth_postcode,
       token_bits(key_usual_name_sector) AS key_usual_name_sector,
       token_bits(key_surname_birth_sector) AS key_surname_birth_sector,
       CAST(CASE sex WHEN 'male' THEN 1 WHEN 'female' THEN 2 END AS BIGINT UNSIGNED) AS sex,
       CAST(CASE WHEN forename_common THEN 1 END AS BIGINT UNSIGNED) AS common,
       CAST(birth_order AS BIGINT UNSIGNED) AS birth_order
FROM link_source
