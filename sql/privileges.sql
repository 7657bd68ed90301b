-- Nothing for PUBLIC; capabilities are granted with grant_capability, function
-- by function.  Which rows a role reads is said by policies: everything with
-- review, execute, audit or administer; one's own with propose.

REVOKE ALL ON ALL TABLES IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA workflow_orch FROM PUBLIC;
REVOKE ALL ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode FROM PUBLIC;
GRANT USAGE ON TYPE workflow_status, proposal_status, execution_status, review_decision, actor_kind, dry_run_mode TO PUBLIC;

-- may_read answers for the role, and tells the planner how many rows there are
-- and which index leads to the role's own: a scan costs a reviewer nothing, and a
-- proposer's scan reads only the proposer's rows.
--
-- A row's own reader is the actor in proposed_by.  A table without that column
-- is read with a capability only, unless it is named here.
DO $$
DECLARE
  t record;
  reader text;
BEGIN
  FOR t IN
    SELECT c.relname AS name, a.attname IS NOT NULL AS has_proposer
      FROM pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'proposed_by'
     WHERE c.relnamespace = 'workflow_orch'::pg_catalog.regnamespace AND c.relkind = 'r'
     ORDER BY c.relname
  LOOP
    reader := CASE
      WHEN t.has_proposer THEN 'proposed_by'
      WHEN t.name IN ('actor', 'workflow', 'proposal', 'standing_approval', 'standing_use') THEN 'actor_id'
      ELSE 'NULL'
    END;
    EXECUTE pg_catalog.format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.name);
    EXECUTE pg_catalog.format('CREATE POLICY read ON %I FOR SELECT USING (%s)', t.name,
      CASE WHEN t.name = 'tool' THEN 'true'
           ELSE pg_catalog.format('workflow_orch.may_read(tableoid, %s)', reader) END);
  END LOOP;
END
$$;
