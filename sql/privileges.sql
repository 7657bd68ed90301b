-- Nothing for PUBLIC; capabilities are granted with grant_capability, function
-- by function.  Which rows a role reads is said by policies: everything with
-- review, execute, audit or administer; one's own with propose.

REVOKE ALL ON ALL TABLES IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode FROM PUBLIC;
GRANT USAGE ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode TO PUBLIC;

-- The actors that the current user acts as, and whether it reads everything,
-- as expressions: a function here would need grants of its own.
DO $$
DECLARE
  everything constant text :=
    $e$(SELECT pg_catalog.has_function_privilege('workflow_orch.review_action'::regproc, 'EXECUTE')
            OR pg_catalog.has_function_privilege('workflow_orch.execute_action'::regproc, 'EXECUTE')
            OR pg_catalog.has_function_privilege('workflow_orch.verify_audit_log'::regproc, 'EXECUTE')
            OR pg_catalog.has_function_privilege('workflow_orch.set_policy'::regproc, 'EXECUTE')
            OR pg_catalog.has_function_privilege('workflow_orch.is_gateway'::regproc, 'EXECUTE'))$e$;
  -- Before PostgreSQL 16 every member may SET ROLE, and nothing else can be asked.
  take_on constant text :=
    $e$(SELECT CASE WHEN pg_catalog.current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)$e$;
  -- Where a role's OID is enough to know it by, should it have been renamed.
  home constant text :=
    $e$(SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
         WHERE d.datname = pg_catalog.current_database())$e$;
  own_actors constant text := '(SELECT a.actor_id FROM workflow_orch.actor a)';
  own_proposals constant text := '(SELECT p.proposal_id FROM workflow_orch.proposal p)';
  t record;
BEGIN
  FOR t IN
    SELECT * FROM (VALUES
      ('actor', 'EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = db_role_oid
                         AND (r.rolname = db_role OR (home_system, home_database) = ' || home || ')
                         AND pg_catalog.pg_has_role(r.oid, ' || take_on || '))'),
      ('workflow', 'actor_id IN ' || own_actors),
      ('tool', 'true'),
      ('tool_definition', 'false'),
      ('policy', 'false'),
      ('freeze_window', 'false'),
      ('approval_rule', 'false'),
      ('delegation', 'false'),
      ('proposal', 'actor_id IN ' || own_actors),
      ('proposal_revision', 'proposal_id IN ' || own_proposals),
      ('proposal_comment', 'proposal_id IN ' || own_proposals),
      ('preview', 'false'),
      ('review', 'proposal_id IN ' || own_proposals),
      ('revocation', 'proposal_id IN ' || own_proposals),
      ('execution', 'proposal_id IN ' || own_proposals),
      ('queue', 'proposal_id IN ' || own_proposals),
      ('cancel_request', 'proposal_id IN ' || own_proposals),
      ('break_glass', 'proposal_id IN ' || own_proposals),
      ('audit_log', 'false')) AS v(name, own)
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.name);
    EXECUTE format('CREATE POLICY read ON %I FOR SELECT USING (%s OR %s)', t.name, everything, t.own);
  END LOOP;
END
$$;
