-- What each source brings to the linkage: counts only.
SELECT source, count(*) AS records, count(DISTINCT person_record_id) AS persons, count(DISTINCT token_dob) AS born,
       count(DISTINCT token_postcode) AS postcodes, count(DISTINCT token_nhs) AS nhs, count(DISTINCT token_upn) AS upn
FROM person_record
GROUP BY 1
ORDER BY 1
