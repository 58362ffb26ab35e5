-- Pairs that could be one incident: the patient arrived between some hours before the crime's window and some hours after it
-- (found by the day, then judged by the minute), and the places, where both are points, are within reach; where one is an
-- area only, the district is the same; where one is not known, the time alone decides.
--
-- The same for attendances that are moved by whole weeks (`weeks` is not 0): the negative control. Weekday, hour, place and
-- people stay as they are, and no pair can be true.
WITH crime AS (
  SELECT r.*, unnest(range((r.earliest - $before) / 1440, (r.latest + $after) / 1440 + 1)) AS day
  FROM event_record AS r
  WHERE r.side = 'police' AND r.earliest IS NOT NULL AND r.latest - r.earliest <= $longest
),
attendance AS (
  SELECT r.*, w.weeks, w.weeks * 10080 AS moved,
         (r.arrived + w.weeks * 10080) / 1440 AS day
  FROM event_record AS r
  CROSS JOIN event_shift AS w
  WHERE r.side = 'health' AND r.arrived IS NOT NULL
)
SELECT p.source AS police_source,
       h.source AS health_source,
       h.weeks,
       p.event_id AS police_event_id,
       h.event_id AS health_event_id,
       p.latest - p.earliest + coalesce(h.latest - h.earliest, 0) AS width,
       CASE WHEN h.earliest IS NOT NULL
            THEN greatest(0, h.earliest + h.moved - p.latest, p.earliest - h.latest - h.moved) END AS gap,
       greatest(0, h.arrived + h.moved - p.latest) AS delay,
       CASE WHEN p.easting IS NOT NULL AND h.easting IS NOT NULL
            THEN greatest(0, sqrt((p.easting - h.easting) * (p.easting - h.easting) + (p.northing - h.northing) * (p.northing - h.northing))
                             - p.slack_m - h.slack_m) END AS distance,
       p.lsoa = h.lsoa AS same_lsoa,
       abs(p.age - h.age) AS years,
       p.sex = h.sex AS same_sex,
       p.location_type = h.location_type AS same_kind,
       -- A force flags knives; that there is no flag is not known to mean that there was none.
       CASE WHEN p.sharp THEN h.sharp END AS same_sharp
FROM crime AS p
JOIN attendance AS h ON h.day = p.day
WHERE h.arrived + h.moved BETWEEN p.earliest - $before AND p.latest + $after
  AND CASE WHEN p.easting IS NOT NULL AND h.easting IS NOT NULL
           THEN abs(p.easting - h.easting) <= $reach AND abs(p.northing - h.northing) <= $reach
           WHEN p.district IS NOT NULL AND h.district IS NOT NULL AND p.lsoa IS NOT NULL AND h.lsoa IS NOT NULL
           THEN p.district = h.district
           ELSE TRUE END
