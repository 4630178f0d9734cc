-- Two roles for the site: readerstudy_owner makes the tables (DATABASE_OWNER_URL), readerstudy_app works with them
-- (DATABASE_URL). Run it as a superuser on the site's database, with their passwords in the environment:
--   READERSTUDY_OWNER_PASSWORD=… READERSTUDY_APP_PASSWORD=… psql -v ON_ERROR_STOP=1 -f docker/roles.sql readerstudy
-- Run again it sets the passwords, and gives the owner what another role made: a site from before comes over so.
-- `python -m readerstudy.serving.prepare` then grants readerstudy_app its rights.
\getenv owner_password READERSTUDY_OWNER_PASSWORD
\getenv app_password READERSTUDY_APP_PASSWORD
BEGIN;
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['readerstudy_owner', 'readerstudy_app']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE readerstudy_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE readerstudy_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';
SELECT format('ALTER DATABASE %I OWNER TO readerstudy_owner', current_database()) \gexec
SELECT format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, readerstudy_app', current_database()) \gexec
ALTER SCHEMA public OWNER TO readerstudy_owner;
SELECT format('ALTER %s %s OWNER TO readerstudy_owner', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
              pg_class.oid::regclass)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i') AND relkind = 'S') \gexec
SELECT format('ALTER FUNCTION %s OWNER TO readerstudy_owner', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'audit\_%' \gexec
COMMIT;
