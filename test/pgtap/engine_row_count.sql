-- How many rows a call in a session has changed, and what a limit on them refuses.
\set file engine_row_count
\ir include/fixture.sql

CREATE TABLE app.item (id int PRIMARY KEY, n int DEFAULT 0);
CREATE TABLE app.part_of (item int REFERENCES app.item ON DELETE CASCADE ON UPDATE CASCADE, n int);
CREATE UNLOGGED TABLE app.fast (n int);
CREATE TABLE app.split (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE app.split_low PARTITION OF app.split FOR VALUES FROM (0) TO (10);
CREATE TABLE app.split_high PARTITION OF app.split FOR VALUES FROM (10) TO (20);
CREATE TABLE app.triggered (n int);
CREATE TABLE app.deferred (n int);
CREATE TABLE app.wide (t text);
CREATE VIEW app.simple AS SELECT * FROM app.item;
CREATE MATERIALIZED VIEW app.summary AS SELECT count(*) FROM app.item;
CREATE SEQUENCE app.counter;
CREATE ACCESS METHOD engine_row_count TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.other_engine (n int) USING engine_row_count;
CREATE TABLE app.mixed (id int) PARTITION BY RANGE (id);
CREATE TABLE app.mixed_heap PARTITION OF app.mixed FOR VALUES FROM (0) TO (10);
CREATE TABLE app.mixed_other PARTITION OF app.mixed FOR VALUES FROM (10) TO (20) USING engine_row_count;
CREATE FUNCTION app.more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.fast SELECT generate_series(1, 3);
  RETURN NULL;
END $$;
CREATE TRIGGER more AFTER INSERT ON app.triggered FOR EACH ROW EXECUTE FUNCTION app.more();
CREATE CONSTRAINT TRIGGER more AFTER INSERT ON app.deferred INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.more();
CREATE FUNCTION app.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE app.skipped (n int);
CREATE TRIGGER skip BEFORE INSERT ON app.skipped FOR EACH ROW EXECUTE FUNCTION app.skip();
INSERT INTO app.item SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO app.part_of SELECT 1 + n % 2, n FROM generate_series(1, 8) n;
INSERT INTO app.split VALUES (1, 1), (2, 2), (11, 1);
CREATE FUNCTION app.uncounted_insert(k int) RETURNS void LANGUAGE sql SECURITY DEFINER SET track_counts = off AS 'INSERT INTO app.item SELECT generate_series(101, 100 + k)';
CREATE FUNCTION app.switch(value text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM set_config('track_counts', value, true); END $$;
CREATE FUNCTION app.inserts(k int) RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC INSERT INTO app.fast SELECT generate_series(1, k) RETURNING n; END;
CREATE FUNCTION app.do_it(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; RETURN 'done'; END $$;
GRANT ALL ON ALL TABLES IN SCHEMA app TO :"tool_role";
GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO :"tool_role";
GRANT CREATE ON SCHEMA app TO :"tool_role";
GRANT pg_read_server_files, pg_write_server_files TO :"tool_role";
ALTER TABLE app.item OWNER TO :"tool_role";
ALTER TABLE app.wide OWNER TO :"tool_role";
ALTER TABLE app.split OWNER TO :"tool_role";
ALTER TABLE app.split_high OWNER TO :"tool_role";
ALTER MATERIALIZED VIEW app.summary OWNER TO :"tool_role";
CREATE INDEX ON app.wide (length(t));
CALL tool('do_it(text)', 'free');
SELECT workflow_orch.register_tool('limited', 'do_it(text)', :'tool_role', max_rows => 9223372036854775807);
SELECT format('COPY (SELECT generate_series(1, 4)) TO %L', current_setting('data_directory') || '/engine_row_count') \gexec

-- A call that is undone afterwards: its result.
CREATE FUNCTION t.result_of(tool text, statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  r jsonb;
BEGIN
  BEGIN
    r := run(tool, jsonb_build_object('statement', statement));
    RAISE SQLSTATE 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  END;
  RETURN r;
END
$$;
CREATE FUNCTION t.app_contents() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(query_to_xml(format('SELECT * FROM app.%I x ORDER BY x::text', relname), true, true, '')::text, '' ORDER BY relname)
    FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')
$$;

-- What is counted: the number without a limit, and with limits round it.
CREATE TABLE t.counted (rows bigint, statement text, what text);
INSERT INTO counted VALUES
  (0, 'SELECT count(*) FROM app.item', 'a query'),
  (0, 'UPDATE app.item SET n = 1 WHERE false', 'an UPDATE of no row'),
  (10, 'UPDATE app.item SET n = n', 'an UPDATE that changes no value'),
  (10, 'UPDATE app.item SET id = -id', 'an UPDATE of a key without rows that refer to it, but for those that follow it') ,
  (5, 'DELETE FROM app.item WHERE id = 1', 'a DELETE with rows that follow it'),
  (3, 'INSERT INTO app.item SELECT generate_series(11, 13)', 'an INSERT'),
  (0, 'SELECT * FROM app.item FOR UPDATE', 'rows that are locked only'),
  (0, 'LOCK TABLE app.item IN ACCESS EXCLUSIVE MODE', 'a lock'),
  (0, 'DO $x$ BEGIN PERFORM nextval(''app.counter''); PERFORM setval(''app.counter'', 5); END $x$', 'a sequence'),
  (1, 'INSERT INTO app.item VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n', 'ON CONFLICT DO UPDATE of a row that is there'),
  (0, 'INSERT INTO app.item VALUES (1, 5) ON CONFLICT DO NOTHING', 'ON CONFLICT DO NOTHING'),
  (3, 'MERGE INTO app.item i USING (VALUES (5), (6), (99)) v (id) ON v.id = i.id WHEN MATCHED AND i.id = 5 THEN DELETE WHEN MATCHED THEN UPDATE SET n = 0 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 0)', 'a MERGE'),
  (2, 'UPDATE app.split SET id = 15 WHERE id = 1', 'a row that moves to another partition'),
  (2, 'INSERT INTO app.split VALUES (3), (13)', 'rows of partitions'),
  (8, 'INSERT INTO app.triggered VALUES (1), (2)', 'rows of a trigger'),
  (0, 'INSERT INTO app.skipped VALUES (1), (2)', 'rows that a trigger skips'),
  (4, 'INSERT INTO app.deferred VALUES (1)', 'rows of a deferred trigger, which fires in the call'),
  (2, 'INSERT INTO app.fast VALUES (1), (2)', 'rows of an unlogged table'),
  (2, 'INSERT INTO app.wide SELECT string_agg(md5(n::text), '''') FROM generate_series(1, 3000) n, generate_series(1, 2) g GROUP BY g', 'large values, in one row each'),
  (3, 'UPDATE app.simple SET n = 0 WHERE id <= 3', 'rows behind a view'),
  (4, format('COPY app.fast FROM %L', current_setting('data_directory') || '/engine_row_count'), 'COPY'),
  (3, 'WITH gone AS (DELETE FROM app.item WHERE id IN (8, 9) RETURNING *), new AS (INSERT INTO app.fast SELECT 1 RETURNING *) SELECT * FROM gone, new', 'statements within a query'),
  (2, 'SELECT count(*) FROM app.inserts(2)', 'rows of a function of SQL'),
  (2, 'DO $x$ DECLARE c refcursor; n int; BEGIN OPEN c FOR SELECT app.inserts(2); FETCH c INTO n; END $x$', 'rows of a function in a cursor that is left open'),
  (2, 'DO $x$ DECLARE c refcursor; i int; BEGIN OPEN c FOR WITH new AS (INSERT INTO app.fast VALUES (1), (2) RETURNING n) SELECT n FROM new; FETCH c INTO i; END $x$', 'rows of a cursor that is left open'),
  (3, 'DO $x$ BEGIN INSERT INTO app.fast VALUES (1);
         BEGIN INSERT INTO app.fast SELECT generate_series(1, 100); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
         BEGIN INSERT INTO app.fast VALUES (2);
           BEGIN INSERT INTO app.fast SELECT generate_series(1, 100); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
           INSERT INTO app.fast VALUES (3);
         EXCEPTION WHEN division_by_zero THEN NULL; END; END $x$', 'rows in nested blocks, without those that are undone'),
  (1, 'DO $x$ BEGIN INSERT INTO app.fast VALUES (1); BEGIN TRUNCATE app.item CASCADE; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
         BEGIN CREATE TABLE app.fresh (); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; END $x$', 'TRUNCATE and CREATE that are undone'),
  (2, 'DO $x$ BEGIN INSERT INTO app.item VALUES (21); DELETE FROM app.item WHERE id = 21; END $x$', 'a row that is inserted and deleted'),
  (1, 'DO $x$ BEGIN PERFORM pg_stat_clear_snapshot(); INSERT INTO app.fast VALUES (1); PERFORM pg_stat_reset(), pg_stat_reset_single_table_counters(''app.fast''::regclass), pg_stat_force_next_flush(); END $x$', 'a reset of the statistics'),
  (0, 'DO $x$ BEGIN PERFORM workflow_orch.propose_action(t.workflow(), t.ann(), ''free'', ''{"statement": "x"}'', ''r''); END $x$', 'a proposal that the call makes'),
  (0, 'NOTIFY engine_row_count', 'a notification'),
  (0, 'EXPLAIN DELETE FROM app.other_engine', 'an EXPLAIN');
UPDATE counted SET rows = 18 WHERE statement = 'UPDATE app.item SET id = -id';
GRANT EXECUTE ON FUNCTION pg_stat_reset(), pg_stat_reset_single_table_counters(oid) TO :"tool_role";
SELECT workflow_orch.register_actor('self', 'Service', tool_role()) AS self \gset
SELECT workflow_orch.grant_capability(tool_role(), 'propose');
UPDATE counted SET statement = replace(statement, 't.workflow(), t.ann()', (SELECT workflow_orch.start_workflow('Own', :self))::text || ', NULL');
CREATE TEMP TABLE result AS SELECT c.*, result_of('free', statement) AS free, result_of('limited', statement) AS limited FROM counted c;
SELECT is(free - '{success,dry_run,tool,params,output,executed_at,duration_ms}'::text[], jsonb_build_object('rows_changed', rows), 'counted: ' || what) FROM result;
SELECT is(limited -> 'rows_changed', to_jsonb(rows), 'counted under a limit: ' || what) FROM result;

-- A limit just large enough lets a call run, and one that is smaller does not.
CREATE FUNCTION t.limited_to(max_rows bigint, statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM workflow_orch.update_tool('limited', max_rows => limited_to.max_rows);
  RETURN result_of('limited', statement);
END
$$;
SELECT app_contents() AS before \gset
SELECT is(limited_to(rows, statement) -> 'success', 'true', format('%s rows may be changed where %s are', rows, rows)) FROM (SELECT DISTINCT ON (rows) * FROM counted) c;
SELECT is_error(limited_to(rows - 1, statement) -> 'error', jsonb_build_object('sqlstate', '54000', 'reason', 'wfo_too_many_rows', 'message', 'the call has changed more rows than it may',
    'detail', format('It has changed %s rows, and its limit is %s.', rows, rows - 1), 'hint', '%Nothing of the call stays.'), format('%s rows may not where %s are the limit: %s', rows, rows - 1, what))
  FROM counted WHERE rows > 0;
SELECT workflow_orch.update_tool('limited', max_rows => 2);
SELECT approved('limited', '{"statement": "UPDATE app.item SET n = 0"}') AS p \gset
SELECT execute(:p) AS r \gset
SELECT is(:'r'::jsonb -> 'success', 'false', 'a call that changes too much has failed');
SELECT is(:'r'::jsonb ? 'rows_changed', false, 'and says no number of rows that stand');
SELECT is(status(:p), 'failed', 'as has its proposal');
SELECT is(app_contents(), :'before', 'and nothing of it stays');
SELECT is((SELECT details -> 'error' ->> 'reason' FROM workflow_orch.audit_log WHERE action = 'execute_action' AND proposal_id = :p), 'wfo_too_many_rows', 'which is audited');
SELECT approved('limited', '{"statement": "UPDATE app.item SET n = 0 WHERE id <= 2"}') AS p \gset
UPDATE app.item SET n = n + 1;
SELECT is(execute(:p) -> 'rows_changed', '2', 'what the caller changes in the same transaction does not count');
SELECT is((SELECT details -> 'rows_changed' FROM workflow_orch.audit_log WHERE action = 'execute_action' AND proposal_id = :p), '2', 'the number is audited');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');
ALTER TABLE workflow_orch.execution DISABLE TRIGGER ALL;
UPDATE workflow_orch.execution SET result = jsonb_set(result, '{rows_changed}', '1') WHERE proposal_id = :p;
SELECT is((SELECT array_agg(finding) FROM workflow_orch.verify_audit_log()), '{the changes are not those that were recorded}', 'a number that somebody has changed is found');
UPDATE workflow_orch.execution SET result = jsonb_set(result, '{rows_changed}', '2') WHERE proposal_id = :p;
ALTER TABLE workflow_orch.execution ENABLE TRIGGER ALL;
SELECT workflow_orch.update_tool('limited', max_rows => 0);
SELECT is(result_of('limited', 'SELECT 1') -> 'success', 'true', 'a limit of 0 lets calls run that change nothing');
SELECT is_error(result_of('limited', 'INSERT INTO app.fast VALUES (1)') -> 'error', '{"sqlstate": "54000", "detail": "It has changed 1 rows, and its limit is 0."}', 'and no other');

-- What cannot be counted.
SELECT workflow_orch.update_tool('limited', max_rows => 9223372036854775807);
CREATE TABLE t.uncounted (detail text, statement text);
INSERT INTO uncounted VALUES
  ('The call has truncated table app.fast.', 'TRUNCATE app.fast'),
  ('The call has truncated table app.%.', 'TRUNCATE app.item CASCADE'),
  ('The call has truncated table app.split_%.', 'TRUNCATE app.split'),
  ('The call has truncated table app.fast.', 'DO $x$ BEGIN INSERT INTO app.fast VALUES (1); TRUNCATE app.fast; INSERT INTO app.fast VALUES (1); END $x$'),
  ('The call has truncated table app.fast.', 'DO $x$ BEGIN BEGIN TRUNCATE app.fast; EXCEPTION WHEN division_by_zero THEN NULL; END; END $x$'),
  ('%catalogs%', 'CREATE TABLE app.fresh AS SELECT 1'),
  ('%catalogs%', 'ALTER TABLE app.wide ALTER t TYPE varchar(9)'),
  ('%catalogs%', 'ALTER TABLE app.item ADD more int DEFAULT 5'),
  ('%catalogs%', 'ALTER TABLE app.split DETACH PARTITION app.split_high'),
  ('%catalogs%', 'DROP TABLE app.item CASCADE'),
  ('%catalogs%', 'CREATE INDEX ON app.item (n)'),
  ('%catalogs%', 'CREATE FUNCTION app.fresh() RETURNS int LANGUAGE sql RETURN 1'),
  ('%catalogs%', 'COMMENT ON TABLE app.item IS ''changed'''),
  ('%catalogs%', 'GRANT SELECT ON app.item TO PUBLIC'),
  ('%catalogs%', 'ANALYZE app.item'),
  ('%catalogs%', 'CLUSTER app.item USING item_pkey'),
  ('%catalogs%', 'REFRESH MATERIALIZED VIEW app.summary'),
  ('%catalogs%', 'SELECT lo_from_bytea(0, ''abc'')'),
  ('%catalogs%', 'SELECT lo_create(0)'),
  ('The call has written to table app.other_engine, which is foreign or kept by another engine%', 'INSERT INTO app.other_engine VALUES (1)'),
  ('The call has written to table app.other_engine%', 'WITH new AS (INSERT INTO app.other_engine VALUES (1) RETURNING n) SELECT * FROM new'),
  ('The call has written to table app.other_engine%', 'DO $x$ BEGIN DELETE FROM app.other_engine; END $x$'),
  ('The call has written to table app.other_engine%', format('COPY app.other_engine FROM %L', current_setting('data_directory') || '/engine_row_count')),
  ('The call has written to table app.mixed_other%', 'INSERT INTO app.mixed VALUES (11)'),
  ('The call has written to table app.mixed_other%', 'WITH new AS (INSERT INTO app.mixed VALUES (1), (11) RETURNING id) SELECT * FROM new'),
  ('The call has written to table app.other_engine%', 'EXPLAIN ANALYZE INSERT INTO app.other_engine VALUES (1)');
CREATE TEMP TABLE uncounted_result AS SELECT u.*, result_of('free', statement) AS free, result_of('limited', statement) AS limited FROM uncounted u;
SELECT is(jsonb_build_array(free -> 'success', free -> 'rows_changed'), '[true, null]', 'no number, and no limit refuses: ' || statement) FROM uncounted_result;
SELECT is_error(limited -> 'error', jsonb_build_object('sqlstate', '54000', 'reason', 'wfo_rows_not_counted', 'message', 'the call has changed what its limit of % rows cannot count', 'detail', detail, 'hint', '%'),
  'under a limit is refused: ' || statement) FROM uncounted_result;
SELECT is(result_of('limited', 'INSERT INTO app.mixed VALUES (1)') -> 'rows_changed', '1', 'a partition of the server''s heap beside one of another engine is counted');

-- Counting that is switched off for a moment.
CREATE TABLE t.switched (statement text);
INSERT INTO switched VALUES
  ('SELECT app.uncounted_insert(50)'),
  ('DO $x$ BEGIN PERFORM app.uncounted_insert(0); INSERT INTO app.fast VALUES (1); END $x$'),
  ('DO $x$ BEGIN PERFORM app.switch(''off''); INSERT INTO app.item SELECT generate_series(101, 150); PERFORM app.switch(''on''); END $x$'),
  ('INSERT INTO app.split SELECT CASE WHEN app.switch(''off'') IS NOT NULL THEN 3 END UNION ALL SELECT CASE WHEN app.switch(''on'') IS NOT NULL THEN 4 END'),
  ('SELECT app.switch(''off'')'),
  ('DO $x$ BEGIN BEGIN PERFORM app.switch(''off''); INSERT INTO app.item VALUES (77); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; END $x$'),
  ('DO $x$ BEGIN PERFORM set_config(''track_counts'', ''off'', false); PERFORM set_config(''track_counts'', ''on'', false); END $x$'),
  ('SET LOCAL track_counts = off'),
  ('DO $x$ BEGIN SET LOCAL track_counts = off; RESET track_counts; END $x$');
GRANT SET ON PARAMETER track_counts TO :"tool_role";
SELECT is(jsonb_build_array(r -> 'success', r -> 'rows_changed'), '[true, null]', 'no number: ' || statement) FROM switched, result_of('free', statement) r;
SELECT is_error(result_of('limited', statement) -> 'error', '{"sqlstate": "54000", "reason": "wfo_rows_not_counted", "detail": "The setting track_counts was off while the call ran."}',
  'under a limit is refused: ' || statement) FROM switched;
REVOKE SET ON PARAMETER track_counts FROM :"tool_role";
SELECT is(current_setting('track_counts'), 'on', 'and counting goes on');
SELECT is(result_of('limited', 'INSERT INTO app.fast VALUES (1)') -> 'rows_changed', '1', 'as the next call shows');
ALTER ROLE CURRENT_USER SET track_counts = on;
SET track_counts = off;
SELECT is(result_of('limited', 'INSERT INTO app.fast VALUES (1)') -> 'rows_changed', '1', 'what the caller has SET does not reach the call');
RESET track_counts;

-- Dry runs that are rolled back say what they would have changed; previews too, and are not limited.
SELECT workflow_orch.update_tool(tool, preview => true, dry_run_mode => 'rollback') FROM unnest(ARRAY['free', 'limited']) tool;
SELECT workflow_orch.update_tool('limited', max_rows => 2);
SELECT propose('limited', '{"statement": "UPDATE app.item SET n = 0"}') AS p \gset
SELECT is(x - '{executed_at,duration_ms,previewed_at,preview_id,proposal_id,revision,output,params,tool,tables,catalogs_changed}'::text[], '{"success": true, "rows_changed": 10}', 'a preview shows the number, whatever the limit')
  FROM workflow_orch.preview_action(:p, :bob) x;
SELECT workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT is(run('free', '{"statement": "UPDATE app.item SET n = 0"}') -> 'rows_changed', '10', 'a dry run that is rolled back says what it would have changed');
SELECT is_error(run('limited', '{"statement": "UPDATE app.item SET n = 0"}') -> 'error', '{"sqlstate": "54000", "reason": "wfo_too_many_rows"}', 'and is held to the limit');
SELECT is(run('limited', '{"statement": "UPDATE app.item SET n = 0 WHERE id = 1"}') -> 'rows_changed', '1', 'within which it runs');
SELECT workflow_orch.update_tool('free', dry_run_mode => 'describe');
SELECT is(run('free', '{"statement": "UPDATE app.item SET n = 0"}') ? 'rows_changed', false, 'a dry run that does not run has no number');

\ir include/finish.sql
