-- What each file that is live says it covers, and whether its rows bear that out.
-- `slot_month`, `episode_month`: rows of each source, slot and month.
WITH made AS (
  SELECT source, slot, month_number(made) AS number, sum(n) AS n FROM slot_month WHERE made IS NOT NULL GROUP BY 1, 2, 3
),
held AS (SELECT source, slot FROM slot_month UNION SELECT source, slot FROM episode_month),
file AS (
  SELECT source, slot, coalesce(sender, '') AS sender, month_number(first_month) AS first, month_number(last_month) AS last FROM delivery
  UNION ALL
  SELECT h.source, h.slot, '', NULL, NULL FROM held AS h
  WHERE NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.source = h.source AND d.slot = h.slot)
),
looked_at AS (
  SELECT f.source, f.slot, f.sender, f.first, f.last, max(m.n) AS fullest,
         coalesce(sum(CASE WHEN m.number >= f.first AND m.number <= f.last THEN m.n END), 0) AS inside,
         coalesce(sum(CASE WHEN m.number < f.first OR m.number > f.last THEN m.n END), 0) AS outside,
         coalesce(max(CASE WHEN m.number < f.first OR m.number > f.last THEN m.n END), 0) AS fullest_outside
  FROM file AS f LEFT JOIN made AS m ON m.source = f.source AND m.slot = f.slot
  GROUP BY 1, 2, 3, 4, 5
),
-- A name is believed unless the rows contradict it: most of them are of other months, or another month is about as full as those that
-- the name says. A monthly file that repeats some records that changed is no such file.
judged AS (
  SELECT *, CASE WHEN first IS NULL OR last IS NULL THEN 'inferred'
                 WHEN outside > inside OR (fullest_outside >= 10 AND fullest_outside * 4.0 * (last - first + 1) >= inside * 3.0) THEN 'content'
                 ELSE 'name' END AS known_by
  FROM looked_at
)
SELECT source, slot, sender, first, last, fullest, known_by FROM judged
