-- SQL that the server writes otherwise once it has read it again, as after a
-- restore, is the same tool; SQL that means something else is not.
\set file engine_definition_form
\ir include/fixture.sql

GRANT USAGE ON SCHEMA app TO :"tool_role";
CREATE TABLE app.tt (id int PRIMARY KEY, v text, vc varchar(5), d date);
INSERT INTO app.tt VALUES (1, 'v', 'a', '2024-01-01');
GRANT ALL ON app.tt TO :"tool_role";
CREATE DOMAIN app.word AS varchar CONSTRAINT known CHECK (VALUE IN ('a', 'b'));
CREATE DOMAIN app.odd AS int CONSTRAINT odd CHECK (VALUE % 2 = 1);
CREATE FUNCTION app.is_known(v varchar) RETURNS boolean IMMUTABLE RETURN v IN ('a', 'b');
CREATE DOMAIN app.checked AS varchar CONSTRAINT known CHECK (app.is_known(VALUE));

-- Tools whose text changes as it is read and written, and others.
CREATE FUNCTION app.f_union(a int) RETURNS SETOF text BEGIN ATOMIC SELECT v FROM tt WHERE id = a UNION SELECT 'x' ORDER BY 1; END;
CREATE FUNCTION app.f_null() RETURNS SETOF date BEGIN ATOMIC SELECT d FROM tt UNION ALL SELECT NULL UNION SELECT '2024-02-02'; END;
CREATE FUNCTION app.f_array(a varchar) RETURNS boolean RETURN a IN ('a', 'b');
CREATE FUNCTION app.f_insert(i int, s varchar) RETURNS int BEGIN ATOMIC
  UPDATE tt SET v = s WHERE vc IN ('a', 'b') AND id = f_insert.i;
  DELETE FROM tt WHERE vc IN ('c', 'd') AND (id, v) IN (SELECT 1, 'x');
  INSERT INTO tt SELECT i, 'x' UNION SELECT i, s ON CONFLICT (id) DO UPDATE SET v = excluded.v || 'y' RETURNING id;
END;
CREATE FUNCTION app.f_merge(i int, s text) RETURNS void BEGIN ATOMIC
  MERGE INTO tt USING (SELECT i AS id, s AS v UNION SELECT -1, 'x') s ON tt.id = s.id
    WHEN MATCHED AND tt.vc IN ('a', 'b') THEN UPDATE SET v = f_merge.s WHEN MATCHED THEN DO NOTHING
    WHEN NOT MATCHED AND s.id > 0 THEN INSERT (id, v) VALUES (s.id, s.v);
END;
CREATE FUNCTION app.f_xml(a xml) RETURNS text RETURN xmlserialize(document a as text);
CREATE FUNCTION app.f_default(a boolean DEFAULT 'a'::varchar IN ('a', 'b'), b text DEFAULT xmlserialize(content '<a/>'::xml as text)) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';
CREATE FUNCTION app.f_word(a app.word) RETURNS text LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION app.f_odd(a app.odd) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION app.f_checked(a app.checked) RETURNS text LANGUAGE sql AS 'SELECT a';
CREATE TEMP TABLE tools (tool text, args text, params jsonb);
INSERT INTO tools VALUES
  ('f_union', 'int', '{"a": 1}'), ('f_null', '', '{}'), ('f_array', 'varchar', '{"a": "a"}'),
  ('f_insert', 'int,varchar', '{"i": 1, "s": "x"}'), ('f_merge', 'int,text', '{"i": 1, "s": "x"}'), ('f_xml', 'xml', '{"a": "<a/>"}'),
  ('f_default', 'boolean,text', '{}'), ('f_word', 'app.word', '{"a": "a"}'), ('f_odd', 'app.odd', '{"a": 1}'), ('f_checked', 'app.checked', '{"a": "a"}');
SELECT format('CALL tool(%L)', format('app.%s(%s)', tool, args)) FROM tools \gexec

-- What pg_dump and a restore do with them.
CREATE FUNCTION t.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  function regprocedure;
  domain record;
BEGIN
  PERFORM set_config('search_path', '', true);
  FOR function IN SELECT oid FROM pg_catalog.pg_proc WHERE pronamespace = 'app'::regnamespace LOOP
    EXECUTE pg_get_functiondef(function);
  END LOOP;
  FOR domain IN SELECT contypid::regtype AS type, conname, pg_get_constraintdef(oid) AS def FROM pg_catalog.pg_constraint
                WHERE connamespace = 'app'::regnamespace AND contypid <> 0 AND contype = 'c' LOOP
    EXECUTE format('ALTER DOMAIN %s DROP CONSTRAINT %I', domain.type, domain.conname);
    EXECUTE format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', domain.type, domain.conname, domain.def);
  END LOOP;
  PERFORM set_config('search_path', 'app, t, public', true);
