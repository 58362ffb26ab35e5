--! name = "monthly_trend"
--! title = "Months"
--! subtitle = "Events by month"
--! description = "Events by the month in which they happened, or were recorded where that is not known. Crimes are not incidents and not injured people: do not compare the sources one to one."
--! reads = ["event"]
--! per_definition = true
--! grain = [{ name = "month", title = "Month" }]
--! attributes = [{ name = "broken", title = "Break in recording" }]
--! counts = [{ name = "events", title = "Events", cell_key = "events_key" }]
--! derived = [
--!   { name = "twelve_months", title = "Twelve months to here", unit = "events", expr = "CASE WHEN count(*) OVER (ORDER BY month ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) = 12 AND count(nullif(broken, 'none')) OVER (ORDER BY month ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) = 0 AND count(events) OVER (ORDER BY month ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) = 12 AND events IS NOT NULL THEN sum(events) OVER (ORDER BY month ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) END", inputs = ["events"] },
--! ]
--! chart = { kind = "line", x = "month", value = "events", breaks = "broken" }
--! audiences = ["police", "partner", "public"]
--! notes = ["A month with a break in recording and no event at all is not available, and not zero: nothing was supplied."]
--! not_available = "no event falls under this definition in the period"
SELECT month, coalesce(broken, CASE WHEN observed THEN 'none' WHEN NOT observed THEN state END) AS broken, events, events_key
FROM violence_month
WHERE EXISTS (SELECT 1 FROM serious_violence WHERE month IS NOT NULL)
ORDER BY 1
