-- Previews and limits know of which tables the server does not count the rows.  A foreign
-- table is written to through a connection of its own, which sees what is
-- committed, so there is no transaction round this file.
\set ON_ERROR_STOP on
SELECT no_plan();
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw') AS available \gset
\if :available
CREATE EXTENSION postgres_fdw;
CREATE ROLE engine_uncounted_tool LOGIN;
CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname :'DBNAME', host :'HOST', port :'PORT');
CREATE USER MAPPING FOR engine_uncounted_tool SERVER here OPTIONS (user 'postgres', password_required 'false');
CREATE TABLE far (id int, n int);
INSERT INTO far VALUES (1, 1), (2, 2);
CREATE FOREIGN TABLE near (id int, n int) SERVER here OPTIONS (table_name 'far');
CREATE TABLE local (id int, n int);
INSERT INTO local VALUES (1, 1);
CREATE TABLE parts (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE FOREIGN TABLE parts_high PARTITION OF parts FOR VALUES FROM (10) TO (20) SERVER here OPTIONS (table_name 'far');
CREATE FUNCTION write(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
SELECT format('COPY (SELECT 4, 4) TO %L', current_setting('data_directory') || '/engine_uncounted') \gexec
GRANT pg_read_server_files TO engine_uncounted_tool;
GRANT ALL ON near, local, parts TO engine_uncounted_tool;
SELECT workflow_orch.register_actor('ann', 'Developer') AS ann, workflow_orch.register_actor('bob', 'DBA') AS bob \gset
SELECT workflow_orch.register_tool('write', 'write(text)', run_as => 'engine_uncounted_tool', preview => true, preview_rows => 5);
SELECT workflow_orch.start_workflow('Work', :ann) AS w \gset

CREATE FUNCTION changed(statement text, ann bigint, bob bigint, w bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  shown jsonb := workflow_orch.preview_action((SELECT proposal_id FROM workflow_orch.propose_action(w, ann, 'write', jsonb_build_object('statement', statement), 'r')), bob);
BEGIN
  RETURN coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_array(t ->> 'table', t -> 'counted', t -> 'inserted'))) FROM jsonb_array_elements(shown -> 'tables') t),
    shown -> 'error');
END
$$;
SELECT is(changed(statement, :ann, :bob, :w), tables::jsonb, format('changed by: %s', statement))
  FROM (VALUES
    ('UPDATE local SET n = 5', '[["public.local", null, 0]]'),
    ('UPDATE near SET n = 5 WHERE id = 1', '[["public.near", false, null]]'),
    ('INSERT INTO near VALUES (3, 3)', '[["public.near", false, null]]'),
    ('WITH gone AS (DELETE FROM near RETURNING *) INSERT INTO local SELECT * FROM gone', '[["public.local", null, 2], ["public.near", false, null]]'),
    ('DO $d$ BEGIN DELETE FROM near; END $d$', '[["public.near", false, null]]'),
    ('INSERT INTO parts VALUES (1, 1), (11, 1)', '[["public.parts", false, 1]]'),
    ('TRUNCATE near', '[["public.near", false, null]]'),
    (format('COPY near FROM %L', current_setting('data_directory') || '/engine_uncounted'), '[["public.near", false, null]]'),
    ('SELECT * FROM near', NULL),
    ('UPDATE local SET n = 5 WHERE false', NULL))
  AS v(statement, tables);
SELECT is(jsonb_path_query_array(workflow_orch.preview_action((SELECT proposal_id FROM workflow_orch.propose_action(:w, :ann, 'write',
    '{"statement": "WITH a AS (UPDATE near SET n = 5 WHERE id = 1), b AS (INSERT INTO parts VALUES (1, 1), (11, 1)) UPDATE local SET n = 5"}', 'r')), :bob),
  '$.tables[*] ? (exists(@.rows_shown)).table'), '["public.near", "public.parts"]', 'their rows are not shown, nor those of other partitions beside them');
SELECT is((SELECT jsonb_agg(f ORDER BY f.id) FROM far f), '[{"n": 1, "id": 1}, {"n": 2, "id": 2}]', 'nothing of it stays');

-- Under a limit, calls that write to foreign tables fail.
CREATE FUNCTION ran(tool text, statement text, ann bigint, bob bigint, w bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  p bigint := (SELECT proposal_id FROM workflow_orch.propose_action(w, ann, tool, jsonb_build_object('statement', statement), 'r'));
BEGIN
  PERFORM workflow_orch.review_action(p, bob, 'approve');
  RETURN (SELECT result FROM workflow_orch.execute_action(p, ann));
END
$$;
SELECT workflow_orch.register_tool('limited', 'write(text)', run_as => 'engine_uncounted_tool', max_rows => 1000);
SELECT is(jsonb_build_array(r -> 'success', r #> '{error,sqlstate}', r #> '{error,reason}', r #> '{error,detail}', r -> 'rows_changed'),
    CASE WHEN written IS NULL THEN jsonb_build_array(true, null, null, null, rows)
         ELSE jsonb_build_array(false, '54000', 'wfo_rows_not_counted', format('The call has written to table public.%s, which is foreign or kept by another engine than the server''s heap.', written), null) END,
    format('under a limit: %s', statement))
  FROM (VALUES
    ('UPDATE near SET n = 5 WHERE id = 1', 'near', NULL),
    ('UPDATE near SET n = 5 WHERE false', 'near', NULL),
    ('INSERT INTO near VALUES (3, 3)', 'near', NULL),
    ('WITH gone AS (DELETE FROM near RETURNING *) INSERT INTO local SELECT * FROM gone', 'near', NULL),
    ('WITH gone AS (DELETE FROM near RETURNING *) SELECT * FROM gone', 'near', NULL),
    ('DO $d$ BEGIN DELETE FROM near; END $d$', 'near', NULL),
    ('DO $d$ BEGIN DELETE FROM near; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $d$', 'near', NULL),
    ('INSERT INTO parts VALUES (1, 1), (11, 1)', 'parts_high', NULL),
    ('TRUNCATE near', 'near', NULL),
    (format('COPY near FROM %L', current_setting('data_directory') || '/engine_uncounted'), 'near', NULL),
    (format('COPY parts FROM %L', current_setting('data_directory') || '/engine_uncounted'), 'parts_high', NULL),
    ('INSERT INTO parts VALUES (1, 1)', NULL, 1),
    ('EXPLAIN INSERT INTO near VALUES (4, 4)', NULL, 0),
    ('SELECT * FROM near', NULL, 0)) AS v(statement, written, rows), ran('limited', statement, :ann, :bob, :w) r;
SELECT is((SELECT jsonb_agg(f ORDER BY f.id) FROM far f), '[{"n": 1, "id": 1}, {"n": 2, "id": 2}]', 'and nothing of them stays');
SELECT is(ran('write', 'INSERT INTO near VALUES (3, 3)', :ann, :bob, :w) -> 'rows_changed', 'null', 'without a limit such a call runs, and how many rows it changes is not known');

DROP EXTENSION workflow_orch, postgres_fdw CASCADE;
DROP OWNED BY engine_uncounted_tool;
DROP ROLE engine_uncounted_tool;
\else
SELECT skip('postgres_fdw is not installed', 1);
\endif
SELECT * FROM finish();
