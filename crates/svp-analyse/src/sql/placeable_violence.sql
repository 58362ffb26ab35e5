-- What may stand on a grid if its place is known well enough: nothing that the audience's policy keeps off grids (a cell can be an
-- address: domestic and sexual offences, homes), and not where systems put what they cannot place.
SELECT e.*
FROM serious_violence AS e
WHERE NOT EXISTS (
    SELECT 1 FROM never_mapped AS n
    WHERE (n.kind = 'offence_group' AND n.value = e.offence_group)
       OR (n.kind = 'location_type' AND n.value = e.location_type)
       OR (n.kind = 'flag' AND n.value = 'domestic' AND e.domestic)
  )
  AND NOT EXISTS (
    SELECT 1 FROM exclusion AS x
    WHERE (e.easting - x.easting) * (e.easting - x.easting) + (e.northing - x.northing) * (e.northing - x.northing)
          <= x.radius_m * x.radius_m
  )
