-- How many matches of each level are chance, and how many of the incidents that both know are found: over all pairs of sources, by their matches.
SELECT
  level,
  round(sum(by_chance) / sum(matches), 3) AS chance,
  round(sum(found_share * matches) / sum(matches), 3) AS found
FROM matched_source
WHERE chance_share IS NOT NULL
GROUP BY level
