-- For what runs in background workers, which see only what is committed:
-- included after fixture.sql, it ends the transaction, so each statement of the
-- file commits.  The file ends with finish_workers.sql.
COMMIT;

-- Hands an approved call to the workers.
CREATE FUNCTION t.enqueued(proposal bigint, run_at timestamptz DEFAULT NULL, priority bigint DEFAULT 0)
RETURNS bigint LANGUAGE sql AS $$
  SELECT workflow_orch.enqueue_action(proposal, ann(), run_at, priority)
$$;

-- The results of a batch of proposals.
CREATE FUNCTION t.parallel(VARIADIC proposals bigint[]) RETURNS jsonb LANGUAGE sql AS $$
  SELECT workflow_orch.execute_parallel(
    (SELECT jsonb_agg(jsonb_build_object('proposal_id', p) ORDER BY n) FROM unnest(proposals) WITH ORDINALITY u (p, n)),
    ann(), '1 min')
$$;

-- Waits until a query gives true.
CREATE PROCEDURE t.wait_for(query text) LANGUAGE plpgsql AS $$
DECLARE
  is_true boolean;
BEGIN
  FOR i IN 1 .. 1000 LOOP
    EXECUTE query INTO is_true;
    IF is_true THEN
      RETURN;
    END IF;
    COMMIT;
    PERFORM pg_sleep(0.01);
  END LOOP;
  RAISE 'waited in vain for: %', query;
END
$$;

-- Waits until a worker is inside the tool of an execution.
CREATE PROCEDURE t.wait_for_start(execution bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL wait_for(format('SELECT EXISTS (SELECT FROM workflow_orch.worker_status WHERE execution_id = %s)', execution));
END
$$;

CREATE FUNCTION t.outcome(execution bigint) RETURNS jsonb LANGUAGE sql AS $$
  SELECT workflow_orch.wait_execution(execution, '1 min')
$$;

CREATE FUNCTION t.execution_status(execution bigint) RETURNS text LANGUAGE sql AS $$
  SELECT e.status FROM workflow_orch.execution e WHERE e.execution_id = execution
$$;
