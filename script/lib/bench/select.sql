\set n random(1, 100000)
SELECT body FROM identities WHERE id = :n;
