-- Every event that may stand on a map, taken as one piece.
SELECT event_id AS record, 1 AS weight, 'rest' AS cell FROM mappable_violence
