--! name = "place_time"
--! title = "Place by time: fractions of events in each cell and hour of the week"
--! description = "Every event is spread over the cells in which it may lie (a point; a disc around a postcode; an LSOA by where its people live) and over the hours in which it may have happened (aoristic, by the minute). A weight is the product of the two, so that the weights of an event sum to 1. Events of which place or hour is not known are counted in the rows `not placed`, with the hour -1 where it is not known."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:250" },
--!   { name = "spread_m", about = "radius of the disc around a postcode's centre, metres", default = 100.0 },
--! ]
--! notes = ["The total of all rows is the number of events of the definition."]
WITH located AS (
  SELECT s.event_id, unnest(coalesce(
           place_weights($grid, s.easting, s.northing, s.place_precision, s.lsoa, $spread_m),
           make_array(named_struct('cell', 'not placed', 'weight', CAST(1000000 AS BIGINT))))) AS place
  FROM serious_violence AS s
),
timed AS (SELECT event_id, unnest(aoristic_hours(t0, t1)) AS part FROM timed_violence)
SELECT l.place['cell'] AS cell, coalesce(t.part['hour_of_week'], -1) AS hour_of_week,
       sum(CAST(l.place['weight'] AS DOUBLE) * coalesce(t.part['weight'], 1000000)) / 1000000000000.0 AS events
FROM located AS l
LEFT JOIN timed AS t ON t.event_id = l.event_id
GROUP BY 1, 2
ORDER BY 1, 2
