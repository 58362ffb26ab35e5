-- Every event whose hour is known or can be spread, in millionths, over its hours.
SELECT event_id AS record, part['weight'] AS weight, CAST(part['hour_of_week'] AS VARCHAR) AS hour_of_week
FROM (SELECT event_id, unnest(aoristic_hours(t0, t1)) AS part FROM timed_violence)
