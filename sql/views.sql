-- Views for reports.  They show what the reader of their tables may see.

CREATE VIEW worker_status WITH (security_invoker = true) AS
SELECT w.pid, d.datname AS database, r.rolname AS role, w.state, w.execution_id, w.since
  FROM worker_status() w
  LEFT JOIN pg_catalog.pg_database d ON d.oid = w.database_oid
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = w.role_oid;

COMMENT ON VIEW worker_status IS 'Background workers of all databases, and what they run';
COMMENT ON COLUMN worker_status.pid IS 'Process; null: it is being started';
COMMENT ON COLUMN worker_status.database IS 'Database it is connected to';
COMMENT ON COLUMN worker_status.role IS 'Role it is connected as, which its tools run as';
COMMENT ON COLUMN worker_status.state IS 'starting, idle or busy';
COMMENT ON COLUMN worker_status.execution_id IS 'Execution that it runs, of its database';
COMMENT ON COLUMN worker_status.since IS 'When the state began';

CREATE VIEW queue_status WITH (security_invoker = true) AS
SELECT q.tool,
       count(*) FILTER (WHERE NOT h.held AND NOT q.runs AND q.due_at <= now.t) AS due,
       count(*) FILTER (WHERE NOT h.held AND NOT q.runs AND q.due_at > now.t) AS scheduled,
       count(*) FILTER (WHERE q.runs) AS running,
       count(*) FILTER (WHERE h.held) AS held,
       max(now.t - q.due_at) FILTER (WHERE NOT h.held AND NOT q.runs AND q.due_at <= now.t) AS oldest_age
  FROM (SELECT u.*, EXISTS (SELECT FROM worker_status() w
                             WHERE w.execution_id = u.execution_id
                               AND w.database_oid = u.home_database) AS runs
          FROM queue u) q
 CROSS JOIN LATERAL (SELECT pg_catalog.clock_timestamp() AS t) now
 CROSS JOIN LATERAL (SELECT q.home_system <> (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s)
                         OR q.home_database <> (SELECT d.oid FROM pg_catalog.pg_database d
                                                 WHERE d.datname = pg_catalog.current_database()) AS held) h
 GROUP BY q.tool;

COMMENT ON VIEW queue_status IS 'What waits for the background workers, per tool';
COMMENT ON COLUMN queue_status.due IS 'Calls that may start now';
COMMENT ON COLUMN queue_status.scheduled IS 'Calls that are due later, or are tried again then';
COMMENT ON COLUMN queue_status.running IS 'Calls that a worker runs';
COMMENT ON COLUMN queue_status.held IS 'Calls of the original of this database, held until resume_queue()';
COMMENT ON COLUMN queue_status.oldest_age IS 'How long the oldest call that is due has been';

CREATE VIEW execution_stats WITH (security_invoker = true) AS
SELECT p.tool,
       count(*) AS count,
       count(*) FILTER (WHERE e.status = 'failed') AS failures,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p99,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p99
  FROM execution e
  JOIN proposal p USING (proposal_id)
 WHERE e.status IN ('succeeded', 'failed') AND NOT e.dry_run
 GROUP BY p.tool;

COMMENT ON VIEW execution_stats IS 'Executions that have ended, per tool; dry runs do not count';
COMMENT ON COLUMN execution_stats.failures IS 'Those that failed, refused ones included';
COMMENT ON COLUMN execution_stats.duration_p50 IS 'Median of the run times; p95 and p99: 95 and 99 of 100 were shorter';
COMMENT ON COLUMN execution_stats.wait_p50 IS 'Median of the times between due and start, of queued calls; p95 and p99 as above';
