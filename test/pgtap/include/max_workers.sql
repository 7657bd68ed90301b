-- Has the server run :max_workers calls at the same time, 8 by default.  A
-- session reads its settings again between two statements.
ALTER SYSTEM SET workflow_orch.max_workers = :max_workers;
SELECT 'ALTER SYSTEM RESET workflow_orch.max_workers' WHERE :max_workers = 8 \gexec
SELECT pg_reload_conf() \g /dev/null
SELECT format('SELECT pg_sleep(0.02) WHERE current_setting(%L)::int <> %s', 'workflow_orch.max_workers', :max_workers)
  FROM generate_series(1, 500) \gexec
CALL t.wait_for(format('SELECT count(*) <= %s FROM workflow_orch.worker_status', :max_workers));
