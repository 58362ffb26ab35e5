-- The keys of each row under each blocking rule. Rows that share one are a block; blocks over the rule's budget are left
-- out, largest first.
SELECT k.row, k.key['rule'] AS rule, k.key['key'] AS key
FROM (
  SELECT row,
         unnest(block_keys(forename, surname, words, birth, postcode, birth_place, occupation, nhs, upn, local, key_1,
                           key_2, key_3, key_4, key_5)) AS key
  FROM link_row
) AS k
