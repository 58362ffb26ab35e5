-- The part that may be put on a grid: a known point inside the area.
SELECT *
FROM placeable_violence
WHERE easting IS NOT NULL
  AND place_precision IN ('exact', 'snapped')
  AND in_area
