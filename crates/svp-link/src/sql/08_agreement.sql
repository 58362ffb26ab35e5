-- How the two rows of a pair agree: four bits for each comparison.
SELECT p.pair,
       agree_names(l.forename, l.surname, l.words, r.forename, r.surname, r.words)
       + agree_birth(l.birth, r.birth)
       + agree_birth_place(l.birth_place, r.birth_place)
       + agree_postcode(l.postcode, r.postcode)
       + agree_sex(l.sex, r.sex)
       + agree_occupation(l.occupation, r.occupation)
       + agree_nhs(l.nhs, r.nhs)
       + agree_upn(l.upn, r.upn)
       + agree_local(l.local, r.local) AS agreement
FROM link_pair AS p
JOIN link_row AS l ON l.row = pair_left(p.pair)
JOIN link_row AS r ON r.row = pair_right(p.pair)
