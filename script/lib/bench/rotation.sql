\set n random(1, 100000)
UPDATE grants SET secret = sha256(secret), generation = generation + 1, rotated = now() WHERE id = :n RETURNING generation;
