-- The part that may be put on a grid: a known point, nobody's home, no domestic or sexual offence (a cell can be
-- an address), and not where systems put what they cannot place.
SELECT e.*
FROM serious_violence AS e
WHERE e.easting IS NOT NULL
  AND e.place_precision IN ('exact', 'snapped')
  AND e.in_area
  AND e.domestic IS NOT TRUE
  AND coalesce(e.location_type, '') <> 'home'
  AND coalesce(e.offence_group, '') NOT IN ('rape', 'other_sexual')
  AND NOT EXISTS (
    SELECT 1 FROM exclusion AS x
    WHERE (e.easting - x.easting) * (e.easting - x.easting) + (e.northing - x.northing) * (e.northing - x.northing)
          <= x.radius_m * x.radius_m
  )
