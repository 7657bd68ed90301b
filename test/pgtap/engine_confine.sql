-- What a session has is not a tool's to run: temporary tables, types and views,
-- prepared statements.
\set file engine_confine
\ir include/fixture.sql

CREATE TABLE app.notes (note text);
GRANT ALL ON app.notes TO :"tool_role";
GRANT CREATE ON SCHEMA app TO :"tool_role";
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET LOCAL check_function_bodies = off;
CREATE FUNCTION app.do(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'done';
END
$$;
CREATE FUNCTION app.fill() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO scratch VALUES (1);
  RETURN 'done';
END
$$;
CREATE FUNCTION app.read() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM pg_temp.seen';
CREATE FUNCTION app.rows() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT n FROM pg_temp.seen';
CREATE FUNCTION app.read_rows() RETURNS bigint LANGUAGE sql AS 'SELECT count(n) FROM rows() n';

-- The caller's code; it tells on itself by what it leaves, or by an error that says as whom it ran.
CREATE FUNCTION t.trap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.notes VALUES (current_user);
  RETURN NULL;
END
$$;
CREATE FUNCTION t.evil(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ran as %', current_user USING ERRCODE = 'P0666';
END
$$;
CREATE TEMP TABLE scratch (n int);
CREATE TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON scratch FOR EACH STATEMENT EXECUTE FUNCTION t.trap();
CREATE TRIGGER trap_truncate AFTER TRUNCATE ON scratch FOR EACH STATEMENT EXECUTE FUNCTION t.trap();
CREATE TEMP VIEW seen AS SELECT evil(1) AS n;
CREATE TEMP TABLE model (n int DEFAULT evil(1), CHECK (n > 0));
GRANT ALL ON scratch, seen, model TO PUBLIC;
CALL tool('"do"(text)');
CALL tool('fill()');
CALL tool('read()');
CALL tool('read_rows()');

SELECT is_error(output('do', jsonb_build_object('command', command)), '{"sqlstate": "42501", "message": "temporary relation % cannot be used by a tool", "hint": "%worker%"}',
  'of the session''s temporary relations a tool cannot ' || command)
  FROM unnest(ARRAY[
    'CREATE TEMP TABLE IF NOT EXISTS scratch (n int); INSERT INTO scratch VALUES (1)', 'INSERT INTO pg_temp.scratch VALUES (1)', 'UPDATE scratch SET n = 1', 'DELETE FROM scratch', 'SELECT FROM scratch',
    'TRUNCATE scratch', 'TRUNCATE app.notes, scratch', 'TABLE seen', 'SELECT 1 WHERE EXISTS (SELECT FROM seen)', 'WITH x AS (INSERT INTO scratch VALUES (1)) SELECT', 'EXPLAIN ANALYZE INSERT INTO scratch VALUES (1)',
    'EXPLAIN SELECT * FROM seen', 'CREATE TABLE app.x AS SELECT * FROM seen', 'COPY scratch FROM ''/dev/null''', 'CREATE TABLE app.x (LIKE model INCLUDING ALL)',
    'ALTER TABLE model ADD m int DEFAULT evil(1)', 'DO $x$ BEGIN INSERT INTO scratch VALUES (1); END $x$', 'MERGE INTO scratch USING app.notes ON true WHEN NOT MATCHED THEN INSERT VALUES (1)',
    'DECLARE c CURSOR FOR SELECT * FROM seen', 'INSERT INTO app.notes SELECT n FROM scratch', 'CREATE TEMP VIEW x AS SELECT * FROM seen']) AS command;
SELECT is_error(output(tool), '{"sqlstate": "42501", "message": "temporary relation % cannot be used by a tool"}', 'nor ' || tool) FROM unnest('{fill,read,read_rows}'::text[]) AS tool;

-- Nor where the session has analyzed and planned it before, with what a tool's search_path is.
SET LOCAL search_path = app, t, public, pg_temp;
DO $$ BEGIN FOR i IN 1..8 LOOP PERFORM app.fill(); END LOOP; END $$;
DELETE FROM app.notes;
SELECT is_error(output('fill'), '{"sqlstate": "42501", "message": "temporary relation \"scratch\" %"}', 'a plan of the session is no way around');
SELECT is_empty('SELECT * FROM app.notes WHERE note = tool_role()::text', 'none of the caller''s code has run as the tool''s role');
SELECT is((SELECT count(*) FROM pg_temp.scratch), 8::bigint, 'the session''s own queries use them as before');
SELECT lives_ok('INSERT INTO scratch SELECT 1 FROM run(''do'', ''{"command": "SELECT 1"}'')', 'as does a query that executes a call');
DROP TABLE scratch;
CREATE TABLE app.scratch (n int);
GRANT ALL ON app.scratch TO :"tool_role";
CREATE TEMP TABLE scratch (n int);
SELECT is(output('fill'), '"done"', 'a table of the tool''s search_path is found before the session''s');

-- Prepared statements.
PREPARE p AS INSERT INTO app.notes VALUES (current_user);
SELECT is_error(output('do', jsonb_build_object('command', command)), '{"sqlstate": "42501", "message": "prepared statement \"p\" of the session cannot be used by a tool", "hint": "%worker%"}', 'a tool cannot ' || command)
  FROM unnest(ARRAY['EXECUTE p', 'EXPLAIN ANALYZE EXECUTE p', 'CREATE TABLE app.x AS EXECUTE p', 'EXPLAIN ANALYZE CREATE TABLE app.x AS EXECUTE p', 'DO $x$ BEGIN EXECUTE ''EXECUTE p''; END $x$']) AS command;
DEALLOCATE p;

-- Types.
SELECT is(output('do', '{"command": "CREATE TABLE app.plain (n int)"}'), '"done"', 'temporary relations alone keep no tool from running');
SELECT approved('do', '{"command": "SELECT 1::amount"}') AS p \gset
SAVEPOINT types;
CREATE DOMAIN pg_temp.amount AS int CHECK (evil(VALUE) > 0);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "42501", "message": "a tool cannot run in a session that has temporary types", "hint": "Drop %"}', 'temporary domains do');
DROP DOMAIN pg_temp.amount;
SELECT is(execute(:p) #>> '{error,sqlstate}', '42704', 'until they are gone');
ROLLBACK TO types;
CREATE TYPE pg_temp.amount AS (n int);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "42501", "message": "a tool cannot run in a session that has temporary types"}', 'so do composite types');
\ir include/finish.sql
