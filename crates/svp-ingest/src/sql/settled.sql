-- All rows of the slots of a table that change, and whether each is superseded.
SELECT r.*, coalesce(o.place < n.newest, FALSE) AS superseded
FROM (SELECT * FROM record_live UNION ALL SELECT * FROM record_aside) AS r
JOIN slot_touched AS t ON r.source = t.source AND r.slot = t.slot
JOIN slot_order AS o ON r.source = o.source AND r.slot = o.slot
LEFT JOIN record_newest AS n ON r.source = n.source AND r.record = n.record
