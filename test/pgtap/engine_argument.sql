-- How the arguments of a call are read and written: names of objects in full,
-- and nothing that the written form would lose.
\set file engine_argument
\ir include/fixture.sql

CREATE SCHEMA was;
GRANT USAGE ON SCHEMA was TO :"tool_role";
CREATE FUNCTION was.f(a int) RETURNS text LANGUAGE sql AS $$SELECT 'was.f'$$;
CREATE FUNCTION was.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION was.plus(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a + b';
CREATE OPERATOR was.@+@ (LEFTARG = int, RIGHTARG = int, FUNCTION = was.plus);
CREATE TABLE was."My table" (id int);
CREATE TYPE was.kind AS ENUM ('a');
CREATE COLLATION was.order (LOCALE = 'C');
CREATE TEXT SEARCH CONFIGURATION was.conf (COPY = pg_catalog.simple);
CREATE TEXT SEARCH DICTIONARY was.dict (TEMPLATE = pg_catalog.simple);

CREATE DOMAIN app.table_name AS regclass;
CREATE TYPE app.step AS (f regprocedure, tables regclass[], note text);
CREATE FUNCTION app.names(proc regproc DEFAULT NULL, func regprocedure DEFAULT NULL, oper regoper DEFAULT NULL,
                          opr regoperator DEFAULT NULL, class regclass DEFAULT NULL, type regtype DEFAULT NULL,
                          role regrole DEFAULT NULL, schema regnamespace DEFAULT NULL, coll regcollation DEFAULT NULL,
                          config regconfig DEFAULT NULL, dict regdictionary DEFAULT NULL,
                          list regprocedure[] DEFAULT NULL, d app.table_name DEFAULT NULL, ds app.table_name[] DEFAULT NULL,
                          step app.step DEFAULT NULL, steps app.step[] DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT %s(1)', (SELECT format('%I.%I', pronamespace::regnamespace, proname) FROM pg_proc WHERE oid = func)) INTO result;
  RETURN result;
END
$$;
SET search_path = app, was, t, public;
SELECT 'app.names' || substr(p.oid::regprocedure::text, 6) AS names FROM pg_proc p WHERE proname = 'names' \gset
CALL tool(:'names');
CREATE FUNCTION t.kept(params jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT stored('names', params)$$;

-- Whatever the search_path of the tool and of the caller finds without a schema.
SELECT is(kept(given), kept, format('%s is kept as %s', given, kept)) FROM (VALUES
  ('{"proc": "one"}'::jsonb, '{"proc": "was.one"}'::jsonb),
  ('{"func": "f(int)"}', '{"func": "was.f(integer)"}'),
  ('{"oper": "@+@"}', '{"oper": "was.@+@"}'),
  ('{"opr": "@+@(int,int)"}', '{"opr": "was.@+@(integer,integer)"}'),
  ('{"opr": "+(int,int)"}', '{"opr": "pg_catalog.+(integer,integer)"}'),
  ('{"class": "\"My table\""}', '{"class": "was.\"My table\""}'),
  ('{"class": "pg_class"}', '{"class": "pg_catalog.pg_class"}'),
  ('{"type": "kind"}', '{"type": "was.kind"}'),
  ('{"type": "kind[]"}', '{"type": "was.kind[]"}'),
  ('{"type": "int4"}', '{"type": "integer"}'),
  ('{"type": "jsonb"}', '{"type": "pg_catalog.jsonb"}'),
  ('{"role": "pg_monitor"}', '{"role": "pg_monitor"}'),
  ('{"schema": "was"}', '{"schema": "was"}'),
  ('{"coll": "order"}', '{"coll": "was.\"order\""}'),
  ('{"config": "conf"}', '{"config": "was.conf"}'),
  ('{"config": "english"}', '{"config": "pg_catalog.english"}'),
  ('{"dict": "dict"}', '{"dict": "was.dict"}'),
  ('{"class": null}', '{"class": null}'),
  ('{"class": "-"}', '{"class": "-"}'),
  ('{"list": ["f(int)", null, "was.one()"]}', '{"list": ["was.f(integer)", null, "was.one()"]}'),
  ('{"list": "{{f(int)},{one()}}"}', '{"list": [["was.f(integer)"], ["was.one()"]]}'),
  ('{"list": []}', '{"list": []}'),
  ('{"d": "\"My table\""}', '{"d": "was.\"My table\""}'),
  ('{"ds": ["pg_class"]}', '{"ds": ["pg_catalog.pg_class"]}'),
  ('{"step": {"f": "f(int)", "tables": ["\"My table\"", "pg_class"], "note": "f(int)"}}',
   '{"step": {"f": "was.f(integer)", "tables": ["was.\"My table\"", "pg_catalog.pg_class"], "note": "f(int)"}}'),
  ('{"steps": [{"f": "f(int)"}]}', '{"steps": [{"f": "was.f(integer)", "tables": null, "note": null}]}')) AS v (given, kept);
SELECT is(kept(jsonb_build_object('class', 'was."My table"'::regclass::oid::text)), '{"class": "was.\"My table\""}',
  'the number of an object is kept as its name');
SET search_path = pg_catalog, t, public;
SELECT is(kept('{"func": "f(int)"}'), '{"func": "was.f(integer)"}', 'the caller''s search_path does not matter');
SET search_path = app, was, t, public;

-- Another function that the name without a schema would mean by now.
SELECT approved('names', '{"func": "f(int)"}') AS p \gset
CREATE FUNCTION app.f(a int) RETURNS text LANGUAGE sql AS $$SELECT 'app.f'$$;
SELECT is(execute(:p) -> 'output', '"was.f"', 'a function made after the approval does not run in its place');
SELECT is(kept('{"func": "f(int)"}'), '{"func": "app.f(integer)"}', 'it is meant by what is proposed from then on');
DROP FUNCTION app.f(int);

-- What the proposer may see does not matter, but what the tool's role may.
CREATE ROLE engine_argument_proposer;
SELECT workflow_orch.grant_capability('engine_argument_proposer', 'propose'),
       workflow_orch.update_actor(:ann, db_role => 'engine_argument_proposer') \g /dev/null
SET LOCAL ROLE engine_argument_proposer;
SELECT is(status, 'pending', 'the proposer need not have USAGE on the schema of what is named')
  FROM workflow_orch.propose_action(:workflow, :ann, 'names', '{"func": "was.f(int)"}', 'r');
RESET ROLE;
CREATE SCHEMA hidden;
CREATE TABLE hidden.h (id int);
SELECT raises($$SELECT kept('{"class": "hidden.h"}')$$,
  '{"sqlstate": "22023", "message": "%permission denied for schema hidden%", "detail": "Argument \"class\" is of type regclass.%"}',
  'the tool''s role must have it');

-- Names that would not stay what they are.
CREATE TEMP TABLE passing (id int);
CREATE TYPE app.classes AS RANGE (SUBTYPE = regclass);
CREATE FUNCTION app.span(r app.classes) RETURNS void LANGUAGE sql AS 'SELECT';
CALL tool('span(app.classes)');
CREATE FUNCTION was.one(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT raises(format('SELECT %s(%L)', CASE WHEN given ? 'r' THEN 'stored(''span'',' || quote_literal(given) || ')--' ELSE 'kept' END, given),
  expected, what) FROM (VALUES
  ('{"class": "4000000000"}'::jsonb, '{"sqlstate": "22023", "message": "%4000000000%", "detail": "Argument \"class\"%no such object%"}'::jsonb,
   'a number that is no object''s is refused'),
  ('{"list": ["4000000000"]}', '{"sqlstate": "22023", "message": "%4000000000%", "detail": "Argument \"list\"%"}', 'such a number in an array is refused'),
  ('{"class": "no_such_table"}', '{"sqlstate": "22023", "message": "%no_such_table%does not exist", "detail": "Argument \"class\" is of type regclass.%"}',
   'a name of nothing is refused'),
  ('{"proc": "one"}', '{"sqlstate": "22023", "message": "%more than one function%one%", "detail": "Argument \"proc\" is of type regproc.%"}',
   'a name of several functions is refused'),
  (jsonb_build_object('proc', 'was.one()'::regprocedure::oid::text), '{"sqlstate": "22023", "message": "%JSON cannot hold the value of \"proc\"", "detail": "Argument \"proc\" is of type regproc.%cannot be read: more than one function%was.one%"}',
   'the number of a function whose name is not the only one is refused'),
  (jsonb_build_object('class', 'passing'::regclass::oid::text), '{"sqlstate": "22023", "detail": "%Temporary objects%"}',
   'a temporary object is refused'),
  ('{"r": "[1259,1260)"}', '{"sqlstate": "22023", "message": "%classes%JSON%"}',
   'names in a range, which cannot be given their schemas, are refused')) AS v (given, expected, what);
DROP TABLE passing;

-- What JSON cannot hold.
CREATE TYPE app.pair AS (v int[], c char(5), n numeric(10,2));
CREATE FUNCTION app.kinds(v int[] DEFAULT NULL, t text[] DEFAULT NULL, jb jsonb[] DEFAULT NULL, j json DEFAULT NULL,
                          f float8 DEFAULT NULL, f4 float4 DEFAULT NULL, n numeric DEFAULT NULL, i interval DEFAULT NULL,
                          ts timestamptz DEFAULT NULL, t0 timestamp DEFAULT NULL, d date DEFAULT NULL, tz timetz DEFAULT NULL,
                          c char DEFAULT NULL, x xml DEFAULT NULL, xs xml[] DEFAULT NULL, b bit varying DEFAULT NULL,
                          p app.pair DEFAULT NULL, ps app.pair[] DEFAULT NULL, r numrange DEFAULT NULL, m datemultirange DEFAULT NULL,
                          o oidvector DEFAULT NULL, q tsquery DEFAULT NULL, g polygon DEFAULT NULL, w money DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws('|', v, t, jb, j, f, f4, n, i, ts, t0, d, tz, c, x, xs, b, p, ps, r, m, o, q, g, w)
$$;
SELECT 'app.kinds' || substr(p.oid::regprocedure::text, 6) AS kinds FROM pg_proc p WHERE proname = 'kinds' \gset
CALL tool(:'kinds');
-- The same with the server's own types only, whose values are converted all at once.
CREATE FUNCTION app.own_kinds(v int[] DEFAULT NULL, t text[] DEFAULT NULL, jb jsonb[] DEFAULT NULL, j json DEFAULT NULL,
                              f float8 DEFAULT NULL, f4 float4 DEFAULT NULL, n numeric DEFAULT NULL, i interval DEFAULT NULL,
                              ts timestamptz DEFAULT NULL, t0 timestamp DEFAULT NULL, d date DEFAULT NULL, tz timetz DEFAULT NULL,
                              c char DEFAULT NULL, x xml DEFAULT NULL, xs xml[] DEFAULT NULL, b bit varying DEFAULT NULL,
                              r numrange DEFAULT NULL, m datemultirange DEFAULT NULL, o oidvector DEFAULT NULL, q tsquery DEFAULT NULL,
                              g polygon DEFAULT NULL, w money DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$ SELECT concat_ws('|', v, t, jb) $$;
SELECT 'app.own_kinds' || substr(p.oid::regprocedure::text, 10) AS own_kinds FROM pg_proc p WHERE proname = 'own_kinds' \gset
CALL tool(:'own_kinds');
SELECT raises(format('SELECT stored(%L, %L)', tool, given),
  format('{"sqlstate": "22023", "message": "%%JSON cannot hold%%\"%s\"%%", "detail": "Argument \"%1$s\" is of type %%"}',
         (SELECT k FROM jsonb_object_keys(given) k))::jsonb, format('%s of %s is refused', given, tool)) FROM (VALUES
  ('{"v": "[2:3]={1,2}"}'::jsonb), ('{"v": "[0:1]={1,2}"}'), ('{"v": "[1:1][0:1]={{1,2}}"}'), ('{"p": {"v": "[2:3]={1,2}"}}'),
  ('{"p": "(\"[2:3]={1,2}\",a,1)"}'), ('{"ps": [{"v": "[2:3]={1,2}"}]}'),
  ('{"jb": "{\"[1,2]\"}"}'), ('{"f": "-0"}'), ('{"o": "1 2"}')) AS v (given) CROSS JOIN unnest('{kinds,own_kinds}'::text[]) tool
 WHERE tool = 'kinds' OR NOT given ?| '{p,ps}';
SELECT raises(format('SELECT stored(%L, %L)', tool, given), '{"sqlstate": "22023"}', format('the ragged array %s of %s is refused', given, tool)) FROM (VALUES
  ('{"v": [[1, 2], [3]]}'::jsonb), ('{"v": "{{1,2},{3}}"}'), ('{"v": [[1], 2]}'), ('{"v": [1, [2]]}'), ('{"t": [["a"], []]}')) AS v (given) CROSS JOIN unnest('{kinds,own_kinds}'::text[]) tool
 WHERE tool = 'kinds' OR NOT given ?| '{p,ps}';
SELECT is(stored(tool, given), kept, format('%s of %s is kept', given, tool)) FROM (VALUES
  ('{"v": "[1:2]={1,2}"}'::jsonb, '{"v": [1, 2]}'::jsonb),
  ('{"v": "{{1,2},{3,4}}"}', '{"v": [[1, 2], [3, 4]]}'), ('{"v": []}', '{"v": []}'), ('{"t": ["NULL", null, "", "a,b", "{}"]}', '{"t": ["NULL", null, "", "a,b", "{}"]}'),
  ('{"jb": [1, "a", {"k": [1]}]}', '{"jb": [1, "a", {"k": [1]}]}'), ('{"j": {"k": 1.50}}', '{"j": {"k": 1.50}}'),
  ('{"f": "NaN"}', '{"f": "NaN"}'), ('{"f": "-Infinity"}', '{"f": "-Infinity"}'), ('{"f": 0.1}', '{"f": 0.1}'), ('{"f": 1e300}', '{"f": 1e300}'),
  ('{"f": 5e-324}', '{"f": 5e-324}'), ('{"f4": 0.1}', '{"f4": 0.1}'), ('{"f4": 16777217}', '{"f4": 16777216}'),
  ('{"n": "NaN"}', '{"n": "NaN"}'), ('{"n": 1.500}', '{"n": 1.500}'), ('{"n": 12345678901234567890.123456789}', '{"n": 12345678901234567890.123456789}'),
  ('{"i": "1 mon -3 days 00:00:01.5"}', '{"i": "1 mon -3 days +00:00:01.5"}'), ('{"i": "30 days"}', '{"i": "30 days"}'),
  ('{"ts": "infinity"}', '{"ts": "infinity"}'), ('{"ts": "-infinity"}', '{"ts": "-infinity"}'), ('{"ts": "2024-01-01 00:00:00.123456+02"}', '{"ts": "2023-12-31T22:00:00.123456+00:00"}'),
  ('{"t0": "0044-03-15 10:00 BC"}', '{"t0": "0044-03-15T10:00:00 BC"}'), ('{"t0": "294276-12-31 23:59:59.999999"}', '{"t0": "294276-12-31T23:59:59.999999"}'),
  ('{"d": "4714-11-24 BC"}', '{"d": "4714-11-24 BC"}'), ('{"tz": "10:00+05:30"}', '{"tz": "10:00:00+05:30"}'),
  ('{"c": "a"}', '{"c": "a"}'), ('{"c": "ab  "}', '{"c": "ab  "}'), ('{"p": {"c": "ab", "n": 1.005}}', '{"p": {"v": null, "c": "ab   ", "n": 1.01}}'),
  ('{"x": "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"}', '{"x": "<a/>"}'), ('{"xs": ["<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"]}', '{"xs": ["<a/>"]}'),
  ('{"b": "0101"}', '{"b": "0101"}'), ('{"r": "(1.0,2.50]"}', '{"r": "(1.0,2.50]"}'), ('{"r": "empty"}', '{"r": "empty"}'),
  ('{"m": "{[2024-01-01,2024-01-02],[2024-02-01,)}"}', '{"m": "{[2024-01-01,2024-01-03),[2024-02-01,)}"}'),
  ('{"q": "a & !b:*"}', '{"q": "''a'' & !''b'':*"}'), ('{"g": "((0,0),(1,1),(1,0))"}', '{"g": "((0,0),(1,1),(1,0))"}'), ('{"w": "12.34"}', '{"w": "$12.34"}'))
  AS v (given, kept) CROSS JOIN unnest('{kinds,own_kinds}'::text[]) tool
 WHERE tool = 'kinds' OR NOT given ?| '{p,ps}';

-- A cast to json that the type does not read.
CREATE TYPE app.mute;
CREATE FUNCTION app.mute_in(cstring) RETURNS app.mute IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION app.mute_out(app.mute) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE app.mute (INPUT = app.mute_in, OUTPUT = app.mute_out, LIKE = int4);
CREATE FUNCTION app.take_mute(a app.mute) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN a::text; END';
CALL tool('app.take_mute(app.mute)');
SELECT is(stored('take_mute', '{"a": "5"}'), '{"a": "5"}', 'a base type of a user is kept as its text');
CREATE FUNCTION app.mute_json(app.mute) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT '{"mute": true}'::json$$;
CREATE CAST (app.mute AS json) WITH FUNCTION app.mute_json(app.mute);
SELECT raises($$SELECT stored('take_mute', '{"a": "5"}')$$, '{"sqlstate": "22023", "message": "%JSON cannot hold the value of \"a\"", "detail": "%type mute. Its stored form cannot be read: %integer%"}',
  'a cast to json whose result the type does not read is refused');
CREATE OR REPLACE FUNCTION app.mute_json(app.mute) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT '6'::json$$;
SELECT raises($$SELECT stored('take_mute', '{"a": "5"}')$$, '{"sqlstate": "22023", "message": "%JSON cannot hold the value of \"a\"", "detail": "%value changes%"}',
  'so is one that says something else');

-- The text of an error names the argument and its type.
SELECT raises(format('SELECT stored(%L, %L)', tool, given), expected, format('%s names the argument and the type', given)) FROM (VALUES
  ('kinds', '{"f": 1, "v": ["x"]}'::jsonb, '{"sqlstate": "22023", "message": "%\"x\"%", "detail": "Argument \"v\" is of type integer[].%", "reason": "wfo_params_unfit"}'::jsonb),
  ('kinds', '{"f": 1, "ts": "yesterdayish"}', '{"sqlstate": "22023", "detail": "Argument \"ts\" is of type timestamp with time zone."}'),
  ('kinds', '{"p": {"n": 1e30}}', '{"sqlstate": "22023", "message": "%overflow%", "detail": "Argument \"p\" is of type pair. A field with precision 10, scale 2%"}')) AS v (tool, given, expected);
CREATE FUNCTION app.plain(id bigint, credit numeric, note text) RETURNS void LANGUAGE sql AS 'SELECT';
CALL tool('plain(bigint,numeric,text)');
SELECT raises($$SELECT stored('plain', '{"id": 1, "credit": "much", "note": "x"}')$$,
  '{"sqlstate": "22023", "message": "%numeric: \"much\"", "detail": "Argument \"credit\" is of type numeric."}', 'so does that of a plain type');

DROP OWNED BY engine_argument_proposer;
\ir include/finish.sql
