-- What a backend remembers from one statement to the next does not pass from a
-- session to a call, nor back; and calls from inside of a trigger.  What stays in
-- a worker is in engine_work, cursors and temporary objects have files of their own.
\set file engine_session_state
\ir include/fixture.sql

-- run_it() executes a statement, state_of() says with which SQLSTATE one fails.
CREATE FUNCTION app.run_it(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  IF command ~* '^(SELECT|WITH) ' THEN
    EXECUTE command INTO answer;
  ELSE
    EXECUTE command;
  END IF;
  RETURN coalesce(answer, 'done');
END
$$;
CREATE FUNCTION app.state_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END
$$;
CALL tool('run_it(text)');
CALL tool('state_of(text)');
SELECT workflow_orch.update_tool('run_it', preview => true);
CREATE FUNCTION t.ran(command text) RETURNS jsonb LANGUAGE sql AS $$ SELECT output('run_it', jsonb_build_object('command', command)) $$;
CREATE FUNCTION t.previewed(command text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(p -> 'output', p -> 'error') FROM workflow_orch.preview_action(propose('run_it', jsonb_build_object('command', command)), bob()) AS p
$$;

-- The seed of random().
SELECT setseed(0.5) \g /dev/null
SELECT random() AS seeded \gset
SELECT setseed(0.5) \g /dev/null
SELECT isnt(ran('SELECT random()') #>> '{}', :'seeded', 'setseed() of the caller does not choose the values of a tool''s random()');
SELECT setseed(0.5) \g /dev/null
SELECT isnt(previewed('SELECT random()') #>> '{}', :'seeded', 'nor those of a preview''s');
SET seed = 0.5;
SELECT isnt(ran('SELECT random()') #>> '{}', :'seeded', 'nor does SET seed');
SELECT is(ran('SELECT setseed(0.5)'), '""', 'a tool can set the seed');
SELECT isnt(random()::text, :'seeded', 'which is not the session''s afterwards');
SELECT is(ran('SET seed = 0.5'), '"done"', 'or with SET');
SELECT isnt(random()::text, :'seeded', 'which is not the session''s either');
SELECT is(ran('SELECT setseed(0.5), 1 / 0') ->> 'sqlstate', '22012', 'a tool that sets it and fails');
SELECT isnt(random()::text, :'seeded', 'leaves none');
SELECT is(ran(format('SELECT bool_or(r = %s) FROM (SELECT setseed(0.5)) s, LATERAL (SELECT random() AS r FROM generate_series(1, 1)) r', :'seeded')), '"true"', 'for itself it has the seed that it has set');

-- Values of sequences.
CREATE SEQUENCE app.counter;
GRANT ALL ON SEQUENCE app.counter TO :"tool_role";
CREATE TABLE app.numbered (n bigint GENERATED ALWAYS AS IDENTITY);
GRANT ALL ON app.numbered TO :"tool_role";
GRANT ALL ON SEQUENCE app.numbered_n_seq TO :"tool_role";
SELECT nextval('app.counter') \g /dev/null
SELECT is(ran('SELECT currval(''app.counter'')') ->> 'sqlstate', '55000', 'a tool does not find the value that the session took from a sequence');
SELECT nextval('app.counter') \g /dev/null
SELECT is(ran('SELECT lastval()') ->> 'sqlstate', '55000', 'nor what it took last');
SELECT setval('app.counter', 41) \g /dev/null
SELECT is(previewed('SELECT currval(''app.counter'')') ->> 'sqlstate', '55000', 'nor what it has set, in a preview');
SELECT is(ran('SELECT nextval(''app.counter'') - currval(''app.counter'')'), '"0"', 'its own it finds');
SELECT is(error_of('SELECT currval(''app.counter'')') ->> 'sqlstate', '55000', 'the session does not find the tool''s');
SELECT is(ran('WITH n AS (INSERT INTO app.numbered DEFAULT VALUES RETURNING n) SELECT n - lastval() FROM n'), '"0"', 'nor is an identity column''s value hidden from the tool');
SELECT is(error_of('SELECT currval(''app.numbered_n_seq'')') ->> 'sqlstate', '55000', 'which the session does not find either');
SELECT is(nextval('app.counter'), 43::bigint, 'and it goes on counting');

-- Advisory locks of the session.
SELECT pg_advisory_lock(815) \g /dev/null
SELECT is_error(ran(format('SELECT %s', call)), '{"sqlstate": "42501", "reason": "wfo_confined", "message": "function % cannot be called by a tool in a session", "hint": "%pg_advisory_xact_lock%background worker%"}',
  'a tool cannot call ' || call)
  FROM unnest('{pg_advisory_lock(1),"pg_advisory_lock(1, 2)",pg_advisory_lock_shared(1),"pg_advisory_lock_shared(1, 2)",pg_try_advisory_lock(1),"pg_try_advisory_lock(1, 2)",pg_try_advisory_lock_shared(1),"pg_try_advisory_lock_shared(1, 2)",
    pg_advisory_unlock(815),"pg_advisory_unlock(1, 2)",pg_advisory_unlock_shared(1),"pg_advisory_unlock_shared(1, 2)",pg_advisory_unlock_all()}'::text[]) AS call;
SELECT is(ran('SELECT pg_advisory_xact_lock(1)'), '""', 'but one of the transaction it takes');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 815 AND pid = pg_backend_pid()), 1::bigint, 'the session still has its own');
SELECT is(pg_advisory_unlock(815), true, 'and can release it');
SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ 'advisory' AND proname !~ '_xact_'), 13::bigint, 'there are no other functions for such locks');

-- Descriptors of large objects.
SELECT lo_from_bytea(0, 'secret') AS lo \gset
SELECT lo_open(:lo, 393216) AS fd \gset
SELECT is_error(ran(format('SELECT %s', call)), '{"sqlstate": "42501", "reason": "wfo_confined", "message": "function % cannot be called by a tool in a session", "hint": "%lo_get%"}', 'a tool cannot call ' || call)
  FROM unnest(ARRAY[format('lo_open(%s, 393216)', :lo), format('lo_close(%s)', :fd), format('loread(%s, 6)', :fd), format('lowrite(%s, ''x'')', :fd), format('lo_lseek(%s, 0, 0)', :fd), format('lo_lseek64(%s, 0, 0)', :fd),
    format('lo_tell(%s)', :fd), format('lo_tell64(%s)', :fd), format('lo_truncate(%s, 0)', :fd), format('lo_truncate64(%s, 0)', :fd)]) AS call;
SELECT is_error(previewed(format('SELECT loread(%s, 6)', :fd)), '{"sqlstate": "42501", "reason": "wfo_confined"}', 'nor in a preview');
SELECT is(convert_from(loread(:fd, 6), 'UTF8'), 'secret', 'the session reads on');
SELECT lo_close(:fd) \g /dev/null
SELECT is(ran('SELECT lo_from_bytea(815, ''own'')'), '"815"', 'a tool makes large objects without descriptors');
SELECT is(ran('SELECT convert_from(lo_get(815), ''UTF8'')'), '"own"', 'and reads them');
SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prosrc ~ '^(be_)?lo(read|write|_open|_close|_lseek|_tell|_truncate)'), 10::bigint, 'there are no other functions for descriptors');

