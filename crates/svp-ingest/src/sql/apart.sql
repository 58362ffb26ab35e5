-- Events of files that are new, of which a small area and a point are known: of some rows of each file, how many, and how many whose
-- point lies in another district. `event_new`: source, slot, event_id, easting, northing and district (that of the small area).
WITH looked_at AS (
  SELECT *, row_number() OVER (PARTITION BY source, slot ORDER BY event_id) AS place
  FROM event_new
)
SELECT
  source,
  slot,
  count(*) AS events,
  count(*) FILTER (WHERE area_at('district', easting, northing) <> district) AS others
FROM looked_at
WHERE place <= $most
GROUP BY source, slot
ORDER BY source, slot
