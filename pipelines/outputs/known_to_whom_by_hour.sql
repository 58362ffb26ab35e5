--! name = "known_to_whom_by_hour"
--! title = "Known to the police, to hospitals, to both, by hours of the day"
--! subtitle = "Violence with injury by quarter of the day and who knows of it, middle strictness, whole period"
--! description = "Quarters of the local day in which it happened, where the list knows the hour: not placeholders, dates and wide windows. A pair counts where both lists name the quarter. What knows no hour stands in no row."
--! reads = ["event", "party"]
--! per_definition = true
--! grain = [{ name = "hours", title = "Hours", limited_by = "hours" }]
--! attributes = [{ name = "chance", title = "Share by chance" }]
--! counts = [
--!   { name = "police", title = "Known to the police", measure = "known_to_police_at_hour", adds_to = "known_to_police", same_as = { measure = "events", at = { agency = "police", time_precision = ["exact", "window"] } } },
--!   { name = "health", title = "Known to hospitals", measure = "known_to_hospitals_at_hour", adds_to = "known_to_hospitals", same_as = { measure = "events", at = { agency = "health", time_precision = "exact" } } },
--!   { name = "both", title = "Matched", measure = "both_at_hour", part_of = ["police", "health"], adds_to = "both_middle" },
--! ]
--! derived = [
--!   { name = "linked", title = "Known to both", unit = "incidents, chance matches taken off", expr = "round(both * (1 - coalesce(chance, 0)), 0)", inputs = ["both"] },
--!   { name = "estimate", title = "All incidents", unit = "estimate (Chapman)", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0))), 0)", inputs = ["police", "health", "both"] },
--!   { name = "lower", title = "At least", unit = "95% interval", expr = "round(chapman_lower(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0))), 0)", inputs = ["police", "health", "both"] },
--!   { name = "upper", title = "At most", unit = "95% interval", expr = "round(chapman_upper(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0))), 0)", inputs = ["police", "health", "both"] },
--!   { name = "neither", title = "Known to neither", unit = "estimate less what is known", expr = "round(chapman(nullif(police, 0), nullif(health, 0), both * (1 - coalesce(chance, 0))) - (police + health - both * (1 - coalesce(chance, 0))), 0)", inputs = ["police", "health", "both"] },
--! ]
--! audiences = ["partner"]
--! not_available = "matching needs events of the police and of hospitals under the same definition, enough of them to learn from, and pipelines/linkage/events.toml"
--! notes = [
--!   "A match is a pair with a probability of at least 0.90 of being one incident, at most one for each crime and each attendance. Known to both = matched × (1 - share by chance). The share is measured: attendances moved by whole weeks can match by chance only; below 50 matches it is left out and nothing taken off. Pairs that know the hour on both lists are found more often than others, so nothing is added for those not found.",
--!   "The estimate assumes that nobody joins or leaves while the lists are made (a closed population), that being known to the police and coming to a hospital are independent, that all incidents are equally likely to be known, and that the links are right.",
--!   "Links that are still missing make it too high, wrong links too low. Where a hospital calls the police, or the police bring a patient (positive dependence), it is too low; where people go to a hospital because they do not go to the police, too high. The interval covers the chance of who is listed, and none of this.",
--!   "It is computed from the counts of this table, which are rounded and may be suppressed: what is not shown is not estimated from, and small rows move by their rounding. Where a list has nothing there is no estimate.",
--! ]
-- The lists by quarter of the day, and the matches whose two sides agree on it.
WITH listed AS (SELECT event_id, side, CASE WHEN hour < 6 THEN '00-05' WHEN hour < 12 THEN '06-11' WHEN hour < 18 THEN '12-17' WHEN hour < 24 THEN '18-23' END AS member FROM listed_event),
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
SELECT c.member AS hours, (SELECT max(chance) FROM match_quality WHERE level = 'middle') AS chance,
       c.police, c.health, coalesce(o.both, 0) AS both
FROM counted AS c
LEFT JOIN overlap AS o ON o.member = c.member
WHERE EXISTS (SELECT 1 FROM matched_source)
  AND EXISTS (SELECT 1 FROM listed WHERE side = 'police' AND member IS NOT NULL)
  AND EXISTS (SELECT 1 FROM listed WHERE side = 'health' AND member IS NOT NULL)
ORDER BY 1
