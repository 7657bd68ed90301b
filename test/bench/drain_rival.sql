SELECT wf.work('agent1', :size);
