-- Records that several rows describe. Most are not among them, and need no comparison of one row with the others.
SELECT person_record_id
FROM link_record
GROUP BY person_record_id
HAVING count(*) > 1
