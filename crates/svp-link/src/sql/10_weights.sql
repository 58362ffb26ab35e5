-- The weight of each pair: log2 of the odds that it is one person.
SELECT a.pair,
       match_weight(a.agreement,
                    l.n_forename, l.n_usual, l.n_surname, l.n_name, l.n_birth, l.n_birth_place, l.n_postcode, l.n_occupation,
                    r.n_forename, r.n_usual, r.n_surname, r.n_name, r.n_birth, r.n_birth_place, r.n_postcode, r.n_occupation
       ) AS weight
FROM link_agreement AS a
JOIN link_count AS l ON l.row = pair_left(a.pair)
JOIN link_count AS r ON r.row = pair_right(a.pair)
