-- The two lists of a capture and recapture: events that both sides could know, under this definition, of months that both have supplied.
SELECT
  m.event_id,
  m.side,
  m.source,
  m.hour,
  m.sex,
  m.age_band,
  e.month,
  a.published_with AS district
FROM event_matchable AS m
JOIN observed_violence AS e ON e.event_id = m.event_id
LEFT JOIN area AS a ON a.layer = 'district' AND a.code = e.district
