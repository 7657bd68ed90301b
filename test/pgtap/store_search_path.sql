-- A hostile search_path: objects that shadow the server's and the extension's
-- own stand first on it, and each would fail if it were used.
\set file store_search_path
\ir include/fixture.sql
\ir include/roles.sql

CREATE TABLE app.log (n int);
GRANT SELECT, INSERT ON app.log TO :"tool_role";
CREATE FUNCTION app.work(n int, at timestamptz DEFAULT now(), list text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF n = 0 THEN RAISE 'zero'; END IF;
  INSERT INTO log VALUES (n);
  RETURN lower('DONE ') || n + 1;
END
$$;
CREATE DOMAIN app.positive AS int CHECK (value > 0);
CREATE FUNCTION app.checked(p app.positive) RETURNS int LANGUAGE sql RETURN p + 1;
SET search_path = app;
SELECT workflow_orch.register_tool('work', 'work(int,timestamptz,text[])', run_as => t.tool_role()),
       workflow_orch.register_tool('checked', 'checked(app.positive)', run_as => t.tool_role());
CREATE ROLE store_search_path_reader LOGIN;
SELECT workflow_orch.grant_capability('store_search_path_reader', 'propose');
SELECT workflow_orch.register_actor('Reader', 'r', 'store_search_path_reader') AS reader \gset

CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
-- Functions of the names and arguments that the extension, its policies and the
-- tools use.
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN SELECT DISTINCT ON (p.oid) p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) AS args,
                  pg_catalog.pg_get_function_result(p.oid) AS result
             FROM pg_catalog.pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.prokind = 'f' AND p.provariadic = 0
              AND p.proname IN ('now', 'lower', 'upper', 'length', 'concat', 'to_jsonb', 'jsonb_populate_record', 'jsonb_typeof', 'has_function_privilege',
                                'pg_has_role', 'nextval', 'currval', 'to_regprocedure', 'format_type', 'pg_get_expr', 'pg_get_function_sqlbody',
                                'pg_get_function_arg_default', 'current_setting', 'set_config', 'pg_cursor', 'clock_timestamp', 'int4pl', 'texteq',
                                'int8eq', 'array_agg', 'jsonb_object_keys', 'sha256', 'encode', 'quote_ident', 'interval_lt', 'inet_client_addr')
              AND pg_catalog.pg_get_function_result(p.oid) !~ 'internal|cstring' LOOP
    EXECUTE pg_catalog.format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.args, f.result,
                              pg_catalog.format('BEGIN RAISE ''trap: function %s''; END', f.proname));
  END LOOP;
END
$$;
-- Operators on the types of the tables' columns.
DO $$
DECLARE
  o record;
BEGIN
  FOR o IN SELECT oprname, oprleft::pg_catalog.regtype AS l, oprright::pg_catalog.regtype AS r, oprresult::pg_catalog.regtype AS result
             FROM pg_catalog.pg_operator
            WHERE oprnamespace = 'pg_catalog'::pg_catalog.regnamespace AND oprname IN ('=', '<>', '<', '>', '<=', '>=', '+', '-', '||', '->', '->>', '@>')
              AND oprleft = ANY (ARRAY['int4', 'int8', 'text', 'name', 'oid', 'bool', 'jsonb', 'interval', 'timestamptz', 'bytea', 'anyenum', 'anyarray']::pg_catalog.regtype[])
              AND oprright = ANY (ARRAY['int4', 'int8', 'text', 'name', 'oid', 'bool', 'jsonb', 'interval', 'timestamptz', 'bytea', 'anyenum', 'anyarray']::pg_catalog.regtype[]) LOOP
    EXECUTE pg_catalog.format('CREATE FUNCTION evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'op ' OPERATOR(pg_catalog.||) o.oprname, o.l, o.r, o.result,
                              pg_catalog.format('BEGIN RAISE ''trap: operator %s''; END', o.oprname));
    EXECUTE pg_catalog.format('CREATE OPERATOR evil.%s (FUNCTION = evil.%I, LEFTARG = %s, RIGHTARG = %s)', o.oprname, 'op ' OPERATOR(pg_catalog.||) o.oprname, o.l, o.r);
  END LOOP;
END
$$;
SELECT count(*) OPERATOR(pg_catalog.>) 100 AS many FROM pg_catalog.pg_proc WHERE pronamespace = 'evil'::pg_catalog.regnamespace \gset
-- Tables and types of the extension's names, in a schema and temporary ones.
CREATE FUNCTION evil.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'trap: table %', TG_RELID::pg_catalog.regclass; END $$;
DO $$
DECLARE
  n text;
