-- Registering and changing tools: what can be a tool and what cannot.
\set file engine_tool
\ir include/fixture.sql

CREATE FUNCTION app.work(n int) RETURNS int LANGUAGE sql RETURN n;
CREATE FUNCTION app.other(n int) RETURNS int LANGUAGE sql RETURN -n;
CREATE FUNCTION t.tool_row(name text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT to_jsonb(r) - '{registered_at,run_as_oid,changed_by,home_system,home_database,former_run_as,built_in,definition}'::text[] FROM workflow_orch.tool r WHERE r.tool = name
$$;

-- Registration.
SELECT workflow_orch.register_tool('work', 'work(int)', run_as => :'tool_role');
SELECT is(tool_row('work'), jsonb_build_object('tool', 'work', 'enabled', true, 'in_session', true, 'preview', false, 'dry_run_mode', 'describe', 'max_attempts', 1, 'timeout', NULL,
    'function', 'app.work(integer)', 'run_as', :'tool_role', 'search_path', 'app, t, public, pg_temp', 'description', NULL, 'rerun', true, 'max_rows', NULL, 'preview_rows', 0, 'group_size', 1),
  'a tool is kept with its qualified function, its role and the search_path in force');
SELECT workflow_orch.register_tool('Another "tool" 需要', 'work(int)', :'tool_role', 'does work', '90 s', 3, false, true, 'rollback');
SELECT is(tool_row('Another "tool" 需要'), jsonb_build_object('tool', 'Another "tool" 需要', 'enabled', true, 'in_session', false, 'preview', true, 'dry_run_mode', 'rollback',
    'max_attempts', 3, 'timeout', '00:01:30', 'function', 'app.work(integer)', 'run_as', :'tool_role',
    'search_path', 'app, t, public, pg_temp', 'description', 'does work', 'rerun', true, 'max_rows', NULL, 'preview_rows', 0, 'group_size', 1),
  'a function may be several tools, each with its own settings and any name');
CREATE SCHEMA "Odd, schema";
SET LOCAL search_path = pg_temp, "Odd, schema", app, nowhere, t, public;
CREATE TEMP TABLE makes_the_schema ();
SELECT workflow_orch.register_tool('odd', 'work(int)', run_as => :'tool_role');
SET LOCAL search_path = app, t, public;
SELECT is(tool_row('odd') ->> 'search_path', '"Odd, schema", app, t, public, pg_temp',
  'the search_path is kept by the schemas that are there, with pg_temp at its end only');

SELECT raises($$SELECT workflow_orch.register_tool('work', 'other(int)', run_as => tool_role())$$,
  '{"sqlstate": "42710", "message": "%\"work\" already exists%", "hint": "%update_tool%"}', 'a name is taken once');
SELECT raises($$SELECT workflow_orch.register_tool(' ', 'work(int)', run_as => tool_role())$$, '{"sqlstate": "22023", "message": "%tool%"}',
  'an empty name is refused');
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), max_attempts => 0)$$,
  '{"sqlstate": "22023", "message": "%max_attempts%"}', 'no attempt at all is refused');
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), timeout => '-1 s')$$,
  '{"sqlstate": "22023", "message": "%timeout%negative%"}', 'a negative timeout is refused');

-- What has effects outside the transaction runs in workers only, once.
SELECT raises(format('SELECT workflow_orch.register_tool(%L, %L, tool_role(), rerun => false, %s)', 'w', 'work(int)', arguments),
  jsonb_build_object('sqlstate', '22023', 'message', message, 'hint', '%'), 'rerun false is refused with ' || arguments)
