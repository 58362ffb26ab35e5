-- The slots of a table that change: how many records of it are superseded now, and how many are the newest again.
-- `record_live`, `record_aside`: the table's rows and those that were put aside, with their record.
WITH moved AS (
  SELECT l.source, l.slot, l.record, TRUE AS goes
  FROM record_live AS l
  JOIN slot_order AS o ON l.source = o.source AND l.slot = o.slot
  JOIN record_newest AS n ON l.source = n.source AND l.record = n.record
  WHERE o.place < n.newest
  UNION ALL
  SELECT a.source, a.slot, a.record, FALSE AS goes
  FROM record_aside AS a
  JOIN slot_order AS o ON a.source = o.source AND a.slot = o.slot
  LEFT JOIN record_newest AS n ON a.source = n.source AND a.record = n.record
  WHERE n.newest IS NULL OR o.place = n.newest
)
SELECT
  source,
  slot,
  count(DISTINCT CASE WHEN goes THEN record END) AS gone,
  count(DISTINCT CASE WHEN NOT goes THEN record END) AS back
FROM moved
GROUP BY source, slot
