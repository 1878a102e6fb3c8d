-- The bind ticket of a person whom WeChat authenticated for a sign-in and whom nobody knows: whoever finishes the sign-in
-- becomes or gets that person. It stays here, sealed, so that it never stands in an address.
ALTER TABLE authorization_requests ADD COLUMN ticket_sealed bytea;
