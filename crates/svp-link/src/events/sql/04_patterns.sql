-- How often each pattern of agreement occurs, true and moved. Learning sees these rows and nothing else.
SELECT police_source, health_source, time_class, place_class, age_class, sex_class, kind_class, sharp_class,
       sum(CASE WHEN weeks = 0 THEN 1 ELSE 0 END) AS pairs,
       sum(CASE WHEN weeks <> 0 THEN 1 ELSE 0 END) AS moved_pairs
FROM event_comparison
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
