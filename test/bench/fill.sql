-- Fills the extension's tables up to :size finished proposals, each with its
-- revision, review, execution and audit rows, by plain INSERTs as a restore of
-- a dump makes them.
\set ON_ERROR_STOP on
SELECT greatest(:size - count(*), 0) AS missing, max(proposal_id) AS last FROM workflow_orch.proposal \gset
SELECT max(proposal_id) AS model FROM workflow_orch.proposal WHERE status = 'executed' \gset
CREATE TEMP TABLE ids AS SELECT jsonb_build_object('proposal_id', :last + g, 'review_id', :last + g,
    'execution_id', :last + g) AS ids, g FROM generate_series(1, :missing) g;
INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE
  SELECT (jsonb_populate_record(t, ids)).* FROM workflow_orch.proposal t, ids WHERE t.proposal_id = :model;
INSERT INTO workflow_orch.proposal_revision
  SELECT (jsonb_populate_record(t, ids)).* FROM workflow_orch.proposal_revision t, ids WHERE t.proposal_id = :model;
INSERT INTO workflow_orch.review OVERRIDING SYSTEM VALUE
  SELECT (jsonb_populate_record(t, ids)).* FROM workflow_orch.review t, ids WHERE t.proposal_id = :model;
INSERT INTO workflow_orch.execution OVERRIDING SYSTEM VALUE
  SELECT (jsonb_populate_record(t, ids)).* FROM workflow_orch.execution t, ids WHERE t.proposal_id = :model;
SELECT max(audit_id) AS last_audit FROM workflow_orch.audit_log \gset
INSERT INTO workflow_orch.audit_log OVERRIDING SYSTEM VALUE
  SELECT (jsonb_populate_record(t, ids || jsonb_build_object('audit_id', :last_audit + row_number() OVER ()))).*
    FROM workflow_orch.audit_log t, ids WHERE t.proposal_id = :model;
SELECT setval(pg_get_serial_sequence('workflow_orch.' || t, c), :last_audit + 4 * :size)
  FROM (VALUES ('proposal', 'proposal_id'), ('review', 'review_id'), ('execution', 'execution_id'),
               ('audit_log', 'audit_id')) v(t, c);
VACUUM ANALYZE;
CHECKPOINT;
