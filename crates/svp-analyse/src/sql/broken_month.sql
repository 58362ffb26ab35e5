-- Months that cannot be compared with others, by kind of break: those of the area's force and those that were everywhere. Also
-- months of which there is no event at all: where no data were supplied, there is none.
SELECT DISTINCT lpad(CAST(m.i / 12 AS TEXT), 4, '0') || '-' || lpad(CAST(m.i % 12 + 1 AS TEXT), 2, '0') AS month, m.kind, m.name
FROM (
  SELECT b.kind, b.name,
         unnest(range(
           try_cast(split_part(b.from_month, '-', 1) AS BIGINT) * 12 + try_cast(split_part(b.from_month, '-', 2) AS BIGINT) - 1,
           try_cast(split_part(b.to_month, '-', 1) AS BIGINT) * 12 + try_cast(split_part(b.to_month, '-', 2) AS BIGINT))) AS i
  FROM recording_break AS b
  WHERE b.area IS NULL OR b.area IN (SELECT parent FROM area WHERE layer = 'csp')
) AS m
WHERE m.i IS NOT NULL
