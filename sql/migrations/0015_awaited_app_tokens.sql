-- Somebody waits for the token until then: its refresh ends with a notification. Every refresh ending with one would make the
-- commits of all refreshers queue up behind each other, because notifying takes one lock a database.
ALTER TABLE app_token_schedule ADD COLUMN awaited_until timestamptz;
