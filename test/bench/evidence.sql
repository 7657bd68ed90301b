-- Rows of the audit log, as a restore inserts them: :rows of them, of no workflow,
-- about as large as those of a cycle.
INSERT INTO workflow_orch.audit_log (occurred_at, action, login, details, db_role, application_name, backend_pid, transaction_id, query)
  SELECT clock_timestamp(), 'measure', 'bench', '{"status": "executed", "dry_run": false, "success": true, "revision": 1, "duration_ms": 0.5, "tool": "echo"}',
         'bench', 'pgbench', pg_backend_pid(), pg_current_xact_id(), 'SELECT workflow_orch.execute_action($1)'
    FROM generate_series(1, :rows);
-- The sealer hears of what the extension's calls write.
SELECT workflow_orch.start_workflow('measure') \g /dev/null
