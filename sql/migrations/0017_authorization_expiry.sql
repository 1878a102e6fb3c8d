-- When a month of authorization requests and codes can be dropped without being read.
UPDATE expiring_tables SET over = 't.expires_at', margin = 'interval ''0''' WHERE name = 'authorization_requests';
UPDATE expiring_tables SET over = 't.expires_at', margin = 'interval ''1 day''' WHERE name = 'authorization_codes';
