-- A person who comes by a native app or a browser brings a grant and a profile: the ticket carries them, sealed, until they are
-- registered.
ALTER TABLE federation_transactions ADD COLUMN carried_sealed bytea;
