-- Workflows of ten calls each that were proposed, approved and executed, in the
-- database of a benchmark: bench.work(n) makes n of them.
SET client_min_messages = warning;
CREATE PROCEDURE bench.work(n int) LANGUAGE plpgsql AS $$
DECLARE
  w bigint;
  p bigint;
BEGIN
  FOR i IN 1..n LOOP
    w := workflow_orch.start_workflow('measure', 1);
    FOR j IN 1..10 LOOP
      p := (workflow_orch.propose_action(w, 1 + j % 10, 'echo', jsonb_build_object('a', jsonb_build_object('n', j)), 'bench', format('key %s %s', w, j))).proposal_id;
      PERFORM workflow_orch.review_action(p, 11 + j % 10, 'approve');
      PERFORM workflow_orch.execute_action(p, 1 + j % 10);
    END LOOP;
    PERFORM workflow_orch.complete_workflow(w, 1);
    COMMIT;
  END LOOP;
END $$;

-- What one batch took: its time, its WAL, and how much memory the process uses afterwards.
CREATE TABLE bench.batch (proposals bigint, ms float8, wal numeric, memory numeric);
CREATE PROCEDURE bench.purge(size bigint) LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
  before pg_lsn;
  began timestamptz;
BEGIN
  PERFORM set_config('workflow_orch.min_retention', '0', false);
  LOOP
    before := pg_current_wal_insert_lsn();
    began := clock_timestamp();
    n := workflow_orch.purge_workflows(began, NULL, 'measure', size);
    EXIT WHEN n = 0;
    INSERT INTO bench.batch SELECT n, extract(epoch FROM clock_timestamp() - began) * 1000, pg_current_wal_insert_lsn() - before,
      (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+)'))[1]::numeric;
    COMMIT;
  END LOOP;
END $$;
