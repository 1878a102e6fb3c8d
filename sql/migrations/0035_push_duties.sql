-- A push that waits goes with what it is about: with its client, whose deletion takes the stored push along.
DELETE FROM push_schedule s WHERE NOT EXISTS (
  SELECT FROM wechat_pushes_all p WHERE p.tenant_id = s.tenant_id AND p.id = s.push_id);
ALTER TABLE push_schedule
  ADD COLUMN last_error text CHECK (length(last_error) <= 200),
  ADD COLUMN tried_at timestamptz,
  ADD CONSTRAINT push_schedule_push_fkey FOREIGN KEY (tenant_id, push_id)
    REFERENCES wechat_pushes (tenant_id, id) ON DELETE CASCADE;

-- Who gave the phone number: a revoke takes back what WeChat gave, whosesoever the user is, and nothing else. NULL for a number
-- of the tenant's own.
ALTER TABLE users ADD COLUMN phone_number_source text
  CONSTRAINT users_phone_number_source_check CHECK (phone_number_source = 'wechat');

-- The numbers that are there already: until now a shadow user's counted as WeChat's.
DO $$
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('app.tenant_id', tenant::text, true);
    UPDATE users SET phone_number_source = 'wechat' WHERE origin = 'shadow' AND phone_number IS NOT NULL;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END
$$;
