-- Code of somebody else that PostgreSQL runs on its own account, inside another
-- one's command, does not speak for who gave that command.
\set file engine_caller_restricted
\ir include/fixture.sql

-- A role that may propose, review and execute, and lies in wait for a superuser:
-- spring() tries the calls that orders has, and seen is what they came to.
CREATE ROLE engine_caller_bait;
SELECT workflow_orch.grant_capability('engine_caller_bait', c) FROM unnest(ARRAY['propose', 'review', 'execute']) AS c;
CREATE FUNCTION app.work() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('work()');
SELECT propose('work') AS pending, approved('work') AS approved \gset
CREATE TABLE app.orders (call text, statement text);
CREATE TABLE app.seen (call text, sqlstate text);
GRANT ALL ON app.orders, app.seen TO engine_caller_bait;
CREATE TABLE t.calls (call text, statement text);
INSERT INTO t.calls VALUES
  ('whoami', 'SELECT * FROM workflow_orch.whoami()'),
  ('propose_action', format($$SELECT * FROM workflow_orch.propose_action(%s, %s, 'work', '{}', 'r')$$, workflow(), ann())),
  ('review_action', format($$SELECT * FROM workflow_orch.review_action(%s, %s, 'approve')$$, :pending, bob())),
  ('execute_action', format('SELECT * FROM workflow_orch.execute_action(%s)', :approved)),
  ('cancel_workflow', format('SELECT workflow_orch.cancel_workflow(%s)', workflow()));
CREATE FUNCTION app.spring() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  o record;
  code text;
BEGIN
  FOR o IN SELECT * FROM app.orders LOOP
    BEGIN
      EXECUTE o.statement;
      code := 'done';
    EXCEPTION WHEN OTHERS THEN
      code := SQLSTATE;
    END;
    INSERT INTO app.seen VALUES (o.call, code);
  END LOOP;
END
$$;

-- What the tables of the extension hold that the calls would change.
CREATE FUNCTION t.written() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', (SELECT max(audit_id) FROM workflow_orch.audit_log), (SELECT count(*) FROM workflow_orch.proposal),
                   (SELECT count(*) FROM workflow_orch.review), (SELECT count(*) FROM workflow_orch.execution),
                   (SELECT string_agg(status::text, ' ' ORDER BY proposal_id) FROM workflow_orch.proposal),
                   (SELECT string_agg(status::text, ' ' ORDER BY workflow_id) FROM workflow_orch.workflow))
$$;
SELECT written() AS before \gset

-- Gives the orders and runs a command, all of it undone: what each call came to,
-- and whether anything was written.
CREATE FUNCTION t.springs(command text) RETURNS TABLE (call text, sqlstate text, written text) LANGUAGE plpgsql AS $$
DECLARE
  found jsonb;
BEGIN
  INSERT INTO app.orders SELECT * FROM t.calls;
  EXECUTE command;
  found := (SELECT jsonb_agg(jsonb_build_object('call', s.call, 'sqlstate', s.sqlstate, 'written', t.written())) FROM app.seen s);
  RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN QUERY SELECT r.call, r.sqlstate, r.written FROM jsonb_to_recordset(found) AS r (call text, sqlstate text, written text);
END
$$;

-- An index on an expression, which a superuser's maintenance evaluates.
CREATE FUNCTION app.trap(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.spring();
  RETURN i;
END
$$;
CREATE TABLE app.bait (i int);
CREATE INDEX bait_idx ON app.bait (app.trap(i));
INSERT INTO app.bait VALUES (1);
ALTER TABLE app.bait OWNER TO engine_caller_bait;

-- A table that refers to a superuser's, and is told when rows go with it.
CREATE FUNCTION app.told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.spring();
  RETURN OLD;
END
$$;
CREATE TABLE app.parent (id int PRIMARY KEY);
INSERT INTO app.parent VALUES (1);
CREATE TABLE app.child (id int REFERENCES app.parent ON DELETE CASCADE);
INSERT INTO app.child VALUES (1);
CREATE TRIGGER told BEFORE DELETE ON app.child FOR EACH ROW EXECUTE FUNCTION app.told();
ALTER TABLE app.child OWNER TO engine_caller_bait;
GRANT REFERENCES, SELECT ON app.parent TO engine_caller_bait;

CREATE TEMP TABLE sprung AS
  SELECT v.what, s.* FROM (VALUES ('an index expression in a superuser''s ANALYZE', 'ANALYZE app.bait'),
                                  ('an index expression in a superuser''s REINDEX', 'REINDEX TABLE app.bait'),
                                  ('the trigger of a cascade', 'DELETE FROM app.parent')) AS v (what, command), springs(v.command) s;
SELECT is(coalesce((SELECT min(sqlstate) || ' ' || max(sqlstate) FROM sprung s WHERE s.what = w AND s.call = c.call), 'not called'), '42501 42501',
  format('%s: %s is refused', w, c.call))
FROM unnest(ARRAY['an index expression in a superuser''s ANALYZE', 'an index expression in a superuser''s REINDEX', 'the trigger of a cascade']) AS w,
     t.calls c;
SELECT is_empty(format('SELECT what, written FROM sprung WHERE written <> %L', :'before'), 'and nothing is written');

-- What the superuser calls by itself is its own.
SELECT results_eq($$SELECT DISTINCT sqlstate FROM springs('DELETE FROM app.child') WHERE call <> 'execute_action'$$, ARRAY['done'],
  'a trigger of the caller''s own statement speaks for the caller');
SELECT results_eq($$SELECT sqlstate FROM springs('DELETE FROM app.child') WHERE call = 'execute_action'$$, ARRAY['55000'],
  'but runs no tool');

\ir include/finish.sql
