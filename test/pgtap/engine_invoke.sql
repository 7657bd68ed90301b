-- How a tool's function is called, and what becomes of what it returns.
\set file engine_invoke
\ir include/fixture.sql

-- Arguments.
CREATE FUNCTION app.three(a int, b int DEFAULT 2, c int DEFAULT 3) RETURNS text LANGUAGE sql
  RETURN concat_ws(',', a, b, c);
CREATE FUNCTION app.who(who text DEFAULT current_user, at timestamptz DEFAULT clock_timestamp()) RETURNS text
  LANGUAGE sql RETURN who;
CREATE FUNCTION app.nothing() RETURNS int LANGUAGE sql RETURN 42;
CREATE FUNCTION app.size(what text) RETURNS text LANGUAGE sql RETURN 'text ' || length(what);
CREATE FUNCTION app.size(what int[]) RETURNS text LANGUAGE sql RETURN 'array ' || cardinality(what);
CREATE FUNCTION app.total(label text, VARIADIC numbers int[]) RETURNS text LANGUAGE sql
  RETURN label || (SELECT sum(n) FROM unnest(numbers) n);
CREATE FUNCTION app.whole(params jsonb) RETURNS text LANGUAGE sql RETURN params::text;
CREATE TYPE app.item AS (sku text, qty int);
CREATE TYPE app.color AS ENUM ('red', 'green');
CREATE FUNCTION app.describe(i app.item, many app.item[], c app.color) RETURNS text LANGUAGE sql
  RETURN (i).sku || (i).qty || array_length(many, 1) || (many[2]).sku || c;
CREATE FUNCTION app.nullable(a int) RETURNS text LANGUAGE sql RETURN coalesce(a::text, 'was null');
CREATE FUNCTION app."Odd Name"("Odd, Arg" int) RETURNS int LANGUAGE sql RETURN "Odd, Arg" + 1;
CALL tool('three(int,int,int)');
CALL tool('who(text,timestamptz)');
CALL tool('nothing()');
CALL tool('size(text)', 'size of text');
CALL tool('size(int[])', 'size of array');
CALL tool('total(text,int[])');
CALL tool('whole(jsonb)');
CALL tool('describe(item,item[],color)');
CALL tool('nullable(int)');
CALL tool('"Odd Name"(int)');
CALL tool('make_interval(int,int,int,int,int,int,double precision)');

SELECT is(output('three', '{"c": 30, "a": 10}'), '"10,2,30"',
  'arguments are found by name, and missing ones take their defaults');
SELECT is(output('who', '{}'), to_jsonb(tool_role()::text), 'a default is evaluated as run_as');
SELECT is(output('nothing'), '42', 'a function without arguments is called');
SELECT is(output('size of text', '{"what": "abc"}'), '"text 3"', 'a tool calls the overload of its signature');
SELECT is(output('size of array', '{"what": [1, 2]}'), '"array 2"', 'another tool calls another overload');
SELECT is(output('total', '{"label": "=", "numbers": [1, 2, 3]}'), '"=6"', 'a VARIADIC function gets its array');
SELECT is(output('total', '{"label": "=", "numbers": [4]}'), '"=4"',
  'a VARIADIC function gets an array of one element as an array');
SELECT is(output('whole', '{"b": 1, "a": {"x": null}}'), '"{\"a\": {\"x\": null}, \"b\": 1}"',
  'a single jsonb argument named params gets the object');
SELECT is(output('describe', '{"i": {"sku": "s", "qty": 1}, "many": [{}, {"sku": "t"}], "c": "green"}'), '"s12tgreen"',
  'composites, their arrays and enums reach the function');
SELECT is(output('nullable', '{"a": null}'), '"was null"', 'null reaches a function that is not STRICT');
SELECT is(output('Odd Name', '{"Odd, Arg": 1}'), '2', 'names that need quotes serve as any others');
SELECT is(output('make_interval', '{"hours": 2}'), '"02:00:00"', 'a function of the server serves as any other');

