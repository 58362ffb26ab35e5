-- Keys whose block is compared: not alone, and not over the rule's cap.
SELECT k.row, k.person, k.only, k.fresh, k.key
FROM link_key AS k
JOIN link_block AS b ON b.rule = k.rule AND b.key = k.key
JOIN block_cap AS c ON c.rule = b.rule AND b.rows <= c.cap
