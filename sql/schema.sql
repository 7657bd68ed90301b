\echo Use "CREATE EXTENSION workflow_orch" to load this file. \quit

-- The schema is the extension's own, so that it goes with it and is nobody
-- else's: the owner of a schema may replace what is in it, and a function in it
-- that has the name of one of ours would lend a capability.  One that is there
-- already is not taken over.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'workflow_orch') THEN
    RAISE EXCEPTION 'schema "workflow_orch" already exists'
      USING ERRCODE = 'duplicate_schema',
            DETAIL = 'What stands in it, or its owner, could pass for a part of the extension.',
            HINT = 'Drop the schema: the extension creates it.';
  END IF;
END
$$;
CREATE SCHEMA workflow_orch;
SET LOCAL search_path = workflow_orch, pg_temp;

COMMENT ON SCHEMA workflow_orch IS
  'Proposal-based approval: actors propose tool calls, reviewers decide, approved calls execute, every step is audited';

-- The labels stand in src/model/status.c too; a test compares them.

CREATE TYPE workflow_status AS ENUM ('active', 'completed', 'cancelled');
CREATE TYPE proposal_status AS ENUM ('pending', 'approved', 'rejected', 'withdrawn', 'expired',
                                     'executed', 'failed', 'cancelled');
CREATE TYPE execution_status AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled');
CREATE TYPE review_decision AS ENUM ('approve', 'reject', 'edit', 'request_changes');
CREATE TYPE actor_kind AS ENUM ('human', 'agent', 'service');
CREATE TYPE dry_run_mode AS ENUM ('describe', 'rollback');

COMMENT ON TYPE workflow_status IS 'State of a workflow; transitions() lists the legal changes';
COMMENT ON TYPE proposal_status IS 'State of a proposal; transitions() lists the legal changes';
COMMENT ON TYPE execution_status IS 'State of an execution; transitions() lists the legal changes';
COMMENT ON TYPE review_decision IS 'What a reviewer decided';
COMMENT ON TYPE actor_kind IS 'What an actor is; only a human reviews unless the policy says otherwise';
COMMENT ON TYPE dry_run_mode IS 'What a dry run of a tool does: describe the call, or run it and roll it back';
