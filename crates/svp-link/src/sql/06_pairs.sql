-- Pairs of rows of different records that some rule proposes, each once, for the rows of a part. Rows of a source that
-- promised to have each person once are not paired with each other, and pairs that an earlier run has judged are left out.
SELECT unnest(proposed(row)) AS pair
FROM link_part