BEGIN
  FOR n IN SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'workflow_orch'::pg_catalog.regnamespace AND relkind = 'r' LOOP
    EXECUTE pg_catalog.format('CREATE TABLE evil.%I (n int)', n);
    EXECUTE pg_catalog.format('CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON evil.%I FOR EACH STATEMENT EXECUTE FUNCTION evil.trap()', n);
    EXECUTE pg_catalog.format('CREATE TEMP TABLE %I (n int)', n);
    EXECUTE pg_catalog.format('CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON pg_temp.%I FOR EACH STATEMENT EXECUTE FUNCTION evil.trap()', n);
  END LOOP;
  CREATE TABLE evil.log (n int);
  CREATE TRIGGER trap BEFORE INSERT ON evil.log FOR EACH STATEMENT EXECUTE FUNCTION evil.trap();
  CREATE TEMP TABLE log (n int);
  CREATE TRIGGER trap BEFORE INSERT ON pg_temp.log FOR EACH STATEMENT EXECUTE FUNCTION evil.trap();
END
$$;
CREATE TYPE evil.proposal_status AS ENUM ('trap');
CREATE TYPE evil.workflow_status AS ENUM ('trap');
CREATE TYPE evil.actor_kind AS ENUM ('trap');
CREATE TYPE evil.review_decision AS ENUM ('trap');
CREATE TYPE evil.execution_status AS ENUM ('trap');
CREATE DOMAIN evil.positive AS int CHECK (value OPERATOR(pg_catalog.<) 0);
CREATE DOMAIN evil.jsonb AS text;
CREATE DOMAIN evil.int8 AS text;
CREATE DOMAIN evil.text AS int;
CREATE FUNCTION evil.work(n pg_catalog.int4, at pg_catalog.timestamptz DEFAULT NULL, list pg_catalog.text[] DEFAULT NULL) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trap: tool'; END $$;

-- All the calls, in a row; each error of a trap would end it.
CREATE PROCEDURE app.all_calls(ann pg_catalog.int8, bob pg_catalog.int8, role pg_catalog.regrole) LANGUAGE plpgsql AS $$
DECLARE
  w pg_catalog.int8;
  p pg_catalog.int8;
  r pg_catalog.jsonb;
  s pg_catalog.text;
BEGIN
  PERFORM workflow_orch.register_actor('New', 'r', role, 'agent', 'p');
  PERFORM workflow_orch.update_actor(bob, 'r2', NULL, true, 'q');
  PERFORM workflow_orch.register_tool('new', 'app.checked(app.positive)', role, 'd', '1 min');
  PERFORM workflow_orch.update_tool('new', 'app.checked(app.positive)', role, 'e');
  PERFORM workflow_orch.set_tool_enabled('new', false);
  PERFORM workflow_orch.set_policy(default_timeout => '1 min', proposal_ttl => '1 day', approval_ttl => '1 day');
  PERFORM workflow_orch.grant_capability(role, 'review');
  PERFORM workflow_orch.revoke_capability(role, 'review');
  w := workflow_orch.start_workflow('t', ann);
  p := (workflow_orch.propose_action(w, ann, 'work', '{"n": "1", "list": ["a"]}', 'r', 'k')).proposal_id;
  p := (workflow_orch.propose_action(w, ann, 'work', '{"n": 1, "list": ["a"]}', 'r', 'k')).proposal_id;
  PERFORM workflow_orch.review_action(p, bob, 'edit', '{"n": 2, "list": null}');
  r := (workflow_orch.execute_action(p, ann)).result;
  ASSERT r OPERATOR(pg_catalog.->>) 'output' OPERATOR(pg_catalog.=) 'done 3', r::pg_catalog.text;
  p := (workflow_orch.propose_action(w, ann, 'work', '{"n": 0}', 'r')).proposal_id;
  PERFORM workflow_orch.review_action(p, bob, 'approve');
  r := (workflow_orch.execute_action(p, ann)).result;
  ASSERT r OPERATOR(pg_catalog.->) 'error' OPERATOR(pg_catalog.->>) 'message' OPERATOR(pg_catalog.=) 'zero', r::pg_catalog.text;
  PERFORM workflow_orch.retry_action(p, ann);
  PERFORM workflow_orch.withdraw_proposal(p, ann);
  p := (workflow_orch.propose_action(w, ann, 'checked', '{"p": 5}', 'r')).proposal_id;
  PERFORM workflow_orch.review_action(p, bob, 'approve');
  r := (workflow_orch.execute_action(p, ann)).result;
  ASSERT r OPERATOR(pg_catalog.->>) 'output' OPERATOR(pg_catalog.=) '6', r::pg_catalog.text;
  p := (workflow_orch.propose_action(w, ann, 'work', '{"n": 0}', 'r')).proposal_id;
  PERFORM workflow_orch.review_action(p, bob, 'reject');
  PERFORM workflow_orch.expire_proposals();
  PERFORM workflow_orch.complete_workflow(w, ann);
  PERFORM workflow_orch.cancel_workflow(workflow_orch.start_workflow('u', ann), ann, 'r');
  PERFORM FROM workflow_orch.whoami(), workflow_orch.transitions();
  PERFORM FROM workflow_orch.get_audit_log(w);
  PERFORM workflow_orch.workflow_report(w);
  PERFORM workflow_orch.evidence(p);
  IF EXISTS (SELECT FROM workflow_orch.verify_audit_log(w)) THEN
    RAISE 'the audit log does not agree';
  END IF;
