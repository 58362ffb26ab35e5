--! name = "standardised_rates"
--! title = "Rates of victims, standardised by age"
--! description = "Victims and patients of known age over the residents of their age, for 1,000 people and a year: the crude rate, and what it would be if the area had the ages of the standard population (directly standardised, Dobson's interval of 95 %, as the Office for Health Improvement and Disparities does), for the areas of a layer. Only where the population file has single years of age and the standard is in pipelines/reference/standard_population.csv: else the column `state` says what is missing."
--! params = [
--!   { name = "layer", about = "layer of the table `area`; small areas are too small for rates by age", default = "district" },
--!   { name = "place", about = "event: where it happened; residence: where the victim lives, as far as it is known", default = "event", one_of = ["event", "residence"] },
--!   { name = "standard", about = "standard in standard_population.csv", default = "esp_2013" },
--! ]
--! notes = ["Parts in events are counted: who is a victim twice counts twice, and so does who is known to two agencies.", "Parts of unknown age or place are left out of the rates: `people` counts those that are in.", "Counts are rounded where a small area of 2011 was split.", "Years run over the months that were observed; months with a break in recording, and those that were not supplied or not by all, are in neither the years nor the events."]
WITH held AS (
  SELECT lsoa, published_with AS code, sum(share) AS share FROM area_of_lsoa WHERE layer = $layer AND valid_to IS NULL GROUP BY 1, 2
),
band AS (SELECT age_from, age_to, people FROM standard_population WHERE standard = $standard),
hurt AS (
  SELECT h.code, s.age_from, sum(h.share) AS n
  FROM party AS p
  JOIN comparable_violence AS e ON e.event_id = p.event_id
  JOIN held AS h ON h.lsoa = CASE WHEN $place = 'residence' THEN p.residence_lsoa WHEN $place = 'event' THEN e.lsoa END
  JOIN band AS s ON age_from(p.age_band) >= s.age_from AND age_to(p.age_band) <= s.age_to
  WHERE p.role IN ('victim', 'patient')
  GROUP BY 1, 2
),
-- People of each code that is there today; a population by codes of 2011 is carried.
living AS (
  SELECT h.code, s.age_from, sum(p.residents * now.share * h.share) AS residents
  FROM population_by_age AS p
  JOIN area_of_lsoa AS now ON now.layer = 'lsoa' AND now.lsoa = p.code
  JOIN held AS h ON h.lsoa = now.code
  JOIN band AS s ON p.age >= s.age_from AND p.age <= s.age_to
  WHERE p.latest
  GROUP BY 1, 2
),
-- What holds a small area whose residents are not known.
in_part AS (
  SELECT DISTINCT h.code
  FROM population AS p
  JOIN area_of_lsoa AS now ON now.layer = 'lsoa' AND now.lsoa = p.code
  JOIN held AS h ON h.lsoa = now.code
  WHERE p.latest AND p.residents IS NULL
),
full_band AS (
  SELECT codes.code, s.age_from, s.people AS standard, round(coalesce(v.n, 0)) AS n,
         CASE WHEN u.code IS NULL THEN l.residents END AS residents
  FROM (SELECT DISTINCT code FROM held) AS codes CROSS JOIN band AS s
  LEFT JOIN hurt AS v ON v.code = codes.code AND v.age_from = s.age_from
  LEFT JOIN living AS l ON l.code = codes.code AND l.age_from = s.age_from
  LEFT JOIN in_part AS u ON u.code = codes.code
),
rated AS (
  SELECT code, sum(n) AS n, sum(residents) AS residents,
         count(*) = count(residents) AND (SELECT count(*) FROM hurt) > 0 AS ages,
         standardised_rate(array_agg(n ORDER BY age_from), array_agg(coalesce(residents, 0) ORDER BY age_from), array_agg(standard ORDER BY age_from)) AS r
  FROM full_band GROUP BY 1
),
factor AS (SELECT 1000.0 * 12 / nullif(count(*), 0) AS f FROM comparable_month)
SELECT codes.code, a.name, CAST(r.n AS BIGINT) AS people, CASE WHEN r.ages THEN round(r.residents) END AS residents,
       CASE WHEN r.ages THEN round(r.n / nullif(r.residents, 0) * f.f, 3) END AS crude_rate,
       CASE WHEN r.ages THEN round(r.r['rate'] * f.f, 3) END AS standardised_rate,
       CASE WHEN r.ages THEN round(r.r['lower'] * f.f, 3) END AS lower,
       CASE WHEN r.ages THEN round(r.r['upper'] * f.f, 3) END AS upper,
       CASE WHEN $place NOT IN ('event', 'residence') THEN 'not available: place is event or residence'
            WHEN (SELECT count(*) FROM band) = 0 THEN 'not available: no such standard population'
            WHEN (SELECT count(*) FROM population_by_age) = 0 THEN 'not available: the population file has no ages'
            WHEN (SELECT count(*) FROM hurt) = 0 THEN 'not available: no victim of known age and place'
            WHEN r.ages IS NOT TRUE THEN 'not available: residents by age are not known for all of it'
            WHEN r.n = 0 THEN 'no victim of known age and place: no interval'
            WHEN r.r['rate'] IS NULL THEN 'not available: a band of age has no residents'
            ELSE 'available' END AS state
FROM (SELECT DISTINCT code FROM held) AS codes
LEFT JOIN rated AS r ON r.code = codes.code
LEFT JOIN area AS a ON a.layer = $layer AND a.code = codes.code
CROSS JOIN factor AS f
ORDER BY standardised_rate DESC NULLS LAST, codes.code
