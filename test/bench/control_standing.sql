-- A standing approval for the actor that is bound to the session's role; an earlier
-- one is ended.
\set ON_ERROR_STOP on
SET client_min_messages = error;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_asker') AS first \gset
\if :first
CREATE ROLE bench_asker LOGIN;
\endif
SELECT workflow_orch.grant_capability('bench_asker', 'propose');
SELECT NOT EXISTS (SELECT FROM workflow_orch.actor WHERE name = 'holder') AS new \gset
\if :new
SELECT workflow_orch.register_actor('holder', 'Agent', session_user::text::regrole, kind => 'agent'),
       workflow_orch.register_actor('asker', 'DBA', 'bench_asker');
\endif
SELECT workflow_orch.end_standing_approval(standing_id)
  FROM workflow_orch.standing_approval WHERE ended_at IS NULL AND ends_at > now();
SELECT proposal_id AS p
  FROM workflow_orch.propose_action(1, (SELECT actor_id FROM workflow_orch.actor WHERE name = 'asker'), 'workflow_orch.standing_approval',
         jsonb_build_object('tool', 'echo', 'actor_id', (SELECT actor_id FROM workflow_orch.actor WHERE name = 'holder'),
                            'uses', 10000, 'ends_at', now() + interval '1 day'), 'bench') \gset
SELECT workflow_orch.review_action(:p, 11, 'approve');
SELECT workflow_orch.execute_action(:p);
