-- The number of rows and its limit in background workers, of calls of the queue and of batches.
\set file row_count
\ir include/fixture.sql
CREATE TABLE app.item (n int);
CREATE TABLE app.parent (id int PRIMARY KEY);
CREATE TABLE app.child (id int REFERENCES app.parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION app.more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.item SELECT generate_series(1, TG_ARGV[0]::int);
  RETURN NULL;
END $$;
CREATE FUNCTION app.again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SET CONSTRAINTS ALL DEFERRED;
  INSERT INTO app.parent SELECT max(id) + 1 FROM app.parent HAVING max(id) < 3;
  RETURN NULL;
END $$;
CREATE TABLE app.late (n int);
CREATE CONSTRAINT TRIGGER more AFTER INSERT ON app.late INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.more('4');
CREATE CONSTRAINT TRIGGER again AFTER INSERT ON app.parent INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.again();
GRANT ALL ON ALL TABLES IN SCHEMA app TO :tool_role;
CREATE FUNCTION app.do_it(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; RETURN 'done'; END $$;
SELECT workflow_orch.register_tool('here', 'do_it(text)', :'tool_role', max_rows => 4);
SELECT workflow_orch.register_tool(tool, 'do_it(text)', :'tool_role', in_session => false, max_rows => max_rows, rerun => rerun)
  FROM (VALUES ('free', NULL, true), ('limited', 4, true), ('once', 4, false)) v (tool, max_rows, rerun);
CREATE FUNCTION t.statement(tool text, statement text) RETURNS bigint LANGUAGE sql AS $$ SELECT approved(tool, jsonb_build_object('statement', statement)) $$;
-- The number of rows that a result says, or the reason of its error.
CREATE FUNCTION t.said(result jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(result ->> 'rows_changed', result -> 'error' ->> 'reason', CASE WHEN (result -> 'success')::boolean THEN 'unknown' ELSE result ->> 'error' END)
$$;
CREATE TABLE t.tried (n int GENERATED ALWAYS AS IDENTITY, tool text, statement text, expected text, queued bigint, batch bigint);
INSERT INTO t.tried (tool, statement, expected) VALUES
  ('free', 'INSERT INTO app.item SELECT generate_series(1, 5)', '5'),
  ('free', 'INSERT INTO app.late VALUES (1)', '5'),
  ('free', 'CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1', 'unknown'),
  ('free', 'TRUNCATE app.item', 'unknown'),
  ('limited', 'INSERT INTO app.item SELECT generate_series(1, 4)', '4'),
  ('limited', 'INSERT INTO app.item SELECT generate_series(1, 5)', 'wfo_too_many_rows'),
  ('limited', 'INSERT INTO app.late VALUES (1)', 'wfo_too_many_rows'),
  ('limited', 'CREATE TEMP TABLE x AS SELECT 1', 'wfo_rows_not_counted'),
  ('limited', 'TRUNCATE app.item', 'wfo_rows_not_counted'),
  ('limited', 'SELECT lo_create(0)', 'wfo_rows_not_counted'),
  ('once', 'INSERT INTO app.item SELECT generate_series(1, 4)', '4'),
  ('once', 'INSERT INTO app.item SELECT generate_series(1, 5)', 'wfo_too_many_rows');
UPDATE t.tried SET queued = statement(tool, statement), batch = statement(tool, statement);
GRANT TRUNCATE ON app.item TO :tool_role;
\ir include/workers.sql

-- The queue.
UPDATE t.tried SET queued = enqueued(queued);
SELECT is(said(outcome(queued)), expected, format('a call of the queue of tool %s: %s', tool, statement)) FROM t.tried;
SELECT is((SELECT details -> 'rows_changed' FROM workflow_orch.audit_log WHERE action = 'execute_action' AND execution_id = (SELECT min(queued) FROM t.tried)), '5', 'the number is audited');
-- A batch.
SELECT parallel(VARIADIC array_agg(batch ORDER BY n)) AS results FROM t.tried \gset
SELECT is(said(:'results'::jsonb -> (n - 1)), expected, format('a call of a batch of tool %s: %s', tool, statement)) FROM t.tried;
SELECT is((SELECT count(*) FROM app.late), 2::bigint, 'nothing stays of calls that were refused');

-- A call that the last approval queues.
SELECT proposal_id AS p FROM workflow_orch.propose_action(:workflow, :ann, 'limited', '{"statement": "INSERT INTO app.item SELECT generate_series(1, 9)"}', 'r', execute_on_approval => true) \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(said(outcome((SELECT execution_id FROM workflow_orch.execution WHERE proposal_id = :p))), 'wfo_too_many_rows', 'a call that its approval queues has the limit');
SELECT proposal_id AS p FROM workflow_orch.propose_action(:workflow, :ann, 'free', '{"statement": "INSERT INTO app.item SELECT generate_series(1, 3)"}', 'r', execute_on_approval => true) \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve', max_rows => 2) \g /dev/null
SELECT is(outcome((SELECT execution_id FROM workflow_orch.execution WHERE proposal_id = :p)) -> 'error' ->> 'detail', 'It has changed 3 rows, and its limit is 2.', 'and that of the approval');
SELECT proposal_id AS p FROM workflow_orch.propose_action(:workflow, :ann, 'free', '{"statement": "INSERT INTO app.item SELECT generate_series(1, 3)"}', 'r') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve', max_rows => 2) \g /dev/null
SELECT is(said(parallel(:p) -> 0), 'wfo_too_many_rows', 'as has a call of a batch');

-- Deferred triggers that defer again must not outlive the count.
SELECT statement('limited', 'INSERT INTO app.parent VALUES (1)') AS p \gset
SELECT enqueued(:p) AS e \gset
SELECT outcome(:e) AS r \gset
SELECT is((SELECT count(*) FROM app.parent), coalesce((:'r'::jsonb ->> 'rows_changed')::bigint, 0), 'no row is inserted after the count: ' || said(:'r'));

-- A role for which the server does not count.
ALTER ROLE row_count_tool SET track_counts = off;
SELECT pg_terminate_backend(pid) FROM workflow_orch.worker_status WHERE role = 'row_count_tool' \g /dev/null
CALL wait_for('SELECT count(*) = 0 FROM workflow_orch.worker_status WHERE role = ''row_count_tool'' AND state <> ''starting''');
SELECT statement('limited', 'INSERT INTO app.item VALUES (1)') AS p, statement('free', 'INSERT INTO app.item VALUES (1)') AS q \gset
SELECT enqueued(:p) AS e \gset
SELECT outcome(:e) AS r \gset
SELECT is_error(:'r'::jsonb -> 'error', '{"sqlstate": "55000", "reason": "wfo_rows_not_counted", "message": "rows that a call changes are not counted", "detail": "The setting track_counts is off, and the call may change at most 4 rows.", "hint": "%"}',
  'a call with a limit does not run while track_counts is off');
SELECT is(status(:p), 'approved', 'and is approved as before');
SELECT enqueued(:q) AS e \gset
SELECT is(said(outcome(:e)), 'unknown', 'a call without a limit runs, and its rows are not known');

ALTER ROLE row_count_tool RESET track_counts;
SELECT statement('here', 'INSERT INTO app.item VALUES (1)') AS p \gset
\setenv CALL :p
\setenv DATABASE :DBNAME
\set got `PGOPTIONS='-c track_counts=off' psql -XAtqd "$DATABASE" -v VERBOSITY=verbose -c "SELECT * FROM workflow_orch.execute_action($CALL, (SELECT actor_id FROM workflow_orch.actor WHERE name = 'ann'))" 2>&1`
SELECT matches(:'got'::text, 'ERROR:  55000: rows that a call changes are not counted\nDETAIL:  The setting track_counts is off, and the call may change at most 4 rows', 'nor in a session');
SELECT is(status(:p), 'approved', 'where it is approved as before, too');
\set got `psql -XAtqd "$DATABASE" -c "SELECT result ->> 'rows_changed' FROM workflow_orch.execute_action($CALL, (SELECT actor_id FROM workflow_orch.actor WHERE name = 'ann'))" 2>&1`
SELECT is(:'got'::text, '1', 'it runs in a session in which the server counts');
\ir include/finish_workers.sql
