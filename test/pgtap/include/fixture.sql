-- What a file of this folder starts from; it says "\set file NAME" and
-- "\ir include/fixture.sql" first, and "\ir include/finish.sql" last.
--
-- The whole file is one transaction, which takes its roles away at the end.
-- Schema app holds the application's functions and schema t the helpers below.
-- Tools run as the role FILE_tool; the session is a superuser's, which acts for
-- the actors ann, who proposes, and bob and cyd, who review.
--
-- A file that makes rows of the tree also says "\set without_sealer": a keeper sees the
-- ids that the file has taken, and the sealer that it sends for would make the tree.
\set ON_ERROR_STOP on
BEGIN;
\if :{?without_sealer}
  LOCK TABLE workflow_orch.audit_tree IN SHARE ROW EXCLUSIVE MODE;
\endif
CREATE SCHEMA app;
CREATE SCHEMA t;
SET search_path = app, t, public;
SELECT :'file' || '_tool' AS tool_role \gset
CREATE ROLE :"tool_role" LOGIN;
GRANT USAGE ON SCHEMA app, t TO :"tool_role";
GRANT USAGE ON SCHEMA app TO PUBLIC;

SELECT workflow_orch.register_actor('ann', 'Developer') AS ann,
       workflow_orch.register_actor('bob', 'DBA') AS bob,
       workflow_orch.register_actor('cyd', 'Manager') AS cyd \gset
SELECT workflow_orch.start_workflow('Work', :ann) AS workflow \gset

CREATE FUNCTION t.ann() RETURNS bigint LANGUAGE sql RETURN :ann;
CREATE FUNCTION t.bob() RETURNS bigint LANGUAGE sql RETURN :bob;
CREATE FUNCTION t.cyd() RETURNS bigint LANGUAGE sql RETURN :cyd;
CREATE FUNCTION t.workflow() RETURNS bigint LANGUAGE sql RETURN :workflow;
CREATE FUNCTION t.tool_role() RETURNS regrole LANGUAGE sql RETURN (:'tool_role'::text)::regrole;

-- Registers a function as a tool, by default under its own name.
CREATE PROCEDURE t.tool(function regprocedure, name text DEFAULT NULL, timeout interval DEFAULT NULL)
LANGUAGE sql AS $$
  SELECT workflow_orch.register_tool(coalesce(name, (SELECT proname FROM pg_proc WHERE oid = function)),
                                     function, run_as => tool_role(), timeout => timeout)
$$;

CREATE FUNCTION t.propose(tool text, params jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), ann(), tool, params, 'because')
$$;

-- The same, approved by bob.
CREATE FUNCTION t.approved(tool text, params jsonb DEFAULT '{}') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := propose(tool, params);
BEGIN
  PERFORM workflow_orch.review_action(id, bob(), 'approve');
  RETURN id;
END
$$;

CREATE FUNCTION t.execute(proposal bigint) RETURNS jsonb LANGUAGE sql AS $$
  SELECT result FROM workflow_orch.execute_action(proposal, ann())
$$;

-- Takes a call through propose, approve and execute: its result.
CREATE FUNCTION t.run(tool text, params jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN execute(approved(tool, params));
END
$$;

-- What the tool returned, or the error where it failed.
CREATE FUNCTION t.output(tool text, params jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(r -> 'output', r -> 'error') FROM run(tool, params) r
$$;

CREATE FUNCTION t.status(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT p.status FROM workflow_orch.proposal p WHERE p.proposal_id = proposal
$$;

-- The params as they are stored, once proposed.
CREATE FUNCTION t.stored(tool text, params jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  id bigint := propose(tool, params);
BEGIN
  RETURN (SELECT p.params FROM workflow_orch.proposal p WHERE p.proposal_id = id);
END
$$;

-- The error that a statement ends with, all of it undone; null: none.
CREATE FUNCTION t.error_of(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  sqlstate_ text;
  message_ text;
  detail_ text;
  hint_ text;
  reason_ text;
BEGIN
  EXECUTE statement;
  RETURN NULL;
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
  GET STACKED DIAGNOSTICS sqlstate_ = RETURNED_SQLSTATE, message_ = MESSAGE_TEXT,
    detail_ = PG_EXCEPTION_DETAIL, hint_ = PG_EXCEPTION_HINT, reason_ = CONSTRAINT_NAME;
  RETURN jsonb_build_object('sqlstate', sqlstate_, 'message', message_, 'detail', detail_, 'hint', hint_, 'reason', reason_);
END
$$;

-- The same, and the statement is undone where it succeeds, too.
CREATE FUNCTION t.attempt(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  e jsonb;
BEGIN
  BEGIN
    e := error_of(statement);
    RAISE SQLSTATE 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  END;
  RETURN e;
END
$$;

-- Asserts that an error, of a statement or in a result, has the members of
-- expected: each is a pattern for LIKE.
CREATE FUNCTION t.is_error(error jsonb, expected jsonb, description text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  fits boolean := (SELECT bool_and(coalesce(error ->> key LIKE value, false)) FROM jsonb_each_text(expected));
BEGIN
  RETURN ok(fits, description) ||
    CASE WHEN fits THEN '' ELSE E'\n' || diag(format(E'got: %s\nexpected: %s', error, expected)) END;
END
$$;

CREATE FUNCTION t.raises(statement text, expected jsonb, description text) RETURNS text LANGUAGE sql AS $$
  SELECT is_error(error_of(statement), expected, description)
$$;

SELECT no_plan();
