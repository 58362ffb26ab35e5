-- Senders that are looked for from a later month on than others of their source.
WITH begun AS (SELECT source, sender, min(month) AS first FROM coverage GROUP BY source, sender),
source_begun AS (SELECT source, min(first) AS source_first FROM begun GROUP BY source)
SELECT b.source, b.sender, b.first, s.source_first
FROM begun AS b JOIN source_begun AS s ON s.source = b.source
WHERE b.first > s.source_first
ORDER BY b.source, b.sender
