-- Every match, with what its two sides agree on.
SELECT 'match ' || m.police_event_id || ' ' || m.health_event_id AS record, 1 AS weight, m.level AS side,
       CASE WHEN p.district = h.district THEN p.district END AS district,
       CASE WHEN p.month = h.month THEN p.month END AS month,
       CASE WHEN p.sex = h.sex AND age_group(p.age_band) = age_group(h.age_band) THEN p.sex END AS sex,
       CASE WHEN p.sex = h.sex AND age_group(p.age_band) = age_group(h.age_band) THEN age_group(p.age_band) END AS age_band,
       CASE WHEN p.quarter = h.quarter THEN p.quarter END AS hours
FROM event_match AS m
JOIN (SELECT *, CASE WHEN hour < 6 THEN '00-05' WHEN hour < 12 THEN '06-11' WHEN hour < 18 THEN '12-17' WHEN hour < 24 THEN '18-23' END AS quarter FROM listed_event) AS p ON p.event_id = m.police_event_id
JOIN (SELECT *, CASE WHEN hour < 6 THEN '00-05' WHEN hour < 12 THEN '06-11' WHEN hour < 18 THEN '12-17' WHEN hour < 24 THEN '18-23' END AS quarter FROM listed_event) AS h ON h.event_id = m.health_event_id
