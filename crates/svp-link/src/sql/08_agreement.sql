-- How the two rows of a pair agree: four bits for each comparison. The functions look the rows up by their numbers.
SELECT pair,
       agree_names(pair)
       + agree_birth(pair)
       + agree_birth_place(pair)
       + agree_postcode(pair)
       + agree_sex(pair)
       + agree_occupation(pair)
       + agree_nhs(pair)
       + agree_upn(pair)
       + agree_local(pair) AS agreement
FROM link_pair
