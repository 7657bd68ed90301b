-- How params are fitted to the arguments of a function, and the one form they
-- are kept in.
\set file engine_params
\ir include/fixture.sql

CREATE FUNCTION app.pay(amount int, note text DEFAULT 'none') RETURNS text LANGUAGE sql
  RETURN note || ' ' || amount;
CALL tool('pay(int,text)');

SELECT is(stored('pay', '{"amount": "5000"}'), stored('pay', '{"amount": 5000}'),
  'a number in quotes and without is the same params');
SELECT is(stored('pay', '{"amount": "5000", "note": 7}'), '{"amount": 5000, "note": "7"}',
  'params are kept as to_jsonb of the converted values');
SELECT is(stored('pay', '{"amount": 1}'), '{"amount": 1}',
  'an argument that is left to its default is not among the params');
SELECT is(stored('pay', '{"amount": null}'), '{"amount": null}',
  'null is a value for a function that is not STRICT');
SELECT raises($$SELECT propose('pay', '{"note": "x"}')$$,
  '{"sqlstate": "22023", "message": "%pay%amount%missing%", "detail": "%amount integer, note text%"}',
  'a missing argument without a default is refused, and the arguments are listed');
SELECT raises($$SELECT propose('pay', '{"amount": 1, "amout": 2}')$$,
  '{"sqlstate": "22023", "message": "%unknown key%amout%", "detail": "%amount integer, note text%"}',
  'an unknown key is refused by its name');
SELECT raises($$SELECT propose('pay', '{"AMOUNT": 1}')$$, '{"sqlstate": "22023", "message": "%AMOUNT%"}',
  'keys are told apart by case');
SELECT raises($$SELECT propose('pay', '{"amount": "five"}')$$, '{"sqlstate": "22023", "message": "%five%"}',
  'a text that is no number does not fit an integer');
SELECT raises($$SELECT propose('pay', '{"amount": 3000000000}')$$, '{"sqlstate": "22023"}',
  'a number out of the type''s range does not fit');
SELECT raises($$SELECT propose('pay', '{"amount": {"a": 1}}')$$, '{"sqlstate": "22023"}',
  'an object does not fit an integer');
SELECT raises($$SELECT propose('pay', '[1]')$$, '{"sqlstate": "22023", "message": "%params%"}',
  'params that are no object are refused');

-- Types of the server.
CREATE FUNCTION app.kinds(d date DEFAULT NULL, ts timestamptz DEFAULT NULL, n numeric DEFAULT NULL,
                          b boolean DEFAULT NULL, big bigint DEFAULT NULL, f float8 DEFAULT NULL,
                          i interval DEFAULT NULL, x bytea DEFAULT NULL, j json DEFAULT NULL,
                          jb jsonb DEFAULT NULL, a int[] DEFAULT NULL, r int4range DEFAULT NULL,
                          u uuid DEFAULT NULL, c regclass DEFAULT NULL)
RETURNS text LANGUAGE sql RETURN concat_ws('|', d, ts, n, b, big, f, i, x, j, jb, a, r, u, c);
SELECT 'kinds' || substr(p.oid::regprocedure::text, 6) AS kinds FROM pg_proc p WHERE proname = 'kinds' \gset
CALL tool(:'kinds');

SELECT is(stored('kinds', '{"d": "January 5, 2024"}'), '{"d": "2024-01-05"}', 'a date is kept in ISO form');
SELECT is(stored('kinds', '{"ts": "2024-01-05 12:00+02"}'), '{"ts": "2024-01-05T10:00:00+00:00"}',
  'a time is kept in UTC');
SELECT is(stored('kinds', '{"n": "1.50"}')::text, '{"n": 1.50}', 'a numeric keeps its scale');
SELECT is(stored('kinds', '{"b": "yes"}'), '{"b": true}', 'a boolean''s spelling is made true or false');
SELECT is(stored('kinds', '{"big": 9223372036854775807}')::text, '{"big": 9223372036854775807}',
  'a bigint keeps all its digits');
SELECT is(stored('kinds', '{"f": "NaN"}'), '{"f": "NaN"}', 'a float that JSON has no number for is kept as text');
SELECT is(stored('kinds', '{"i": "90 minutes"}'), '{"i": "01:30:00"}', 'an interval is kept in one form');
SELECT is(stored('kinds', '{"x": "abc"}'), '{"x": "\\x616263"}', 'a bytea is kept in hex');
SELECT is(stored('kinds', '{"jb": {"any": [1, null]}, "j": {"k": {}}}'), '{"jb": {"any": [1, null]}, "j": {"k": {}}}',
  'json and jsonb arguments take any members');
