\set n random(1, 100000)
INSERT INTO sessions (identity, expires) VALUES (:n, now());
