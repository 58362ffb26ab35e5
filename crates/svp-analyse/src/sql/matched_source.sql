-- Pairs of sources that were matched and both have events on the lists.
SELECT l.level, l.police_source, l.health_source, l.matches, l.by_chance, l.chance_share, l.found_share
FROM event_match_level AS l
JOIN (SELECT DISTINCT source FROM listed_event) AS p ON p.source = l.police_source
JOIN (SELECT DISTINCT source FROM listed_event) AS h ON h.source = l.health_source
