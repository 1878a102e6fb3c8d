-- A deleted tenant leaves `tenants` at once, while its rows are erased behind it. A foreign key with a cascade would make
-- the DELETE walk the whole tenant, and would be refused by the users that refer to its identity applications.
ALTER TABLE identity_applications DROP CONSTRAINT identity_applications_tenant_id_fkey;
ALTER TABLE api_keys DROP CONSTRAINT api_keys_tenant_id_fkey;
