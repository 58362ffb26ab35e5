--! name = "grid_sensitivity"
--! title = "How much hangs on where the grid begins?"
--! description = "The squares of the fixed grid beside the same squares moved by thirds of their side: cells with events, the largest count, the share of events in the top cells, and how much of what lies in the top cells of the fixed grid lies in the top cells of the moved one as well. Large differences say that single cells should not be read."
--! params = [
--!   { name = "size", about = "side of the squares, metres", default = 250 },
--!   { name = "top", about = "cells that are the top", default = 20 },
--! ]
WITH shift_of AS (
  SELECT x.step * $size / 3.0 AS dx, y.step * $size / 3.0 AS dy
  FROM (SELECT unnest(make_array(0, 1, 2)) AS step) AS x CROSS JOIN (SELECT unnest(make_array(0, 1, 2)) AS step) AS y
),
event AS (SELECT row_number() OVER () AS id, easting, northing FROM mappable_violence),
placed AS (
  SELECT s.dx, s.dy, e.id, floor((e.easting - s.dx) / $size) AS col, floor((e.northing - s.dy) / $size) AS row
  FROM event AS e CROSS JOIN shift_of AS s
),
counted AS (
  SELECT dx, dy, col, row, count(*) AS n, row_number() OVER (PARTITION BY dx, dy ORDER BY count(*) DESC, col, row) AS place
  FROM placed GROUP BY 1, 2, 3, 4
),
in_top AS (
  SELECT p.dx, p.dy, p.id FROM placed AS p
  JOIN counted AS c ON c.dx = p.dx AND c.dy = p.dy AND c.col = p.col AND c.row = p.row
  WHERE c.place <= $top
),
kept AS (
  SELECT t.dx, t.dy, count(*) AS kept FROM in_top AS t
  JOIN in_top AS fixed ON fixed.id = t.id AND fixed.dx = 0 AND fixed.dy = 0
  GROUP BY 1, 2
)
SELECT round(c.dx, 1) AS moved_east_m, round(c.dy, 1) AS moved_north_m, count(*) AS cells, max(c.n) AS largest,
       round(sum(c.n) FILTER (WHERE c.place <= $top) / CAST(sum(c.n) AS DOUBLE), 4) AS share_in_top,
       round(max(k.kept) / CAST((SELECT count(*) FROM in_top WHERE dx = 0 AND dy = 0) AS DOUBLE), 4) AS kept_of_fixed_top
FROM counted AS c
LEFT JOIN kept AS k ON k.dx = c.dx AND k.dy = c.dy
GROUP BY c.dx, c.dy
ORDER BY 1, 2
