SELECT wf.work('agent1', 1);