-- Results.
CREATE FUNCTION app.f_void() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION app.f_null() RETURNS int LANGUAGE sql RETURN NULL::int;
CREATE FUNCTION app.f_text() RETURNS text LANGUAGE sql RETURN E'quote " and \\ and \u00e9';
CREATE FUNCTION app.f_jsonb() RETURNS jsonb LANGUAGE sql RETURN '[1, {"a": null}]'::jsonb;
CREATE FUNCTION app.f_json() RETURNS json LANGUAGE sql RETURN '{"b": 1,   "b": 2}'::json;
CREATE FUNCTION app.f_array() RETURNS int[] LANGUAGE sql RETURN '{1,NULL}'::int[];
CREATE FUNCTION app.f_item() RETURNS app.item LANGUAGE sql RETURN ('s', 1)::app.item;
CREATE FUNCTION app.f_null_item() RETURNS app.item LANGUAGE sql RETURN NULL::app.item;
CREATE FUNCTION app.f_out(a int, OUT double int, OUT half numeric) LANGUAGE sql AS 'SELECT a * 2, a / 2.0';
CREATE FUNCTION app.f_out_one(a int, OUT double int) LANGUAGE sql AS 'SELECT a * 2';
CREATE FUNCTION app.f_inout(INOUT a int, INOUT b text DEFAULT 'x') LANGUAGE sql AS 'SELECT a + 1, b';
CREATE FUNCTION app.f_set() RETURNS SETOF int LANGUAGE sql AS 'VALUES (1), (NULL), (3)';
CREATE FUNCTION app.f_set_plpgsql() RETURNS SETOF text LANGUAGE plpgsql AS
  $$BEGIN RETURN NEXT 'a'; RETURN NEXT 'b'; END$$;
CREATE FUNCTION app.f_no_rows() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1 WHERE false';
CREATE FUNCTION app.f_table() RETURNS TABLE (id int, name text) LANGUAGE sql AS $$VALUES (1, 'a'), (2, NULL)$$;
CREATE FUNCTION app.f_table_one() RETURNS TABLE (id int) LANGUAGE sql AS 'VALUES (1), (2)';
CREATE FUNCTION app.f_items() RETURNS SETOF app.item LANGUAGE sql AS $$VALUES ('a', 1), ('b', 2)$$;
CREATE FUNCTION app.f_jsonbs() RETURNS SETOF jsonb LANGUAGE sql AS $$VALUES ('{"a": 1}'::jsonb), ('[2]'), ('3'), ('null')$$;
CREATE FUNCTION app.f_record_set(OUT a int, OUT b int) RETURNS SETOF record LANGUAGE sql AS 'VALUES (1, 2)';
CREATE FUNCTION app.f_enum() RETURNS app.color LANGUAGE sql RETURN 'green'::app.color;
CREATE DOMAIN app.percent AS numeric CHECK (VALUE <= 100);
CREATE FUNCTION app.f_domain() RETURNS app.percent LANGUAGE sql RETURN 12.50::app.percent;
CREATE FUNCTION app.f_time() RETURNS timestamptz LANGUAGE sql RETURN '2024-01-05 12:00+02'::timestamptz;
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE proname LIKE 'f\_%' AND pronamespace = 'app'::regnamespace LOOP
    CALL tool(f);
  END LOOP;
END
$$;

SELECT is(output('f_void'), 'null', 'void gives null');
SELECT is(output('f_null'), 'null', 'NULL gives null');
SELECT is(output('f_text'), to_jsonb(E'quote " and \\ and \u00e9'::text), 'a text gives a string, whatever is in it');
SELECT is(output('f_jsonb'), '[1, {"a": null}]', 'jsonb is given as it is');
SELECT is(output('f_json'), '{"b": 2}', 'json is given as jsonb');
SELECT is(output('f_array'), '[1, null]', 'an array gives an array');
SELECT is(output('f_item'), '{"sku": "s", "qty": 1}', 'a composite gives an object');
SELECT is(output('f_null_item'), 'null', 'a composite that is NULL gives null');
SELECT is(output('f_out', '{"a": 5}'), '{"double": 10, "half": 2.5}', 'OUT arguments give an object');
SELECT is(output('f_out_one', '{"a": 5}'), '10', 'a single OUT argument gives its value');
SELECT is(output('f_inout', '{"a": 5}'), '{"a": 6, "b": "x"}', 'INOUT arguments are taken and given');
SELECT is(output('f_set'), '[1, null, 3]', 'a set gives an array');
SELECT is(output('f_set_plpgsql'), '["a", "b"]', 'a set that is made row by row gives an array');
SELECT is(output('f_no_rows'), '[]', 'a set without rows gives an empty array');
SELECT is(output('f_table'), '[{"id": 1, "name": "a"}, {"id": 2, "name": null}]', 'a table gives an array of objects');
SELECT is(output('f_table_one'), '[1, 2]', 'a table of one column gives an array of its values');
SELECT is(output('f_items'), '[{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}]',
  'a set of composites gives an array of objects');
