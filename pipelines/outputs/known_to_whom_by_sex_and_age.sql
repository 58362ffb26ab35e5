--! name = "known_to_whom_by_sex_and_age"
--! title = "Known to the police, to hospitals, to both, by sex and age"
--! subtitle = "Violence with injury by sex and age band of the injured and who knows of it, middle strictness, whole period"
--! description = "Sex and age band of the victim or patient, where the list knows both. A pair counts where both lists name the same sex and band. Data without people (ISTV) stands in no row."
--! reads = ["event", "party"]
--! per_definition = true
--! grain = [{ name = "sex", title = "Sex", limited_by = "codes" }, { name = "age_band", title = "Age", limited_by = "age" }]
--! attributes = [{ name = "chance", title = "Share by chance" }, { name = "found", title = "Share found" }]
--! counts = [
--!   { name = "police", title = "Known to the police", measure = "known_to_police", adds_to = "events", same_as = [{ measure = "events", at = { agency = "police" } }, { measure = "parties", at = { role = "victim" } }] },
--!   { name = "health", title = "Known to hospitals", measure = "known_to_hospitals", adds_to = "events", same_as = [{ measure = "events", at = { agency = "health" } }, { measure = "parties", at = { role = "patient" } }] },
--!   { name = "both", title = "Matched", measure = "both_middle", part_of = ["police", "health"] },
--! ]
--! derived = [
--!   { name = "linked", title = "Known to both", unit = "incidents, corrected for chance and for what is not found", expr = "round(both * (1 - coalesce(chance, 0)) / coalesce(found, 1), 0)", inputs = ["both"] },
--!   { name = "estimate", title = "All incidents", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0)) / coalesce(found, 1)), 0)", inputs = ["police", "health", "both"] },
--!   { name = "lower", title = "At least", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0)) / coalesce(found, 1)), 0)", inputs = ["police", "health", "both"] },
--!   { name = "upper", title = "At most", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0)) / coalesce(found, 1)), 0)", inputs = ["police", "health", "both"] },
--!   { name = "neither", title = "Known to neither", unit = "estimate less what is known", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0)) / coalesce(found, 1)) - (police + health - both * (1 - coalesce(chance, 0)) / coalesce(found, 1)), 0)", inputs = ["police", "health", "both"] },
--! ]
--! audiences = ["partner"]
--! not_available = "matching needs events of the police and of hospitals under the same definition, enough of them to learn from, and pipelines/linkage/events.toml"
--! notes = [
--!   "A match is a pair with a probability of at least 0.90 of being one incident, at most one for each crime and each attendance. Some matches are chance, and some incidents that both know are not found. Known to both = matched × (1 - share by chance) / share found. The share by chance is measured: attendances moved by whole weeks can match by chance only. The share found is measured against the same: all pairs that are not unlikely, less those that chance gives. It is the weaker of the two. Both are left out, and nothing is corrected, below 50 matches.",
--!   "The estimate assumes that nobody joins or leaves while the lists are made (a closed population), that being known to the police and coming to a hospital are independent, that all incidents are equally likely to be known, and that the links are right.",
--!   "Links that are still missing make it too high, wrong links too low. Where a hospital calls the police, or the police bring a patient (positive dependence), it is too low; where people go to a hospital because they do not go to the police, too high. The interval covers the chance of who is listed, and none of this.",
--!   "It is computed from the counts of this table, which are rounded and may be suppressed: what is not shown is not estimated from, and small rows move by their rounding. Where a list has nothing there is no estimate.",
--!   "An age that one list has wrong by a year can put a pair across two bands: it then counts in none, and the estimate of both rises.",
--! ]
-- The lists by sex and age, and the matches whose two sides agree on it.
WITH listed AS (SELECT event_id, side, sex || ' ' || age_group(age_band) AS member FROM listed_event),
matched AS (
  SELECT p.member
  FROM event_match AS m
  JOIN listed AS p ON p.event_id = m.police_event_id
  JOIN listed AS h ON h.event_id = m.health_event_id
  WHERE m.level IN ('strict', 'middle') AND p.member = h.member
),
counted AS (
  SELECT member, count(*) FILTER (WHERE side = 'police') AS police, count(*) FILTER (WHERE side = 'health') AS health
  FROM listed
  WHERE member IS NOT NULL
  GROUP BY 1
),
overlap AS (SELECT member, count(*) AS both FROM matched GROUP BY 1)
SELECT split_part(c.member, ' ', 1) AS sex, split_part(c.member, ' ', 2) AS age_band,
       (SELECT max(chance) FROM match_quality WHERE level = 'middle') AS chance,
       (SELECT max(found) FROM match_quality WHERE level = 'middle') AS found,
       c.police, c.health, coalesce(o.both, 0) AS both
FROM counted AS c
LEFT JOIN overlap AS o ON o.member = c.member
WHERE EXISTS (SELECT 1 FROM matched_source)
  AND EXISTS (SELECT 1 FROM listed WHERE side = 'police' AND member IS NOT NULL)
  AND EXISTS (SELECT 1 FROM listed WHERE side = 'health' AND member IS NOT NULL)
ORDER BY 1, 2
