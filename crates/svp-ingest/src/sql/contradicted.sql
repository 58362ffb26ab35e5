-- Slots whose records supersede those of other slots: how many, and how many of them happened in another month there.
-- `record_newest`, `slot_order`: as in newest.sql.
WITH every AS (
  SELECT source, slot, event_id AS record, month FROM event
  UNION ALL
  SELECT source, slot, event_id AS record, month FROM event_superseded
),
placed AS (
  SELECT e.source, e.slot, e.record, e.month, o.place, n.newest
  FROM every AS e
  JOIN slot_order AS o ON e.source = o.source AND e.slot = o.slot
  JOIN record_newest AS n ON e.source = n.source AND e.record = n.record
)
SELECT
  n.source,
  n.slot,
  count(DISTINCT n.record) AS records,
  count(DISTINCT CASE WHEN n.month <> o.month THEN n.record END) AS elsewhere
FROM placed AS n
JOIN placed AS o ON n.source = o.source AND n.record = o.record AND n.place = n.newest AND o.place < n.newest
GROUP BY n.source, n.slot
ORDER BY n.source, n.slot
