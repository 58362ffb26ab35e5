--! name = "weighted_hotspots"
--! title = "Hot spots by shift, events of uncertain place among them"
--! description = "As `hotspots`, over the counts of `cell_counts`: an event of which only a postcode or an LSOA is known takes part too, spread over the cells in which it may lie, as it is over the hours. z is Gi* of the sums of weights, q its upper tail corrected over the cells of the shift. With an index of harm every event counts by its weight."
--! reads = ["cell_counts"]
--! params = [
--!   { name = "grid", about = "bng:SIZE (squares), hex:SIZE (hexagons of that area), h3:RESOLUTION", default = "bng:500" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "places", about = "points: events at a known point; all: also those of a postcode or an LSOA, in fractions", default = "all", one_of = ["points", "all"] },
--!   { name = "level", about = "false discovery rate below which a cell is called hot", default = 0.05 },
--! ]
--! notes = ["Where people live is not where they are hurt: spreading by homes pulls events out of town centres. Compare with `hotspots`.", "Column `points`: what of the events is known to the point."]
WITH counted AS (SELECT shift, cell, sum(events) AS events, sum(points) AS points FROM cell_counts GROUP BY 1, 2),
judged AS (
  SELECT shift, cell, events, points, gi_star(cell, events, $layer) OVER (PARTITION BY shift) AS gi
  FROM counted
)
SELECT shift, rank() OVER (PARTITION BY shift ORDER BY round(events, 3) DESC) AS rank, cell, round(events, 3) AS events, round(points, 3) AS points,
       round(gi['z'], 4) AS z, gi['p_high'] AS p, gi['q_high'] AS q, gi['q_high'] < $level AS hot
FROM judged
ORDER BY shift = 'all' DESC, shift, rank, cell
