-- How many rows hold each value: what a shared value weighs depends on how rare it is. A value has its kind in it, so that
-- a forename is not counted as a surname; `rare_values` gives those of a row.
SELECT value, count(*) AS rows
FROM (
  SELECT unnest(rare_values(forename, surname, birth, birth_place, postcode, occupation)) AS value
  FROM link_row
) AS v
GROUP BY value
