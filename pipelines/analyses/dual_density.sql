--! name = "dual_density"
--! title = "Density of events over density of people"
--! description = "Kernel density of events, kernel density of people with the same bandwidth, and the one over the other, at every cell with events: where there is more violence than the people who live there, or are there by day, would explain. Both are corrected at the coast (Diggle 1985). People of an LSOA are spread over its cells by its postcodes. Events are those of `cell_counts`: one shift (`shift`), events of uncertain place (`places=all`) and weights of harm (`index`) have a density as well."
--! reads = ["cell_counts"]
--! params = [
--!   { name = "people", about = "residents, or daytime: the daytime population of the area file, by LSOA", default = "residents", one_of = ["residents", "daytime"] },
--!   { name = "shift", about = "shift of shift.csv whose hours count; `all`: all hours, also where only the month is known", default = "all" },
--!   { name = "layer", about = "boundary layer of the land; `area`: the districts of the area", default = "area" },
--!   { name = "bandwidth", about = "metres; two cells at least", default = 750.0 },
--!   { name = "kernel", about = "quartic or gaussian", default = "quartic", one_of = ["quartic", "gaussian"] },
--! ]
--! notes = ["Residents are not the people who are there on a Saturday night: a town centre is always high.", "Where the people of a small area are not known, those of all cells within the bandwidth are not."]
WITH events AS (
  SELECT cell, round(sum(events), 6) AS n FROM cell_counts WHERE shift = $shift GROUP BY 1
),
there AS (
  SELECT code, residents AS people FROM population WHERE latest AND $people = 'residents'
  UNION ALL
  SELECT code, people FROM daytime_population WHERE layer = 'lsoa' AND $people = 'daytime'
),
homes AS (
  SELECT w.place['cell'] AS cell, sum(CAST(w.place['weight'] AS DOUBLE) * coalesce(w.people, 0)) / 1000000.0 AS people,
         sum(CASE WHEN w.people IS NULL THEN CAST(w.place['weight'] AS DOUBLE) ELSE 0 END) AS unknown
  FROM (SELECT unnest(place_weights($grid, NULL, NULL, 'area', code)) AS place, people FROM there) AS w
  GROUP BY 1
),
cells AS (SELECT unnest(area_cells($layer, $grid)) AS cell UNION SELECT cell FROM events),
joined AS (
  SELECT c.cell, coalesce(e.n, 0) AS events, coalesce(h.people, 0) AS people, coalesce(h.unknown, 0) AS unknown
  FROM cells AS c LEFT JOIN events AS e ON e.cell = c.cell LEFT JOIN homes AS h ON h.cell = c.cell
),
dense AS (
  SELECT cell, events, CASE WHEN unknown = 0 THEN people END AS people,
         kernel_density(cell, events, $bandwidth, $kernel, $layer) OVER () AS events_km2,
         kernel_density(cell, people, $bandwidth, $kernel, $layer) OVER () AS all_km2,
         kernel_density(cell, unknown, $bandwidth, $kernel, $layer) OVER () AS unknown_km2
  FROM joined
),
-- As far as the kernel reaches from ground whose people are not known, neither is their density.
reached AS (SELECT *, CASE WHEN unknown_km2 > 0.000001 THEN NULL ELSE all_km2 END AS people_km2 FROM dense)
SELECT cell, round(events, 3) AS events, CASE WHEN known.people > 0 THEN round(d.people, 1) END AS people, round(events_km2, 3) AS events_km2,
       CASE WHEN known.people > 0 THEN round(people_km2, 1) END AS people_km2,
       round(1000 * events_km2 / nullif(people_km2, 0), 3) AS events_per_1000_people
FROM reached AS d CROSS JOIN (SELECT coalesce(sum(people), 0) AS people FROM there) AS known
WHERE events > 0
ORDER BY events_km2 DESC, cell
