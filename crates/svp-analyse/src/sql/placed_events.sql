-- Places, times and harm of what may stand on a grid, for the trial of patrols. Nothing else of an event is read.
-- Harm as in the analysis cell_counts: by the offence, else by its group.
SELECT e.easting, e.northing, e.occurred_from, e.occurred_to, e.time_precision, coalesce(c.weight, g.weight) AS harm
FROM mappable_violence AS e
LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
ORDER BY e.occurred_from, e.easting, e.northing, e.event_id
