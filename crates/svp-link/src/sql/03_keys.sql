-- The keys of each row under each blocking rule.
SELECT k.row, k.person, k.only, k.fresh, k.key['rule'] AS rule, k.key['key'] AS key
FROM (
  SELECT r.row, n.person, n.only, n.fresh,
         unnest(block_keys(r.forename, r.surname, r.words, r.birth, r.postcode, r.birth_place, r.occupation, r.nhs, r.upn,
                           r.local, r.key_1, r.key_2, r.key_3, r.key_4, r.key_5)) AS key
  FROM link_row AS r
  JOIN row_note AS n ON n.row = r.row
) AS k
