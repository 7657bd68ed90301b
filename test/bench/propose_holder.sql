SELECT proposal_id FROM workflow_orch.propose_action(1, NULL, 'echo', '{"a": {"n": 1}}', 'bench');
