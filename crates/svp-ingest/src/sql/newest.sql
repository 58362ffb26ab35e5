-- Records that several files of a source hold, with the place of the newest of these files in the order of knowledge.
-- `record_every`: source, slot and record of every row of every table, those that were put aside among them, since what
-- supersedes them may have gone. `slot_order`: source, slot, place.
SELECT e.source, e.record, max(o.place) AS newest
FROM record_every AS e
JOIN slot_order AS o ON e.source = o.source AND e.slot = o.slot
WHERE e.record IS NOT NULL
GROUP BY e.source, e.record
HAVING max(o.place) > min(o.place)
