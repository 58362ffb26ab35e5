--! name = "seasons"
--! title = "Months of the year"
--! description = "Events a day in each month of the year over the whole period, with Byar's interval of 95 %, and the ratio to the whole. Every month that was observed counts with all its days, also one without an event; months with a break in recording, and those that were not supplied or not by all, are left out, days and all. Tourist areas swell in summer: the people who are there are not the residents."
--! params = [{ name = "without", about = "kind of break whose months are left out beside those of recording; none if empty", default = "" }]
--! notes = ["With fewer than two whole years a month of the year is one month: `months` says how many were looked at."]
WITH days AS (
  SELECT lpad(CAST(v.month_of_year AS TEXT), 2, '0') AS month_of_year, v.days, v.events AS n
  FROM violence_month AS v
  JOIN comparable_month AS c ON c.month = v.month
  WHERE v.month NOT IN (SELECT month FROM broken_month WHERE kind = $without)
),
summed AS (SELECT month_of_year, count(*) AS months, sum(days) AS days, sum(n) AS n FROM days GROUP BY 1),
whole AS (SELECT sum(days) AS days, sum(n) AS n FROM summed),
judged AS (SELECT s.*, byar(s.n) AS b, w.n / CAST(w.days AS DOUBLE) AS mean FROM summed AS s CROSS JOIN whole AS w)
SELECT month_of_year, months, n AS events, round(n / CAST(days AS DOUBLE), 3) AS a_day, round(b['lower'] / days, 3) AS lower,
       round(b['upper'] / days, 3) AS upper, round(n / CAST(days AS DOUBLE) / nullif(mean, 0), 3) AS ratio_to_whole
FROM judged
ORDER BY month_of_year
