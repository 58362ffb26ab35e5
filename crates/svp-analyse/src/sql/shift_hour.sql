-- The hours of the week of each shift; a shift that ends at or before its start ends on the next day.
SELECT s.shift, CAST(h.value AS INT) AS hour_of_week
FROM shift AS s
CROSS JOIN generate_series(0, 167) AS h
WHERE CASE WHEN s.from_hour < s.to_hour THEN h.value % 24 >= s.from_hour AND h.value % 24 < s.to_hour
           ELSE h.value % 24 >= s.from_hour OR h.value % 24 < s.to_hour END