SELECT is(stored('kinds', '{"a": ["1", 2, null]}'), '{"a": [1, 2, null]}', 'elements of an array are converted');
SELECT is(stored('kinds', '{"a": "{1,2}"}'), '{"a": [1, 2]}', 'the text form of an array serves too');
SELECT is(stored('kinds', '{"a": [[1, 2], [3, 4]]}'), '{"a": [[1, 2], [3, 4]]}', 'an array may have dimensions');
SELECT is(stored('kinds', '{"r": "(0,5]"}'), '{"r": "[1,6)"}', 'a range is kept in its canonical form');
SELECT is(stored('kinds', '{"u": "A0EEBC999C0B4EF8BB6D6BB9BD380A11"}'),
  '{"u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}', 'a uuid is kept in its canonical form');
SELECT raises($$SELECT propose('kinds', '{"a": [[1, 2], [3]]}')$$, '{"sqlstate": "22023"}',
  'a ragged array does not fit');
SELECT raises($$SELECT propose('kinds', '{"d": "2024-02-30"}')$$, '{"sqlstate": "22023"}',
  'a date that does not exist does not fit');
SELECT raises($$SELECT propose('kinds', '{"c": "no_such_table"}')$$, '{"sqlstate": "22023"}',
  'a regclass of a table that does not exist does not fit');

SET LOCAL DateStyle = 'German, DMY';
SET LOCAL TimeZone = 'Asia/Tokyo';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL bytea_output = 'escape';
SELECT is(stored('kinds', '{"d": "01/02/2024", "ts": "2024-01-05 12:00", "i": "1 day", "x": "abc"}'),
  '{"d": "2024-01-02", "ts": "2024-01-05T12:00:00+00:00", "i": "1 day", "x": "\\x616263"}',
  'what a text means does not depend on the caller''s settings');
SELECT is(current_setting('DateStyle') || current_setting('TimeZone') || current_setting('IntervalStyle'),
  'German, DMYAsia/Tokyoiso_8601', 'the caller''s settings are as before');
RESET DateStyle;
RESET TimeZone;
RESET IntervalStyle;
RESET bytea_output;

CREATE TABLE app.here (id int);
SET search_path = t, public;
SELECT is(stored('kinds', '{"c": "here"}'), '{"c": "app.here"}',
  'names in params are found by the tool''s search_path and not by the caller''s');
SET search_path = app, t, public;

-- Composites.
CREATE TYPE app.item AS (sku text, qty int);
CREATE TYPE app.parcel AS (address text, items app.item[], extra jsonb);
CREATE DOMAIN app.bin AS app.item;
CREATE DOMAIN app.bins AS app.item[];
CREATE FUNCTION app.ship(p app.parcel, b app.bin DEFAULT NULL, bs app.bins DEFAULT NULL) RETURNS text
  LANGUAGE sql RETURN p::text;
CALL tool('ship(parcel,bin,bins)');

SELECT is(stored('ship', '{"p": {"address": "x", "items": [{"sku": 1, "qty": "2"}]}}'),
  '{"p": {"address": "x", "items": [{"sku": "1", "qty": 2}], "extra": null}}',
  'a composite is kept with all its attributes, the absent ones null');
SELECT is(stored('ship', '{"p": {"extra": {"any": {"thing": 1}}}}') #> '{p,extra}', '{"any": {"thing": 1}}',
  'a jsonb attribute of a composite takes any members');
SELECT is(stored('ship', '{"p": null, "b": {"sku": "a"}, "bs": [{"qty": "3"}]}'),
  '{"p": null, "b": {"sku": "a", "qty": null}, "bs": [{"sku": null, "qty": 3}]}',
  'domains over composites and over their arrays are converted');
SELECT raises($$SELECT propose('ship', '{"p": {"adress": "x"}}')$$,
  '{"sqlstate": "22023", "message": "%adress%\"p\"%", "detail": "%parcel%"}',
  'an unknown key of a composite is refused');
