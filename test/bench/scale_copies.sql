-- :copies copies of proposals with their rows, by plain INSERTs as a restore makes them
-- and with the triggers off, for the part of the benchmark about scale.  With :queued
-- they are queued calls of :roles roles that are due now, copies of those that
-- scale_tools.sql has made; otherwise executed proposals with their audit rows.
\set ON_ERROR_STOP on
SELECT max(proposal_id) AS last FROM workflow_orch.proposal \gset
SELECT max(execution_id) AS last_execution FROM workflow_orch.execution \gset
SELECT max(review_id) AS last_review FROM workflow_orch.review \gset
SELECT max(audit_id) AS last_audit FROM workflow_orch.audit_log \gset
CREATE TEMP TABLE copied (name text);
\if :queued
INSERT INTO copied VALUES ('proposal'), ('proposal_revision'), ('review'), ('execution'), ('queue');
CREATE TEMP TABLE made AS
SELECT g, m.proposal_id AS model FROM generate_series(1, :copies) g JOIN bench.model m ON m.role = 1 + g % :roles;
\else
INSERT INTO copied VALUES ('proposal'), ('proposal_revision'), ('review'), ('execution'), ('audit_log');
CREATE TEMP TABLE made AS
SELECT g, (SELECT max(proposal_id) FROM workflow_orch.proposal WHERE status = 'executed') AS model FROM generate_series(1, :copies) g;
\endif
SELECT min(audit_id) AS first_audit FROM workflow_orch.audit_log WHERE proposal_id = (SELECT min(model) FROM made) \gset
SELECT format('ALTER TABLE workflow_orch.%I DISABLE TRIGGER USER', name) FROM copied \gexec
SELECT format('INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT %2$s FROM made m JOIN workflow_orch.%1$I t ON m.model = t.proposal_id',
              c.relname, string_agg(coalesce(own.value, 't.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum))
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN (VALUES ('proposal_id', :last || ' + m.g'), ('review_id', :last_review || ' + m.g'),
               ('execution_id', format('CASE WHEN t.execution_id IS NOT NULL THEN %s + m.g END', :last_execution)),
               ('audit_id', format('%s + 10 * m.g + t.audit_id - %s', :last_audit, :first_audit)),
               ('due_at', format('%L::timestamptz', clock_timestamp()))) AS own(name, value) ON own.name = a.attname
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relname IN (SELECT name FROM copied)
 GROUP BY c.relname \gexec
SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
 WHERE NOT tgisinternal AND tgenabled = 'D' AND tgrelid IN (SELECT ('workflow_orch.' || name)::regclass FROM copied) \gexec
SELECT setval(pg_get_serial_sequence('workflow_orch.' || t, c), n)
  FROM (VALUES ('proposal', 'proposal_id', :last + :copies), ('review', 'review_id', :last_review + :copies),
               ('execution', 'execution_id', :last_execution + :copies), ('audit_log', 'audit_id', :last_audit + 10 * (:copies + 1))) v(t, c, n);
DROP TABLE made, copied;
VACUUM (ANALYZE);
CHECKPOINT;
