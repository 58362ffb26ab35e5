-- Places, times and harm of what may stand on a grid, for the trial of patrols. Nothing else of an event is read.
-- Harm as in the analysis weighted_hotspots: by the offence, else by its group. A code that stands twice in an index has its greater weight.
WITH weight AS (SELECT code, max(weight) AS weight FROM harm_weight WHERE index = $index GROUP BY code)
SELECT e.easting, e.northing, e.occurred_from, e.occurred_to, e.time_precision, coalesce(c.weight, g.weight) AS harm
FROM mappable_violence AS e
LEFT JOIN weight AS c ON c.code = e.offence_code
LEFT JOIN weight AS g ON g.code = e.offence_group
ORDER BY e.occurred_from, e.easting, e.northing, e.event_id
