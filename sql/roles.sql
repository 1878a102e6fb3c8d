-- The roles of Qiao. Run by an administrator, any number of times, in the database that is to hold Qiao.
--
--   qiao_owner    owns every object of the schema and migrates it; nobody logs in as it
--   qiao_app      the server
--   qiao_worker   the workers
--
-- The last two own nothing and cannot bypass row-level security, so the policies hold for them whatever the code does.
-- Passwords are not here: who installs Qiao sets them (ALTER ROLE … PASSWORD …).
--
-- Roles belong to the whole server, so two databases may run this at once: nothing is written that is already so.

DO $$
DECLARE
  wanted record;
  attributes CONSTANT text := 'NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION';
BEGIN
  FOR wanted IN
    SELECT *
    FROM (VALUES ('qiao_owner', false), ('qiao_app', true), ('qiao_worker', true)) AS role (name, logs_in)
  LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
        EXECUTE format(
          'CREATE ROLE %I %s NOSUPERUSER NOCREATEROLE NOCREATEDB',
          wanted.name,
          CASE WHEN wanted.logs_in THEN 'LOGIN' ELSE 'NOLOGIN' END
        );
      END IF;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN
        NULL; -- made by the other one in the meantime
    END;

    -- A role that somebody gave more since is put back.
    IF EXISTS (
      SELECT
      FROM pg_roles
      WHERE rolname = wanted.name
        AND (
          rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin <> wanted.logs_in
        )
    ) THEN
      EXECUTE format(
        'ALTER ROLE %I %s %s',
        wanted.name,
        CASE WHEN wanted.logs_in THEN 'LOGIN' ELSE 'NOLOGIN' END,
        attributes
      );
    END IF;
  END LOOP;

  -- An administrator who is no superuser migrates by SET ROLE, for which he has to be a member.
  IF NOT pg_has_role(current_user, 'qiao_owner', 'MEMBER') THEN
    EXECUTE format('GRANT qiao_owner TO %I', current_user);
  END IF;

  -- The login roles must not reach the owner's rights through a membership.
  IF EXISTS (
    SELECT
    FROM pg_auth_members
    WHERE roleid = 'qiao_owner'::regrole AND member IN ('qiao_app'::regrole, 'qiao_worker'::regrole)
  ) THEN
    REVOKE qiao_owner FROM qiao_app, qiao_worker;
  END IF;
END
$$;

-- The database: only those who have a business in it come in.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO qiao_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO qiao_app, qiao_worker', current_database());
END
$$;

-- The schema: only the owner makes objects in it.
ALTER SCHEMA public OWNER TO qiao_owner;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO qiao_app, qiao_worker;
