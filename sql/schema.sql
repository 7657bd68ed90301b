\echo Use "CREATE EXTENSION workflow_orch" to load this file. \quit

-- The owner of a schema may drop and replace what is in it, and what is in it
-- already could stand in for what belongs there.
DO $$
BEGIN
  IF (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = 'workflow_orch')
     <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'schema "workflow_orch" belongs to another role'
      USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'Its owner could replace the objects of the extension.',
            HINT = 'Drop the schema, or make it yours with ALTER SCHEMA ... OWNER TO.';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_depend
              WHERE refclassid = 'pg_catalog.pg_namespace'::regclass
                AND refobjid = 'workflow_orch'::regnamespace) THEN
    RAISE EXCEPTION 'schema "workflow_orch" is not empty'
      USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'What is in it could be taken for objects of the extension.',
            HINT = 'Drop or move what is in the schema.';
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

COMMENT ON TYPE workflow_status IS 'State of a workflow; transitions() lists the legal changes';
COMMENT ON TYPE proposal_status IS 'State of a proposal; transitions() lists the legal changes';
COMMENT ON TYPE execution_status IS 'State of an execution; transitions() lists the legal changes';
COMMENT ON TYPE review_decision IS 'What a reviewer decided';
COMMENT ON TYPE actor_kind IS 'What an actor is; only a human reviews unless the policy says otherwise';
