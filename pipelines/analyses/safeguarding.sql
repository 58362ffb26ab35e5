--! name = "safeguarding"
--! title = "What safeguarding knew before violence, and after it"
--! description = "Linked people who were under `under` at their first event: how many had a safeguarding episode that began in the `days` before it, and how many one that began in the `days` from it on; by whether they were hurt or suspected, by process, by need, by category of abuse and by factor of assessment (codes of the Department for Education). Counts of people only. Before and after are counted among those whose whole span lies in the time that the episodes of the lake cover, and in no month of the period that a source of episodes has not supplied (`people_before`, `people_after`): the others were not looked at for long enough. `only_before` and `only_after` are those among the people whose both spans are covered who have it on one side alone."
--! params = [
--!   { name = "days", about = "length of the span before and of the span after, days", default = 365 },
--!   { name = "under", about = "age below which a person counts, an edge of schemas/age_edges.csv", default = 18 },
--! ]
--! notes = ["Factors are concerns at an assessment, not proven events, and an assessment often follows because of the event.", "People are those that the linkage found: a missed link looks like somebody whom safeguarding never knew.", "Age is that of the records of events; who has none there is left out.", "A count of people below ten is a person whom somebody knows: it goes through `svp disclose` before it leaves."]
WITH parts AS (
  SELECT l.person_key, p.role, CAST(coalesce(e.occurred_from, e.recorded_at) AS DATE) AS day, p.age_band
  FROM party AS p
  JOIN serious_violence AS e ON e.event_id = p.event_id
  JOIN person_link AS l ON l.person_record_id = p.person_record_id
  WHERE coalesce(e.occurred_from, e.recorded_at) IS NOT NULL
),
people AS (
  SELECT person_key, min(day) AS day, bool_or(role IN ('victim', 'patient')) AS hurt, bool_or(role = 'suspect') AS suspect
  FROM parts GROUP BY 1 HAVING bool_or(aged_under(age_band, $under))
),
concern AS (
  SELECT DISTINCT l.person_key, e.started, c.item['kind'] AS kind, c.item['code'] AS code
  FROM (SELECT episode_id, unnest(array_concat(
                 make_array(named_struct('kind', 'any', 'code', 'any'),
                            named_struct('kind', 'process', 'code', episode_type),
                            named_struct('kind', 'need', 'code', need_code),
                            named_struct('kind', 'abuse', 'code', abuse_category)))) AS item
        FROM episode
        UNION ALL
        SELECT episode_id, named_struct('kind', 'factor', 'code', factor)
        FROM (SELECT episode_id, unnest(string_to_array(factors, ' ')) AS factor FROM episode WHERE factors IS NOT NULL)) AS c
  JOIN episode AS e ON e.episode_id = c.episode_id
  JOIN person_link AS l ON l.person_record_id = e.person_record_id
  WHERE c.item['code'] IS NOT NULL
),
span AS (SELECT min(started) AS first, max(started) AS last FROM episode),
-- A span over a month that a source of episodes has not supplied was not looked at.
gap AS (
  SELECT DISTINCT CAST(month || '-01' AS DATE) AS first, CAST(month_of_number(month_number(month) + 1) || '-01' AS DATE) AS after
  FROM coverage WHERE state = 'missing' AND source IN (SELECT source FROM episode)
),
looked_at AS (
  SELECT p.person_key, count(g.first) FILTER (WHERE g.first < p.day AND g.after > p.day - CAST($days AS INT)) AS gaps_before,
         count(g.first) FILTER (WHERE g.first < p.day + CAST($days AS INT) AND g.after > p.day) AS gaps_after
  FROM people AS p LEFT JOIN gap AS g ON TRUE
  GROUP BY 1
),
grouped AS (
  SELECT p.person_key, p.day, g.people,
         p.day - CAST($days AS INT) >= s.first AND l.gaps_before = 0 AS long_before,
         p.day + CAST($days AS INT) <= s.last AND l.gaps_after = 0 AS long_after
  FROM people AS p
  JOIN looked_at AS l ON l.person_key = p.person_key
  CROSS JOIN span AS s
  JOIN (VALUES ('hurt'), ('suspected'), ('all')) AS g(people)
    ON (g.people = 'hurt' AND p.hurt) OR (g.people = 'suspected' AND p.suspect) OR g.people = 'all'
),
size AS (
  SELECT people, count(*) AS n, count(*) FILTER (WHERE long_before) AS n_before, count(*) FILTER (WHERE long_after) AS n_after
  FROM grouped GROUP BY 1
),
known AS (
  SELECT g.people, c.kind, c.code, g.person_key, g.long_before, g.long_after,
         bool_or(c.started < g.day AND c.started >= g.day - CAST($days AS INT)) AS before,
         bool_or(c.started >= g.day AND c.started < g.day + CAST($days AS INT)) AS after
  FROM grouped AS g JOIN concern AS c ON c.person_key = g.person_key
  GROUP BY 1, 2, 3, 4, 5, 6
),
counted AS (
  SELECT people, kind, code,
         count(*) FILTER (WHERE before AND long_before) AS before, count(*) FILTER (WHERE after AND long_after) AS after,
         count(*) FILTER (WHERE before AND NOT after AND long_before AND long_after) AS only_before,
         count(*) FILTER (WHERE after AND NOT before AND long_before AND long_after) AS only_after
  FROM known GROUP BY 1, 2, 3
)
SELECT s.people, c.kind, c.code, s.n AS in_all, s.n_before AS people_before, c.before,
       round(c.before / CAST(nullif(s.n_before, 0) AS DOUBLE), 4) AS share_before, s.n_after AS people_after, c.after,
       round(c.after / CAST(nullif(s.n_after, 0) AS DOUBLE), 4) AS share_after, c.only_before, c.only_after
FROM size AS s
JOIN counted AS c ON c.people = s.people
ORDER BY s.people, CASE c.kind WHEN 'any' THEN 0 WHEN 'process' THEN 1 WHEN 'need' THEN 2 WHEN 'abuse' THEN 3 ELSE 4 END, c.code
