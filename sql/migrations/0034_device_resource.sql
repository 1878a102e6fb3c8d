-- What the access tokens of a device are to be for (RFC 8707 section 2); NULL for the issuer itself.
ALTER TABLE device_authorizations ADD COLUMN resource text CHECK (length(resource) <= 2048);
