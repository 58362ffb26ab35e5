--! name = "near_repeat"
--! title = "Near repeats: are events that are near in space also near in time?"
--! description = "Knox's test with permutations of the days, bands of distance and time as the Near Repeat Calculator has them. A ratio of 1.4 with a small p: forty in a hundred more pairs so near in both than chance would give. Events at a known point whose day is known."
--! params = [
--!   { name = "band_m", about = "width of a band of distance, metres", default = 200.0 },
--!   { name = "bands_m", about = "number of bands of distance", default = 5 },
--!   { name = "band_days", about = "width of a band of time, days", default = 7.0 },
--!   { name = "bands_days", about = "number of bands of time", default = 4 },
--!   { name = "permutations", about = "how often days are dealt out anew", default = 999 },
--!   { name = "seed", about = "the same seed gives the same figures", default = 1 },
--! ]
--! notes = ["Points that were snapped to one place (open police data) are pairs at the same place: the first row of each band of time says nothing of repeats at an address.", "Months that nobody has supplied leave out pairs, and the permutations leave out the same: days are dealt out among those of the events.", "Days of open data are not known, only months: it has no near repeats to show."]
WITH event AS (
  SELECT m.event_id, m.easting, m.northing, floor(date_part('epoch', m.occurred_from) / 86400.0) AS day
  FROM mappable_violence AS m
  WHERE m.time_precision IN ('exact', 'window', 'placeholder', 'date') AND m.occurred_from IS NOT NULL
),
bands AS (
  SELECT (SELECT array_agg(i * $band_m ORDER BY i) FROM (SELECT unnest(range(0, CAST($bands_m AS BIGINT) + 1)) AS i)) AS metres,
         (SELECT array_agg(i * $band_days ORDER BY i) FROM (SELECT unnest(range(0, CAST($bands_days AS BIGINT) + 1)) AS i)) AS days
),
found AS (
  SELECT unnest(knox(array_agg(e.easting ORDER BY e.event_id), array_agg(e.northing ORDER BY e.event_id),
                     array_agg(e.day ORDER BY e.event_id), max(b.metres), max(b.days), $permutations, $seed)) AS k
  FROM event AS e
  CROSS JOIN bands AS b
)
SELECT k['from_m'] AS from_m, k['to_m'] AS to_m, k['from_days'] AS from_days, k['to_days'] AS to_days,
       CAST(k['observed'] AS BIGINT) AS observed, round(k['expected'], 2) AS expected, round(k['ratio'], 3) AS ratio, k['p'] AS p
FROM found
