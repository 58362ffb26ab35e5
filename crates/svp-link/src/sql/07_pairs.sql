-- Pairs of rows of different records that some rule proposes, each once. Rows of a source that promised to have each
-- person once are not paired with each other, and pairs that an earlier run has judged are left out ($1: parts, $2: part).
SELECT DISTINCT pair_of(l.row, r.row) AS pair
FROM link_usable AS l
JOIN link_usable AS r ON l.key = r.key
WHERE l.row < r.row
  AND l.person <> r.person
  AND (l.only IS NULL OR r.only IS NULL OR l.only <> r.only)
  AND (l.fresh OR r.fresh)
  AND l.row % $1 = $2
