--! name = "hot_spot_history"
--! title = "Hot spots over time: how long they last, and which are new"
--! description = "Every cell that ever was among the top of a month or hot by Gi*: in how many months it was among the top, in how many it was hot (Gi*, upper tail, corrected over the cells of the month), its class by the rules of the R package sfhotspot (persistent, emerging, former, intermittent), its course by ours (persistent, emerging with a rising trend, sporadic), Mann and Kendall's test of its counts, and Sen's slope. The months are those that were observed, also those without an event; months with a break in recording, and those that were not supplied or not by all, are left out, and slopes know the gap. Counts are those of `cell_counts`: one shift (`shift`), events of uncertain place (`places=all`) and weights of harm (`index`) have a history as well."
--! reads = ["cell_counts"]
--! params = [
--!   { name = "shift", about = "shift of shift.csv whose hours count; `all`: all hours, also where only the month is known", default = "all" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "top", about = "cells of a month that are its top", default = 20 },
--!   { name = "level", about = "false discovery rate below which a cell is hot", default = 0.05 },
--!   { name = "without", about = "kind of break whose months are left out beside those of recording; none if empty", default = "" },
--! ]
WITH period AS (
  SELECT month, number FROM comparable_month
  WHERE month NOT IN (SELECT month FROM broken_month WHERE kind = $without)
),
counted AS (
  SELECT m.cell, m.month, m.events AS n
  FROM cell_counts AS m
  JOIN period AS p ON p.month = m.month
  WHERE m.shift = $shift
),
every AS (
  SELECT c.cell, p.month, p.number, coalesce(n.n, 0) AS n
  FROM (SELECT DISTINCT cell FROM counted) AS c
  CROSS JOIN period AS p
  LEFT JOIN counted AS n ON n.cell = c.cell AND n.month = p.month
),
judged AS (
  SELECT cell, month, number, n, gi_star(cell, n, $layer) OVER (PARTITION BY month) AS gi,
         CASE WHEN n > 0 AND rank() OVER (PARTITION BY month ORDER BY n DESC) <= $top THEN 1 ELSE 0 END AS at_top
  FROM every
),
history AS (
  SELECT cell, sum(n) AS events, count(*) AS months, sum(at_top) AS months_at_top,
         count(*) FILTER (WHERE gi['q_high'] < $level) AS months_hot,
         array_agg(coalesce(gi['z'], 0) ORDER BY month) AS z, array_agg(coalesce(gi['q_high'], 1) ORDER BY month) AS q,
         array_agg(CASE WHEN gi['q_high'] < $level THEN 1 ELSE 0 END ORDER BY month) AS hot,
         mann_kendall(array_agg(n ORDER BY month), array_agg(number ORDER BY month)) AS trend, array_agg(n ORDER BY month) AS counts
  FROM judged
  GROUP BY 1
)
SELECT cell, round(events, 3) AS events, months, months_at_top, round(months_at_top / CAST(months AS DOUBLE), 3) AS persistence, months_hot,
       space_time_class(z, q) AS class, hot_spot_course(hot, counts) AS course,
       round(trend['z'], 3) AS trend_z, round(trend['p'], 4) AS trend_p, round(trend['slope'], 3) AS events_more_each_month
FROM history
WHERE months_at_top > 0 OR months_hot > 0
ORDER BY months_at_top DESC, events DESC, cell