-- Prepared statements, channels, prepared transactions, snapshots.
PREPARE mine AS SELECT 'secret';
SELECT is_error(ran('SELECT count(*) FROM pg_prepared_statements'), '{"sqlstate": "42501", "reason": "wfo_confined"}', 'a tool does not see what the session has prepared');
DEALLOCATE mine;
SELECT is(ran(command) ->> 'sqlstate', sqlstate, 'nor can it ' || command)
  FROM (VALUES ('LISTEN x', '42501'), ('UNLISTEN *', '42501'), ('PREPARE x AS SELECT 1', '42501'), ('DEALLOCATE ALL', '42501'), ('DISCARD PLANS', '42501'), ('CLOSE ALL', '42501'),
    ('PREPARE TRANSACTION ''x''', '0A000'), ('COMMIT PREPARED ''x''', '0A000'), ('ROLLBACK PREPARED ''x''', '0A000'),
    ('SELECT pg_export_snapshot()', '25001'), ('SET TRANSACTION SNAPSHOT ''00000003-00000001-1''', '25001'), ('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', '25001')) AS v (command, sqlstate);

-- The transaction.
SELECT is(ran('SET TRANSACTION READ ONLY'), '"done"', 'a tool can make itself read only');
SELECT is(current_setting('transaction_read_only'), 'off', 'for itself');
SELECT lives_ok('INSERT INTO app.numbered DEFAULT VALUES', 'the session goes on writing');
CREATE TABLE app.parent (id int PRIMARY KEY);
CREATE TABLE app.child (id int REFERENCES app.parent DEFERRABLE);
GRANT ALL ON app.parent, app.child TO :"tool_role";
SELECT is(ran('SET CONSTRAINTS ALL DEFERRED'), '"done"', 'a tool can defer constraints');
SELECT is(error_of('INSERT INTO app.child VALUES (1)') ->> 'sqlstate', '23503', 'for itself');

