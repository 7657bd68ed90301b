\echo Use "CREATE EXTENSION workflow_orch" to load this file. \quit

-- The owner of the schema may replace what is in it and counts as the
-- extension's owner, and a function in it that has the name of one of ours
-- would lend a capability.  So a schema that is there already must be a
-- superuser's, and empty, as it is when a dump is restored.
DO $$
BEGIN
  IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
           WHERE n.nspname = 'workflow_orch') THEN
    RAISE EXCEPTION 'schema "workflow_orch" belongs to another role'
      USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'Its owner could replace the objects of the extension.',
            HINT = 'Drop the schema: the extension creates it.';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_depend d
              WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = 'workflow_orch'::regnamespace
                AND d.classid <> 'pg_catalog.pg_extension'::regclass) THEN
    RAISE EXCEPTION 'schema "workflow_orch" is not empty'
      USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'What stands in it could be taken for an object of the extension.',
            HINT = 'Drop the schema: the extension creates it.';
  END IF;
END
$$;

COMMENT ON SCHEMA workflow_orch IS
  'Proposal-based approval: actors propose tool calls, reviewers decide, approved calls execute, every step is audited';

-- The labels stand in src/model/status.c too; a test compares them.

CREATE TYPE workflow_status AS ENUM ('active', 'completed', 'cancelled');
CREATE TYPE proposal_status AS ENUM ('pending', 'approved', 'rejected', 'withdrawn', 'expired',
                                     'executed', 'failed', 'cancelled');
CREATE TYPE execution_status AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled');
CREATE TYPE review_decision AS ENUM ('approve', 'reject', 'edit');
CREATE TYPE actor_kind AS ENUM ('human', 'agent', 'service');
CREATE TYPE dry_run_mode AS ENUM ('describe', 'rollback');

COMMENT ON TYPE workflow_status IS 'State of a workflow; transitions() lists the legal changes';
COMMENT ON TYPE proposal_status IS 'State of a proposal; transitions() lists the legal changes';
COMMENT ON TYPE execution_status IS 'State of an execution; transitions() lists the legal changes';
COMMENT ON TYPE review_decision IS 'What a reviewer decided';
COMMENT ON TYPE actor_kind IS 'What an actor is; only a human reviews unless the policy says otherwise';
COMMENT ON TYPE dry_run_mode IS 'What a dry run of a tool does: describe the call, or run it and roll it back';
