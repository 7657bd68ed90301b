-- Cursors of a call and of its session are apart: neither can use, see or close the other's.
\set file engine_cursors
\ir include/fixture.sql

GRANT CREATE ON SCHEMA app TO :"tool_role";
-- The caller's code: says as whom it ran, by an error.
CREATE FUNCTION t.evil(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ran as %', current_user USING ERRCODE = 'P0666';
END
$$;
CREATE FUNCTION app.ask(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  EXECUTE query INTO answer;
  RETURN answer;
END
$$;
CREATE FUNCTION app.fetch_from(cursor refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  FETCH cursor INTO answer;
  RETURN answer;
END
$$;
CREATE FUNCTION app.move_in(cursor refcursor) RETURNS void LANGUAGE plpgsql AS 'BEGIN MOVE NEXT FROM cursor; END';
CREATE FUNCTION app.close_it(cursor refcursor) RETURNS void LANGUAGE plpgsql AS 'BEGIN CLOSE cursor; END';
CREATE FUNCTION app.own_cursor(cursor refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
  after text;
BEGIN
  OPEN cursor FOR SELECT 'own' FROM generate_series(1, 5);
  FETCH cursor INTO answer;
  SELECT string_agg(name, ',') INTO after FROM pg_cursors;
  RETURN answer || ' of ' || after;
END
$$;
CALL tool('ask(text)');
CALL tool('fetch_from(refcursor)');
CALL tool('move_in(refcursor)');
CALL tool('close_it(refcursor)');
CREATE FUNCTION app.fail_with(cursor refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  OPEN cursor SCROLL FOR SELECT 'own' FROM generate_series(1, 5);
  FETCH cursor INTO r;
  RAISE EXCEPTION 'failed with a cursor';
END
$$;
-- The same with a cursor that PL/pgSQL has pinned.
CREATE FUNCTION app.fail_in_loop(cursor refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  own CURSOR FOR SELECT n FROM generate_series(1, 5) AS n;
BEGIN
  own := cursor;
  FOR r IN own LOOP
    RAISE EXCEPTION 'failed with a cursor';
  END LOOP;
END
$$;
CALL tool('own_cursor(refcursor)');
CALL tool('fail_with(refcursor)');
CALL tool('fail_in_loop(refcursor)');
SELECT workflow_orch.register_tool('sql', 'workflow_orch.run_sql(text)', run_as => tool_role());
CREATE FUNCTION t.asked(query text) RETURNS jsonb LANGUAGE sql AS $$ SELECT output('ask', jsonb_build_object('query', query)) $$;

CREATE PROCEDURE t.declare_all() LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'DECLARE report CURSOR FOR SELECT t.evil(1)';
  EXECUTE 'DECLARE scrolled SCROLL CURSOR FOR SELECT t.evil(1)';
  EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT t.evil(1)';
  EXECUTE 'DECLARE "a much longer name, ÄÖ, of more than half of the bytes" CURSOR FOR SELECT t.evil(1)';
END
$$;
CREATE TABLE app.noted (note text);
GRANT ALL ON app.noted TO :"tool_role";
CALL declare_all();
CREATE TABLE t.names AS SELECT name FROM pg_cursors WHERE statement LIKE '%evil%';
SELECT is(count(*), 4::bigint, 'the session has four cursors') FROM t.names;

-- By each way to name one.
SELECT is_error(asked(format(query, name)), '{"sqlstate": "34000", "message": "cursor % does not exist"}', format('no tool runs ' || query, name))
  FROM t.names, unnest(ARRAY['FETCH %1$I', 'FETCH ALL FROM %1$I', 'MOVE NEXT FROM %1$I', 'SELECT cursor_to_xml(%1$L, 1, false, false, '''')', 'SELECT cursor_to_xmlschema(%1$L, false, false, '''')',
    'DO $x$ DECLARE c refcursor := %1$L; r record; BEGIN FETCH c INTO r; END $x$', 'DO $x$ BEGIN EXECUTE ''FETCH %1$I''; END $x$', 'UPDATE app.noted SET note = note WHERE CURRENT OF %1$I']) AS query;
SELECT is_error(output(tool, jsonb_build_object('cursor', name)), '{"sqlstate": "34000"}', format('nor as an argument of %s: %s', tool, name)) FROM t.names, unnest('{fetch_from,move_in,close_it}'::text[]) AS tool;
SELECT is_error(output('sql', '{"statement": "SELECT cursor_to_xml(''report'', 1, false, false, '''')"}'), '{"sqlstate": "34000"}', 'nor by a statement of run_sql');
SELECT is_error(asked(query), '{"sqlstate": "42501", "message": "%security-restricted%"}', 'no tool runs ' || query) FROM unnest('{CLOSE report,CLOSE ALL,DISCARD ALL}'::text[]) AS query;
SELECT is(asked('SELECT count(*) FROM pg_cursors WHERE statement LIKE ''%evil%'''), '"0"', 'a tool does not see them');

-- The tool's own.
SELECT is(output('own_cursor', jsonb_build_object('cursor', name)), to_jsonb('own of ' || name), 'a tool has a cursor of its own of that name: ' || name) FROM t.names;
SELECT is(asked('SELECT count(*) FROM pg_cursors'), '"0"', 'what a tool has left open, the next does not find');

-- The session's are as before.
SELECT is((SELECT count(*) FROM pg_cursors JOIN t.names USING (name)), 4::bigint, 'afterwards the session has its own again, and not those of the tools');
SELECT is((SELECT count(*) FROM pg_cursors WHERE name NOT IN (SELECT name FROM t.names) AND statement LIKE '%own%generate_series(1, 5)'), 0::bigint, 'those are closed');
SELECT raises('DO $x$ DECLARE c refcursor := ''report''; r record; BEGIN FETCH c INTO r; END $x$', '{"sqlstate": "P0666", "message": "ran as postgres"}', 'the session can use its own, as itself');
DECLARE numbers CURSOR FOR SELECT n, execute(approved('own_cursor', '{"cursor": "numbers"}')) ->> 'output' AS said FROM generate_series(1, 3) AS n;
FETCH numbers \gset
SELECT is(:'said'::text, 'own of numbers', 'a cursor whose own query executes a call is not in its way');
FETCH numbers \gset
SELECT is(concat_ws(' ', :n, :'said'), '2 own of numbers', 'and goes on where it was');
CLOSE numbers;
DECLARE numbers CURSOR FOR SELECT * FROM generate_series(1, 3) AS n;
FETCH numbers \gset
SELECT execute(approved('own_cursor', '{"cursor": "numbers"}')) ->> 'output' AS said \gset
FETCH numbers \gset
SELECT is(concat_ws(' ', :n, :'said'), '2 own of numbers', 'a cursor stays where it is over a call');
SELECT is_error(output(tool, '{"cursor": "numbers"}'), '{"message": "failed with a cursor"}', 'a call that fails with a cursor of that name: ' || tool) FROM unnest('{fail_with,fail_in_loop}'::text[]) AS tool;
SELECT is((SELECT statement FROM pg_cursors WHERE name = 'numbers'), 'DECLARE numbers CURSOR FOR SELECT * FROM generate_series(1, 3) AS n;', 'leaves the session its own');
SAVEPOINT s;
SELECT is_error(asked('SELECT 1 / 0'), '{"sqlstate": "22012"}', 'a call that fails');
FETCH numbers \gset
SELECT is(:n, 3, 'leaves it too');
ROLLBACK TO s;
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'numbers'), 1::bigint, 'and it is there after a rollback to a savepoint from before the call');
CLOSE numbers;
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'numbers'), 0::bigint, 'and can be closed');

-- A loop of PL/pgSQL is a portal with a name that can be guessed.
CREATE FUNCTION t.loop() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  r record;
  portal text;
BEGIN
  FOR r IN SELECT n FROM generate_series(1, 30) AS n LOOP
    SELECT name INTO portal FROM pg_cursors WHERE statement LIKE '%generate_series(1, 30)%' AND statement NOT LIKE '%pg_cursors%';
    IF r.n % 10 = 0 THEN
      RETURN NEXT r.n || ' ' || (asked(format('FETCH %I', portal)) ->> 'sqlstate');
    END IF;
  END LOOP;
END
$$;
SELECT results_eq('SELECT loop()', $$ VALUES ('10 34000'), ('20 34000'), ('30 34000') $$, 'a loop over a query is no tool''s, and goes on');

-- Previews, and the conversion of params.
SELECT workflow_orch.update_tool('ask', preview => true);
CREATE FUNCTION t.preview(query text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(p -> 'output', p -> 'error') FROM workflow_orch.preview_action(propose('ask', jsonb_build_object('query', query)), bob()) AS p
$$;
SELECT is_error(preview('FETCH report'), '{"sqlstate": "34000"}', 'nor does a preview use them');
SELECT is(preview('SELECT count(*) FROM pg_cursors WHERE statement LIKE ''%evil%'''), '"0"', 'or see them');
CREATE FUNCTION app.peek(words text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cursor_to_xml('report', 1, false, false, '');
  RETURN true;
EXCEPTION WHEN invalid_cursor_name THEN
  RETURN NOT EXISTS (SELECT FROM pg_cursors WHERE statement LIKE '%evil%');
END
$$;
CREATE DOMAIN app.peeking AS text CHECK (app.peek(VALUE));
CREATE FUNCTION app.peeked(words app.peeking) RETURNS text LANGUAGE sql RETURN words;
CALL tool('peeked(app.peeking)');
SELECT is(output('peeked', '{"words": "none"}'), '"none"', 'nor does a type while params are converted');
CREATE FUNCTION app.defaulted(seen boolean DEFAULT app.peek('x')) RETURNS boolean LANGUAGE sql RETURN seen;
CALL tool('defaulted(boolean)');
SELECT is(output('defaulted'), 'true', 'nor a default');

-- A tool's own, while it proposes: the conversion is another role's code.
SELECT workflow_orch.register_actor('robot', 'Robot', tool_role(), 'agent') AS robot \gset
GRANT USAGE ON SCHEMA workflow_orch TO :"tool_role";
GRANT EXECUTE ON FUNCTION workflow_orch.propose_action TO :"tool_role";
CREATE FUNCTION app.proposes(workflow bigint, actor bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  report CURSOR FOR SELECT 'mine' FROM generate_series(1, 9) AS evil;
  first text;
  status text;
BEGIN
  OPEN report;
  FETCH report INTO first;
  SELECT p.status INTO status FROM workflow_orch.propose_action(workflow, actor, 'peeked', '{"words": "by a tool"}', 'because') AS p;
  MOVE LAST FROM report;
  RETURN first || ' ' || status;
END
$$;
CALL tool('proposes(bigint, bigint)');
SELECT is(output('proposes', jsonb_build_object('workflow', workflow(), 'actor', :robot)), '"mine pending"', 'a tool''s cursor is hidden from conversions in turn, and then there again');
SELECT is((SELECT count(*) FROM pg_cursors JOIN t.names USING (name)), 4::bigint, 'the session has its cursors after all that');
\ir include/finish.sql