-- Settings.
CREATE FUNCTION app.setting(name text) RETURNS text LANGUAGE sql STABLE RETURN current_setting(name, true);
CALL tool('setting(text)');
SET lc_monetary = 'POSIX';
SET lc_numeric = 'POSIX';
SET lc_time = 'POSIX';
SELECT is(output('setting', jsonb_build_object('name', name)), '"C"', name || ' is the same in all calls') FROM unnest('{lc_monetary,lc_numeric,lc_time}'::text[]) AS name;
SELECT is(current_setting(name), 'POSIX', 'and the session''s is as before: ' || name) FROM unnest('{lc_monetary,lc_numeric,lc_time}'::text[]) AS name;
RESET ALL;
SET search_path = app, t, public;

-- Triggers.
CREATE TABLE app.history (n int);
CREATE TABLE app.kept (n int);
GRANT ALL ON app.history, app.kept TO :"tool_role";
CREATE FUNCTION app.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.history VALUES (NEW.n); RETURN NULL; END $$;
CREATE TRIGGER keep AFTER INSERT ON app.kept FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION app.keep();
SELECT is(ran('INSERT INTO app.kept VALUES (1)'), '"done"', 'a tool changes a table that has a history');
SELECT results_eq('SELECT n FROM app.history', ARRAY[1], 'which has the change');
CREATE TABLE app.inbox (statement text);
CREATE FUNCTION app.act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.statement; RETURN NULL; END $$;
CREATE TRIGGER act AFTER INSERT ON app.inbox FOR EACH ROW EXECUTE FUNCTION app.act();
CREATE CONSTRAINT TRIGGER act_later AFTER UPDATE ON app.inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.act();
SELECT approved('run_it', '{"command": "INSERT INTO app.kept VALUES (2)"}') AS p, propose('run_it', '{"command": "INSERT INTO app.kept VALUES (2)"}') AS q \gset
SELECT raises(format('INSERT INTO app.inbox VALUES (%L)', call), '{"sqlstate": "55000", "reason": "wfo_in_trigger", "message": "a call cannot run inside a trigger", "hint": "%enqueue_action%"}', 'in a trigger there is no ' || call)
  FROM unnest(ARRAY[format('SELECT workflow_orch.execute_action(%s)', :p), format('SELECT workflow_orch.preview_action(%s, %s)', :q, bob()), format('SELECT workflow_orch.break_glass_execute(%s, %s, ''fire'')', :q, bob())]) AS call;
SAVEPOINT later;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.inbox VALUES ('SELECT 1');
UPDATE app.inbox SET statement = format('SELECT workflow_orch.execute_action(%s)', :p);
SELECT raises('SET CONSTRAINTS ALL IMMEDIATE', '{"sqlstate": "55000", "reason": "wfo_in_trigger"}', 'nor in a deferred one');
ROLLBACK TO later;
SELECT is(status(:p), 'approved', 'the proposal is still approved');
SELECT results_eq('SELECT n FROM app.history', ARRAY[1], 'and nothing has run');
SELECT lives_ok(format('INSERT INTO app.inbox VALUES (%L)', format($$SELECT workflow_orch.propose_action(%s, %s, 'run_it', '{"command": "SELECT 1"}', 'because')$$, workflow(), ann())), 'but a trigger can propose');
SELECT is(execute(:p) -> 'output', '"done"', 'when the statement is done the call runs');
SELECT results_eq('SELECT n FROM app.history', ARRAY[1, 2], 'and the history has it');
\ir include/finish.sql
