-- Most people of a miniapp have neither phone number nor e-mail address, nor, before an Open Platform account is there, a unionid.
-- A key over what they have not costs an entry for each of them, and one more at each change that finds no room on its page: with
-- them a reconciliation wrote five indexes for a changed user, without them two. A lookup by plain `=` implies the predicate.

ALTER TABLE users
  DROP CONSTRAINT users_username_key,
  DROP CONSTRAINT users_phone_number_key,
  DROP CONSTRAINT users_email_key;
CREATE UNIQUE INDEX users_username_key ON users (tenant_id, identity_application_id, username_norm)
  WHERE username_norm IS NOT NULL;
CREATE UNIQUE INDEX users_phone_number_key ON users (tenant_id, identity_application_id, phone_number)
  WHERE phone_number IS NOT NULL;
CREATE UNIQUE INDEX users_email_key ON users (tenant_id, identity_application_id, email_norm)
  WHERE email_norm IS NOT NULL;

DROP INDEX federated_identities_unionid;
CREATE INDEX federated_identities_unionid ON federated_identities (tenant_id, identity_application_id, unionid)
  WHERE unionid IS NOT NULL;
