--! name = "most_similar"
--! title = "Our areas beside those that are most like them"
--! description = "Each area of the layer for which pipelines/reference/most_similar.csv has figures under this definition: its rate for 1,000 people and a year with Byar's interval of 95 %, the same of every peer, and the ratio of ours to theirs with its interval and p. Ranks run from the highest rate, of ours and the peers together. Ours are the events and residents of `by_area`, in the months of --from and --to that were observed, without those with a break in recording; `months` says how many, and a peer's span stands beside it."
--! reads = ["by_area"]
--! params = [{ name = "layer", about = "layer of the table `area` whose areas are compared", default = "district" }]
--! notes = ["Recording differs between forces as much as violence does: a higher rate can be better recording.", "Compare spans that are alike: give --from and --to the peers' months.", "Several spans of one peer are several rows. A span that is none has no rate."]
WITH peer AS (
  SELECT m.code, m.peer_code, m.peer_name, m.from_month, m.to_month, m.events, m.people,
         month_number(m.to_month) - month_number(m.from_month) + 1 AS months
  FROM most_similar AS m
  WHERE m.layer = $layer AND m.definition = (SELECT name FROM this_definition)
),
span AS (SELECT min(month) AS from_month, max(month) AS to_month, count(*) AS months FROM comparable_month),
ours AS (
  SELECT b.code, b.name, s.from_month, s.to_month, s.months, b.events, b.residents AS people
  FROM by_area AS b CROSS JOIN span AS s
  WHERE b.code IN (SELECT code FROM peer)
),
listed AS (
  SELECT code, code AS area, name, 'ours' AS whose, from_month, to_month, months, events, people FROM ours
  UNION ALL
  SELECT code, peer_code, peer_name, 'peer', from_month, to_month, months, CAST(events AS DOUBLE), CAST(people AS DOUBLE) FROM peer
),
rated AS (
  SELECT l.*, CASE WHEN l.people > 0 AND l.months > 0 THEN 12000.0 / l.people / l.months END AS factor, byar(l.events) AS b,
         CASE WHEN l.whose = 'peer'
              -- A small area of 2011 that was split leaves fractions; the test wants whole counts.
              THEN rate_ratio(round(o.events), o.people * o.months / 12.0, l.events, l.people * l.months / 12.0) END AS r
  FROM listed AS l LEFT JOIN ours AS o ON o.code = l.code
)
SELECT code, whose, area, name, from_month, to_month, months, round(events, 3) AS events, people AS residents, round(events * factor, 3) AS rate,
       round(b['lower'] * factor, 3) AS lower, round(b['upper'] * factor, 3) AS upper,
       rank() OVER (PARTITION BY code ORDER BY events * factor DESC NULLS LAST) AS rank,
       round(r['ratio'], 3) AS ratio, round(r['lower'], 3) AS ratio_lower, round(r['upper'], 3) AS ratio_upper, round(r['p'], 4) AS p
FROM rated
ORDER BY code, whose, rate DESC NULLS LAST, area, from_month
