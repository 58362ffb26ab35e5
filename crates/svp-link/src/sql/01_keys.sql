-- One row for each match key that a person record has. A record with no key stands alone. What a row does not
-- say is taken from the other rows of the same record: one file of a return holds the date of birth, another the
-- home postcode.
WITH known AS (
  SELECT person_record_id, max(token_dob) AS dob, max(token_postcode) AS postcode,
         max(CASE WHEN sex IN ('male', 'female') THEN sex END) AS sex
  FROM person_record
  GROUP BY person_record_id
),
record AS (
  SELECT r.person_record_id, r.source, r.agency, r.token_nhs, r.token_upn, r.token_local, r.token_name_dob, r.token_names,
         coalesce(r.token_dob, k.dob) AS token_dob,
         coalesce(r.token_postcode, k.postcode) AS token_postcode,
         coalesce(CASE WHEN r.sex IN ('male', 'female') THEN r.sex END, k.sex) AS sex
  FROM person_record AS r
  JOIN known AS k ON k.person_record_id = r.person_record_id
)
SELECT person_record_id, source, agency, 'nhs' AS kind, token_nhs AS token, token_names, token_dob, token_nhs
FROM record WHERE token_nhs IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'upn', token_upn, token_names, token_dob, token_nhs
FROM record WHERE token_upn IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'local', token_local, token_names, token_dob, token_nhs
FROM record WHERE token_local IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'name_dob', token_name_dob, token_names, token_dob, token_nhs
FROM record WHERE token_name_dob IS NOT NULL
UNION ALL
SELECT person_record_id, source, agency, 'dob_sex_postcode', token_dob || '|' || sex || '|' || token_postcode, token_names, token_dob, token_nhs
FROM record WHERE token_dob IS NOT NULL AND sex IS NOT NULL AND token_postcode IS NOT NULL
