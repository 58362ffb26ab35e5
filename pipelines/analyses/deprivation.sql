--! name = "deprivation"
--! title = "Violence by deprivation of the place"
--! description = "Events by the decile of deprivation (1 the most deprived of all England) of the small area in which they happened, over the residents of those areas, for 1,000 people and a year, with Byar's interval of 95 %. Below: the rate of the most deprived decile that the area has over that of the least, with an interval of 95 %; and the relative index of inequality: how far the rate falls from the most deprived end to the least, by least squares over the ranks of residents, over the mean rate (0: no difference). Events whose small area or decile is not known are a row of their own. Small areas of 2011 are carried to those of 2021 where the deciles are of 2021."
--! notes = ["The decile is that of the place, not of the people: who fights in a poor town centre may live elsewhere.", "Ten classes say that rates differ, not why.", "Years run over the months that were observed; months with a break in recording, and those that were not supplied or not by all, are in neither the years nor the events."]
WITH -- The decile of a code: its own, else those of what it became, by share.
of_code AS (
  SELECT lsoa, decile, CAST(1 AS DOUBLE) AS share FROM deprivation
  UNION ALL
  SELECT s.lsoa, d.decile, sum(s.share) FROM area_of_lsoa AS s JOIN deprivation AS d ON d.lsoa = s.code
  WHERE s.layer = 'lsoa' AND NOT EXISTS (SELECT 1 FROM deprivation AS own WHERE own.lsoa = s.lsoa)
  GROUP BY 1, 2
),
counted AS (SELECT d.decile, sum(d.share) AS n FROM comparable_violence AS e JOIN of_code AS d ON d.lsoa = e.lsoa GROUP BY 1),
living AS (
  SELECT d.decile, CASE WHEN count(*) = count(p.residents) THEN sum(p.residents * d.share) END AS residents
  FROM population AS p JOIN of_code AS d ON d.lsoa = p.code
  WHERE p.latest GROUP BY 1
),
deciles AS (
  SELECT v.decile, coalesce(c.n, 0) AS n, l.residents, byar(coalesce(c.n, 0)) AS b,
         1000.0 * 12 / nullif(l.residents, 0) / nullif((SELECT count(*) FROM comparable_month), 0) AS factor
  FROM (SELECT decile FROM counted UNION SELECT decile FROM living) AS v
  LEFT JOIN counted AS c ON c.decile = v.decile
  LEFT JOIN living AS l ON l.decile = v.decile
),
ends AS (
  SELECT rate_ratio(round(most.n), most.residents, round(least.n), least.residents) AS r, most.decile AS most, least.decile AS least
  FROM deciles AS most JOIN deciles AS least ON most.decile < least.decile
  WHERE most.residents > 0 AND least.residents > 0
    AND most.decile = (SELECT min(decile) FROM deciles WHERE residents > 0)
    AND least.decile = (SELECT max(decile) FROM deciles WHERE residents > 0)
),
ranked AS (
  SELECT residents AS w, n * factor AS y,
         (sum(residents) OVER (ORDER BY decile) - residents / 2.0) / sum(residents) OVER () AS x
  FROM deciles WHERE residents > 0 AND factor IS NOT NULL
),
sums AS (SELECT sum(w) AS w, sum(w * x) AS wx, sum(w * y) AS wy, sum(w * x * x) AS wxx, sum(w * x * y) AS wxy FROM ranked),
line AS (SELECT (w * wxy - wx * wy) / nullif(w * wxx - wx * wx, 0) AS slope, wx, wy, w FROM sums),
listed AS (
  SELECT 1 AS part, decile, 'decile ' || CAST(decile AS TEXT) AS what, n AS events, round(residents) AS residents, round(n * factor, 3) AS value,
         round(b['lower'] * factor, 3) AS lower, round(b['upper'] * factor, 3) AS upper
  FROM deciles
  UNION ALL
  SELECT 2, NULL, 'not known', rest.n, NULL, NULL, NULL, NULL
  FROM (SELECT (SELECT count(*) FROM comparable_violence) - coalesce((SELECT sum(n) FROM counted), 0) AS n) AS rest WHERE rest.n > 0.000001
  UNION ALL
  SELECT 3, NULL, 'ratio of decile ' || CAST(most AS TEXT) || ' to ' || CAST(least AS TEXT), NULL, NULL, round(r['ratio'], 3), round(r['lower'], 3), round(r['upper'], 3) FROM ends
  UNION ALL
  SELECT 4, NULL, 'relative index of inequality', NULL, NULL, round(-slope / (wy / w), 3), NULL, NULL FROM line WHERE wy > 0 AND w > 0 AND slope IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deciles WHERE residents IS NULL)
  UNION ALL
  SELECT 5, NULL, 'not available: the area has no file of the layout `deprivation`', NULL, NULL, NULL, NULL, NULL
  WHERE NOT EXISTS (SELECT 1 FROM deprivation)
)
SELECT what, round(events, 6) AS events, residents, value AS rate_or_ratio, lower, upper FROM listed ORDER BY part, decile
