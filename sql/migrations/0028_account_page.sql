-- A person may sign in for their account page itself: an interaction without a client. One that a signed-in person begins to show
-- that it is still them can be answered by nobody else.
ALTER TABLE authorization_requests ALTER COLUMN client_id DROP NOT NULL;
ALTER TABLE authorization_requests ADD COLUMN user_id uuid;
