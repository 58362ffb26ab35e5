-- Every event in scope once: the two lists whose overlap is estimated.
SELECT event_id, source, side, hour, age_band, sex
FROM event_record
WHERE first_party
ORDER BY side, source, event_id
