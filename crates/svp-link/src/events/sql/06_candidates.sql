-- Pairs with the weight that was learned for their pattern, as far as the loosest level reaches; true and moved.
SELECT c.police_source, c.health_source, CAST(c.weeks AS INT) AS weeks, c.police_event_id, c.health_event_id,
       w.weight, w.probability,
       CAST(coalesce(c.gap, c.delay) AS BIGINT) AS minutes,
       CAST(coalesce(c.distance, 0) AS DOUBLE) AS distance
FROM event_comparison AS c
JOIN event_pattern AS w
  ON w.police_source = c.police_source AND w.health_source = c.health_source
 AND w.time_class = c.time_class AND w.place_class = c.place_class AND w.age_class = c.age_class
 AND w.sex_class = c.sex_class AND w.kind_class = c.kind_class AND w.sharp_class = c.sharp_class
WHERE w.probability >= $loosest
