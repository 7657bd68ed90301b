-- What the type of an argument is gets pinned down to its base types, with the
-- code that runs where its values are read and written.
\set file engine_describe
\ir include/fixture.sql

CREATE TABLE app.effect (what text, who text DEFAULT current_user);
GRANT ALL ON app.effect TO PUBLIC;
CREATE FUNCTION app.chk(n numeric) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION app.chk(a text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION app.evil(n anyelement) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.effect VALUES ('evil');
  RETURN true;
END
$$;
CREATE DOMAIN app.whole AS int;
CREATE DOMAIN app.amt AS numeric(12,2) CONSTRAINT small CHECK (VALUE < 1000000 AND app.chk(VALUE));
CREATE DOMAIN app.wage AS app.amt;
CREATE DOMAIN app.word AS varchar CHECK (VALUE IN ('a', 'b'));
CREATE TYPE app.size AS ENUM ('small', 'large');
CREATE TYPE app.pay AS (amount numeric(12,2), size app.size, whole app.whole, code char(4));
CREATE TYPE app.order AS (id int, pays app.pay[], wage app.wage);
CREATE TYPE app.sizes AS RANGE (SUBTYPE = app.size);
-- A base type of its own, by the functions of the server's text.
CREATE TYPE app.t;
CREATE FUNCTION app.t_in(cstring) RETURNS app.t IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION app.t_out(app.t) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE app.t (INPUT = app.t_in, OUTPUT = app.t_out, LIKE = text);
CREATE CAST (app.t AS text) WITHOUT FUNCTION;
CREATE FUNCTION app.t_eq(app.t, app.t) RETURNS boolean IMMUTABLE STRICT LANGUAGE internal AS 'texteq';

CREATE FUNCTION app.call(what text) RETURNS text LANGUAGE sql AS 'SELECT what';
SELECT format('CREATE FUNCTION app.%s(a %s) RETURNS text LANGUAGE plpgsql AS %L', name, type, 'BEGIN RETURN a::text; END'),
       format('CALL tool(%L)', format('app.%s(%s)', name, type))
FROM (VALUES ('take_whole', 'app.whole'), ('take_amt', 'app.amt'), ('take_wage', 'app.wage'), ('take_pay', 'app.pay'),
             ('take_pays', 'app.pay[]'), ('take_order', 'app.order'), ('take_size', 'app.size'), ('take_sizes', 'app.sizes'),
             ('take_multi', 'app.sizes_multirange'), ('take_t', 'app.t'), ('take_word', 'app.word')) AS v (name, type) \gexec

-- The errors of approving and of executing after a change, which is undone,
-- what has run meanwhile, and the result of executing without the change.
CREATE FUNCTION t.after(change text, tool text, params jsonb, OUT at_review jsonb, OUT at_execution jsonb, OUT at_preview jsonb, OUT ran text, OUT undone jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  pending bigint := t.propose(tool, params);
  approved bigint := t.approved(tool, params);
BEGIN
  BEGIN
    EXECUTE change;
    at_review := t.error_of(format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', pending, t.bob()));
    at_execution := t.error_of(format('SELECT t.execute(%s)', approved));
    ran := (SELECT string_agg(what, ' ') FROM app.effect);
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    NULL;
  END;
  undone := t.execute(approved);
END
$$;
CREATE TEMP TABLE changed AS
  SELECT tool || ': ' || change AS what, type, e.* FROM (VALUES
  -- Composites: their attributes, with typmods, through arrays and composites.
  ('take_pay', '{"a": {"amount": 1.5}}'::jsonb, 'app.pay', 'ALTER TYPE app.pay ALTER ATTRIBUTE amount TYPE numeric(10,0)'),
  ('take_pay', '{"a": {"amount": 1.5}}', 'app.pay', 'ALTER TYPE app.pay ALTER ATTRIBUTE code TYPE char(8)'),
  ('take_pay', '{"a": {"amount": 1.5}}', 'app.pay', 'ALTER TYPE app.pay ADD ATTRIBUTE more text'),
  ('take_pay', '{"a": {"amount": 1.5}}', 'app.pay', 'ALTER TYPE app.pay ALTER ATTRIBUTE code TYPE char(4) COLLATE "C"'),
  ('take_pays', '{"a": [{"amount": 1.5}]}', 'app.pay', 'ALTER TYPE app.pay ALTER ATTRIBUTE amount TYPE numeric(10,0)'),
  ('take_order', '{"a": {"pays": [{"amount": 1.5}]}}', 'app.pay', 'ALTER TYPE app.pay ALTER ATTRIBUTE amount TYPE numeric(10,0)'),
  -- Domains: constraints, also of those they are over, and of attributes.
  ('take_whole', '{"a": 1}', 'app.whole', 'ALTER DOMAIN app.whole ADD CONSTRAINT c CHECK (app.evil(VALUE)) NOT VALID'),
  ('take_whole', '{"a": 1}', 'app.whole', 'ALTER DOMAIN app.whole SET NOT NULL'),
  ('take_amt', '{"a": 1.5}', 'app.amt', 'ALTER DOMAIN app.amt ADD CONSTRAINT c CHECK (app.evil(VALUE)) NOT VALID'),
  ('take_amt', '{"a": 1.5}', 'app.amt', 'ALTER DOMAIN app.amt DROP CONSTRAINT small'),
  ('take_wage', '{"a": 1.5}', 'app.amt', 'ALTER DOMAIN app.amt ADD CONSTRAINT c CHECK (app.evil(VALUE)) NOT VALID'),
  ('take_order', '{"a": {"wage": 1}}', 'app.amt', 'ALTER DOMAIN app.amt ADD CONSTRAINT c CHECK (app.evil(VALUE)) NOT VALID'),
  ('take_pay', '{"a": {"whole": 1}}', 'app.whole', 'ALTER DOMAIN app.whole ADD CONSTRAINT c CHECK (app.evil(VALUE)) NOT VALID'),
  -- What their checks call.
  ('take_wage', '{"a": 1.5}', 'app.chk(numeric)', $$CREATE OR REPLACE FUNCTION app.chk(n numeric) RETURNS boolean LANGUAGE sql AS 'SELECT app.evil(n)'$$),
  ('take_order', '{"a": {"wage": 1}}', 'app.chk(numeric)', 'ALTER FUNCTION app.chk(numeric) SECURITY DEFINER'),
  ('take_order', '{"a": {"wage": 1}}', 'app.chk(numeric)', 'ALTER FUNCTION app.chk(numeric) SET search_path = t'),
  -- Enums: labels and their order.
  ('take_size', '{"a": "small"}', 'app.size', 'ALTER TYPE app.size RENAME VALUE ''small'' TO ''x''; ALTER TYPE app.size RENAME VALUE ''large'' TO ''small''; ALTER TYPE app.size RENAME VALUE ''x'' TO ''large'''),
  ('take_size', '{"a": "small"}', 'app.size', 'ALTER TYPE app.size ADD VALUE ''middle'' AFTER ''small'''),
  ('take_order', '{"a": {"pays": [{"size": "small"}]}}', 'app.size', 'ALTER TYPE app.size RENAME VALUE ''large'' TO ''huge'''),
  ('take_sizes', '{"a": "[small,large]"}', 'app.size', 'ALTER TYPE app.size RENAME VALUE ''large'' TO ''huge'''),
  ('take_multi', '{"a": "{[small,large]}"}', 'app.size', 'ALTER TYPE app.size RENAME VALUE ''large'' TO ''huge'''),
  -- Base types: what reads and writes them.
  ('take_t', '{"a": "x"}', 'app.t_in(pg_catalog.cstring)', 'CREATE OR REPLACE FUNCTION app.t_in(cstring) RETURNS app.t IMMUTABLE STRICT LANGUAGE internal AS ''unknownin'''),
  ('take_t', '{"a": "x"}', 'app.t', 'CREATE FUNCTION app.t_json(app.t) RETURNS json LANGUAGE sql RETURN ''5''::json; CREATE CAST (app.t AS json) WITH FUNCTION app.t_json(app.t)')
  ) AS v (tool, params, type, change), after(change, tool, params) e;
SELECT is_error(at_review, format('{"sqlstate": "55000", "reason": "wfo_tool_changed", "detail": "What changed: %%%s%%"}', replace(type, '"', '\"'))::jsonb,
  format('%s: the proposal is not approved', what)) FROM changed;
SELECT is_error(at_execution, format('{"sqlstate": "55000", "reason": "wfo_tool_changed", "detail": "What changed: %%%s%%"}', type)::jsonb,
  format('%s: an approved proposal is not executed', what)) FROM changed;
SELECT is(count(ran), 0::bigint, 'no code of a type has run that was not pinned') FROM changed;
SELECT is(undone -> 'success', 'true', format('%s: taken back, the approval is good again', what)) FROM changed;
SELECT cmp_ok(count(*), '>=', 23::bigint, 'the changes were tried') FROM changed;

-- What does not matter.
CREATE TEMP TABLE unchanged AS
  SELECT tool || ': ' || change AS what, e.* FROM (VALUES
  ('take_whole', '{"a": 1}'::jsonb, 'ALTER DOMAIN app.whole SET DEFAULT 5'),
  ('take_amt', '{"a": 1.5}', 'ALTER DOMAIN app.wage ADD CHECK (VALUE > 0)'),
  ('take_pay', '{"a": {"amount": 1.5}}', $$COMMENT ON TYPE app.pay IS 'x'$$),
  ('take_pay', '{"a": {"amount": 1.5}}', 'GRANT USAGE ON TYPE app.pay TO PUBLIC'),
  ('take_pay', '{"a": {"amount": 1.5}}', 'CREATE TYPE app.other AS (p app.pay)')) AS v (tool, params, change), after(change, tool, params) e;
SELECT is(coalesce(at_review, at_execution), NULL, format('%s does not matter', what)) FROM unchanged;

-- Arguments that are what they were, by name, but are written otherwise.
CREATE TABLE app.mode (loud boolean);
INSERT INTO app.mode VALUES (false);
GRANT SELECT ON app.mode TO PUBLIC;
CREATE FUNCTION app.t_json(v app.t) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT to_json(CASE WHEN loud THEN upper(v::text) ELSE v::text END) FROM app.mode
$$;
CREATE CAST (app.t AS json) WITH FUNCTION app.t_json(app.t);
CREATE OPERATOR app.= (LEFTARG = app.t, RIGHTARG = app.t, FUNCTION = app.t_eq);
SELECT approved('take_t', '{"a": "x"}') AS p, workflow_orch.update_tool('take_t', preview => true) \gset
SAVEPOINT quiet;
UPDATE app.mode SET loud = true;
SELECT raises(format('SELECT execute(%s)', :p),
  '{"sqlstate": "55000", "reason": "wfo_tool_changed", "message": "params of proposal % \"take_t\"", "detail": "Argument \"a\" of type t %"}',
  'an argument that is written otherwise than it is stored is refused');
SELECT raises(format('SELECT workflow_orch.preview_action(%s, bob())', :p), '{"sqlstate": "55000", "reason": "wfo_tool_changed"}',
  'so it is in a preview');
SELECT is(status(:p), 'approved', 'the proposal stays approved');
ROLLBACK TO quiet;
SELECT is(execute(:p) ->> 'output', 'x', 'with the change taken back it runs');

-- Code of a type writes nothing when the call runs either.
CREATE FUNCTION app.late(n int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT loud FROM app.mode) THEN
    INSERT INTO app.effect VALUES ('late');
  END IF;
  RETURN true;
END
$$;
CREATE DOMAIN app.checked AS int CHECK (app.late(VALUE));
CREATE FUNCTION app.take_checked(a app.checked) RETURNS void LANGUAGE plpgsql AS $$BEGIN INSERT INTO app.effect VALUES ('tool'); END$$;
CALL tool('app.take_checked(app.checked)');
SELECT approved('take_checked', '{"a": 1}') AS p, approved('take_checked', '{"a": 1}') AS q \gset
SELECT is(execute(:p) -> 'success', 'true', 'the tool itself writes');
UPDATE app.mode SET loud = true;
SELECT is_error(execute(:q) -> 'error', '{"sqlstate": "25006"}', 'a type''s CHECK that writes when the call runs fails it');
SELECT is(string_agg(what, ' '), 'tool', 'and has written nothing') FROM app.effect;

-- The definition that is kept says all this once for each type.
SELECT is((SELECT array_agg(k ORDER BY k) FROM workflow_orch.tool_definition d, jsonb_object_keys(definition -> 'types') k WHERE tool = 'take_order'),
  ARRAY['app."order"', 'app.amt', 'app.pay', 'app.size', 'app.wage', 'app.whole'], 'the definition has each type that an argument is made of');

\ir include/finish.sql
