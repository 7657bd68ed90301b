-- How a tool is confined in a session: whose settings it sees, what it cannot
-- do and what it cannot leave behind.
\set file engine_sandbox
\ir include/fixture.sql

-- Settings of the caller do not reach the tool.
CREATE FUNCTION app.setting(name text) RETURNS text LANGUAGE sql STABLE RETURN current_setting(name, true);
CALL tool('setting(text)');
CREATE FUNCTION t.seen_under(setting text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before text := current_setting(setting, true);
  seen text;
BEGIN
  PERFORM set_config(setting, value, false);
  seen := t.output('setting', jsonb_build_object('name', setting)) #>> '{}';
  IF current_setting(setting) <> value THEN
    RAISE 'the caller''s % became %', setting, current_setting(setting);
  END IF;
  PERFORM set_config(setting, before, false);
  RETURN seen;
END
$$;
SELECT is(t.seen_under(setting, value), expected, format('a tool sees %s = %s where the caller has set %s', setting, expected, value))
FROM (VALUES
  ('search_path', 't, public', 'app, t, public, pg_temp'),
  ('DateStyle', 'German, DMY', 'ISO, MDY'),
  ('TimeZone', 'Asia/Tokyo', 'UTC'),
  ('IntervalStyle', 'iso_8601', 'postgres'),
  ('extra_float_digits', '-3', '1'),
  ('bytea_output', 'escape', 'hex'),
  ('transform_null_equals', 'on', 'off'),
  ('standard_conforming_strings', 'off', 'on'),
  ('row_security', 'off', 'on'),
  ('default_transaction_isolation', 'serializable', 'read committed'),
  ('default_transaction_read_only', 'on', 'off'),
  ('session_replication_role', 'replica', 'origin'),
  ('check_function_bodies', 'off', 'on'),
  ('array_nulls', 'off', 'on'),
  ('enable_seqscan', 'off', 'on'),
  ('timezone_abbreviations', 'Australia', 'Default'),
  ('app.tenant', 'mine', '')) AS v (setting, value, expected);

SELECT is(output('setting', '{"name": "application_name"}'), to_jsonb(current_setting('application_name')),
  'a tool sees the connection''s application_name');
SELECT current_setting('server_version_num')::int >= 170000 AS has_transaction_timeout \gset
\if :has_transaction_timeout
SET transaction_timeout = '1h';
SELECT is(output('setting', '{"name": "transaction_timeout"}'), '"1h"', 'the limit of the transaction stays while a tool runs');
RESET transaction_timeout;
\endif

-- The tool's role, and what belongs to it.
CREATE FUNCTION app.roles() RETURNS text[] LANGUAGE sql RETURN ARRAY[current_user::text, session_user::text, current_setting('role')];
CREATE TABLE app.secret (id int);
CREATE FUNCTION app.read_secret() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.secret';
CREATE TABLE app.rows (owner text);
INSERT INTO app.rows VALUES ('postgres'), (:'tool_role');
ALTER TABLE app.rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.rows USING (owner = current_user);
GRANT SELECT ON app.rows TO :"tool_role";
CREATE FUNCTION app.read_rows() RETURNS SETOF text LANGUAGE sql AS 'SELECT owner FROM app.rows';
CALL tool('roles()');
CALL tool('read_secret()');
CALL tool('read_rows()');
SELECT is(output('roles') ->> 0, :'tool_role', 'a tool runs as run_as');
SELECT is(output('read_secret') ->> 'sqlstate', '42501', 'a tool has the rights of its role and not the caller''s');
SELECT is(output('read_rows'), jsonb_build_array(:'tool_role'), 'row security sees the tool''s role');

-- What it is refused, with the way out where there is one.
CREATE TABLE app.notes (note text);
CREATE FUNCTION app.do(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'done';
END
$$;
CALL tool('"do"(text)');
GRANT ALL ON app.notes TO :"tool_role";
CREATE FUNCTION app.note_user() RETURNS boolean LANGUAGE sql AS 'INSERT INTO app.notes VALUES (current_user); SELECT true';
GRANT CREATE ON SCHEMA app TO :"tool_role";

SELECT is(output('do', jsonb_build_object('command', command)) ->> 'sqlstate', '42501', 'a tool cannot ' || what)
FROM (VALUES
  ('SET ROLE postgres', 'take on a role'),
  ('SET ROLE NONE', 'give up its role'),
  ('RESET ROLE', 'reset its role'),
  ('SET LOCAL ROLE postgres', 'take on a role for the transaction'),
  ($$SELECT set_config('role', 'postgres', true)$$, 'take on a role by set_config'),
  ('SET SESSION AUTHORIZATION postgres', 'become another user'),
  ('RESET SESSION AUTHORIZATION', 'become the session''s user'),
  ('SET SESSION AUTHORIZATION DEFAULT', 'go back to the session''s user'),
  ('RESET ALL; RESET ROLE', 'reset everything and its role'),
  ('SET session_replication_role = replica', 'switch triggers off'),
  ('SET workflow_orch.allow_superuser_tools = on', 'lift the extension''s limits')) AS v (command, what);
SELECT isnt(output('do', jsonb_build_object('command', command)), '"done"', 'a tool cannot ' || what)
FROM (VALUES
  ('COMMIT', 'commit'),
  ('ROLLBACK', 'roll back'),
  ('SAVEPOINT s', 'set a savepoint'),
  ('DISCARD ALL', 'discard the session''s state'),
  ('VACUUM app.notes', 'run what cannot be in a transaction')) AS v (command, what);
SELECT is((output('do', '{"command": "RESET ROLE"}') ->> 'hint'), NULL,
  'where a worker would be no way out, no hint says so');

SELECT is_error(output('do', jsonb_build_object('command', command)),
  '{"sqlstate": "42501", "message": "%security-restricted operation%", "hint": "%worker%"}',
  format('a tool cannot %s, and is referred to the workers', what))
FROM (VALUES
  ('CREATE TEMP TABLE mine (id int)', 'create a temporary table'),
  ('CREATE TEMP SEQUENCE mine', 'create a temporary sequence'),
  ('SELECT 1 AS id INTO TEMP mine', 'select into a temporary table'),
  ('LISTEN mine', 'listen'),
  ('UNLISTEN *', 'stop listening'),
  ('PREPARE mine AS SELECT 1', 'prepare a statement'),
  ('DEALLOCATE ALL', 'deallocate statements'),
  ('DECLARE mine CURSOR WITH HOLD FOR SELECT 1', 'leave a cursor')) AS v (command, what);

-- The caller's queries find a type in pg_temp before all others, and a domain's
-- CHECK would run as the caller.
CREATE TEMP TABLE makes_the_schema ();
SELECT is(output('do', jsonb_build_object('command', command)) ->> 'sqlstate', '42501', 'a tool cannot ' || what)
FROM (VALUES
  ('CREATE DOMAIN pg_temp.money AS text CHECK (app.note_user())', 'create a temporary domain'),
  ($$CREATE TYPE pg_temp.color AS ENUM ('red')$$, 'create a temporary enum'),
  ('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1', 'create a temporary function')) AS v (command, what);

CREATE TABLE app.parent (id int PRIMARY KEY);
CREATE TABLE app.child (id int REFERENCES app.parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION app.at_end() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO app.notes VALUES (current_user); RETURN NULL; END$$;
CREATE TABLE app.watched (id int);
CREATE CONSTRAINT TRIGGER at_end AFTER INSERT ON app.watched DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION app.at_end();
CREATE FUNCTION app.watch() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  SET CONSTRAINTS ALL DEFERRED;
  INSERT INTO app.watched VALUES (1);
END
$$;
CALL tool('watch()');
GRANT ALL ON app.watched TO :"tool_role";
SELECT is_error(output('watch'), '{"sqlstate": "42501", "message": "%deferred trigger%", "hint": "%worker%"}',
  'a tool cannot leave a deferred trigger, and is referred to the workers');
SELECT is_empty('SELECT * FROM app.watched UNION ALL SELECT 1 FROM app.notes',
  'what would have fired the deferred trigger is undone');

-- What it leaves behind is undone.
CREATE FUNCTION app.set_all() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('DateStyle', 'German', false), set_config('search_path', 'pg_catalog', false),
          set_config('app.mine', 'x', false), set_config('work_mem', '1234kB', true);
  SET TimeZone = 'Asia/Tokyo';
  RETURN current_setting('DateStyle');
END
$$;
CREATE FUNCTION app.set_and_fail() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.set_all();
  RAISE EXCEPTION 'no';
END
$$;
CREATE FUNCTION t.settings() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws('|', current_setting('DateStyle'), current_setting('search_path'), current_setting('work_mem'),
                   current_setting('TimeZone'), current_setting('app.mine', true))
$$;
CALL tool('set_all()');
CALL tool('set_and_fail()');
SELECT settings() AS before \gset
SELECT is(output('set_all'), '"German, DMY"', 'a tool may set something for itself');
SELECT is(rtrim(settings(), '|'), rtrim(:'before', '|'), 'the settings that a tool made are undone');
SELECT is(output('set_and_fail') ->> 'message', 'no', 'a tool may set something and fail');
SELECT is(rtrim(settings(), '|'), rtrim(:'before', '|'), 'the settings of a tool that failed are undone');

CREATE FUNCTION app.open_cursor() RETURNS refcursor LANGUAGE plpgsql AS $$
DECLARE
  c refcursor := 'left';
BEGIN
  OPEN c FOR SELECT 1;
  DECLARE d CURSOR FOR SELECT 2;
  BEGIN
    OPEN d;
  END;
  RETURN c;
END
$$;
CALL tool('open_cursor()');
DECLARE callers CURSOR FOR SELECT generate_series(1, 3);
SELECT is(output('open_cursor'), '"left"', 'a tool may open cursors');
SELECT is((SELECT array_agg(name) FROM pg_cursors WHERE name <> ''), '{callers}', 'the tool''s cursors are closed, the caller''s are not');
FETCH callers \gset
SELECT is(:generate_series, 1, 'the caller''s cursor still gives its rows');

-- Objects of the caller do not stand in for the tool's.
CREATE TABLE app.price (amount int);
INSERT INTO app.price VALUES (100);
GRANT SELECT ON app.price TO :"tool_role";
CREATE FUNCTION app.get_price() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT amount FROM price); END$$;
CALL tool('get_price()');
CREATE TEMP TABLE price (amount int);
INSERT INTO pg_temp.price VALUES (1);
GRANT SELECT ON pg_temp.price TO PUBLIC;
SELECT is(output('get_price'), '100', 'a temporary table of the caller does not stand in for the tool''s table');
CREATE SCHEMA mine;
GRANT USAGE ON SCHEMA mine TO PUBLIC;
CREATE FUNCTION mine.lower(text) RETURNS text LANGUAGE sql RETURN 'stolen';
CREATE FUNCTION app.lower_case(a text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN lower(a); END$$;
CALL tool('lower_case(text)');
SET LOCAL search_path = mine, app, t, public, pg_catalog;
SELECT is(output('lower_case', '{"a": "ABC"}'), '"abc"', 'a function of the caller does not stand in for the server''s');
SET LOCAL search_path = app, t, public;

-- What the caller has deferred fires before the tool starts.
CREATE FUNCTION app.note(note text) RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO app.notes VALUES (note);
  SELECT count(*) FROM app.notes;
$$;
CALL tool('note(text)');
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.watched VALUES (1);
SELECT is_empty('SELECT * FROM app.notes', 'a trigger that the caller has deferred waits');
SELECT is(output('note', '{"note": "tool"}'), '2', 'what the caller has deferred fires before the tool starts');
SELECT bag_eq('SELECT note FROM app.notes', ARRAY[current_user::text, 'tool'], 'it fires as the caller');
INSERT INTO app.watched VALUES (2);
SELECT is((SELECT count(*) FROM app.notes WHERE note = current_user), 2::bigint,
  'the constraints stay immediate for the rest of the transaction');
TRUNCATE app.notes;
CREATE ROLE engine_sandbox_definer SUPERUSER;
CREATE FUNCTION t.wrapped_run(proposal bigint) RETURNS text SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
  PERFORM t.execute(proposal);
  RETURN current_user;
END
$$;
ALTER FUNCTION t.wrapped_run OWNER TO engine_sandbox_definer;
SELECT approved('note', '{"note": "tool"}') AS p \gset
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.watched VALUES (3);
SELECT is(wrapped_run(:p), 'engine_sandbox_definer', 'after a tool a SECURITY DEFINER function is itself again');
SELECT bag_eq('SELECT note FROM app.notes', ARRAY[current_user::text, 'tool'],
  'in a SECURITY DEFINER wrapper too, what is deferred fires as the caller and not as the wrapper''s owner');
SAVEPOINT before_violation;
SET CONSTRAINTS ALL DEFERRED;
SELECT approved('note', '{"note": "lost"}') AS p \gset
INSERT INTO app.child VALUES (404);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "23503", "message": "%child%"}',
  'an error of what the caller has deferred is the caller''s, and no failure of the tool');
ROLLBACK TO before_violation;

-- What the tool defers is not deferred for the caller.
CREATE FUNCTION app.defer() RETURNS void LANGUAGE plpgsql AS $$BEGIN SET CONSTRAINTS ALL DEFERRED; END$$;
CALL tool('defer()');
SELECT run('defer') \g /dev/null
SELECT raises('INSERT INTO app.child VALUES (404)', '{"sqlstate": "23503", "message": "%child%"}',
  'after a tool that has deferred all constraints, the caller''s are still immediate');

-- The caller is itself again.
SELECT is(ARRAY[current_user, session_user, current_setting('role')::name]::text[], ARRAY[session_user, session_user, 'none']::text[],
  'after a tool the session is itself again');

\ir include/finish.sql