SELECT is(output('f_jsonbs'), '[{"a": 1}, [2], 3, null]', 'a set of jsonb gives an array of what they are');
SELECT is(output('f_record_set'), '[{"a": 1, "b": 2}]', 'a set of OUT arguments gives an array of objects');
SELECT is(output('f_enum'), '"green"', 'an enum gives its label');
SELECT is(output('f_domain')::text, '12.50', 'a domain gives what its base type would');
SELECT is(output('f_time'), '"2024-01-05T10:00:00+00:00"', 'a time is given in UTC');

-- What a tool can see of its call.
CREATE FUNCTION app.context() RETURNS text[] LANGUAGE sql
  RETURN ARRAY[current_setting('workflow_orch.proposal_id', true), current_setting('workflow_orch.execution_id', true),
               current_setting('workflow_orch.actor', true)];
CALL tool('context()');
SELECT approved('context') AS p \gset
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p, :ann) \gset
SELECT is(:'r'::jsonb -> 'output', jsonb_build_array(:'p', :'e', 'ann'),
  'a tool can read the proposal, the execution and the actor of its call');
SELECT approved('context') AS p \gset
SELECT is(result #>> '{output,2}', '', 'the actor is empty where nobody in particular asked for the execution')
  FROM workflow_orch.execute_action(:p);
SELECT is(context(), '{"","",""}', 'outside a call there is nothing to read');
SELECT raises('SET workflow_orch.proposal_id = 5', '{"sqlstate": "55P02"}', 'nobody can set what a tool reads of its call');
CREATE FUNCTION app.forge() RETURNS void LANGUAGE sql AS $$SELECT set_config('workflow_orch.actor', 'cyd', true)$$;
CALL tool('forge()');
SELECT is(output('forge') ->> 'sqlstate', '55P02', 'a tool cannot set it either');

-- The extension's functions inside a tool.
CREATE TYPE app.attempt AS (function text, sqlstate text, message text);
CREATE FUNCTION app.call_all() RETURNS SETOF app.attempt LANGUAGE plpgsql AS $$
DECLARE
  f record;
  attempt app.attempt;
BEGIN
  FOR f IN
    SELECT p.oid::regproc::text AS name,
           (SELECT string_agg('NULL::' || format_type(t, NULL), ',' ORDER BY i)
              FROM unnest(p.proargtypes) WITH ORDINALITY a (t, i)) AS arguments
    FROM pg_proc p
    WHERE pronamespace = 'workflow_orch'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'internal'::regtype)
      -- Functions in SQL do what their caller could do without them.
      AND prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql')
  LOOP
    attempt := (f.name, NULL, NULL);
    BEGIN
      EXECUTE format('SELECT * FROM %s(%s)', f.name, f.arguments);
    EXCEPTION WHEN OTHERS THEN
      attempt := (f.name, SQLSTATE, SQLERRM);
    END;
    RETURN NEXT attempt;
  END LOOP;
END
$$;
CALL tool('call_all()');
GRANT USAGE ON SCHEMA workflow_orch TO :"tool_role";
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA workflow_orch TO :"tool_role";
CREATE TEMP TABLE attempts AS
  SELECT a.* FROM jsonb_to_recordset(output('call_all')) AS a (function text, sqlstate text, message text);
