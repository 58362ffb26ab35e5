--! name = "threat_matrix"
--! title = "Threat matrix: what was measured, and apart from it what a workshop judged"
--! description = "In the manner of MoRiLE, for each theme (offence group of recorded crimes; mechanism of assaults that came to a hospital): volume (events a year), trend (the last twelve months over the twelve before, interval of 95 %), harm (mean weight of an event by pipelines/reference/harm_weight.csv), vulnerability (share of victims and patients under 18; share of those linked people who come again more than a day later). Each value has the score of pipelines/reference/threat_score.csv. The row `measured total` is the sum of the scores. `known` is the share of the theme's events of which the measure is known, in the total that of the measure of which least is known; `years` is how long the measure was looked at. What a workshop judged (pipelines/reference/threat_judgement.csv) stands in its own columns, also for measures that no data measure, and is in no measured total."
--! params = [
--!   { name = "index", about = "index in harm_weight.csv", default = "cchi_anchors" },
--!   { name = "without", about = "kind of break whose months are left out beside those of recording; none if empty", default = "" },
--! ]
--! notes = ["The scale that ships is an example: MoRiLE's own values are not published. Replace threat_score.csv by what the partnership agrees on.", "A total of themes with different `scored` is not comparable: a measure that is not known adds nothing.", "Of several judgements of one theme and measure the latest counts.", "A crime and an attendance of one incident count in both themes.", "Trend needs 24 months: none of them broken, all of them supplied.", "Volume is for the months that were observed, also those without an event; months that were not supplied or not by all are in neither the events nor the years."]
WITH months AS (
  SELECT month, number AS i FROM comparable_month
  WHERE month NOT IN (SELECT month FROM broken_month WHERE kind = $without)
),
event AS (
  SELECT e.event_id, e.offence_code, e.offence_group, CAST(coalesce(e.occurred_from, e.recorded_at) AS DATE) AS day,
         CASE WHEN e.event_type = 'crime' THEN coalesce(e.offence_group, 'offence not known')
              ELSE 'hospital: ' || coalesce(e.injury_mechanism, 'mechanism not known') END AS theme,
         m.i
  FROM comparable_violence AS e LEFT JOIN months AS m ON m.month = e.month
  WHERE (e.event_type = 'crime' OR e.agency = 'health') AND (e.month IS NULL OR m.i IS NOT NULL)
),
span AS (SELECT min(i) AS first, max(i) AS last FROM months),
looked AS (
  SELECT count(*) AS months,
         count(*) FILTER (WHERE m.i > s.last - 12) AS late,
         count(*) FILTER (WHERE m.i <= s.last - 12 AND m.i > s.last - 24) AS early
  FROM months AS m CROSS JOIN span AS s
),
themes AS (SELECT theme, count(*) AS n, count(i) AS dated FROM event GROUP BY 1),
-- Volume and trend: of events whose month is known.
counted AS (
  SELECT e.theme, count(*) FILTER (WHERE e.i > s.last - 12) AS late, count(*) FILTER (WHERE e.i <= s.last - 12 AND e.i > s.last - 24) AS early
  FROM event AS e CROSS JOIN span AS s WHERE e.i IS NOT NULL GROUP BY 1
),
trended AS (
  SELECT c.theme, CASE WHEN l.late = 12 AND l.early = 12 THEN rate_ratio(c.late, 12, c.early, 12) END AS r
  FROM counted AS c CROSS JOIN looked AS l
),
-- Harm: a weight of the offence code before one of its group.
weighed AS (
  SELECT e.theme, avg(coalesce(c.weight, g.weight)) AS mean, count(coalesce(c.weight, g.weight)) AS known
  FROM event AS e
  LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
  LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
  GROUP BY 1
),
hurt AS (
  SELECT e.theme, e.event_id, p.age_band, l.person_key, e.day
  FROM event AS e JOIN party AS p ON p.event_id = e.event_id AND p.role IN ('victim', 'patient')
  LEFT JOIN person_link AS l ON l.person_record_id = p.person_record_id
),
young AS (
  SELECT theme, count(*) FILTER (WHERE aged_under(age_band, 18)) AS part, count(aged_under(age_band, 18)) AS whole, count(DISTINCT event_id) FILTER (WHERE aged_under(age_band, 18) IS NOT NULL) AS known
  FROM hurt GROUP BY 1
),
-- A crime and the attendance after it are one incident: who comes again does so more than a day later.
again AS (SELECT person_key, max(day) > min(day) + INTERVAL '1 day' AS often FROM hurt WHERE person_key IS NOT NULL GROUP BY 1),
repeated AS (
  SELECT h.theme, count(DISTINCT h.person_key) FILTER (WHERE a.often) AS part, count(DISTINCT h.person_key) AS whole, count(DISTINCT h.event_id) AS known
  FROM hurt AS h JOIN again AS a ON a.person_key = h.person_key GROUP BY 1
),
shares AS (
  SELECT theme, 'under_18' AS measure, part / CAST(nullif(whole, 0) AS DOUBLE) AS value, wilson(part, whole) AS w, known FROM young
  UNION ALL
  SELECT theme, 'repeat_victims', part / CAST(nullif(whole, 0) AS DOUBLE), wilson(part, whole), known FROM repeated
),
measured AS (
  SELECT t.theme, 1 AS place, 'volume' AS measure, t.dated * 12.0 / nullif(l.months, 0) AS value,
         get_field(byar(t.dated), 'lower') * 12.0 / nullif(l.months, 0) AS lower, get_field(byar(t.dated), 'upper') * 12.0 / nullif(l.months, 0) AS upper,
         t.dated AS known, l.months / 12.0 AS years
  FROM themes AS t CROSS JOIN looked AS l
  UNION ALL
  SELECT t.theme, 2, 'trend', c.r['ratio'], c.r['lower'], c.r['upper'], CASE WHEN c.r['ratio'] IS NULL THEN 0 ELSE t.dated END, (l.late + l.early) / 12.0
  FROM themes AS t CROSS JOIN looked AS l LEFT JOIN trended AS c ON c.theme = t.theme
  UNION ALL
  SELECT t.theme, 3, 'harm', w.mean, NULL, NULL, w.known, l.months / 12.0
  FROM themes AS t CROSS JOIN looked AS l LEFT JOIN weighed AS w ON w.theme = t.theme
  UNION ALL
  SELECT t.theme, m.place, m.measure, s.value, s.w['lower'], s.w['upper'], coalesce(s.known, 0), l.months / 12.0
  FROM themes AS t CROSS JOIN looked AS l
  CROSS JOIN (SELECT 4 AS place, 'under_18' AS measure UNION ALL SELECT 5, 'repeat_victims') AS m
  LEFT JOIN shares AS s ON s.theme = t.theme AND s.measure = m.measure
),
scored AS (
  SELECT m.theme, m.place, m.measure, m.value, m.lower, m.upper, m.known / CAST(t.n AS DOUBLE) AS known, m.years, max(s.score) AS score
  FROM measured AS m
  JOIN themes AS t ON t.theme = m.theme
  LEFT JOIN (
    SELECT measure, at_least, score, lead(at_least) OVER (PARTITION BY measure ORDER BY at_least) AS next FROM threat_score
  ) AS s ON s.measure = m.measure AND m.value >= s.at_least AND (s.next IS NULL OR m.value < s.next)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
judged AS (
  SELECT theme, measure, score, judged_by, judged_on, reason
  FROM (SELECT *, row_number() OVER (PARTITION BY theme, measure ORDER BY judged_on DESC NULLS LAST, score) AS latest FROM threat_judgement)
  WHERE latest = 1
),
totals AS (SELECT theme, sum(score) AS total, count(score) AS scored, min(known) FILTER (WHERE score IS NOT NULL) AS known, min(years) FILTER (WHERE score IS NOT NULL) AS years FROM scored GROUP BY 1),
listed AS (
  SELECT coalesce(m.theme, j.theme) AS theme, coalesce(m.place, 6) AS place, coalesce(m.measure, j.measure) AS measure, m.value, m.lower, m.upper, m.score,
         NULL AS scored, m.known, m.years, j.score AS judged_score, j.judged_by, j.judged_on, j.reason
  FROM scored AS m FULL JOIN judged AS j ON j.theme = m.theme AND j.measure = m.measure
  UNION ALL
  SELECT t.theme, 0, 'measured total', NULL, NULL, NULL, t.total, CAST(t.scored AS TEXT) || ' of 5', t.known, t.years, NULL, NULL, NULL, NULL FROM totals AS t
)
SELECT l.theme, l.measure, round(l.value, 3) AS value, round(l.lower, 3) AS lower, round(l.upper, 3) AS upper, l.score, l.scored,
       round(l.known, 3) AS known, round(l.years, 2) AS years, l.judged_score, l.judged_by, l.judged_on, l.reason
FROM listed AS l LEFT JOIN totals AS t ON t.theme = l.theme
ORDER BY t.total DESC NULLS LAST, l.theme, l.place, l.measure
