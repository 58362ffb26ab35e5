-- What the columns of the extracts held, by file: those that are read from the extract and not made from others.
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
  most_common
FROM column_profile
WHERE mapped
ORDER BY source, slot, feed, table_name, column_name, run
