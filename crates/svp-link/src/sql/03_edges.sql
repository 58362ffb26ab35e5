-- A star for each usable key: every record that has it is joined to the least record that has it.
SELECT k.person_record_id AS left_id, s.least AS right_id, k.kind
FROM (SELECT DISTINCT person_record_id, kind, token FROM match_key) AS k
JOIN (
  SELECT kind, token, min(person_record_id) AS least
  FROM match_key
  GROUP BY kind, token
  HAVING min(person_record_id) <> max(person_record_id)
) AS s ON s.kind = k.kind AND s.token = k.token
LEFT ANTI JOIN match_conflict AS c ON c.kind = k.kind AND c.token = k.token
WHERE k.person_record_id <> s.least
