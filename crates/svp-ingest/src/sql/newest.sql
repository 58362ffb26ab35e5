-- Records that several files of a source hold, with the place of the newest of these files in the order of knowledge. A record
-- is looked for in every table, and also among the rows that were put aside: what supersedes it may have gone.
-- `slot_order`: source, slot, place.
WITH every AS (
  SELECT source, slot, event_id AS record FROM event
  UNION ALL SELECT source, slot, event_id AS record FROM event_superseded
  UNION ALL SELECT source, slot, event_id AS record FROM party
  UNION ALL SELECT source, slot, event_id AS record FROM party_superseded
  UNION ALL SELECT source, slot, episode_id AS record FROM episode
  UNION ALL SELECT source, slot, episode_id AS record FROM episode_superseded
  UNION ALL SELECT source, slot, event_id AS record FROM person_record
  UNION ALL SELECT source, slot, event_id AS record FROM person_record_superseded
)
SELECT e.source, e.record, max(o.place) AS newest
FROM every AS e
JOIN slot_order AS o ON e.source = o.source AND e.slot = o.slot
WHERE e.record IS NOT NULL
GROUP BY e.source, e.record
HAVING max(o.place) > min(o.place)
