-- Standing approvals for a file that needs one: t.standing(tool) gives one, and
-- returns its id.  Included after fixture.sql, once the file has a tool.
SELECT :'file' || '_boss' AS boss_role \gset
CREATE ROLE :"boss_role" LOGIN;
SELECT workflow_orch.grant_capability(:'boss_role', 'propose') \g /dev/null
SELECT workflow_orch.register_actor('holder', 'Developer', tool_role()) AS holder,
       workflow_orch.register_actor('boss', 'Manager', :'boss_role') AS boss \gset
CREATE FUNCTION t.holder() RETURNS bigint LANGUAGE sql RETURN :holder;
CREATE FUNCTION t.boss() RETURNS bigint LANGUAGE sql RETURN :boss;
CREATE FUNCTION t.standing(tool text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  p bigint := (SELECT proposal_id FROM workflow_orch.propose_action(workflow(), boss(), 'workflow_orch.standing_approval',
    jsonb_build_object('tool', tool, 'actor_id', holder(), 'uses', 2, 'ends_at', now() + interval '1 day'), 'every day'));
BEGIN
  PERFORM workflow_orch.review_action(p, bob(), 'approve');
  RETURN (SELECT result ->> 'output' FROM workflow_orch.execute_action(p));
END $$;
