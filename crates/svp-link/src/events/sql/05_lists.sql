-- The two lists: how many events each source has in scope, and from when to when, in minutes since 1970 UTC.
SELECT side, source, count(*) AS events, min(earliest) AS first, max(latest) AS last
FROM event_record
WHERE first_party
GROUP BY side, source
ORDER BY side, source
