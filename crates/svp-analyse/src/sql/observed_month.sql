-- Every month of the period, and whether it is known under the definition: all senders whose events the definition counts have
-- supplied it. A month of which some are missing is known in part, which is not known: its count would be too low.
WITH used AS (
  -- Of all months: who has supplied nothing in the period is missed all the same.
  SELECT DISTINCT e.source, coalesce(d.sender, '') AS sender
  FROM defined_event AS e LEFT JOIN delivery AS d ON d.source = e.source AND d.slot = e.slot
  WHERE e.in_area IS NOT FALSE
),
known AS (
  SELECT c.month, count(*) AS senders, count(*) FILTER (WHERE c.state = 'missing') AS missing, bool_and(coalesce(c.known_by, '') = 'name') AS named
  FROM coverage AS c JOIN used AS u ON u.source = c.source AND u.sender = c.sender
  GROUP BY 1
)
SELECT m.month, m.number, m.year, m.month_of_year, m.days, coalesce(k.missing = 0, FALSE) AS observed,
       CASE WHEN k.missing = 0 THEN 'observed' WHEN k.missing < k.senders THEN 'supplied in part' ELSE 'not supplied' END AS state,
       coalesce(k.named, FALSE) AS named
FROM calendar_month AS m LEFT JOIN known AS k ON k.month = m.month
