-- Events of each source, slot and month. A file of a month holds what was recorded in it (`made`); where that is not known, what
-- happened in it.
SELECT source, coalesce(slot, '') AS slot, month, coalesce(local_month(recorded_at), month) AS made, count(*) AS n
FROM event GROUP BY 1, 2, 3, 4
