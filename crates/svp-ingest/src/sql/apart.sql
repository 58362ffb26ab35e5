-- Some events of files that are new, of which a small area and a point are known: of each file, how many, and how many whose point
-- lies in another district. `event_new`: source, slot, easting, northing and district (that of the small area).
SELECT
  source,
  slot,
  count(*) AS events,
  count(*) FILTER (WHERE area_at('district', easting, northing) <> district) AS others
FROM event_new
GROUP BY source, slot
ORDER BY source, slot