SELECT raises($$SELECT propose('ship', '{"p": {"items": [{"sku": "a"}, {"sku": "b", "quantity": 1}]}}')$$,
  '{"sqlstate": "22023", "message": "%quantity%p.items%"}',
  'an unknown key of a composite in an array in a composite is refused');
SELECT raises($$SELECT propose('ship', '{"p": {"items": [[{"sku": "a"}], [{"skew": "b"}]]}}')$$,
  '{"sqlstate": "22023", "message": "%skew%"}', 'an unknown key below a dimension of an array is refused');
SELECT raises($$SELECT propose('ship', '{"p": null, "b": {"weight": 1}}')$$,
  '{"sqlstate": "22023", "message": "%weight%"}', 'an unknown key of a domain over a composite is refused');
SELECT raises($$SELECT propose('ship', '{"p": null, "bs": [{"weight": 1}]}')$$,
  '{"sqlstate": "22023", "message": "%weight%"}', 'an unknown key of a domain over an array of composites is refused');
SELECT raises($$SELECT propose('ship', '{"p": {"items": [{"qty": "many"}]}}')$$, '{"sqlstate": "22023"}',
  'a value deep in a composite must fit its type');

-- Domains and enums.
CREATE DOMAIN app.percent AS int CHECK (VALUE BETWEEN 0 AND 100) NOT NULL;
CREATE TYPE app.color AS ENUM ('red', 'green');
CREATE FUNCTION app.paint(share app.percent, c app.color DEFAULT 'red') RETURNS text LANGUAGE sql RETURN c || ' ' || share;
CALL tool('paint(percent,color)');
SELECT is(stored('paint', '{"share": "50", "c": "green"}'), '{"share": 50, "c": "green"}',
  'domains and enums are converted');
SELECT raises($$SELECT propose('paint', '{"share": 101}')$$, '{"sqlstate": "22023", "message": "%percent%"}',
  'a value that breaks a domain''s CHECK does not fit');
SELECT raises($$SELECT propose('paint', '{"share": null}')$$, '{"sqlstate": "22023", "message": "%percent%"}',
  'null does not fit a domain that is NOT NULL');
SELECT raises($$SELECT propose('paint', '{"share": 1, "c": "blue"}')$$, '{"sqlstate": "22023", "message": "%blue%"}',
  'a label that an enum does not have does not fit');

-- STRICT, no arguments, the whole object.
CREATE FUNCTION app.strict(a int, b int DEFAULT 1) RETURNS int STRICT LANGUAGE sql RETURN a + b;
CREATE FUNCTION app.nothing() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION app.whole(params jsonb) RETURNS jsonb LANGUAGE sql RETURN params;
CREATE FUNCTION app.wrapped(object jsonb) RETURNS jsonb LANGUAGE sql RETURN object;
CALL tool('strict(int,int)');
CALL tool('nothing()');
CALL tool('whole(jsonb)');
CALL tool('wrapped(jsonb)');
SELECT raises($$SELECT propose('strict', '{"a": null}')$$, '{"sqlstate": "22023", "message": "%\"a\"%null%"}',
  'null does not fit a STRICT function');
SELECT raises($$SELECT propose('strict', '{"a": 1, "b": null}')$$, '{"sqlstate": "22023", "message": "%\"b\"%null%"}',
  'null does not fit a STRICT function where there is a default either');
SELECT is(stored('nothing', '{}'), '{}', 'a function without arguments takes the empty object');
SELECT raises($$SELECT propose('nothing', '{"a": 1}')$$, '{"sqlstate": "22023", "message": "%\"a\"%"}',
  'a function without arguments takes no key');
SELECT is(stored('whole', '{"any": {"thing": "5"}}'), '{"any": {"thing": "5"}}',
  'a single jsonb argument named params receives the object whole');
SELECT raises($$SELECT propose('wrapped', '{"any": 1}')$$, '{"sqlstate": "22023", "message": "%any%"}',
  'a single jsonb argument of another name is an argument like others');

-- VARIADIC.
CREATE FUNCTION app.total(label text, VARIADIC numbers int[]) RETURNS text LANGUAGE sql
  RETURN label || (SELECT sum(n) FROM unnest(numbers) n);
CALL tool('total(text,int[])');
SELECT is(stored('total', '{"label": "=", "numbers": ["1", 2]}'), '{"label": "=", "numbers": [1, 2]}',
  'a VARIADIC argument takes an array');
