--! name = "trend"
--! title = "Trend: months, rolling years, year on year"
--! description = "Events of each month, the sum of the twelve months that end with it, and the ratio of that sum to the one of the year before with an interval of 95 %. A month with a break in recording is marked, and no rolling year that holds one is computed."
--! params = [{ name = "without", about = "kind of break that is marked and left out beside those of recording; none if empty", default = "" }]
--! notes = ["The interval supposes that events are independent: it is too narrow where one night brings many."]
WITH counted AS (SELECT month, count(*) AS n FROM serious_violence WHERE month IS NOT NULL GROUP BY 1),
span AS (
  SELECT min(CAST(split_part(month, '-', 1) AS BIGINT) * 12 + CAST(split_part(month, '-', 2) AS BIGINT) - 1) AS first,
         max(CAST(split_part(month, '-', 1) AS BIGINT) * 12 + CAST(split_part(month, '-', 2) AS BIGINT) - 1) AS last
  FROM counted
),
months AS (
  SELECT i, lpad(CAST(i / 12 AS TEXT), 4, '0') || '-' || lpad(CAST(i % 12 + 1 AS TEXT), 2, '0') AS month
  FROM (SELECT unnest(range(first, last + 1)) AS i FROM span)
),
filled AS (
  SELECT m.i, m.month, coalesce(c.n, 0) AS n, b.name AS broken
  FROM months AS m
  LEFT JOIN counted AS c ON c.month = m.month
  LEFT JOIN (SELECT month, min(name) AS name FROM broken_month WHERE kind IN ('recording', $without) GROUP BY 1) AS b ON b.month = m.month
),
rolled AS (
  SELECT i, month, n, broken,
         CASE WHEN count(*) OVER year = 12 AND count(broken) OVER year = 0 THEN sum(n) OVER year END AS rolling
  FROM filled
  WINDOW year AS (ORDER BY i ROWS BETWEEN 11 PRECEDING AND CURRENT ROW)
),
compared AS (
  SELECT r.*, before.rolling AS year_before, rate_ratio(r.rolling, 12, before.rolling, 12) AS ratio
  FROM rolled AS r LEFT JOIN rolled AS before ON before.i = r.i - 12
)
SELECT month, n AS events, broken, rolling AS twelve_months, year_before, round(ratio['ratio'], 3) AS year_on_year,
       round(ratio['lower'], 3) AS lower, round(ratio['upper'], 3) AS upper
FROM compared
ORDER BY month
