-- A thousand calls for another actor's proposals, all of which are refused.
DO $$
BEGIN
	FOR proposal IN 1..1000 LOOP
		BEGIN
			PERFORM workflow_orch.withdraw_proposal(proposal, 1, 'not mine');
		EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state OR undefined_object THEN
			NULL;
		END;
	END LOOP;
END $$;
