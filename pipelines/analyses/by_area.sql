--! name = "by_area"
--! title = "Events, people and rates of the areas of any layer"
--! description = "Events by the area in which they happened, over its usual residents, for 1,000 people and a year, with Byar's interval of 95 %; beside it the rate over the people who are there by day, where the area file gives them for this layer or for LSOAs. Small areas are carried to those of 2021 by the official lookup: one that was split counts in each part by share, so counts can be fractions. An area that is published with its neighbour (the Isles of Scilly) is counted with it. An event whose small area is not known counts for its district, partnership and force where the district is known; what is in no area of the layer stands in the row `not placed`, so that the rows sum to the events of the definition. Years run over the months that were observed, also those without an event; months with a break in recording, and those that were not supplied or not by all, are in neither the years nor the events."
--! params = [
--!   { name = "layer", about = "layer of the table `area`: lsoa, msoa, ward, district, csp, force, command_unit, icb, or the site's own", default = "msoa" },
--!   { name = "day", about = "day (YYYY-MM-DD) whose boundaries count; empty: those that are still valid", default = "" },
--! ]
--! notes = ["A layer that no lookup of the area file names gives the row `not placed` alone.", "Residents are not the people who are there: a town centre is always high. A workday population counts who works there, not who goes out there at night.", "A rate is NULL where the residents of a part are not known."]
WITH held AS (
  SELECT lsoa, published_with AS code, sum(share) AS share
  FROM area_of_lsoa
  WHERE layer = $layer
    AND CASE WHEN $day = '' THEN valid_to IS NULL
             ELSE coalesce(valid_from <= CAST(nullif($day, '') AS DATE), TRUE) AND coalesce(valid_to >= CAST(nullif($day, '') AS DATE), TRUE) END
  GROUP BY 1, 2
),
of_district AS (
  SELECT code AS district, 'district' AS layer, published_with AS code FROM area WHERE layer = 'district'
  UNION ALL SELECT code, 'csp', parent FROM area WHERE layer = 'district'
  UNION ALL SELECT d.code, 'force', c.parent FROM area AS d JOIN area AS c ON c.layer = 'csp' AND c.code = d.parent WHERE d.layer = 'district'
),
placed AS (
  SELECT h.code, h.share AS n FROM comparable_violence AS e JOIN held AS h ON h.lsoa = e.lsoa
  UNION ALL
  SELECT o.code, CAST(1 AS DOUBLE) FROM comparable_violence AS e JOIN of_district AS o ON o.layer = $layer AND o.district = e.district
  WHERE NOT EXISTS (SELECT 1 FROM held AS h WHERE h.lsoa = e.lsoa)
),
counted AS (SELECT code, sum(n) AS n FROM placed GROUP BY 1),
people AS (
  SELECT s.code AS lsoa, CASE WHEN count(*) = count(p.residents) THEN sum(p.residents * s.share) END AS residents
  FROM area_of_lsoa AS s JOIN population AS p ON p.code = s.lsoa AND p.latest
  WHERE s.layer = 'lsoa' GROUP BY 1
),
living AS (
  SELECT h.code, CASE WHEN count(*) = count(p.residents) THEN sum(p.residents * h.share) END AS residents
  FROM held AS h
  JOIN (SELECT DISTINCT code FROM area_of_lsoa WHERE layer = 'lsoa') AS now ON now.code = h.lsoa
  LEFT JOIN people AS p ON p.lsoa = h.lsoa
  GROUP BY 1
),
people_by_day AS (
  SELECT s.code AS lsoa, CASE WHEN count(*) = count(d.people) THEN sum(d.people * s.share) END AS people
  FROM area_of_lsoa AS s JOIN daytime_population AS d ON d.layer = 'lsoa' AND d.code = s.lsoa
  WHERE s.layer = 'lsoa' GROUP BY 1
),
by_day AS (
  -- What is given for the layer itself is better than a sum of parts.
  SELECT a.published_with AS code, CASE WHEN count(*) = count(d.people) THEN sum(d.people) END AS people
  FROM (SELECT DISTINCT code, published_with FROM area WHERE layer = $layer) AS a
  LEFT JOIN daytime_population AS d ON d.layer = $layer AND d.code = a.code
  WHERE $layer <> 'lsoa' AND EXISTS (SELECT 1 FROM daytime_population WHERE layer = $layer)
  GROUP BY 1
  UNION ALL
  SELECT h.code, CASE WHEN count(*) = count(d.people) THEN sum(d.people * h.share) END
  FROM held AS h
  JOIN (SELECT DISTINCT code FROM area_of_lsoa WHERE layer = 'lsoa') AS now ON now.code = h.lsoa
  LEFT JOIN people_by_day AS d ON d.lsoa = h.lsoa
  WHERE $layer = 'lsoa' OR NOT EXISTS (SELECT 1 FROM daytime_population WHERE layer = $layer)
  GROUP BY 1
),
rated AS (
  SELECT codes.code, coalesce(c.n, 0) AS n, l.residents, d.people, byar(coalesce(c.n, 0)) AS b,
         1000.0 * 12 / nullif(l.residents, 0) / nullif((SELECT count(*) FROM comparable_month), 0) AS factor,
         1000.0 * 12 / nullif(d.people, 0) / nullif((SELECT count(*) FROM comparable_month), 0) AS day_factor
  FROM (SELECT code FROM held UNION SELECT code FROM counted) AS codes
  LEFT JOIN counted AS c ON c.code = codes.code
  LEFT JOIN living AS l ON l.code = codes.code
  LEFT JOIN by_day AS d ON d.code = codes.code
),
listed AS (
  SELECT r.code, a.name, r.n AS events, round(r.residents) AS residents, round(r.n * r.factor, 3) AS rate,
         round(r.b['lower'] * r.factor, 3) AS lower, round(r.b['upper'] * r.factor, 3) AS upper,
         round(r.people) AS daytime, round(r.n * r.day_factor, 3) AS daytime_rate, round(r.b['lower'] * r.day_factor, 3) AS daytime_lower,
         round(r.b['upper'] * r.day_factor, 3) AS daytime_upper
  FROM rated AS r LEFT JOIN area AS a ON a.layer = $layer AND a.code = r.code
  UNION ALL
  SELECT 'not placed', NULL, rest.n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT (SELECT count(*) FROM comparable_violence) - coalesce((SELECT sum(n) FROM counted), 0) AS n) AS rest
  WHERE rest.n > 0.000001
)
SELECT code, name, round(events, 6) AS events, residents, rate, lower, upper,
       daytime, daytime_rate, daytime_lower, daytime_upper
FROM listed
ORDER BY rate DESC NULLS LAST, events DESC, code
