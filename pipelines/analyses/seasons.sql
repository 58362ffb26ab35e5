--! name = "seasons"
--! title = "Months of the year"
--! description = "Events a day in each month of the year over the whole period, with Byar's interval of 95 %, and the ratio to the whole. Months with a break in recording are left out, days and all. Tourist areas swell in summer: the people who are there are not the residents."
--! params = [{ name = "without", about = "kind of break whose months are left out beside those of recording; none if empty", default = "" }]
--! notes = ["With fewer than two whole years a month of the year is one month."]
WITH counted AS (
  SELECT month, count(*) AS n
  FROM serious_violence
  WHERE month IS NOT NULL AND month NOT IN (SELECT month FROM broken_month WHERE kind IN ('recording', $without))
  GROUP BY 1
),
days AS (
  SELECT substr(month, 6, 2) AS month_of_year, n,
         date_part('day', CAST(month || '-01' AS DATE) + INTERVAL '1 month' - INTERVAL '1 day') AS days
  FROM counted
),
summed AS (SELECT month_of_year, count(*) AS months, sum(days) AS days, sum(n) AS n FROM days GROUP BY 1),
whole AS (SELECT sum(days) AS days, sum(n) AS n FROM summed),
judged AS (SELECT s.*, byar(s.n) AS b, w.n / CAST(w.days AS DOUBLE) AS mean FROM summed AS s CROSS JOIN whole AS w)
SELECT month_of_year, months, n AS events, round(n / CAST(days AS DOUBLE), 3) AS a_day, round(b['lower'] / days, 3) AS lower,
       round(b['upper'] / days, 3) AS upper, round(n / CAST(days AS DOUBLE) / nullif(mean, 0), 3) AS ratio_to_whole
FROM judged
ORDER BY month_of_year
