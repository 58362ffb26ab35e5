--! name = "harm_concentration"
--! title = "How concentrated are events and harm?"
--! description = "Of all cells of the area: the share of events and of harm in the top 1, 2 and 5 in a hundred, the share of cells that hold half of the events, Gini's coefficient and the generalised one (Bernasco and Steenbeek 2017), which allows for there being fewer events than cells."
--! params = [
--!   { name = "grid", about = "bng:SIZE, hex:SIZE or h3:RESOLUTION", default = "bng:150" },
--!   { name = "layer", about = "boundary layer whose cells take part; `area`: the districts of the area", default = "area" },
--!   { name = "index", about = "index in harm_weight.csv", default = "cchi_anchors" },
--! ]
--! notes = ["Harm counts events with a weight only."]
WITH weighed AS (
  SELECT cell_of($grid, e.easting, e.northing) AS cell, coalesce(c.weight, g.weight) AS weight
  FROM mappable_violence AS e
  LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
  LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
),
counted AS (SELECT cell, count(*) AS n, coalesce(sum(weight), 0) AS harm FROM weighed WHERE cell IS NOT NULL GROUP BY 1),
cells AS (SELECT unnest(area_cells($layer, $grid)) AS cell UNION SELECT cell FROM counted),
listed AS (
  SELECT array_agg(coalesce(n.n, 0)) AS n, array_agg(coalesce(n.harm, 0)) AS harm
  FROM cells AS c LEFT JOIN counted AS n ON n.cell = c.cell
),
both AS (SELECT 'events' AS what, n AS list FROM listed UNION ALL SELECT 'harm', harm FROM listed)
SELECT what, cardinality(list) AS cells, round(top_share(list, 0.01), 4) AS top_1_percent, round(top_share(list, 0.02), 4) AS top_2_percent,
       round(top_share(list, 0.05), 4) AS top_5_percent, round(gini(list), 4) AS gini, round(generalised_gini(list), 4) AS generalised_gini
FROM both
ORDER BY what
