-- Slots of a source that revises by record which hold ids of another sender, with the number of such records: one id of two senders is two
-- records, and superseding one by the other would lose it. `slot_order` has the sender of each slot, empty where nobody says.
WITH several AS (
  SELECT e.source, e.record
  FROM record_every AS e
  JOIN slot_order AS o ON e.source = o.source AND e.slot = o.slot
  WHERE e.record IS NOT NULL AND o.sender <> ''
  GROUP BY e.source, e.record
  HAVING count(DISTINCT o.sender) > 1
)
SELECT e.source, e.slot, count(DISTINCT e.record) AS records
FROM record_every AS e
JOIN several AS s ON e.source = s.source AND e.record = s.record
GROUP BY e.source, e.slot
ORDER BY e.source, e.slot
