-- Episodes of each source, slot and month in which they began.
SELECT source, coalesce(slot, '') AS slot, substr(CAST(started AS TEXT), 1, 7) AS month, count(*) AS n
FROM episode WHERE started IS NOT NULL GROUP BY 1, 2, 3
