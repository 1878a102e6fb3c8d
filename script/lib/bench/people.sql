-- People of the application whom WeChat knows and who gave no grant that could be asked again. Their ids are UUIDv7, as all of ours
-- are: who came one after the other lies one after the other.
CREATE TEMP TABLE made AS
  SELECT (at || substr(md5('user' || n), 1, 3) || '8' || substr(md5('user' || n), 4, 15))::uuid AS id,
    (at || substr(md5('identity' || n), 1, 3) || '8' || substr(md5('identity' || n), 4, 15))::uuid AS identity, n
  FROM generate_series(1, :rows) n,
    LATERAL (SELECT lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - :rows + n), 12, '0') || '7') AS moment (at);
INSERT INTO users (tenant_id, id, identity_application_id, name, origin)
SELECT :'tenant', id, :'application', 'P' || n, 'shadow' FROM made ORDER BY n;
INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid)
SELECT :'tenant', identity, :'application', id, :'client', :'app', 'o-bench-' || n FROM made ORDER BY n;
ANALYZE users;
ANALYZE federated_identities;
