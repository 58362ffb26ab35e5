-- One row for each match key that a person record has. A record with no key stands alone.
SELECT person_record_id, source, agency, 'nhs' AS kind, token_nhs AS token, token_names, token_dob, token_nhs
FROM person_record WHERE token_nhs IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'upn', token_upn, token_names, token_dob, token_nhs
FROM person_record WHERE token_upn IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'local', token_local, token_names, token_dob, token_nhs
FROM person_record WHERE token_local IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'name_dob', token_name_dob, token_names, token_dob, token_nhs
FROM person_record WHERE token_name_dob IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'dob_sex_postcode', token_dob_sex_postcode, token_names, token_dob, token_nhs
FROM person_record WHERE token_dob_sex_postcode IS NOT NULL
