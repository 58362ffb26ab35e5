-- Places and times of what may stand on a grid, for the trial of patrols. Nothing else of an event is read.
SELECT easting, northing, occurred_from, occurred_to, time_precision
FROM mappable_violence
ORDER BY occurred_from, easting, northing, event_id
