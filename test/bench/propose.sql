\set a random(1, 10)
\set w random(1, 5)
SELECT proposal_id FROM workflow_orch.propose_action(:w, :a, 'echo', '{"a": {"n": 1}}', 'bench');
