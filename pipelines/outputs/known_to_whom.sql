--! name = "known_to_whom"
--! title = "Known to the police, to hospitals, to both"
--! subtitle = "Violence with injury by who knows of it, and the estimate of all of it, at three levels of strictness, whole period"
--! description = "Crimes and attendances without a key of a person, matched in time, place, age and sex. Under each level: how many are matched, how many of these are no chance, and how many incidents there are in all, known to anybody or not (Chapman); last the same, corrected for what is not found. The row `all` is the whole area. A district counts events whose place is known to lie in it, on either list: most attendances say no place, so the districts do not add up to the area, and estimates of districts rest on those that do."
--! reads = ["event", "party"]
--! per_definition = true
--! grain = [{ name = "district", title = "District", total = "all" }]
--! attributes = [{ name = "name", title = "Name" }, { name = "chance_strict", title = "Share by chance, strict" }, { name = "chance_middle", title = "Share by chance, middle" }, { name = "found_middle", title = "Share found, middle" }, { name = "chance_loose", title = "Share by chance, loose" }]
--! counts = [
--!   { name = "police", title = "Known to the police", measure = "known_to_police", adds_to = "events", same_as = [{ measure = "events", at = { agency = "police" } }, { measure = "parties", at = { role = "victim" } }] },
--!   { name = "health", title = "Known to hospitals", measure = "known_to_hospitals", adds_to = "events", same_as = [{ measure = "events", at = { agency = "health" } }, { measure = "parties", at = { role = "patient" } }] },
--!   { name = "both_strict", title = "Matched, strict", part_of = "both_middle" },
--!   { name = "both_middle", title = "Matched, middle", part_of = "both_loose" },
--!   { name = "both_loose", title = "Matched, loose", part_of = ["police", "health"] },
--! ]
--! derived = [
--!   { name = "linked_strict", title = "Known to both, strict", unit = "incidents, chance matches taken off", expr = "round(both_strict * (1 - coalesce(chance_strict, 0)), 0)", inputs = ["both_strict"] },
--!   { name = "estimate_strict", title = "All incidents, strict", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both_strict * (1 - coalesce(chance_strict, 0))), 0)", inputs = ["police", "health", "both_strict"] },
--!   { name = "lower_strict", title = "At least, strict", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both_strict * (1 - coalesce(chance_strict, 0))), 0)", inputs = ["police", "health", "both_strict"] },
--!   { name = "upper_strict", title = "At most, strict", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both_strict * (1 - coalesce(chance_strict, 0))), 0)", inputs = ["police", "health", "both_strict"] },
--!   { name = "linked_middle", title = "Known to both, middle", unit = "incidents, chance matches taken off", expr = "round(both_middle * (1 - coalesce(chance_middle, 0)), 0)", inputs = ["both_middle"] },
--!   { name = "estimate_middle", title = "All incidents, middle", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both_middle * (1 - coalesce(chance_middle, 0))), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "lower_middle", title = "At least, middle", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both_middle * (1 - coalesce(chance_middle, 0))), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "upper_middle", title = "At most, middle", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both_middle * (1 - coalesce(chance_middle, 0))), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "linked_loose", title = "Known to both, loose", unit = "incidents, chance matches taken off", expr = "round(both_loose * (1 - coalesce(chance_loose, 0)), 0)", inputs = ["both_loose"] },
--!   { name = "estimate_loose", title = "All incidents, loose", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both_loose * (1 - coalesce(chance_loose, 0))), 0)", inputs = ["police", "health", "both_loose"] },
--!   { name = "lower_loose", title = "At least, loose", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both_loose * (1 - coalesce(chance_loose, 0))), 0)", inputs = ["police", "health", "both_loose"] },
--!   { name = "upper_loose", title = "At most, loose", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both_loose * (1 - coalesce(chance_loose, 0))), 0)", inputs = ["police", "health", "both_loose"] },
--!   { name = "linked", title = "Known to both, corrected", unit = "incidents, corrected for chance and for what is not found", expr = "round(both_middle * (1 - chance_middle) / found_middle, 0)", inputs = ["both_middle"] },
--!   { name = "estimate", title = "All incidents, corrected", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both_middle * (1 - chance_middle) / found_middle), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "lower", title = "At least, corrected", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both_middle * (1 - chance_middle) / found_middle), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "upper", title = "At most, corrected", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both_middle * (1 - chance_middle) / found_middle), 0)", inputs = ["police", "health", "both_middle"] },
--!   { name = "neither", title = "Known to neither, corrected", unit = "estimate less what is known", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both_middle * (1 - chance_middle) / found_middle) - (police + health - both_middle * (1 - chance_middle) / found_middle), 0)", inputs = ["police", "health", "both_middle"] },
--! ]
--! audiences = ["partner"]
--! not_available = "matching needs events of the police and of hospitals under the same definition, enough of them to learn from, and pipelines/linkage/events.toml"
--! notes = [
--!   "A match is a pair with at least the stated probability of being one incident (strict 0.99, middle 0.90, loose 0.50), at most one for each crime and each attendance. Some matches are chance: attendances moved by whole weeks can match by chance only, and tell how many. The estimates by level are made without them. Some incidents that both know are not matched: the stricter the level the more, and the higher its estimate.","The corrected figures mend that too: known to both = matched, middle × (1 - share by chance) / share found. The share found is measured against all pairs that are not unlikely, less those that chance gives. It is known for the whole area only, and is the weaker of the two corrections. Below 50 matches there is neither share and nothing is corrected.",
--!   "The estimate assumes that nobody joins or leaves while the lists are made (a closed population), that being known to the police and coming to a hospital are independent, that all incidents are equally likely to be known, and that the links are right.",
--!   "Links that are still missing make it too high, wrong links too low. Where a hospital calls the police, or the police bring a patient (positive dependence), it is too low; where people go to a hospital because they do not go to the police, too high. The interval covers the chance of who is listed, and none of this.",
--!   "It is computed from the counts of this table, which are rounded and may be suppressed: what is not shown is not estimated from, and small rows move by their rounding. Where a list has nothing there is no estimate.",
--!   "The second victim of one crime counts with hospitals only: a crime is matched once.",
--! ]
-- The lists by district; a match that lies in two districts counts for the whole area alone.
WITH listed AS (SELECT event_id, side, district AS member FROM listed_event),
matched AS (
  SELECT m.level, CASE WHEN p.member = h.member THEN p.member END AS member
  FROM event_match AS m
  JOIN listed AS p ON p.event_id = m.police_event_id
  JOIN listed AS h ON h.event_id = m.health_event_id
),
place AS (
  SELECT 'all' AS member, 'Whole area' AS name
  UNION ALL
  SELECT code, name FROM area WHERE layer = 'district' AND code = published_with
),
list AS (
  SELECT member, count(*) FILTER (WHERE side = 'police') AS police, count(*) FILTER (WHERE side = 'health') AS health
  FROM (SELECT member, side FROM listed UNION ALL SELECT 'all', side FROM listed)
  GROUP BY 1
),
overlap AS (
  SELECT member, count(*) FILTER (WHERE level = 'strict') AS both_strict,
         count(*) FILTER (WHERE level IN ('strict', 'middle')) AS both_middle, count(*) AS both_loose
  FROM (SELECT member, level FROM matched UNION ALL SELECT 'all', level FROM matched)
  GROUP BY 1
)
SELECT place.member AS district, place.name,
       (SELECT max(chance) FROM match_quality WHERE level = 'strict') AS chance_strict,
       (SELECT max(chance) FROM match_quality WHERE level = 'middle') AS chance_middle,
       CASE WHEN place.member = 'all' THEN (SELECT max(found) FROM match_quality WHERE level = 'middle') END AS found_middle,
       (SELECT max(chance) FROM match_quality WHERE level = 'loose') AS chance_loose,
       coalesce(list.police, 0) AS police, coalesce(list.health, 0) AS health,
       coalesce(overlap.both_strict, 0) AS both_strict, coalesce(overlap.both_middle, 0) AS both_middle,
       coalesce(overlap.both_loose, 0) AS both_loose
FROM place
LEFT JOIN list ON list.member = place.member
LEFT JOIN overlap ON overlap.member = place.member
WHERE EXISTS (SELECT 1 FROM matched_source)
ORDER BY 1
