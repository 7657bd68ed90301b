-- What a call in a worker finds, may do and leaves behind; and its retries.
\set file work
\ir include/fixture.sql
CREATE TABLE app.effect (n int);
CREATE TABLE app.parent (id int PRIMARY KEY);
CREATE TABLE app.child (id int REFERENCES app.parent DEFERRABLE INITIALLY DEFERRED);
CREATE SEQUENCE app.counter;
CREATE SEQUENCE app.tries;
GRANT SELECT, INSERT, DELETE ON app.effect, app.parent, app.child TO :tool_role;
GRANT USAGE ON SEQUENCE app.counter, app.tries TO :tool_role;
CREATE FUNCTION app.query(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r text;
BEGIN
  EXECUTE sql INTO r;
  RETURN r;
END $$;
CREATE FUNCTION app.command(sql text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE sql;
  RETURN pg_backend_pid();
END $$;
-- The SQLSTATE of a statement.
CREATE FUNCTION app.state_of(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE sql;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
CREATE FUNCTION app.cursor_left() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  c refcursor := 'left_open';
BEGIN
  OPEN c FOR SELECT 1;
  RETURN pg_backend_pid();
END $$;
CREATE FUNCTION app.fail_times(n int, code text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  try int := nextval('tries');
BEGIN
  IF try <= n THEN
    RAISE 'try %', try USING ERRCODE = code;
  END IF;
  RETURN try;
END $$;
CREATE FUNCTION app.defer_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.effect VALUES (TG_ARGV[0]::int);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER defer_again AFTER INSERT ON app.parent INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.defer_again('77');
CALL t.tool('app.query(text)');
CALL t.tool('app.command(text)');
CALL t.tool('app.cursor_left()');
SELECT workflow_orch.register_tool('retried', 'app.fail_times(int, text)', run_as => tool_role(), max_attempts => 3);
SELECT workflow_orch.register_tool('once', 'app.fail_times(int, text)', run_as => tool_role());
-- The output of a call in a worker, or the SQLSTATE it failed with.
CREATE FUNCTION t.said(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(r -> 0 ->> 'output', r -> 0 -> 'error' ->> 'sqlstate') FROM workflow_orch.execute_parallel(jsonb_build_array(jsonb_build_object('proposal_id', proposal)), ann(), '1 min') r
$$;
CREATE FUNCTION t.command(sql text) RETURNS bigint LANGUAGE sql AS $$ SELECT approved('command', jsonb_build_object('sql', sql)) $$;
CREATE FUNCTION t.query(sql text) RETURNS bigint LANGUAGE sql AS $$ SELECT approved('query', jsonb_build_object('sql', sql)) $$;
-- What random() gives with the seed that is left.
SELECT setseed(0.5) \g /dev/null
SELECT random() AS random \gset
-- Left by one call, looked for by the next, in the same worker.
CREATE TABLE t.leftover (n int GENERATED ALWAYS AS IDENTITY, what text, leave bigint, look bigint, expected text, left_by text, seen text);
CREATE PROCEDURE t.leave(what text, leave text, look text, expected text) LANGUAGE sql AS $$
  INSERT INTO t.leftover (what, leave, look, expected)
  VALUES (what, t.command(leave), t.query(format('SELECT pg_backend_pid() || '' '' || coalesce((%s)::text, ''-'')', look)), expected)
$$;
CALL t.leave('SET', 'SET work_mem = ''1MB''', 'current_setting(''work_mem'')', current_setting('work_mem'));
CALL t.leave('a custom setting', 'SET my.own = ''1''', 'nullif(current_setting(''my.own'', true), '''')', '-');
CALL t.leave('set_config', 'SELECT set_config(''TimeZone'', ''Asia/Tokyo'', false)', 'current_setting(''TimeZone'')', 'UTC');
CALL t.leave('SET search_path', 'SET search_path = pg_catalog', 'current_setting(''search_path'')', 'app, t, public, pg_temp');
CALL t.leave('the isolation level', 'SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'current_setting(''transaction_isolation'')', 'read committed');
CALL t.leave('a temporary table', 'CREATE TEMP TABLE effect AS SELECT 42 AS n', 'to_regclass(''pg_temp.effect'')', '-');
CALL t.leave('a temporary function', 'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1', 'to_regproc(''pg_temp.f'')', '-');
CALL t.leave('a temporary type', 'CREATE TYPE pg_temp.y AS ENUM ()', 'to_regtype(''pg_temp.y'')', '-');
CALL t.leave('a prepared statement', 'PREPARE s AS SELECT 1', 'SELECT count(*) FROM pg_prepared_statements', '0');
CALL t.leave('an advisory lock', 'SELECT pg_advisory_lock(815)', 'SELECT count(*) FROM pg_locks WHERE locktype = ''advisory'' AND objid = 815', '0');
CALL t.leave('a sequence''s value', 'SELECT nextval(''app.counter'')', 'SELECT pg_sequence_last_value(''app.counter'')', '1');
CALL t.leave('a held cursor', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SELECT count(*) FROM pg_cursors WHERE name IN (''c'', ''left_open'')', '0');
CALL t.leave('the seed of random()', 'SELECT setseed(0.5)', format('random() <> %s', :'random'), 'true');
CALL t.leave('the seed of random(), set', 'SET seed = 0.5', format('random() <> %s', :'random'), 'true');
CALL t.leave('the last value of a sequence', 'SELECT nextval(''app.counter'')', 'app.state_of(''SELECT lastval()'')', '55000');
CALL t.leave('its current value', 'SELECT nextval(''app.counter'')', 'app.state_of(''SELECT currval(''''app.counter'''')'')', '55000');
CALL t.leave('an open large object', 'SELECT lo_open(lo_create(0), 131072)', 'app.state_of(''SELECT lo_tell(0)'')', '42704');
CALL t.leave('a read-only transaction', 'SET TRANSACTION READ ONLY', 'current_setting(''transaction_read_only'')', 'off');
CALL t.leave('the locale of money', 'SET lc_monetary = ''POSIX''', 'current_setting(''lc_monetary'')', 'C');
CALL t.leave('an open cursor', 'DECLARE d CURSOR FOR SELECT 1', 'SELECT count(*) FROM pg_cursors WHERE name = ''d''', '0');
CALL t.leave('the depth of triggers', 'SELECT 1', 'pg_trigger_depth()', '0');
CALL t.leave('constraints set immediate', 'SET CONSTRAINTS ALL IMMEDIATE', 'app.state_of(''INSERT INTO app.child VALUES (4); DELETE FROM app.child WHERE id = 4'')', 'none');
CALL t.leave('LISTEN', 'DO $x$ BEGIN LISTEN x; EXCEPTION WHEN feature_not_supported THEN END $x$', 'SELECT count(*) FROM pg_listening_channels()', '0');
\ir include/workers.sql

\set max_workers 1
\ir include/max_workers.sql
DO $$
DECLARE
  l t.leftover;
BEGIN
  FOR l IN SELECT * FROM t.leftover ORDER BY n LOOP
    UPDATE t.leftover SET left_by = t.said(leave) WHERE n = l.n;
    UPDATE t.leftover SET seen = t.said(look) WHERE n = l.n;
  END LOOP;
END $$;
\set max_workers 8
\ir include/max_workers.sql
SELECT is(seen, left_by || ' ' || expected, 'the next call in the same worker does not find ' || what) FROM t.leftover ORDER BY n;
SELECT t.query('SELECT currval(''app.counter'')') AS p \gset
SELECT is(t.said(:p), '55000', 'nor the sequence''s value of this session');

-- What a worker may do and a session may not
SELECT t.is_error(t.run('command', jsonb_build_object('sql', sql)) -> 'error', '{"sqlstate": "42501", "hint": "%A background worker can%enqueue_action%"}', 'confined in a session: ' || sql)
  FROM unnest('{CREATE TEMP TABLE a (),PREPARE a AS SELECT 1,DECLARE a CURSOR WITH HOLD FOR SELECT 1}'::text[]) sql;
SELECT t.is_error(t.run('command', '{"sql": "LISTEN a"}') -> 'error', '{"sqlstate": "42501", "hint": "A background worker cannot%"}', 'no hint sends LISTEN to the workers');
SELECT t.command('LISTEN a') AS p \gset
SELECT is(t.said(:p), '0A000', 'where the server refuses it as well');
SELECT t.command('CREATE TEMP TABLE a (n int) ON COMMIT DROP; INSERT INTO a VALUES (1)') AS a, t.command('PREPARE a AS SELECT 1; EXECUTE a') AS b,
       t.approved('cursor_left') AS c, t.command('INSERT INTO app.parent VALUES (1)') AS d, t.command('INSERT INTO app.child VALUES (2); INSERT INTO app.parent VALUES (2)') AS e,
       t.command('INSERT INTO app.child VALUES (3)') AS f, t.command('NOTIFY a') AS g \gset
SELECT is(t.said(:a) <> '42501' AND t.status(:a) = 'executed', true, 'a tool in a worker can make a temporary table');
SELECT is(t.said(:b) <> '42501' AND t.status(:b) = 'executed', true, 'and prepare');
SELECT is(t.said(:c) <> '42501' AND t.status(:c) = 'executed', true, 'and leave a cursor open, for no longer than the call');
SELECT is(t.said(:d) <> '42501' AND t.status(:d) = 'executed', true, 'and defer a trigger');
SELECT is((SELECT count(*) FROM app.effect WHERE n = 77), 1::bigint, 'which fires');
SELECT is(t.said(:e) <> '23503' AND t.status(:e) = 'executed', true, 'a deferred constraint may be broken meanwhile');
SELECT is(t.said(:f) || ' ' || t.status(:f), '23503 failed', 'and fails the call where it is at the end');
-- So does what keeps its result from being written: it has run, and that counts as an attempt.
ALTER TABLE workflow_orch.execution ADD CONSTRAINT work_unwritten CHECK (result -> 'output' IS DISTINCT FROM '"unwritten"') NOT VALID;
SELECT t.query('SELECT ''unwritten''') AS p \gset
SELECT is(t.said(:p) || ' ' || t.status(:p), '23514 failed', 'a call whose result cannot be written has failed');
SELECT is((SELECT ROW(attempt, started_at IS NOT NULL)::text FROM workflow_orch.execution WHERE proposal_id = :p), '(1,t)', 'and has been tried');
ALTER TABLE workflow_orch.execution DROP CONSTRAINT work_unwritten;
SELECT is(t.said(:g) <> '0A000' AND t.status(:g) = 'executed', true, 'a tool can notify');

-- What it may not
GRANT USAGE ON SCHEMA workflow_orch TO :tool_role;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA workflow_orch TO :tool_role;
REVOKE EXECUTE ON FUNCTION workflow_orch.is_gateway FROM :tool_role;
CREATE ROLE work_friend LOGIN;
GRANT work_friend TO :tool_role;
CREATE TABLE t.forbidden (n int GENERATED ALWAYS AS IDENTITY, sql text, sqlstate text, proposal bigint, said text);
INSERT INTO t.forbidden (sql, sqlstate) VALUES
  ('SET ROLE work_friend', '42501'), ('RESET ROLE', '42501'), ('SET SESSION AUTHORIZATION DEFAULT', '42501'), ('RESET ALL; RESET ROLE', '42501'),
  ('SELECT set_config(''role'', ''work_friend'', false)', '42501'),
  ('COMMIT', '0A000'), ('DISCARD ALL', '25001'),
  ('SET workflow_orch.proposal_id = ''1''', '55P02'), ('SET workflow_orch.allow_superuser_tools = on', '42501'),
  ('SELECT workflow_orch.start_workflow(''x'')', '42501'), ('SELECT workflow_orch.whoami()', '42501'), ('SELECT workflow_orch.transitions()', '42501'),
  ('SELECT workflow_orch.review_action(1, 2, ''approve'')', '42501'), ('SELECT workflow_orch.execute_action(1)', '42501'),
  ('SELECT workflow_orch.enqueue_action(1)', '42501'), ('SELECT workflow_orch.cancel_execution(1)', '42501'), ('SELECT workflow_orch.resume_queue()', '42501'),
  ('SELECT workflow_orch.set_policy()', '42501'), ('SELECT workflow_orch.list_workers()', '42501'), ('SELECT workflow_orch.get_audit_log(1)', '42501'),
  ('SELECT workflow_orch.execute_parallel(''[]'')', '55000'), ('SELECT workflow_orch.wait_execution(1)', '55000'),
  ('DELETE FROM workflow_orch.queue', '42501'), ('SELECT workflow_orch.retry_action(1, 1)', '42501');
UPDATE t.forbidden SET proposal = t.command(sql);
DO $$
DECLARE
  f t.forbidden;
BEGIN
  FOR f IN SELECT * FROM t.forbidden LOOP
    UPDATE t.forbidden SET said = t.said(proposal) WHERE n = f.n;
  END LOOP;
END $$;
SELECT is(said, sqlstate, 'a tool in a worker cannot ' || sql) FROM t.forbidden ORDER BY n;
SELECT workflow_orch.register_actor('tool', 'Robot', t.tool_role(), 'agent') AS robot \gset
SELECT t.query(format('SELECT status FROM workflow_orch.propose_action(%s, %s, ''once'', ''{"n": 0, "code": "x"}'', ''because'')', t.workflow(), :robot)) AS p,
       t.query(format('SELECT status FROM workflow_orch.propose_action(%s, %s, ''once'', ''{"n": 0, "code": "x"}'', ''because'')', t.workflow(), t.ann())) AS as_ann,
       t.query('SELECT concat_ws('' '', current_setting(''workflow_orch.proposal_id''), current_setting(''workflow_orch.execution_id''), current_setting(''workflow_orch.actor''))') AS s \gset
SELECT is(t.said(:p), 'pending', 'but propose_action, as its own actor');
SELECT is(t.said(:as_ann), '42501', 'and nobody else''s');
SELECT t.said(:s) AS said \gset
SELECT is(:'said', (SELECT concat_ws(' ', :s, execution_id, 'ann') FROM workflow_orch.execution WHERE proposal_id = :s), 'it can read what call it is');

-- Settings of the role
ALTER ROLE :tool_role SET default_transaction_read_only = on;
ALTER ROLE :tool_role SET default_transaction_isolation = 'serializable';
ALTER ROLE :tool_role SET default_transaction_deferrable = on;
ALTER ROLE :tool_role SET lock_timeout = '1ms';
ALTER ROLE :tool_role SET statement_timeout = '1ms';
ALTER ROLE :tool_role SET idle_in_transaction_session_timeout = '1ms';
ALTER ROLE :tool_role SET idle_session_timeout = '1ms';
ALTER ROLE :tool_role SET row_security = off;
ALTER ROLE :tool_role SET search_path = 'nowhere';
ALTER ROLE :tool_role SET plan_cache_mode = 'force_generic_plan';
ALTER ROLE :tool_role SET standard_conforming_strings = off;
ALTER ROLE :tool_role SET synchronous_commit = off;
ALTER ROLE :tool_role SET client_encoding = 'SQL_ASCII';
ALTER ROLE :tool_role SET DateStyle = 'German, DMY';
ALTER ROLE :tool_role SET role = 'work_friend';
ALTER ROLE :tool_role SET application_name = 'mine';
SELECT pg_terminate_backend(pid::int) FROM workflow_orch.worker_status WHERE role = 'work_tool' AND pid IS NOT NULL \g /dev/null
CALL t.wait_for($$SELECT NOT EXISTS (SELECT FROM workflow_orch.worker_status WHERE role = 'work_tool')$$);
SELECT t.command('INSERT INTO effect VALUES (1)') AS a, t.query('SELECT concat_ws('' '', current_user, current_setting(''search_path''), current_setting(''transaction_isolation''), current_setting(''row_security''), date ''2024-02-01'')') AS b,
       t.query('SELECT application_name || '' '' || backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()') AS c, t.query('SELECT pg_sleep(0.05)') AS d \gset
SELECT is(t.said(:a) IS NOT NULL AND t.status(:a) = 'executed', true, 'settings of the role do not keep a call from running');
SELECT is(t.said(:b), 'work_tool app, t, public, pg_temp read committed on 2024-02-01', 'nor get through to it');
SELECT is(t.said(:c), 'workflow_orch worker workflow_orch worker', 'nor change how the worker is called');
SELECT is(t.said(:d), '', 'nor when it is cancelled');
SELECT t.enqueued(t.command('INSERT INTO effect VALUES (1)')) AS e \gset
SELECT is(t.outcome(:e) ->> 'success', 'true', 'an enqueued call runs as well');
ALTER ROLE :tool_role RESET ALL;

-- Retries
ALTER SYSTEM SET workflow_orch.retry_delay = '20ms';
SELECT pg_reload_conf() \g /dev/null
CREATE PROCEDURE t.restart_tries() LANGUAGE sql AS $$ SELECT setval('app.tries', 1, false) $$;
SELECT t.approved('retried', '{"n": 2, "code": "40001"}') AS a, t.approved('retried', '{"n": 2, "code": "40001"}') AS b, t.approved('retried', '{"n": 9, "code": "40P01"}') AS c,
       t.approved('retried', '{"n": 2, "code": "22012"}') AS d, t.approved('once', '{"n": 2, "code": "40001"}') AS e, t.approved('retried', '{"n": 2, "code": "53200"}') AS f,
       t.approved('retried', '{"n": 2, "code": "08006"}') AS g, t.approved('once', '{"n": 1, "code": "40001"}') AS h \gset
CALL t.restart_tries();
SELECT is(t.said(:a), '3', 'a passing error is tried again, in a batch');
CALL t.restart_tries();
SELECT t.enqueued(:b) AS execution \gset
SELECT is(t.outcome(:execution) ->> 'output', '3', 'and enqueued');
SELECT is((SELECT attempt FROM workflow_orch.execution WHERE execution_id = :execution), 3::bigint, 'the execution counts the attempts');
SELECT is((SELECT max(attempt) FROM workflow_orch.execution WHERE proposal_id = :a), 3::bigint, 'that of the batch, too');
CALL t.restart_tries();
SELECT t.enqueued(:c) AS execution \gset
SELECT is(t.outcome(:execution) -> 'error' ->> 'message', 'try 3', 'max_attempts ends it');
SELECT is(t.status(:c) || ' ' || t.execution_status(:execution), 'failed failed', 'as a failure');
CALL t.restart_tries();
SELECT is(t.said(:d) || ' ' || (SELECT last_value FROM app.tries), '22012 1', 'another error fails at once');
CALL t.restart_tries();
SELECT is(t.said(:e) || ' ' || (SELECT last_value FROM app.tries), '40001 1', 'so does a tool with one attempt');
CALL t.restart_tries();
SELECT is(t.said(:f), '3', 'classes count: 53');
CALL t.restart_tries();
SELECT is(t.said(:g), '3', 'and 08');
CALL t.restart_tries();
SELECT t.raises(format('SELECT execute(%s)', :h), '{"sqlstate": "40001"}', 'in a session it is the caller''s to retry');
SELECT is((SELECT string_agg(DISTINCT a.action, ',') FROM workflow_orch.audit_log a WHERE a.proposal_id = :b AND a.execution_id IS NOT NULL),
          'enqueue_action,execute_action,retry_execution', 'the audit log has the attempts');
ALTER SYSTEM RESET workflow_orch.retry_delay;
SELECT pg_reload_conf() \g /dev/null

-- What changes while a call is queued
CREATE FUNCTION app.change() RETURNS text LANGUAGE sql AS $$ SELECT 'old' $$;
CALL t.tool('app.change()');
CREATE ROLE work_gone LOGIN;
SELECT workflow_orch.register_tool('gone', 'app.query(text)', run_as => 'work_gone');
SELECT t.approved('change') AS a, t.approved('gone', '{"sql": "SELECT 1"}') AS b, t.approved('once', '{"n": 0, "code": "x"}') AS c, t.approved('change') AS d \gset
SELECT t.enqueued(:a, clock_timestamp() + '400 ms') AS ea, t.enqueued(:b, clock_timestamp() + '400 ms') AS eb, t.enqueued(:c, clock_timestamp() + '400 ms') AS ec \gset
CREATE OR REPLACE FUNCTION app.change() RETURNS text LANGUAGE sql AS $$ SELECT 'new' $$;
DROP ROLE work_gone;
SELECT workflow_orch.set_tool_enabled('once', false);
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', t.status(:a), t.execution_status(:ea)), 'false 55000 approved failed', 'a tool that changed meanwhile does not run') FROM t.outcome(:ea) r;
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', t.status(:b), t.execution_status(:eb)), 'false 55000 approved failed', 'nor does one whose role is gone') FROM t.outcome(:eb) r;
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', t.status(:c), t.execution_status(:ec)), 'false 55000 approved failed', 'nor a disabled one') FROM t.outcome(:ec) r;
SELECT is((SELECT count(*) FROM workflow_orch.queue), 0::bigint, 'nothing stays queued');
SELECT FROM workflow_orch.set_policy(approval_ttl => '300 ms');
SELECT t.approved('query', '{"sql": "SELECT 1"}') AS p \gset
SELECT FROM workflow_orch.set_policy(approval_ttl => '0');
SELECT t.enqueued(:p, clock_timestamp() + '500 ms') AS e \gset
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', t.execution_status(:e)), 'false 57014 cancelled', 'an approval that expires meanwhile cancels the call') FROM t.outcome(:e) r;
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
DROP OWNED BY work_friend;
DROP ROLE work_friend;
\ir include/finish_workers.sql
