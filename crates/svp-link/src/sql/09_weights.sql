-- The weight of each pair: log2 of the odds that it is one person.
SELECT pair, match_weight(pair, agreement) AS weight
FROM link_agreement
