-- Events of one definition, in the period, that do not lie outside the area. The definition's own condition is
-- applied to `defined_event`, which this reads.
SELECT *
FROM defined_event
WHERE in_area IS NOT FALSE
  AND (month IS NULL OR (month >= $from AND month <= $to))
