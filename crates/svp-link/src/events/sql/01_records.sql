-- What each event in scope says: when at the earliest and the latest, when the patient arrived, where and how exactly, and who
-- was hurt, as far as it is known. Times in minutes since 1970 UTC, places in metres of the National Grid.
--
-- One row for each victim or patient. By the counting rules of the Home Office an assault is one crime for each victim, so
-- most crimes have one; an event that names nobody has one row without age and sex. `first_party` tells which row speaks for
-- the event where there are several.
WITH default_place AS (
  -- The default places of a force (headquarters, hospital, custody) say that the place is not known.
  SELECT DISTINCT e.event_id
  FROM event_scope AS e
  JOIN event_default_place AS d
    ON (e.easting - d.easting) * (e.easting - d.easting) + (e.northing - d.northing) * (e.northing - d.northing)
       <= d.radius_m * d.radius_m
),
moment AS (
  SELECT e.*,
         CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_start(occurred_from) ELSE occurred_from END AS earliest,
         CASE WHEN time_precision IN ('placeholder', 'date') THEN local_day_end(occurred_from)
              ELSE coalesce(occurred_to, occurred_from) END AS latest,
         e.easting IS NOT NULL AND e.place_precision IN ('exact', 'snapped', 'postcode') AND d.event_id IS NULL AS located
  FROM event_scope AS e
  LEFT JOIN default_place AS d ON d.event_id = e.event_id
),
person AS (
  SELECT event_id, party_id, age, age_band, CASE WHEN sex IN ('male', 'female') THEN sex END AS sex,
         row_number() OVER (PARTITION BY event_id ORDER BY party_id) AS place_in_line
  FROM party
  WHERE role IN ('victim', 'patient')
)
SELECT m.side,
       m.source,
       m.event_id,
       CAST(date_part('epoch', m.earliest) / 60 AS BIGINT) AS earliest,
       CAST(date_part('epoch', m.latest) / 60 AS BIGINT) AS latest,
       CAST(date_part('epoch', coalesce(m.recorded_at, m.earliest)) / 60 AS BIGINT) AS arrived,
       -- The hour of the day, where it is known to the hour.
       CASE WHEN date_part('epoch', m.latest) - date_part('epoch', m.earliest) <= 60 * $moment
            THEN CAST(hour_of_week(m.earliest) % 24 AS INT) END AS hour,
       CASE WHEN m.located THEN m.easting END AS easting,
       CASE WHEN m.located THEN m.northing END AS northing,
       CASE m.place_precision WHEN 'postcode' THEN CAST($postcode AS DOUBLE) WHEN 'snapped' THEN CAST($snapped AS DOUBLE) ELSE 0.0 END AS slack_m,
       CASE WHEN m.located OR m.easting IS NULL THEN m.lsoa END AS lsoa,
       m.district,
       m.location_type,
       CASE WHEN m.weapon = 'knife' OR m.injury_mechanism = 'sharp' THEN TRUE
            WHEN m.injury_mechanism IS NOT NULL OR m.weapon IS NOT NULL THEN FALSE END AS sharp,
       p.age,
       p.age_band,
       p.sex,
       p.party_id IS NULL OR p.place_in_line = 1 AS first_party
FROM moment AS m
LEFT JOIN person AS p ON p.event_id = m.event_id
