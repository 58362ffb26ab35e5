-- Numbers that should be one person's, with how many dates of birth and surnames stand under each, where there are several of
-- both. A dummy that a department types for everybody has many.
SELECT kind, number, CAST(least(count(DISTINCT birth), count(DISTINCT surname)) AS BIGINT) AS people
FROM (
  SELECT 1 AS kind, nhs AS number, birth, surname FROM link_record WHERE nhs IS NOT NULL
  UNION ALL
  SELECT 2 AS kind, upn AS number, birth, surname FROM link_record WHERE upn IS NOT NULL
  UNION ALL
  SELECT 3 AS kind, local AS number, birth, surname FROM link_record WHERE local IS NOT NULL
) AS numbers
GROUP BY kind, number
HAVING count(*) > 2
