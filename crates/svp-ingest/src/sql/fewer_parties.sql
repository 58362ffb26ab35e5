-- Slots whose records supersede those of other slots and name fewer people than before: how many such records.
-- `record_newest`, `slot_order`: as in newest.sql.
WITH event_every AS (
  SELECT source, slot, event_id AS record FROM event
  UNION ALL
  SELECT source, slot, event_id AS record FROM event_superseded
),
party_every AS (
  SELECT source, slot, event_id AS record FROM party
  UNION ALL
  SELECT source, slot, event_id AS record FROM party_superseded
),
counted AS (
  SELECT source, slot, record, count(*) AS parties FROM party_every GROUP BY source, slot, record
),
placed AS (
  SELECT e.source, e.slot, e.record, o.place, n.newest, coalesce(c.parties, 0) AS parties
  FROM (SELECT DISTINCT source, slot, record FROM event_every) AS e
  JOIN slot_order AS o ON e.source = o.source AND e.slot = o.slot
  JOIN record_newest AS n ON e.source = n.source AND e.record = n.record
  LEFT JOIN counted AS c ON e.source = c.source AND e.slot = c.slot AND e.record = c.record
)
SELECT n.source, n.slot, count(DISTINCT n.record) AS records
FROM placed AS n
JOIN placed AS o ON n.source = o.source AND n.record = o.record AND n.place = n.newest AND o.place < n.newest
WHERE n.parties < o.parties
GROUP BY n.source, n.slot
ORDER BY n.source, n.slot
