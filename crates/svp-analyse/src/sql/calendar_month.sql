-- Every month of the period, whatever happened in it.
SELECT month_of_number(number) AS month, number, CAST(number / 12 AS INT) AS year, CAST(number % 12 + 1 AS INT) AS month_of_year,
       CAST(date_part('day', CAST(month_of_number(number + 1) || '-01' AS DATE) - INTERVAL '1 day') AS INT) AS days
FROM (SELECT unnest(range(month_number($from), month_number($to) + 1)) AS number)