END
$$;
CREATE FUNCTION t.definition_now(name text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  id bigint := propose(name, (SELECT params FROM tools WHERE tool = name));
BEGIN
  RETURN (SELECT definition FROM workflow_orch.proposal WHERE proposal_id = id);
END
$$;

CREATE TEMP TABLE open AS SELECT tool, definition_now(tool) AS definition, propose(tool, params) AS pending, approved(tool, params) AS approved, approved(tool, params) AS again FROM tools;
SELECT restore();
CREATE TEMP TABLE once AS SELECT tool, definition_now(tool) AS definition FROM tools;
SELECT is((SELECT array_agg(tool ORDER BY tool) FROM open o JOIN once USING (tool) WHERE o.definition <> once.definition),
  '{f_array,f_checked,f_default,f_insert,f_merge,f_null,f_union,f_word}', 'a restore changes how the server writes these tools down');
SELECT is(tool_changed, false, format('%s: no report says that the tool has changed', open.tool))
  FROM open JOIN workflow_orch.proposal_progress ON proposal_id = pending;
SELECT is(workflow_orch.accept_tool_definition(tool), 0::bigint, format('%s: there is nothing to accept', tool)) FROM open;
SELECT is(r.status, 'approved', format('%s: a proposal is approved after it', tool)) FROM open, workflow_orch.review_action(pending, bob(), 'approve') r;
SELECT is(execute(approved) -> 'success', 'true', format('%s: an approved proposal is executed after it', tool)) FROM open;
SELECT restore();
SELECT is(definition_now(tool), definition, format('%s: a second restore changes nothing', tool)) FROM once;
SELECT is(execute(again) -> 'success', 'true', format('%s: an approved proposal is executed after two', tool)) FROM open;

-- What means something else is another tool, in whatever form.
CREATE TEMP TABLE other AS SELECT tool, params, propose(tool, params) AS pending FROM tools;
CREATE FUNCTION t.change_of(tool_name text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE change;
  PERFORM restore();
  result := (SELECT what_changed FROM workflow_orch.proposal_progress JOIN other ON proposal_id = pending WHERE other.tool = tool_name);
  RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN result;
END
$$;
SELECT is(change_of(tool, change), expected, format('%s: %s', tool, change)) FROM (VALUES
  ('f_union', $$CREATE OR REPLACE FUNCTION app.f_union(a int) RETURNS SETOF text BEGIN ATOMIC SELECT v FROM tt WHERE id = a UNION SELECT 'y' ORDER BY 1; END$$, 'body'),
  ('f_union', $$CREATE OR REPLACE FUNCTION app.f_union(a int) RETURNS SETOF text BEGIN ATOMIC SELECT v FROM tt WHERE id = a UNION ALL SELECT 'x' ORDER BY 1; END$$, 'body'),
  ('f_union', $$CREATE OR REPLACE FUNCTION app.f_union(a int) RETURNS SETOF text LANGUAGE sql AS 'SELECT v FROM app.tt WHERE id = a UNION SELECT ''x'' ORDER BY 1'$$, 'body'),
  ('f_union', $$CREATE TABLE t.tt (LIKE app.tt); SET LOCAL search_path = t, public;
                CREATE OR REPLACE FUNCTION app.f_union(a int) RETURNS SETOF text BEGIN ATOMIC SELECT v FROM tt WHERE id = a UNION SELECT 'x' ORDER BY 1; END$$, 'body'),
  ('f_array', $$CREATE OR REPLACE FUNCTION app.f_array(a varchar) RETURNS boolean RETURN a IN ('a', 'c')$$, 'body'),
  ('f_array', $$CREATE OR REPLACE FUNCTION app.f_array(a varchar) RETURNS boolean RETURN a NOT IN ('a', 'b')$$, 'body'),
  ('f_default', $$CREATE OR REPLACE FUNCTION app.f_default(a boolean DEFAULT 'a'::varchar IN ('a', 'c'), b text DEFAULT xmlserialize(content '<a/>'::xml as text)) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2'$$, 'arguments'),
  ('f_word', $$ALTER DOMAIN app.word DROP CONSTRAINT known; ALTER DOMAIN app.word ADD CONSTRAINT known CHECK (VALUE IN ('a', 'b', 'c'))$$, 'type app.word'),
  ('f_checked', $$CREATE OR REPLACE FUNCTION app.is_known(v varchar) RETURNS boolean IMMUTABLE RETURN v IN ('a', 'b', 'c')$$, 'function app.is_known(character varying)')) AS v (tool, change, expected);

-- As another version of the server may have written it down: its text is read
-- by this one. What cannot be read is said to be another version's.
CREATE FUNCTION t.as_if_by(other_tool text, version int, pattern text, replacement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := approved(other_tool, (SELECT params FROM tools WHERE tool = other_tool));
  d jsonb := (SELECT d.definition || jsonb_build_object('server', version, 'body', regexp_replace(d.definition ->> 'body', pattern, replacement))
              FROM workflow_orch.proposal p JOIN workflow_orch.tool_definition d ON d.sha256 = p.definition WHERE proposal_id = id);
  hash bytea := sha256(convert_to(d::text, 'UTF8'));
BEGIN
  INSERT INTO workflow_orch.tool_definition SELECT (jsonb_populate_record(t, jsonb_build_object('sha256', hash, 'definition', d))).*
    FROM workflow_orch.tool_definition t WHERE tool = other_tool LIMIT 1;
  INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(p, jsonb_build_object('proposal_id', id + 100000, 'definition', hash))).* FROM workflow_orch.proposal p WHERE proposal_id = id;
  INSERT INTO workflow_orch.proposal_revision
    SELECT (jsonb_populate_record(r, jsonb_build_object('proposal_id', id + 100000, 'definition', hash))).* FROM workflow_orch.proposal_revision r WHERE proposal_id = id;
  RETURN id + 100000;
END
$$;
SELECT is(execute(as_if_by(tool, 14, pattern, replacement)) -> 'success', 'true', format('%s: what another version wrote otherwise is the same tool', tool))
FROM (VALUES
  ('f_xml', '.*', 'RETURN xmlserialize (DOCUMENT (a) AS pg_catalog.text)'),
  -- As PostgreSQL 15 writes them.
  ('f_xml', '.*', 'RETURN XMLSERIALIZE(DOCUMENT a AS text)'),
  ('f_merge', '.*', $$BEGIN ATOMIC
 MERGE INTO app.tt
    USING ( SELECT f_merge.i AS id,
             f_merge.s AS v
         UNION
          SELECT '-1'::integer,
             'x'::text) s
    ON (tt.id = s.id)
    WHEN MATCHED
     AND ((tt.vc)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))
     THEN UPDATE SET v = f_merge.s
    WHEN MATCHED
     THEN DO NOTHING
    WHEN NOT MATCHED
     AND (s.id > 0)
     THEN INSERT (id, v)
      VALUES (s.id, s.v);
END$$)) AS v (tool, pattern, replacement);
SELECT as_if_by('f_xml', 99, ' AS text', ' AS text WITH SPELL') AS p, as_if_by('f_xml', 99, 'DOCUMENT', 'CONTENT') AS q,
       as_if_by('f_xml', current_setting('server_version_num')::int / 10000, 'DOCUMENT', 'CONTENT') AS r \gset
SELECT raises(format('SELECT execute(%s)', :p), format('{"sqlstate": "55000", "detail": "What changed: body (%%could not be compared: syntax error%%) (it was recorded by PostgreSQL 99, and PostgreSQL %s %%).", "hint": "%%accept_tool_definition%%"}', current_setting('server_version_num')::int / 10000)::jsonb,
  'what another version wrote and this one cannot read is refused, and the detail says why');
SELECT raises(format('SELECT execute(%s)', :q), '{"sqlstate": "55000", "detail": "What changed: body (it was recorded by PostgreSQL 99%).%"}',
  'so is what means something else here');
SELECT raises(format('SELECT execute(%s)', :r), '{"sqlstate": "55000", "detail": "What changed: body."}',
  'where the same version wrote it nothing is said of versions');

-- Reading the text runs as the tool's role.
CREATE FUNCTION app.tell(n int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'told % %', current_user, current_setting('transaction_read_only'); END$$;
CREATE DOMAIN app.told AS int;
CREATE TYPE app.pair AS (a app.told);
CREATE FUNCTION app.f_literal(a varchar) RETURNS text RETURN (a IN ('a', 'b'))::text || '(1)'::app.pair::text;
CALL tool('app.f_literal(varchar)');
SELECT approved('f_literal', '{"a": "a"}') AS p \gset
SELECT restore();
ALTER DOMAIN app.told ADD CHECK (app.tell(VALUE)) NOT VALID;
SELECT raises(format('SELECT execute(%s)', :p), format('{"sqlstate": "55000", "detail": "What changed: body (%%told %s on)."}', :'tool_role')::jsonb,
  'code of the type of a literal runs as the tool''s role, read only');

-- In a session with temporary types no code of others runs, and nothing is compared.
SELECT approved('f_array', '{"a": "a"}') AS p \gset
CREATE OR REPLACE FUNCTION app.f_array(a varchar) RETURNS boolean RETURN a IN ('a', 'b');
SELECT is(tool_changed, false, 'a change of form is none') FROM workflow_orch.proposal_progress WHERE proposal_id = :p;
CREATE TYPE pg_temp.passing AS (a int);
SELECT matches(what_changed, '^body \(the meaning of the SQL could not be compared: .*tempor', 'with a type in pg_temp a report says that it could not compare')
  FROM workflow_orch.proposal_progress WHERE proposal_id = :p;

\ir include/finish.sql
