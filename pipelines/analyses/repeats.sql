--! name = "repeats"
--! title = "People who come again, and what safeguarding knew"
--! description = "Linked people behind the events: how many parts each has, in how many agencies they are known, and how many of the people under 18 have a safeguarding episode that began before, or after, their first event. Counts of people only."
--! notes = ["People are those that the linkage found: a missed link makes one person two.", "A count of people below ten is a person whom somebody knows: it goes through `svp disclose` before it leaves."]
WITH parts AS (
  SELECT l.person_key, p.role, p.source, min(coalesce(e.occurred_from, e.recorded_at)) AS first_seen, count(*) AS n, bool_or(aged_under(p.age_band, 18)) AS child
  FROM party AS p
  JOIN serious_violence AS e ON e.event_id = p.event_id
  JOIN person_link AS l ON l.person_record_id = p.person_record_id
  GROUP BY 1, 2, 3
),
people AS (
  SELECT person_key, sum(n) AS n, count(DISTINCT source) AS sources, min(first_seen) AS first_seen, bool_or(child) AS child,
         bool_or(role IN ('victim', 'patient')) AS hurt, bool_or(role = 'suspect') AS suspect
  FROM parts GROUP BY 1
),
episodes AS (
  SELECT l.person_key, min(e.started) AS first_episode
  FROM episode AS e JOIN person_link AS l ON l.person_record_id = e.person_record_id
  WHERE e.started IS NOT NULL GROUP BY 1
),
told AS (
  SELECT p.*, e.first_episode, CAST(p.first_seen AS DATE) AS seen_on FROM people AS p LEFT JOIN episodes AS e ON e.person_key = p.person_key
)
SELECT 'people' AS what, 'all' AS value, count(*) AS people FROM told
UNION ALL SELECT 'parts in events', CASE WHEN n >= 5 THEN '5 or more' ELSE CAST(n AS TEXT) END, count(*) FROM told GROUP BY 2
UNION ALL SELECT 'known to sources', CAST(sources AS TEXT), count(*) FROM told GROUP BY 2
UNION ALL SELECT 'hurt and suspected', CASE WHEN hurt AND suspect THEN 'both' WHEN hurt THEN 'hurt' WHEN suspect THEN 'suspected' ELSE 'other' END, count(*) FROM told GROUP BY 2
UNION ALL SELECT 'under 18, safeguarding', CASE WHEN first_episode IS NULL THEN 'none' WHEN first_episode <= seen_on THEN 'before' ELSE 'after' END, count(*) FROM told WHERE child GROUP BY 2
ORDER BY 1, 2
