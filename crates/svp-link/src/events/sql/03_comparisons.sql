-- Each pair as classes of agreement, which is all that the model sees of it. 9 is "one of the two does not say", a class of its
-- own. What the numbers mean: crates/svp-link/src/events/README.md.
SELECT police_source, health_source, weeks, police_event_id, health_event_id, gap, delay, distance,
       CASE WHEN gap IS NULL THEN
              -- The hospital knows the arrival only.
              CASE WHEN delay <= $delay_1 THEN 6 WHEN delay <= $delay_2 THEN 7 ELSE 8 END
            WHEN width <= $moment THEN
              CASE WHEN gap <= $gap_1 THEN 0 WHEN gap <= $gap_2 THEN 1 WHEN gap <= $gap_3 THEN 2 ELSE 3 END
            -- A window that holds the other time says less the wider it is.
            WHEN gap > 0 THEN 3
            WHEN width <= $window THEN 4
            ELSE 5 END AS time_class,
       CASE WHEN distance IS NOT NULL THEN
              CASE WHEN distance <= $distance_1 THEN 0 WHEN distance <= $distance_2 THEN 1
                   WHEN distance <= $distance_3 THEN 2 ELSE 3 END
            WHEN same_lsoa THEN 4
            WHEN NOT same_lsoa THEN 5
            ELSE 9 END AS place_class,
       CASE WHEN years <= $years_1 THEN 0 WHEN years <= $years_2 THEN 1 WHEN years IS NOT NULL THEN 2 ELSE 9 END AS age_class,
       CASE WHEN same_sex THEN 0 WHEN NOT same_sex THEN 1 ELSE 9 END AS sex_class,
       CASE WHEN same_kind THEN 0 WHEN NOT same_kind THEN 1 ELSE 9 END AS kind_class,
       CASE WHEN same_sharp THEN 0 WHEN NOT same_sharp THEN 1 ELSE 9 END AS sharp_class
FROM event_pair
