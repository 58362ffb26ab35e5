-- The part whose hour is known or can be spread: a window over its hours, a placeholder time or a bare date over its
-- day. A month is never turned into hours.
SELECT e.*,
       CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_start(occurred_from) ELSE occurred_from END AS t0,
       CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_end(occurred_from) ELSE occurred_to END AS t1
FROM serious_violence AS e
WHERE time_precision IN ('exact', 'window', 'placeholder', 'date') AND occurred_from IS NOT NULL