SELECT is_empty($$SELECT * FROM attempts WHERE function NOT IN ('workflow_orch.propose_action', 'workflow_orch.may_read')
                    AND (sqlstate IS DISTINCT FROM CASE WHEN function ~ '\.(wait_\w+|execute_parallel|seal_audit_log)$' THEN '55000' ELSE '42501' END OR message NOT LIKE '%while a tool runs%')$$,
  'a tool can call no function of the extension, whatever its role may');
SELECT is((SELECT string_agg(function || ' ' || coalesce(sqlstate, ''), ', ' ORDER BY function) FROM attempts
            WHERE function IN ('workflow_orch.propose_action', 'workflow_orch.may_read', 'workflow_orch.list_execution_stats')),
  'workflow_orch.may_read , workflow_orch.propose_action 22023', 'but propose_action, and what the policies ask');
SELECT cmp_ok((SELECT count(*) FROM attempts), '>=', 22::bigint, 'all functions were tried');
SELECT lives_ok('SELECT workflow_orch.whoami()', 'after the tool the functions can be called again');

CREATE FUNCTION app.propose_more(workflow bigint, actor bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow, actor, 'nothing', '{}', 'the tool needs it')
$$;
CALL tool('propose_more(bigint,bigint)');
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA workflow_orch FROM :"tool_role";
SELECT is(output('propose_more', jsonb_build_object('workflow', :workflow, 'actor', :ann)) ->> 'sqlstate', '42501',
  'a tool proposes with its role''s capabilities only');
SELECT workflow_orch.grant_capability(:'tool_role', 'propose');
SELECT is(output('propose_more', jsonb_build_object('workflow', :workflow, 'actor', :ann)) ->> 'sqlstate', '42501',
  'a tool cannot propose for the actor that asked for its execution');
SELECT workflow_orch.register_actor('the tool', 'Tool', db_role => :'tool_role', kind => 'service') AS tool_actor \gset
SELECT output('propose_more', jsonb_build_object('workflow', :workflow, 'actor', NULL))::bigint AS p \gset
SELECT is((SELECT actor_id FROM workflow_orch.proposal WHERE proposal_id = :p), :tool_actor::bigint, 'a tool proposes as the actor that its role is bound to');
SELECT is((SELECT ARRAY[login, db_role]::text[] FROM workflow_orch.audit_log WHERE proposal_id = :p),
  ARRAY[session_user, :'tool_role']::text[], 'the audit row of its proposal has the login and the tool''s role');

-- Nested: a tool that fails has proposed nothing.
CREATE FUNCTION app.propose_and_fail(workflow bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  PERFORM workflow_orch.propose_action(workflow, NULL, 'nothing', '{}', 'lost');
  RAISE EXCEPTION 'no';
END
$$;
CALL tool('propose_and_fail(bigint)');
SELECT run('propose_and_fail', jsonb_build_object('workflow', :workflow)) \g /dev/null
SELECT is_empty($$SELECT * FROM workflow_orch.proposal WHERE reason = 'lost'$$, 'what a tool proposed goes with its failure');

-- Large results.
CREATE FUNCTION app.large(size int) RETURNS text LANGUAGE sql RETURN repeat('x', size);
CREATE FUNCTION app.large_set(n int) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.notes VALUES ('large');
  FOR i IN 1 .. n LOOP RETURN NEXT repeat('x', 100); END LOOP;
END
$$;
CREATE TABLE app.notes (note text);
GRANT ALL ON app.notes TO PUBLIC;
CALL tool('large(int)');
CALL tool('large_set(int)');
SET LOCAL workflow_orch.max_result_size = '1kB';
SELECT is(length(output('large', '{"size": 900}') #>> '{}'), 900, 'a result up to the limit is kept');
SELECT approved('large', '{"size": 1100}') AS p \gset
SELECT is_error(execute(:p) -> 'error', '{"sqlstate": "54000", "hint": "%workflow_orch.max_result_size%"}',
  'a result over the limit is a failure');
SELECT is(status(:p), 'failed', 'the proposal whose result is too large is failed');
SELECT is(output('large_set', '{"n": 20}') ->> 'sqlstate', '54000', 'a set over the limit is a failure');
SELECT is_empty('SELECT * FROM app.notes', 'the effects of a call whose result is too large are undone');
RESET workflow_orch.max_result_size;

\ir include/finish.sql
