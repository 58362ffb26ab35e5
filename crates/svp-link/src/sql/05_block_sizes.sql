-- How many blocks of each size a rule has: what the rule costs, and where its cap is set.
SELECT rule, rows, count(*) AS blocks
FROM link_block
GROUP BY rule, rows
ORDER BY rule, rows