END
$$;
CREATE PROCEDURE app.reads() LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM workflow_orch.actor, workflow_orch.workflow, workflow_orch.proposal, workflow_orch.proposal_revision, workflow_orch.review,
               workflow_orch.execution, workflow_orch.tool;
END
$$;

-- pgTAP would fall into the traps itself, so it looks on from outside.
CREATE FUNCTION t.trapped(path pg_catalog.text, statement pg_catalog.text, role pg_catalog.text DEFAULT NULL) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$
DECLARE
  message pg_catalog.text;
BEGIN
  PERFORM pg_catalog.set_config('search_path', path, true);
  IF role IS NOT NULL THEN
    PERFORM pg_catalog.set_config('role', role, true);
  END IF;
  EXECUTE statement;
  RAISE SQLSTATE 'UNDO0';
EXCEPTION
  WHEN SQLSTATE 'UNDO0' THEN RETURN NULL;
  WHEN OTHERS OR assert_failure THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    RETURN message;
END
$$;
SET search_path = app, t, public, pg_catalog, pg_temp;
SELECT ok(:'many', 'there are traps enough');
SELECT is(trapped('evil, pg_temp, pg_catalog', 'SELECT now()'), 'trap: function now', 'a trap on functions works');
SELECT is(trapped('evil, pg_temp, pg_catalog', 'SELECT 1 = 1'), 'trap: operator =', 'a trap on operators works');
SELECT is(trapped('pg_temp, pg_catalog', 'INSERT INTO proposal VALUES (1)') LIKE 'trap: table %', true, 'a trap on temporary tables works');
SELECT is(trapped(path, format('CALL app.all_calls(%s::pg_catalog.int8, %s::pg_catalog.int8, %L::pg_catalog.regrole)', :ann, :bob, :'tool_role')), NULL,
  format('no call falls into a trap with the search_path %s', path))
  FROM unnest(ARRAY['evil, pg_temp, pg_catalog', 'evil, pg_temp, pg_catalog, workflow_orch', 'pg_temp, evil, workflow_orch, pg_catalog', 'pg_temp', 'evil', '']) AS path;
SELECT is(trapped(path, 'CALL app.reads()', 'store_search_path_reader'), NULL, format('reading does not with the search_path %s', path))
  FROM unnest(ARRAY['evil, pg_temp, pg_catalog', 'evil']) AS path;
SELECT is(trapped(path, 'DROP EXTENSION workflow_orch; CREATE EXTENSION workflow_orch'), NULL, format('creating the extension does not with the search_path %s', path))
  FROM unnest(ARRAY['evil, pg_temp, pg_catalog', 'pg_temp, evil', 'evil']) AS path;
SELECT is(trapped('evil, pg_temp, pg_catalog', 'DROP EXTENSION workflow_orch; CREATE EXTENSION workflow_orch; '
    'SELECT workflow_orch.register_actor(''a'', ''r''), workflow_orch.register_actor(''b'', ''r''), workflow_orch.start_workflow(''w'', 1); '
    'SELECT pg_catalog.set_config(''search_path'', ''app'', true); '
    'SELECT workflow_orch.register_tool(''work'', ''work(int,timestamptz,text[])'', run_as => t.tool_role()), workflow_orch.register_tool(''checked'', ''checked(app.positive)'', run_as => t.tool_role()); '
    'SELECT pg_catalog.set_config(''search_path'', ''evil, pg_temp, pg_catalog'', true); '
    'CALL app.all_calls(1, 2, t.tool_role())'), NULL, 'nor does an extension that was created so');
SELECT is(trapped('evil, pg_temp, pg_catalog', 'SELECT pg_catalog.count(*) FROM workflow_orch.proposal'), NULL, 'and all is as it was');

\ir include/finish.sql
