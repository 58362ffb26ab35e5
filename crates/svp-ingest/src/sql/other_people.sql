-- Slots with ids of people that other slots of the source have too: how many, and how many of them were born on another day there.
-- `person_every`: source, slot, id of the person and token of the day of birth, of every row, those that were put aside among them.
WITH born AS (
  SELECT DISTINCT source, slot, person, born FROM person_every WHERE born IS NOT NULL
),
several AS (
  SELECT source, person, count(DISTINCT born) AS births
  FROM born
  GROUP BY source, person
  HAVING count(DISTINCT slot) > 1
)
SELECT
  b.source,
  b.slot,
  count(DISTINCT b.person) AS people,
  count(DISTINCT CASE WHEN s.births > 1 THEN b.person END) AS others
FROM born AS b
JOIN several AS s ON b.source = s.source AND b.person = s.person
GROUP BY b.source, b.slot
ORDER BY b.source, b.slot
