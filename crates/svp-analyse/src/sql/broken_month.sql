-- Months of the period that cannot be compared with others, by kind of break: those of the area's force and those that were everywhere.
SELECT DISTINCT m.month, b.kind, b.name
FROM (SELECT DISTINCT month FROM serious_violence WHERE month IS NOT NULL) AS m
JOIN recording_break AS b ON m.month >= b.from_month AND m.month <= b.to_month
WHERE b.area IS NULL OR b.area IN (SELECT parent FROM area WHERE layer = 'csp')
