-- Events of one definition, in the period, that do not lie outside the area. The definition's own condition is
-- applied to `defined_event`, which this reads.
-- t0 and t1 bound the time where its hour is known or can be spread: a window over its hours, a placeholder time or a bare date
-- over its day. A month is never turned into hours.
SELECT *,
       CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_start(occurred_from)
            WHEN time_precision IN ('exact', 'window') THEN occurred_from END AS t0,
       CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_end(occurred_from)
            WHEN time_precision IN ('exact', 'window') THEN occurred_to END AS t1
FROM defined_event
WHERE in_area IS NOT FALSE
  AND (month IS NULL OR (month >= $from AND month <= $to))
