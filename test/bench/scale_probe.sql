-- A call of a role that has no other call: "probe - MILLISECONDS" from its enqueue to its start.
\set ON_ERROR_STOP on
SELECT (workflow_orch.propose_action(1, 1, 'scale_0', '{"a": {"n": 1}}', 'probe')).proposal_id \gset
SELECT workflow_orch.review_action(:proposal_id, 11, 'approve') \g /dev/null
SELECT workflow_orch.enqueue_action(:proposal_id) AS execution_id, clock_timestamp() AS queued_at \gset
SELECT workflow_orch.wait_execution(:execution_id) \g /dev/null
SELECT 'probe - ' || round(1000 * extract(epoch FROM started_at - :'queued_at'::timestamptz), 1)
  FROM workflow_orch.execution WHERE execution_id = :execution_id;
