-- People of the application whom WeChat knows and who gave no grant that could be asked again.
CREATE TEMP TABLE made AS
  SELECT gen_random_uuid() AS id, gen_random_uuid() AS identity, n FROM generate_series(1, :rows) n;
INSERT INTO users (tenant_id, id, identity_application_id, name, origin)
SELECT :'tenant', id, :'application', 'P' || n, 'shadow' FROM made;
INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid)
SELECT :'tenant', identity, :'application', id, :'client', :'app', 'o-bench-' || n FROM made;
ANALYZE users;
ANALYZE federated_identities;
