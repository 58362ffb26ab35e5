--! name = "dual_density"
--! title = "Density of events over density of residents"
--! description = "Kernel density of events, kernel density of residents with the same bandwidth, and the one over the other, at every cell with events: where there is more violence than the people who live there would explain. Both are corrected at the coast (Diggle 1985). Residents of an LSOA are spread over its cells by its postcodes."
--! params = [
--!   { name = "grid", about = "bng:SIZE, hex:SIZE or h3:RESOLUTION", default = "bng:250" },
--!   { name = "layer", about = "boundary layer of the land; `area`: the districts of the area", default = "area" },
--!   { name = "bandwidth", about = "metres; two cells at least", default = 750.0 },
--!   { name = "kernel", about = "quartic or gaussian", default = "quartic" },
--! ]
--! notes = ["Residents are not the people who are there on a Saturday night: a town centre is always high."]
WITH events AS (
  SELECT cell, count(*) AS n FROM (SELECT cell_of($grid, easting, northing) AS cell FROM mappable_violence) WHERE cell IS NOT NULL GROUP BY 1
),
homes AS (
  SELECT w.place['cell'] AS cell, sum(CAST(w.place['weight'] AS DOUBLE) * w.residents) / 1000000.0 AS residents
  FROM (SELECT unnest(place_weights($grid, NULL, NULL, 'area', code)) AS place, residents FROM population WHERE latest) AS w
  GROUP BY 1
),
cells AS (SELECT unnest(area_cells($layer, $grid)) AS cell UNION SELECT cell FROM events),
joined AS (
  SELECT c.cell, coalesce(e.n, 0) AS events, coalesce(h.residents, 0) AS residents
  FROM cells AS c LEFT JOIN events AS e ON e.cell = c.cell LEFT JOIN homes AS h ON h.cell = c.cell
),
dense AS (
  SELECT cell, events, residents, kernel_density(cell, events, $bandwidth, $kernel, $layer) OVER () AS events_km2,
         kernel_density(cell, residents, $bandwidth, $kernel, $layer) OVER () AS residents_km2
  FROM joined
)
SELECT cell, events, CASE WHEN known.people > 0 THEN round(residents, 1) END AS residents, round(events_km2, 3) AS events_km2,
       CASE WHEN known.people > 0 THEN round(residents_km2, 1) END AS residents_km2,
       round(1000 * events_km2 / nullif(residents_km2, 0), 3) AS events_per_1000_residents
FROM dense CROSS JOIN (SELECT coalesce(sum(residents), 0) AS people FROM population WHERE latest) AS known
WHERE events > 0
ORDER BY events_km2 DESC, cell
