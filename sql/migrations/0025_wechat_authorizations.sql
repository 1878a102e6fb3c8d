-- Browsers on their way through WeChat's pages: what a `state` stands for. It is one browser's, one client's and one purpose's.
CREATE TABLE wechat_authorizations (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('login', 'link')),
  state_hash bytea NOT NULL,
  browser_hash bytea NOT NULL,
  -- A login: the interaction it is for, and the token that the browser goes on with.
  interaction_id uuid,
  interaction_sealed bytea,
  -- A link: the session of the user who gets the identity.
  session_id uuid,
  -- The code it was spent with: a browser that WeChat sends back twice at once brings the same one again.
  code_hash bytea,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT wechat_authorizations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT wechat_authorizations_subject_check CHECK (CASE purpose
    WHEN 'login' THEN interaction_id IS NOT NULL AND interaction_sealed IS NOT NULL AND session_id IS NULL
    ELSE interaction_id IS NULL AND interaction_sealed IS NULL AND session_id IS NOT NULL END)
) PARTITION BY RANGE (id);
CREATE TABLE wechat_authorizations_default PARTITION OF wechat_authorizations DEFAULT;
CALL isolate_tenant('wechat_authorizations');

INSERT INTO expiring_tables (name, past, closes, monthly, over, margin) VALUES
  ('wechat_authorizations', 't.expires_at <= now()', NULL, true, 't.expires_at', 'interval ''0''');
SELECT prepare_partitions(2);