SELECT raises($$SELECT propose('total', '{"label": "="}')$$, '{"sqlstate": "22023", "message": "%numbers%"}',
  'a VARIADIC argument must be given');

-- Code of user-defined types.
CREATE TABLE app.seen (who text);
GRANT ALL ON app.seen TO PUBLIC;
CREATE FUNCTION app.judge(value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  CASE value
    WHEN 'who' THEN RAISE EXCEPTION 'judged by % in %', current_user, current_setting('TimeZone');
    WHEN 'write' THEN INSERT INTO app.seen VALUES (value);
    WHEN 'sleep' THEN PERFORM pg_sleep(30);
    WHEN 'set' THEN PERFORM set_config('DateStyle', 'German', false), pg_advisory_xact_lock(20220731);
    WHEN 'call' THEN PERFORM workflow_orch.whoami();
    WHEN 'deny' THEN RAISE EXCEPTION 'denied' USING ERRCODE = '42501';
    WHEN 'conflict' THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001';
    ELSE NULL;
  END CASE;
  RETURN true;
END
$$;
CREATE DOMAIN app.judged AS text CHECK (app.judge(VALUE));
CREATE FUNCTION app.try(v app.judged) RETURNS text LANGUAGE sql RETURN v;
CALL tool('try(judged)', timeout => '50 ms');
SELECT is(stored('try', '{"v": 5}'), '{"v": "5"}', 'a type that runs code of a user is converted all the same');
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT raises($$SELECT propose('try', '{"v": "who"}')$$,
  '{"sqlstate": "22023", "message": "%judged by engine_params_tool in UTC"}',
  'code of a type runs as run_as, under the tool''s settings');
RESET TimeZone;
SELECT raises($$SELECT propose('try', '{"v": "write"}')$$, '{"sqlstate": "22023", "message": "%read-only transaction"}',
  'code of a type runs read only');
SELECT is_empty('SELECT * FROM app.seen', 'code of a type has written nothing');
SELECT raises($$SELECT propose('try', '{"v": "sleep"}')$$, '{"sqlstate": "22023", "message": "%timeout of 50 ms%"}',
  'code of a type runs under the tool''s timeout');
SELECT raises($$SELECT propose('try', '{"v": "deny"}')$$, '{"sqlstate": "22023", "message": "%denied"}',
  'whatever code of a type raises means that the value does not fit');
SELECT raises($$SELECT propose('try', '{"v": "conflict"}')$$, '{"sqlstate": "40001"}',
  'a serialization failure in code of a type is raised on');
SELECT is(stored('try', '{"v": "set"}'), '{"v": "set"}', 'code of a type may set something');
SELECT is(current_setting('DateStyle') || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 20220731),
  'ISO, MDY0', 'what code of a type does is undone');
SELECT lives_ok('INSERT INTO app.seen VALUES (current_user)', 'the transaction is writable after a conversion');
SELECT is(current_user::text, session_user::text, 'the session is itself again after a conversion');

-- Sizes.
SET LOCAL workflow_orch.max_params_size = '1kB';
SELECT raises($$SELECT propose('pay', jsonb_build_object('amount', 1, 'note', repeat('x', 2000)))$$,
  '{"sqlstate": "54000", "hint": "%workflow_orch.max_params_size%"}', 'params over the limit are refused');
SELECT raises($$SELECT propose('ship', jsonb_build_object('p', jsonb_build_object('items',
    (SELECT '{' || string_agg('"(,)"', ',') || '}' FROM generate_series(1, 50)))))$$,
  '{"sqlstate": "54000"}', 'params that grow over the limit as they are converted are refused');
RESET workflow_orch.max_params_size;

-- Idempotency and edits use the converted form.
SELECT proposal_id AS p FROM workflow_orch.propose_action(:workflow, :ann, 'pay', '{"amount": "7"}', 'r', 'key') \gset
SELECT is((SELECT proposal_id FROM workflow_orch.propose_action(:workflow, :ann, 'pay', '{"amount": 7}', 'r', 'key')),
  :p::bigint, 'an idempotency key meets the same params in another spelling');
SELECT raises(format($$SELECT workflow_orch.review_action(%s, bob(), 'edit', '{"amount": "7"}')$$, :p),
  '{"sqlstate": "22023", "message": "%changes nothing%"}', 'an edit to another spelling changes nothing');

\ir include/finish.sql
