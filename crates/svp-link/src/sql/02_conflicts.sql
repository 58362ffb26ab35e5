-- Keys that would join different people, and are not used:
--   a national number under which both names and dates of birth differ (reused or mistyped);
--   names and date of birth under which two NHS numbers are known (namesakes);
--   date of birth, sex and postcode under which different names or NHS numbers are known (twins).
SELECT kind, token
FROM match_key
GROUP BY kind, token
HAVING CASE kind
  WHEN 'nhs' THEN count(DISTINCT token_names) > 1 AND count(DISTINCT token_dob) > 1
  WHEN 'upn' THEN count(DISTINCT token_dob) > 1
  WHEN 'local' THEN count(DISTINCT token_dob) > 1
  WHEN 'name_dob' THEN count(DISTINCT token_nhs) > 1
  ELSE count(DISTINCT token_names) > 1 OR count(DISTINCT token_nhs) > 1
END
