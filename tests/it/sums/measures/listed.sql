-- Every event of the two lists of a capture and recapture.
SELECT event_id AS record, 1 AS weight, side, district, month, sex, age_group(age_band) AS age_band,
       CASE WHEN hour < 6 THEN '00-05' WHEN hour < 12 THEN '06-11' WHEN hour < 18 THEN '12-17' WHEN hour < 24 THEN '18-23' END AS hours
FROM listed_event
