-- What the columns of the canonical tables held, by file; `mapped`: they are read from the extract and not made from others.
SELECT
  source,
  slot,
  feed,
  table_name,
  column_name,
  run,
  rows,
  blank,
  counted,
  most_common,
  mapped,
  shares,
  filled
FROM column_profile
WHERE mapped OR shares IS NOT NULL
ORDER BY source, slot, feed, table_name, column_name, run
