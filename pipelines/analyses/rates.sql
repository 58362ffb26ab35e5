--! name = "rates"
--! title = "Rates of districts and partnerships, with intervals"
--! description = "Events where they happened, over usual residents of the area, for 1,000 people and a year, with Byar's interval of 95 %, for districts (those too small alone with their neighbour), community safety partnerships and the force. Under-recording, visitors and town centres are in the numerator and not in the denominator."
WITH months AS (
  SELECT count(DISTINCT month) AS n FROM serious_violence
  WHERE month IS NOT NULL AND month NOT IN (SELECT month FROM broken_month WHERE kind = 'recording')
),
event AS (
  SELECT e.event_id, a.published_with AS district, a.parent AS csp, c.parent AS force
  FROM serious_violence AS e
  JOIN area AS a ON a.layer = 'district' AND a.code = e.district
  JOIN area AS c ON c.layer = 'csp' AND c.code = a.parent
  WHERE e.month IS NULL OR e.month NOT IN (SELECT month FROM broken_month WHERE kind = 'recording')
),
people AS (
  SELECT a.published_with AS district, a.parent AS csp, c.parent AS force, p.residents
  FROM area AS a JOIN area AS c ON c.layer = 'csp' AND c.code = a.parent LEFT JOIN population AS p ON p.code = a.code AND p.latest
  WHERE a.layer = 'district'
),
counted AS (
  SELECT 'district' AS layer, district AS code, count(*) AS n FROM event GROUP BY 2
  UNION ALL SELECT 'csp', csp, count(*) FROM event GROUP BY 2
  UNION ALL SELECT 'force', force, count(*) FROM event GROUP BY 2
),
living AS (
  SELECT 'district' AS layer, district AS code, sum(residents) AS residents FROM people GROUP BY 2
  UNION ALL SELECT 'csp', csp, sum(residents) FROM people GROUP BY 2
  UNION ALL SELECT 'force', force, sum(residents) FROM people GROUP BY 2
),
rated AS (
  SELECT l.layer, l.code, coalesce(c.n, 0) AS n, l.residents, byar(coalesce(c.n, 0)) AS b,
         1000.0 * 12 / nullif(l.residents, 0) / nullif((SELECT max(n) FROM months), 0) AS factor
  FROM living AS l LEFT JOIN counted AS c ON c.layer = l.layer AND c.code = l.code
)
SELECT r.layer, r.code, coalesce(a.name, r.code) AS name, r.n AS events, r.residents, round(r.n * r.factor, 3) AS rate,
       round(r.b['lower'] * r.factor, 3) AS lower, round(r.b['upper'] * r.factor, 3) AS upper
FROM rated AS r LEFT JOIN area AS a ON a.layer = r.layer AND a.code = r.code
ORDER BY r.layer, rate DESC NULLS LAST
