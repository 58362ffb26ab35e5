-- How the two rows of a pair agree: four bits for each comparison. The function looks the rows up by their numbers.
SELECT pair, agreement(pair) AS agreement
FROM link_pair
