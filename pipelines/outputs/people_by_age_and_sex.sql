--! name = "people_by_age_and_sex"
--! title = "Victims and patients by age and sex"
--! subtitle = "People's parts in events, by age band and sex"
--! description = "One line for each victim of a crime or patient of an attendance, so a person who was hurt twice counts twice. Open data names nobody: where only that is loaded the table is not available."
--! reads = ["event", "party"]
--! per_definition = true
--! grain = [{ name = "role", title = "Role", limited_by = "codes" }, { name = "age_band", title = "Age", limited_by = "age" }, { name = "sex", title = "Sex", limited_by = "codes" }]
--! counts = [{ name = "parties", title = "Parts in events", contributors = "different_people", largest = "largest_person" }]
--! audiences = ["police", "partner"]
--! not_available = "the sources of this definition say nothing about people"
WITH part AS (
  SELECT p.role, coalesce(age_group(p.age_band), 'not known') AS age_band, coalesce(p.sex, 'unknown') AS sex,
         coalesce(p.person_record_id, p.party_id) AS person, count(*) AS times
  FROM party AS p
  JOIN serious_violence AS e ON e.event_id = p.event_id
  WHERE p.role IN ('victim', 'patient', 'suspect')
  GROUP BY 1, 2, 3, 4
)
SELECT role, age_band, sex, sum(times) AS parties, count(*) AS different_people, max(times) AS largest_person
FROM part
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 2, 3
