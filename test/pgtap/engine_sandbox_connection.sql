-- What the caller's connection and role have set does not reach the tool.
-- Connections see only what is committed, so there is no transaction round
-- this file; each adds to the table got, which the last one asserts.
\set ON_ERROR_STOP on
CREATE TABLE got (id int GENERATED ALWAYS AS IDENTITY, got text, expected text, description text);
CREATE FUNCTION setting(name text) RETURNS text LANGUAGE sql STABLE RETURN current_setting(name, true);
SELECT workflow_orch.register_actor('ann', 'Developer') AS ann, workflow_orch.register_actor('bob', 'DBA') AS bob \gset
SELECT workflow_orch.register_tool('setting', 'setting(text)', run_as => 'pg_monitor');
SELECT workflow_orch.start_workflow('Work', :ann) AS w \gset
CREATE FUNCTION seen(setting text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p bigint;
BEGIN
  SELECT proposal_id INTO p FROM workflow_orch.propose_action(1, 1, 'setting', jsonb_build_object('name', setting), 'r');
  PERFORM workflow_orch.review_action(p, 2, 'approve');
  RETURN (workflow_orch.execute_action(p)).result #>> '{output}';
END
$$;
CREATE TABLE server (name text, setting text, caller text);
INSERT INTO server SELECT name, current_setting(name), caller
FROM (VALUES ('array_nulls', 'off'), ('enable_seqscan', 'off'),
             ('lock_timeout', '5s'), ('cursor_tuple_fraction', '0.5'), ('backslash_quote', 'on')) AS v (name, caller);

\c -reuse-previous=on "options='-c app.tenant=mine -c DateStyle=German,YMD -c array_nulls=off -c enable_seqscan=off -c lock_timeout=5s -c cursor_tuple_fraction=0.5 -c backslash_quote=on -c client_min_messages=warning'"
INSERT INTO got (got, expected, description) VALUES
  (current_setting('app.tenant'), 'mine', 'the connection has a setting of its own'),
  (coalesce(seen('app.tenant'), ''), '', 'a custom setting of the caller''s connection does not reach the tool'),
  (seen('DateStyle'), 'ISO, MDY', 'DateStyle of the caller''s connection does not reach the tool');
INSERT INTO got (got, expected, description)
  SELECT seen(name), setting, format('%s of the caller''s connection does not reach the tool', name) FROM server;
INSERT INTO got (got, expected, description)
  SELECT current_setting(name), caller, format('after the tool, %s of the connection is as before', name) FROM server;
SET app.tenant = 'another';
INSERT INTO got (got, expected, description) VALUES
  (coalesce(seen('app.tenant'), ''), '', 'nor does a custom setting that the session has set again'),
  (current_setting('app.tenant'), 'another', 'the session keeps what it has set');
RESET app.tenant;
INSERT INTO got (got, expected, description) VALUES
  (current_setting('app.tenant'), 'mine', 'the connection''s setting is still its default');

-- A setting that cannot change any more once the session has temporary tables.
CREATE FUNCTION seen_or_error(setting text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN seen(setting);
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
\c -reuse-previous=on "options='-c temp_buffers=200 -c client_min_messages=warning'"
CREATE TEMP TABLE used (id int);
INSERT INTO used VALUES (1);
INSERT INTO got (got, expected, description) VALUES
  (seen_or_error('DateStyle'), 'ISO, MDY', 'a connection that has its own temp_buffers, and uses them, proposes and executes'),
  (current_setting('temp_buffers'), '1600kB', 'and keeps them');

CREATE ROLE engine_sandbox_caller SUPERUSER LOGIN;
ALTER ROLE engine_sandbox_caller SET app.tenant = 'role''s';
ALTER ROLE engine_sandbox_caller SET timezone_abbreviations = 'Australia';
\c -reuse-previous=on "user=engine_sandbox_caller options=''"
INSERT INTO got (got, expected, description) VALUES
  (current_setting('app.tenant'), 'role''s', 'the caller''s role has a setting of its own'),
  (coalesce(seen('app.tenant'), ''), '', 'a custom setting of the caller''s role does not reach the tool'),
  (current_setting('timezone_abbreviations'), 'Australia', 'the caller''s role has its own abbreviations of time zones'),
  (seen('timezone_abbreviations'), 'Default', 'which do not reach the tool either');
\c - postgres
ALTER DATABASE :"DBNAME" SET app.tenant = 'database''s';
DROP ROLE engine_sandbox_caller;
\c
SELECT no_plan();
SELECT is(got, expected, description) FROM got ORDER BY id;
SELECT is(seen('app.tenant'), 'database''s', 'a setting of the database does reach the tool');
SELECT * FROM finish();
