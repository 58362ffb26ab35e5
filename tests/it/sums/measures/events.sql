-- Every event of the definition once, with the members that tables of events know it by.
SELECT e.event_id AS record, 1 AS weight, coalesce(a.published_with, 'unknown') AS district, e.month, e.source,
       coalesce(e.time_precision, 'none') AS time_precision, coalesce(e.location_type, 'not recorded') AS location_type
FROM serious_violence AS e
LEFT JOIN area AS a ON a.layer = 'district' AND a.code = e.district
