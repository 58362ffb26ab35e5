--! name = "place_time"
--! title = "Place by time: fractions of events in each cell and hour of the week"
--! description = "Every event is spread over the cells in which it may lie (a point; a disc around a postcode; an LSOA by where its people live) and over the hours in which it may have happened (aoristic, by the minute). A weight is the product of the two, so that the weights of an event sum to 1. Events of which place or hour is not known are counted in the rows `not placed`, with the hour -1 where it is not known."
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:250" },
--!   { name = "spread_m", about = "radius of the disc around a postcode's centre, metres", default = 100.0 },
--! ]
--! notes = ["The total of all rows is the number of events of the definition."]
WITH located AS (
  SELECT unnest(coalesce(
           place_weights($grid, easting, northing, place_precision, lsoa, $spread_m),
           make_array(named_struct('cell', 'not placed', 'weight', CAST(1000000 AS BIGINT))))) AS place,
         coalesce(aoristic_hours(t0, t1),
                  make_array(named_struct('hour_of_week', CAST(-1 AS INT), 'weight', CAST(1000000 AS BIGINT)))) AS hours
  FROM serious_violence
),
spread AS (SELECT place, unnest(hours) AS hour FROM located)
SELECT place['cell'] AS cell, hour['hour_of_week'] AS hour_of_week,
       sum(CAST(place['weight'] AS DOUBLE) * hour['weight']) / 1000000000000.0 AS events
FROM spread
GROUP BY 1, 2
ORDER BY 1, 2
