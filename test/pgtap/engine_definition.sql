-- What a tool is gets pinned with a revision: a tool that has changed since is
-- neither approved nor executed.
\set file engine_definition
\ir include/fixture.sql

CREATE ROLE engine_definition_owner;
CREATE ROLE engine_definition_other;
GRANT USAGE ON SCHEMA app TO engine_definition_owner, engine_definition_other;
GRANT USAGE ON SCHEMA t TO engine_definition_other;
CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
ALTER FUNCTION app.add(int, int) OWNER TO engine_definition_owner;
CREATE FUNCTION app.other(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
CALL tool('"add"(int,int)', timeout => '1 hour');

-- What becomes of a pending and of an approved proposal after a change, which
-- is undone at the end: the errors of approving and of executing, the result
-- of editing and executing, and, all undone, the result of executing.
CREATE TYPE t.outcome AS (approve jsonb, execute jsonb, edited jsonb, undone jsonb);
CREATE FUNCTION t.after(change text, edits jsonb DEFAULT '{}', tool text DEFAULT 'add', params jsonb DEFAULT '{"a": 1}')
RETURNS t.outcome LANGUAGE plpgsql AS $$
DECLARE
  pending bigint := t.propose(tool, params);
  approved bigint := t.approved(tool, params);
  o t.outcome;
BEGIN
  BEGIN
    EXECUTE change;
    o.approve := t.error_of(format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', pending, t.bob()));
    o.execute := t.error_of(format('SELECT t.execute(%s)', approved));
    PERFORM workflow_orch.review_action(approved, t.bob(), 'edit', edits);
    o.edited := t.execute(approved);
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    NULL;
  END;
  PERFORM workflow_orch.review_action(pending, t.bob(), 'approve');
  o.undone := t.execute(approved);
  RETURN o;
END
$$;

CREATE TEMP TABLE change (what text, command text, detail text, edits jsonb DEFAULT '{}');
INSERT INTO change (what, detail, command) VALUES
  ('body', 'body', $$CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a - b; END'$$),
  ('language', 'language', $$CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT a + b'$$),
  ('owner', 'owner', 'ALTER FUNCTION app.add OWNER TO engine_definition_other'),
  ('security', 'security_definer', 'ALTER FUNCTION app.add SECURITY DEFINER'),
  ('volatility', 'volatility', 'ALTER FUNCTION app.add IMMUTABLE'),
  ('strictness', 'strict', 'ALTER FUNCTION app.add STRICT'),
  ('settings', 'settings', 'ALTER FUNCTION app.add SET work_mem = 1000'),
  ('default', 'arguments', $$CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 2) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END'$$),
  ('result type', 'result', $$DROP FUNCTION app.add; CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END'$$),
  ('run_as', 'run_as', $$SELECT workflow_orch.update_tool('add', run_as => 'engine_definition_other')$$),
  ('timeout', 'timeout_ms', $$SELECT workflow_orch.update_tool('add', timeout => '2 hours')$$),
  ('search_path', 'search_path', $$SELECT set_config('search_path', 'app, t, public, workflow_orch', true), workflow_orch.update_tool('add', 'app.add(int,int)')$$),
  ('function', 'function', $$SELECT workflow_orch.update_tool('add', 'app.other(int,int)')$$),
  ('argument types', 'function', $$DROP FUNCTION app.add; CREATE FUNCTION app.add(a bigint, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
                                   SELECT workflow_orch.update_tool('add', 'app.add(bigint,int)')$$);
INSERT INTO change VALUES
  ('argument names', $$DROP FUNCTION app.add; CREATE FUNCTION app.add(x int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN x + b; END'$$,
   'arguments', '{"a": null, "x": 5}');
CREATE TEMP TABLE changed AS SELECT c.*, o.* FROM change c, after(c.command, c.edits) o;

SELECT is_error(approve, jsonb_build_object('sqlstate', '55000', 'message', '%"add" has changed%', 'detail', '%' || detail || '%', 'hint', '%edit%{}%'),
  format('after a change of the tool''s %s a proposal is not approved', what)) FROM changed;
SELECT is_error(execute, jsonb_build_object('sqlstate', '55000', 'message', '%"add" has changed%', 'detail', '%' || detail || '%', 'hint', '%edit%{}%'),
  format('after a change of the tool''s %s an approved proposal is not executed', what)) FROM changed;
SELECT is(edited -> 'success', 'true', format('an edit accepts the change of the tool''s %s', what)) FROM changed;
SELECT is(undone -> 'success', 'true', format('when the change of the tool''s %s is taken back, the approval is good again', what)) FROM changed;
SELECT is((SELECT edited -> 'output' FROM changed WHERE what = 'body'), '0', 'after the edit the changed body runs');
SELECT is((SELECT undone -> 'output' FROM changed WHERE what = 'body'), '2', 'with the change taken back the old body runs');

-- What does not matter.
TRUNCATE change;
INSERT INTO change (what, command) VALUES
  ('cost', 'ALTER FUNCTION app.add COST 1234'),
  ('parallel safety', 'ALTER FUNCTION app.add PARALLEL SAFE'),
  ('comment', $$COMMENT ON FUNCTION app.add IS 'adds'$$),
  ('privileges', 'GRANT EXECUTE ON FUNCTION app.add TO engine_definition_other'),
  ('description', $$SELECT workflow_orch.update_tool('add', description => 'adds')$$),
  ('max_rows', $$SELECT workflow_orch.update_tool('add', max_rows => 3)$$),
  ('preview_rows', $$SELECT workflow_orch.update_tool('add', preview_rows => 3)$$),
  ('group_size', $$SELECT workflow_orch.update_tool('add', group_size => 3)$$),
  ('max_attempts', $$SELECT workflow_orch.update_tool('add', max_attempts => 3)$$),
  ('being switched off and on', $$SELECT workflow_orch.set_tool_enabled('add', false); SELECT workflow_orch.set_tool_enabled('add', true)$$),
  ('being replaced by the same', $$CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END'$$),
  ('being dropped and made again', $$DROP FUNCTION app.add; CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a + b; END';
                                     ALTER FUNCTION app.add OWNER TO engine_definition_owner$$),
  ('another overload', $$CREATE FUNCTION app.add(a text, b text) RETURNS text LANGUAGE sql RETURN a || b$$);
CREATE FUNCTION t.good_after(change text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  pending bigint := t.propose('add', '{"a": 1}');
  approved bigint := t.approved('add', '{"a": 1}');
  good boolean;
BEGIN
  EXECUTE change;
  PERFORM workflow_orch.review_action(pending, t.bob(), 'approve');
  good := (t.execute(approved) -> 'success')::boolean AND (t.execute(pending) -> 'success')::boolean;
  RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN good;
END
$$;
SELECT ok(good_after(command), format('the tool''s %s does not matter', what)) FROM change;

-- Arguments that are composite, or made of composites: a change of the type is
-- a change of the arguments, though the params may still fit it.
CREATE TYPE app.amount AS (low int, high int);
CREATE TYPE app.bill AS (item text, amount app.amount);
CREATE FUNCTION app.pay(a app.amount) RETURNS text LANGUAGE sql RETURN a::text;
CREATE FUNCTION app.pay_bill(a app.bill) RETURNS text LANGUAGE sql RETURN a::text;
CREATE FUNCTION app.pay_all(a app.amount[]) RETURNS text LANGUAGE sql RETURN a::text;
CALL tool('pay(app.amount)');
CALL tool('pay_bill(app.bill)');
CALL tool('pay_all(app.amount[])');
-- The errors of approving and of executing after a change, which is undone.
CREATE FUNCTION t.errors_after(change text, tool text, params jsonb, OUT at_review jsonb, OUT at_execution jsonb, OUT undone jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  pending bigint := t.propose(tool, params);
  approved bigint := t.approved(tool, params);
BEGIN
  BEGIN
    EXECUTE change;
    at_review := t.error_of(format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', pending, t.bob()));
    at_execution := t.error_of(format('SELECT t.execute(%s)', approved));
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    NULL;
  END;
  undone := t.execute(approved);
END
$$;
CREATE TEMP TABLE changed_type AS
  SELECT tool || ', ' || what AS what, e.*
    FROM (VALUES ('pay', '{"a": {"low": 1, "high": 1000}}'::jsonb),
                 ('pay_bill', '{"a": {"item": "x", "amount": {"low": 1, "high": 1000}}}'),
                 ('pay_all', '{"a": [{"low": 1, "high": 1000}]}')) AS v (tool, params),
         (VALUES ('attributes that have swapped their names', 'ALTER TYPE app.amount RENAME ATTRIBUTE low TO x; ALTER TYPE app.amount RENAME ATTRIBUTE high TO low;
                                                               ALTER TYPE app.amount RENAME ATTRIBUTE x TO high'),
                 ('an attribute of another name', 'ALTER TYPE app.amount RENAME ATTRIBUTE low TO least'),
                 ('one more attribute', 'ALTER TYPE app.amount ADD ATTRIBUTE currency text')) AS c (what, command),
         errors_after(command, tool, params) e;
SELECT is_error(at_review, '{"sqlstate": "55000", "message": "%has changed%"}', format('%s: the proposal is not approved', what)) FROM changed_type;
SELECT is_error(at_execution, '{"sqlstate": "55000", "message": "%has changed%"}', format('%s: an approved proposal is not executed', what)) FROM changed_type;
SELECT is(undone -> 'success', 'true', format('%s: taken back, the approval is good again', what)) FROM changed_type;

-- A name like that of a parameter's number does not hide an argument.
CREATE FUNCTION app.dollar("$2" text DEFAULT 'harmless', OUT int) LANGUAGE sql AS 'SELECT length($1)';
CALL tool('dollar(text)');
SELECT is_error(e.at_execution, '{"sqlstate": "55000", "message": "%has changed%", "detail": "%arguments%"}',
  'an argument named "$2" beside an unnamed one is pinned with its default')
  FROM errors_after($$CREATE OR REPLACE FUNCTION app.dollar("$2" text DEFAULT 'harmful', OUT int) LANGUAGE sql AS 'SELECT length($1)'$$, 'dollar', '{}') e;

-- The function is gone.
SELECT propose('add', '{"a": 1}') AS p, approved('add', '{"a": 1}') AS q \gset
SAVEPOINT dropped;
DROP FUNCTION app.add(int, int);
SELECT raises(statement, '{"sqlstate": "55000", "message": "%app.add(integer,integer)%\"add\" does not exist", "hint": "%update_tool%"}', what)
FROM (VALUES
  ($$SELECT propose('add', '{"a": 1}')$$, 'a tool whose function is gone is not proposed'),
  (format($$SELECT workflow_orch.review_action(%s, bob(), 'approve')$$, :p), 'a proposal whose function is gone is not approved'),
  (format($$SELECT workflow_orch.review_action(%s, bob(), 'edit', '{}')$$, :p), 'a proposal whose function is gone is not edited'),
  (format('SELECT execute(%s)', :q), 'an approved proposal whose function is gone is not executed')) AS v (statement, what);
SELECT raises(format($$SELECT workflow_orch.review_action(%s, bob(), 'reject')$$, :p), '{"sqlstate": "55000"}',
  'a proposal whose function is gone is not rejected: a review compares the definition');
SELECT workflow_orch.update_tool('add', 'app.other(int,int)');
SELECT is(final_tool_call, '{"tool": "add", "params": {"a": 1}}', 'with another function given to the tool, an edit serves again')
  FROM workflow_orch.review_action(:p, :bob, 'edit', '{}');
ROLLBACK TO dropped;
ALTER SCHEMA app RENAME TO moved;
SELECT raises(format('SELECT t.execute(%s)', :q), '{"sqlstate": "55000", "message": "%app.add%does not exist"}',
  'a function whose schema has another name is gone');
ALTER SCHEMA moved RENAME TO app;
SELECT is(execute(:q) -> 'success', 'true', 'a function that is back is the same tool');

-- Bodies in SQL's own form.
CREATE FUNCTION app.atomic(a int) RETURNS int BEGIN ATOMIC SELECT a + 1; END;
CALL tool('atomic(int)');
SELECT is_error(o.execute, '{"sqlstate": "55000", "detail": "%body%"}', 'a change of a BEGIN ATOMIC body is a change of the body')
  FROM after('CREATE OR REPLACE FUNCTION app.atomic(a int) RETURNS int BEGIN ATOMIC SELECT a + 2; END', tool => 'atomic') o;
SELECT is(output('atomic', '{"a": 1}'), '2', 'a BEGIN ATOMIC function runs');

-- The caller's settings do not get into the definition.
SELECT approved('add', '{"a": 1}') AS p \gset
SET LOCAL search_path = t, public;
SET LOCAL quote_all_identifiers = on;
SET LOCAL DateStyle = 'German';
SELECT is(execute(:p) -> 'success', 'true', 'the definition is the same whatever the session has set');
SET LOCAL search_path = app, t, public;
RESET quote_all_identifiers;

-- A review of one revision has the definition that this revision was pinned to.
SELECT approved('add', '{"a": 1}') AS p \gset
ALTER FUNCTION app.add STABLE;
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{}') \g /dev/null
SELECT is((SELECT count(DISTINCT definition) FROM workflow_orch.proposal_revision WHERE proposal_id = :p), 2::bigint,
  'each revision keeps the definition it was pinned to');
SELECT is((SELECT array_agg(d.definition ->> 'volatility' ORDER BY revision) FROM workflow_orch.proposal_revision r
           JOIN workflow_orch.tool_definition d ON d.sha256 = r.definition WHERE proposal_id = :p), '{v,s}',
  'the definitions that were pinned can be read');
SELECT is((SELECT count(*) FROM workflow_orch.tool_definition
           WHERE sha256 <> sha256(convert_to(definition::text, 'UTF8'))), 0::bigint, 'a definition''s key is the hash of its text');

-- What a backend keeps of a definition is not much more than the definition.
SELECT cmp_ok((SELECT max(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'workflow_orch cached value'),
  '<', (SELECT max(octet_length(definition::text)) FROM workflow_orch.tool_definition) + 4096::bigint, 'reading a definition leaves nothing in memory');

\ir include/finish.sql
