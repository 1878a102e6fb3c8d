-- How the pages of an identity application look: logo_uri, primary_color, background_color; checked before it is stored.
ALTER TABLE identity_applications ADD COLUMN branding jsonb
  CONSTRAINT identity_applications_branding_check CHECK (jsonb_typeof(branding) = 'object');
