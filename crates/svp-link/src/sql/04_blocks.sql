-- Blocks of more than one row, and their size.
SELECT rule, key, count(*) AS rows
FROM link_key
GROUP BY rule, key
HAVING count(*) > 1
