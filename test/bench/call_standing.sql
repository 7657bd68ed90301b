SELECT proposal_id AS id FROM workflow_orch.propose_action(1, NULL, 'echo', '{"a": {"n": 1}}', 'bench') \gset
SELECT result FROM workflow_orch.execute_action(:id);
