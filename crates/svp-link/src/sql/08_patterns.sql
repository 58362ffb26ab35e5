-- The distinct agreement patterns: all that learning needs.
SELECT agreement, count(*) AS pairs
FROM link_agreement
GROUP BY agreement
