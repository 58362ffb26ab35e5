-- How many rows hold each row's values: what a shared value weighs depends on how rare it is. 0 is "missing".
WITH tokens AS (
  SELECT row, token_part(forename, 0) AS forename, token_part(forename, 1) AS usual, token_part(surname, 0) AS surname,
         token_part(birth, 0) AS birth, token_part(birth_place, 0) AS birth_place, token_part(postcode, 0) AS postcode,
         token_part(occupation, 0) AS occupation
  FROM link_row
),
f AS (SELECT forename AS v, count(*) AS n FROM tokens WHERE forename IS NOT NULL GROUP BY forename),
u AS (SELECT usual AS v, count(*) AS n FROM tokens WHERE usual IS NOT NULL GROUP BY usual),
s AS (SELECT surname AS v, count(*) AS n FROM tokens WHERE surname IS NOT NULL GROUP BY surname),
j AS (
  SELECT usual AS v, surname AS w, count(*) AS n FROM tokens
  WHERE usual IS NOT NULL AND surname IS NOT NULL GROUP BY usual, surname
),
b AS (SELECT birth AS v, count(*) AS n FROM tokens WHERE birth IS NOT NULL GROUP BY birth),
p AS (SELECT birth_place AS v, count(*) AS n FROM tokens WHERE birth_place IS NOT NULL GROUP BY birth_place),
c AS (SELECT postcode AS v, count(*) AS n FROM tokens WHERE postcode IS NOT NULL GROUP BY postcode),
o AS (SELECT occupation AS v, count(*) AS n FROM tokens WHERE occupation IS NOT NULL GROUP BY occupation)
SELECT t.row,
       CAST(coalesce(f.n, 0) AS REAL) AS n_forename, CAST(coalesce(u.n, 0) AS REAL) AS n_usual,
       CAST(coalesce(s.n, 0) AS REAL) AS n_surname, CAST(coalesce(j.n, 0) AS REAL) AS n_name,
       CAST(coalesce(b.n, 0) AS REAL) AS n_birth, CAST(coalesce(p.n, 0) AS REAL) AS n_birth_place,
       CAST(coalesce(c.n, 0) AS REAL) AS n_postcode, CAST(coalesce(o.n, 0) AS REAL) AS n_occupation
FROM tokens AS t
LEFT JOIN f ON f.v = t.forename
LEFT JOIN u ON u.v = t.usual
LEFT JOIN s ON s.v = t.surname
LEFT JOIN j ON j.v = t.usual AND j.w = t.surname
LEFT JOIN b ON b.v = t.birth
LEFT JOIN p ON p.v = t.birth_place
LEFT JOIN c ON c.v = t.postcode
LEFT JOIN o ON o.v = t.occupation
