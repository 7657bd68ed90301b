-- What register_tool warns of.  A warning goes to the client's standard error,
-- so another psql registers, and sees only what is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE ROLE engine_tool_writer;
CREATE SCHEMA everybodys;
GRANT CREATE ON SCHEMA everybodys TO PUBLIC;
CREATE SCHEMA writers;
GRANT CREATE ON SCHEMA writers TO engine_tool_writer;
CREATE SCHEMA owned AUTHORIZATION engine_tool_writer;
CREATE SCHEMA its_own AUTHORIZATION pg_monitor;
CREATE FUNCTION public.work(n int) RETURNS int LANGUAGE sql RETURN n;

\setenv SCHEMA everybodys
\set got `psql -XAtqd "$DATABASE" -c "SET search_path = $SCHEMA" -c "SELECT workflow_orch.register_tool('$SCHEMA', 'public.work(int)', 'pg_monitor')" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  schema "everybodys" on the tool''s search_path is writable by others\nDETAIL:  Every role',
  'registration warns of a schema on the search_path that everybody may write');
\setenv SCHEMA writers
\set got `psql -XAtqd "$DATABASE" -c "SET search_path = $SCHEMA" -c "SELECT workflow_orch.register_tool('$SCHEMA', 'public.work(int)', 'pg_monitor')" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  schema "writers".*\nDETAIL:  Role "engine_tool_writer".*\nHINT:  Revoke CREATE',
  'registration warns of a schema that another role may write, and names the role');
\setenv SCHEMA owned
\set got `psql -XAtqd "$DATABASE" -c "SET search_path = $SCHEMA" -c "SELECT workflow_orch.register_tool('$SCHEMA', 'public.work(int)', 'pg_monitor')" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  schema "owned"', 'registration warns of a schema that another role owns');
\setenv SCHEMA its_own
\set got `psql -XAtqd "$DATABASE" -c "SET search_path = $SCHEMA" -c "SELECT workflow_orch.register_tool('$SCHEMA', 'public.work(int)', 'pg_monitor')" 2>&1`
SELECT is(:'got'::text, '', 'registration does not warn of a schema of the role that the tool runs as');
\setenv SCHEMA public
\set got `psql -XAtqd "$DATABASE" -c "SET search_path = $SCHEMA" -c "SELECT workflow_orch.register_tool('$SCHEMA', 'public.work(int)', 'pg_monitor')" 2>&1`
SELECT is(:'got'::text, '', 'registration does not warn of the schema public as PostgreSQL makes it');
SELECT is((SELECT count(*) FROM workflow_orch.tool WHERE NOT built_in), 5::bigint, 'a warning does not keep a tool from being registered');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.register_tool('outside', 'public.work(int)', 'pg_monitor', in_session => false, preview => true, rerun => false)" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  previews run a tool that is registered with rerun false\nDETAIL:  .*\nHINT:  Specify preview => false',
  'registration warns of previews that have effects outside the transaction');

DROP OWNED BY engine_tool_writer;
DROP ROLE engine_tool_writer;
SELECT * FROM finish();
