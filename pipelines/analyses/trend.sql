--! name = "trend"
--! title = "Trend: months, rolling years, year on year"
--! description = "Events of each month of the period, the sum of the twelve months that end with it, and the ratio of that sum to the one of the year before with an interval of 95 %. A month with a break in recording is marked, a month that was not supplied, or not by all, has no number (column `state`), and no rolling year that holds one of either is computed."
--! params = [{ name = "without", about = "kind of break that is marked and left out beside those of recording; none if empty", default = "" }]
--! notes = ["The interval supposes that events are independent: it is too narrow where one night brings many."]
WITH filled AS (
  SELECT m.number AS i, m.month, m.events AS n, m.state, b.name AS broken
  FROM violence_month AS m
  LEFT JOIN (SELECT month, min(name) AS name FROM broken_month WHERE kind IN ('recording', $without) GROUP BY 1) AS b ON b.month = m.month
),
rolled AS (
  SELECT i, month, n, state, broken,
         CASE WHEN count(n) OVER year = 12 AND count(broken) OVER year = 0 THEN sum(n) OVER year END AS rolling
  FROM filled
  WINDOW year AS (ORDER BY i ROWS BETWEEN 11 PRECEDING AND CURRENT ROW)
),
compared AS (
  SELECT r.*, before.rolling AS year_before, rate_ratio(r.rolling, 12, before.rolling, 12) AS ratio
  FROM rolled AS r LEFT JOIN rolled AS before ON before.i = r.i - 12
)
SELECT month, n AS events, state, broken, rolling AS twelve_months, year_before, round(ratio['ratio'], 3) AS year_on_year,
       round(ratio['lower'], 3) AS lower, round(ratio['upper'], 3) AS upper
FROM compared
ORDER BY month
