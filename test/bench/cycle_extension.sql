\set a random(1, 10)
\set h random(11, 20)
\set w random(1, 5)
SELECT proposal_id AS id FROM workflow_orch.propose_action(:w, :a, 'echo', '{"a": {"n": 1}}', 'bench') \gset
SELECT status FROM workflow_orch.review_action(:id, :h, 'approve');
SELECT result FROM workflow_orch.execute_action(:id, :a);
