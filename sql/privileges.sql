-- Nothing for PUBLIC; capabilities are granted with grant_capability, function
-- by function.  Which rows a role reads is said by policies: everything with
-- review, execute, audit or administer; one's own with propose.

REVOKE ALL ON ALL TABLES IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode FROM PUBLIC;
GRANT USAGE ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode TO PUBLIC;

-- may_read answers for the role, and tells the planner how many rows there are
-- and which index leads to one's own: a scan costs a reviewer nothing, and
-- reads of a proposer's rows what there is of them.
DO $$
DECLARE
  t record;
BEGIN
  FOR t IN
    SELECT * FROM (VALUES
      ('actor', 'workflow_orch.may_read(tableoid, actor_id)'),
      ('workflow', 'workflow_orch.may_read(tableoid, actor_id)'),
      ('tool', 'true'),
      ('tool_definition', 'workflow_orch.may_read(tableoid, NULL)'),
      ('policy', 'workflow_orch.may_read(tableoid, NULL)'),
      ('freeze_window', 'workflow_orch.may_read(tableoid, NULL)'),
      ('approval_rule', 'workflow_orch.may_read(tableoid, NULL)'),
      ('delegation', 'workflow_orch.may_read(tableoid, NULL)'),
      ('proposal', 'workflow_orch.may_read(tableoid, actor_id)'),
      ('proposal_revision', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('proposal_comment', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('preview', 'workflow_orch.may_read(tableoid, NULL)'),
      ('review', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('revocation', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('execution', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('queue', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('cancel_request', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('break_glass', 'workflow_orch.may_read(tableoid, proposed_by)'),
      ('audit_log', 'workflow_orch.may_read(tableoid, NULL)')) AS v(name, condition)
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.name);
    EXECUTE format('CREATE POLICY read ON %I FOR SELECT USING (%s)', t.name, t.condition);
  END LOOP;
END
$$;
