-- Months that cannot be compared with others, by kind of break: those of the area's force and those that were everywhere. Also
-- months of which there is no event at all: where no data were supplied, there is none.
SELECT DISTINCT month_of_number(m.i) AS month, m.kind, m.name
FROM (
  SELECT b.kind, b.name, unnest(range(month_number(b.from_month), month_number(b.to_month) + 1)) AS i
  FROM recording_break AS b
  WHERE b.area IS NULL OR b.area IN (SELECT parent FROM area WHERE layer = 'csp')
) AS m
WHERE m.i IS NOT NULL