FROM (VALUES ('in_session => true', 'rerun false requires in_session false'), ('max_attempts => 1', 'rerun false requires in_session false'),
  ('in_session => false, max_attempts => 2', 'rerun false requires max_attempts 1')) v (arguments, message);
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), rerun => NULL)$$, '{"sqlstate": "22023", "message": "%rerun%null%"}', 'rerun cannot be null');
SELECT workflow_orch.register_tool('outside', 'work(int)', :'tool_role', rerun => false, in_session => false);
SELECT is(tool_row('outside') -> 'rerun', 'false', 'rerun false is kept');
SELECT raises($$SELECT workflow_orch.update_tool('outside', in_session => true)$$, '{"sqlstate": "22023", "message": "rerun false requires in_session false"}', 'such a tool does not come into sessions');
SELECT raises($$SELECT workflow_orch.update_tool('outside', max_attempts => 2)$$, '{"sqlstate": "22023", "message": "rerun false requires max_attempts 1"}', 'such a tool does not get more attempts');
SELECT raises($$SELECT workflow_orch.update_tool('work', rerun => false)$$, '{"sqlstate": "22023", "message": "rerun false requires in_session false"}', 'a tool of sessions does not become such a tool');
SELECT workflow_orch.update_tool('outside', rerun => true, max_attempts => 2);
SELECT raises($$SELECT workflow_orch.update_tool('outside', rerun => false)$$, '{"sqlstate": "22023", "message": "rerun false requires max_attempts 1"}', 'nor does one with several attempts');
SELECT workflow_orch.update_tool('outside', rerun => false, max_attempts => 1);
SELECT is(tool_row('outside') -> 'rerun', 'false', 'update_tool changes rerun with what it needs');

-- How many rows a call may change, and how many a preview shows.
SELECT workflow_orch.register_tool('few', 'work(int)', :'tool_role', max_rows => 0, preview_rows => 1000, group_size => 1000);
SELECT is(tool_row('few') - '{tool,enabled,in_session,preview,dry_run_mode,max_attempts,timeout,function,run_as,search_path,description,rerun}'::text[],
  '{"max_rows": 0, "preview_rows": 1000, "group_size": 1000}', 'max_rows, preview_rows and group_size are kept');
