-- One cycle, each call explained with the pages that it reads.
EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM workflow_orch.propose_action(1, 1, 'echo', '{"a": {"n": 1}}', 'bench');
SELECT max(proposal_id) AS id FROM workflow_orch.proposal \gset
EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM workflow_orch.review_action(:id, 11, 'approve');
EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM workflow_orch.execute_action(:id, 1);
