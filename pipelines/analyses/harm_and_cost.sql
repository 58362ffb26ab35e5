--! name = "harm_and_cost"
--! title = "Harm and cost by offence group"
--! description = "Crimes of the definition by offence group: harm as the sum of the site's weights (pipelines/reference/harm_weight.csv: a weight of the offence code before one of its group), cost as the Home Office's cost of one offence (unit_cost.csv). Events without a weight or a cost are counted beside, and never as zero."
--! params = [{ name = "index", about = "index in harm_weight.csv", default = "cchi_anchors" }]
--! notes = ["Recorded crimes only: the Home Office multiplies for crimes that nobody recorded.", "Costs are in the prices of the column `prices`."]
WITH weighed AS (
  SELECT e.event_id, e.offence_group, coalesce(c.weight, g.weight) AS weight, u.cost, u.prices
  FROM serious_violence AS e
  LEFT JOIN harm_weight AS c ON c.index = $index AND c.code = e.offence_code
  LEFT JOIN harm_weight AS g ON g.index = $index AND g.code = e.offence_group
  LEFT JOIN unit_cost AS u ON u.offence_group = e.offence_group
  WHERE e.event_type = 'crime'
)
SELECT coalesce(offence_group, 'not known') AS offence_group, count(*) AS events, sum(weight) AS harm,
       count(*) - count(weight) AS without_weight, sum(cost) AS cost_gbp, count(*) - count(cost) AS without_cost, max(prices) AS prices
FROM weighed
GROUP BY 1
ORDER BY harm DESC NULLS LAST, events DESC