SELECT workflow_orch.update_tool('few', description => 'd');
SELECT is(tool_row('few') -> 'max_rows', '0', 'another change leaves max_rows as it is');
SELECT is(tool_row('few') -> 'preview_rows', '1000', 'and preview_rows');
SELECT workflow_orch.update_tool('few', max_rows => 9223372036854775807, preview_rows => 0, group_size => 1);
SELECT is(tool_row('few') -> 'max_rows', '9223372036854775807', 'update_tool changes max_rows');
SELECT is(tool_row('few') -> 'preview_rows', '0', 'and preview_rows');
SELECT is(tool_row('few') -> 'group_size', '1', 'and group_size');
SELECT workflow_orch.update_tool('few', max_rows => -1);
SELECT is(tool_row('few') -> 'max_rows', 'null', 'max_rows -1 lifts the limit');
SELECT raises(format('SELECT workflow_orch.%s(%L, %s %s => %s)', call, tool, arguments, argument, value), jsonb_build_object('sqlstate', '22023', 'message', message, 'detail', format('It is %s.', value)),
    format('%s refuses %s of %s', call, argument, value))
  FROM (VALUES ('register_tool', 'w', '''work(int)'', tool_role(),', '{-1}'::text[]), ('update_tool', 'few', '', '{}')) c (call, tool, arguments, also),
       (VALUES ('max_rows', 'max_rows must not be negative', '{-2,-9223372036854775808}'::text[]),
               ('preview_rows', 'preview_rows must be between 0 and 1000', '{-1,1001,-9223372036854775808,9223372036854775807}'),
               ('group_size', 'group_size must be between 1 and 1000', '{0,-1,1001,-9223372036854775808,9223372036854775807}')) a (argument, message, bad),
       LATERAL unnest(CASE argument WHEN 'max_rows' THEN bad || also ELSE bad END) value;
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), preview_rows => NULL)$$, '{"sqlstate": "22023", "message": "%preview_rows%null%"}', 'preview_rows cannot be null');
SELECT is((SELECT definition -> 'max_rows' FROM workflow_orch.tool_definition WHERE tool = 'few' ORDER BY first_used_at LIMIT 1), '0', 'max_rows is part of the definition');
SELECT is((SELECT count(*) FROM workflow_orch.tool_definition WHERE tool = 'work' AND definition ? 'max_rows'), 0::bigint, 'and stands in none without a limit');
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), group_size => NULL)$$, '{"sqlstate": "22023", "message": "%group_size%null%"}', 'group_size cannot be null');
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(int)', tool_role(), in_session => false, rerun => false, group_size => 2)$$, '{"sqlstate": "22023", "message": "rerun false requires group_size 1", "hint": "%group_size => 1%"}', 'a call that must not run twice shares no transaction');
SELECT raises($$SELECT workflow_orch.update_tool('few', in_session => false, rerun => false, group_size => 2)$$, '{"sqlstate": "22023", "message": "rerun false requires group_size 1"}', 'nor after a change');
SELECT is((SELECT count(*) FROM workflow_orch.tool_definition WHERE definition ? 'group_size'), 0::bigint, 'group_size is not part of the definition');
SELECT is((SELECT count(*) FROM workflow_orch.tool_definition WHERE definition ? 'preview_rows'), 0::bigint, 'preview_rows is not part of the definition');
SELECT raises($$SELECT workflow_orch.register_tool('w', 4040404::regprocedure, tool_role())$$, '{"sqlstate": "42704"}',
  'a function that does not exist is refused');
SELECT raises($$SELECT workflow_orch.register_tool('w', 'work(text)', tool_role())$$, '{"sqlstate": "42883"}',
  'a signature that no function has keeps the server''s error');

-- What cannot be a tool.
CREATE TYPE app.pair AS (a int, b int);
CREATE PROCEDURE app.a_procedure(n int) LANGUAGE sql AS '';
CREATE AGGREGATE app.an_aggregate(n int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION pg_temp.gone(n int) RETURNS int LANGUAGE sql RETURN n;
CREATE FUNCTION app.unnamed(int) RETURNS int LANGUAGE sql RETURN $1;
CREATE FUNCTION app.half_named(a int, int) RETURNS int LANGUAGE sql RETURN $2;
CREATE FUNCTION app.polymorphic(a anyelement) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.polymorphic_array(a anyarray) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.polymorphic_out(a anyelement, OUT b anyelement) LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION app.record_argument(a record) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION app.cstring_argument(a cstring) RETURNS int LANGUAGE internal AS 'int4in';
CREATE FUNCTION app.a_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION app.an_event_trigger() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION app.any_record() RETURNS record LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION app.any_records() RETURNS SETOF record LANGUAGE sql AS 'SELECT 1, 2';
SELECT raises(format('SELECT workflow_orch.register_tool(%L, %L, run_as => %L)', 'w', function, :'tool_role'),
  jsonb_build_object('sqlstate', '22023', 'message', '%' || message || '%'), format('a function %s cannot be a tool', what))
FROM (VALUES
  ('app.a_procedure(int)', 'is not a plain function', 'that is a procedure'),
  ('app.an_aggregate(int)', 'is not a plain function', 'that is an aggregate'),
  ('pg_catalog.ntile(int)', 'is not a plain function', 'that is a window function'),
  ('pg_temp.gone(int)', 'is a temporary one', 'that ends with its session'),
  ('app.unnamed(int)', 'argument 1 %has no name', 'whose argument has no name'),
  ('app.half_named(int,int)', 'argument 2 %has no name', 'one of whose arguments has no name'),
  ('app.polymorphic(anyelement)', 'anyelement', 'with a polymorphic argument'),
  ('app.polymorphic_array(anyarray)', 'anyarray', 'with a polymorphic array'),
  ('app.polymorphic_out(anyelement)', 'anyelement', 'with a polymorphic result'),
  ('app.record_argument(record)', 'record', 'that takes a record of any type'),
  ('app.cstring_argument(cstring)', 'cstring', 'that takes a pseudo-type'),
  ('app.a_trigger()', 'trigger', 'that is a trigger''s'),
  ('app.an_event_trigger()', 'event_trigger', 'that is an event trigger''s'),
  ('app.any_record()', 'record', 'that returns a record of any type'),
  ('app.any_records()', 'record', 'that returns records of any type'),
  ('pg_catalog.concat("any")', '%', 'that takes anything')) AS v (function, message, what);
SELECT raises(format('SELECT workflow_orch.register_tool(%L, %L, run_as => %L)', 'w', p.oid::regprocedure, :'tool_role'),
  '{"sqlstate": "42501", "message": "%belongs to the extension%"}', format('%s cannot be a tool', p.proname))
FROM pg_proc p WHERE proname <> 'run_sql' AND pronamespace = 'workflow_orch'::regnamespace;
SELECT raises($$SELECT workflow_orch.update_tool('work', 'workflow_orch.expire_proposals()')$$, '{"sqlstate": "42501"}',
  'a tool cannot be made one of the extension''s functions later');
SELECT raises($$SELECT workflow_orch.update_tool('work', 'app.unnamed(int)')$$, '{"sqlstate": "22023"}',
  'a tool cannot be made a function later that cannot be one');
SELECT is(tool_row('work') ->> 'function', 'app.work(integer)', 'refused changes have changed nothing');

-- Changes.
SELECT workflow_orch.update_tool('work');
SELECT is(tool_row('work'), jsonb_build_object('tool', 'work', 'enabled', true, 'in_session', true, 'preview', false, 'dry_run_mode', 'describe', 'max_attempts', 1, 'timeout', NULL,
    'function', 'app.work(integer)', 'run_as', :'tool_role', 'search_path', 'app, t, public, pg_temp', 'description', NULL, 'rerun', true, 'max_rows', NULL, 'preview_rows', 0, 'group_size', 1),
  'a change of nothing leaves all as it is');
SELECT workflow_orch.update_tool('work', description => 'd', timeout => '1 s', max_attempts => 2, in_session => false);
SELECT is(tool_row('work'), jsonb_build_object('tool', 'work', 'enabled', true, 'in_session', false, 'preview', false, 'dry_run_mode', 'describe', 'max_attempts', 2, 'timeout', '00:00:01',
    'function', 'app.work(integer)', 'run_as', :'tool_role', 'search_path', 'app, t, public, pg_temp', 'description', 'd', 'rerun', true, 'max_rows', NULL, 'preview_rows', 0, 'group_size', 1),
  'what is given is changed, and nothing else');
SET LOCAL search_path = t, public;
SELECT workflow_orch.update_tool('work', max_attempts => 4, in_session => true);
SELECT is(tool_row('work') ->> 'search_path', 'app, t, public, pg_temp', 'without a function the search_path stays');
SELECT workflow_orch.update_tool('work', 'app.other(int)');
SELECT is(tool_row('work') ->> 'search_path', 't, public, pg_temp', 'a new function takes the search_path now in force');
SET LOCAL search_path = app, t, public;
SELECT is(output('work', '{"n": 5}'), '-5', 'after the change the tool is the other function');
SELECT raises($$SELECT workflow_orch.update_tool('wirk')$$, '{"sqlstate": "42704", "message": "%\"wirk\"%"}', 'an unknown tool is not changed');
SELECT raises($$SELECT workflow_orch.update_tool('work', max_attempts => -1)$$, '{"sqlstate": "22023", "message": "%max_attempts%"}',
  'a negative number of attempts is refused');

-- Switching off.
SELECT workflow_orch.set_tool_enabled('work', false);
SELECT is(tool_row('work') -> 'enabled', 'false', 'a tool can be switched off');
SELECT count(*) AS n FROM workflow_orch.audit_log \gset
SELECT workflow_orch.set_tool_enabled('work', false);
SELECT is((SELECT count(*) FROM workflow_orch.audit_log), :n::bigint, 'what is off already is not switched off again');
SELECT raises($$SELECT workflow_orch.set_tool_enabled('wirk', true)$$, '{"sqlstate": "42704"}', 'an unknown tool is not switched');
SELECT workflow_orch.update_tool('work', description => 'still off');
SELECT is(tool_row('work') -> 'enabled', 'false', 'a change does not switch a tool on');

\ir include/finish.sql
