-- Legal holds.
\set file engine_hold
\ir include/fixture.sql
\ir include/roles.sql

CREATE ROLE engine_hold_auditor;
CREATE ROLE engine_hold_admin;
CREATE ROLE engine_hold_proposer;
CREATE ROLE engine_hold_ann;
SELECT workflow_orch.grant_capability('engine_hold_auditor', 'audit'), workflow_orch.grant_capability('engine_hold_admin', 'administer'),
       workflow_orch.grant_capability('engine_hold_proposer', 'propose'), workflow_orch.grant_capability('engine_hold_ann', 'audit') \g /dev/null
SELECT workflow_orch.register_actor('ann the auditor', 'Auditor', 'engine_hold_ann') AS auditor \gset
SELECT workflow_orch.start_workflow('ended', :ann) AS ended \gset
SELECT workflow_orch.complete_workflow(:ended, :ann) \g /dev/null
CREATE FUNCTION t.held(workflow bigint) RETURNS boolean LANGUAGE sql AS 'SELECT held FROM workflow_orch.workflow_summary WHERE workflow_id = workflow';

SELECT is(held(:workflow), false, 'no hold stands on a new workflow');
SELECT workflow_orch.hold_workflow(:workflow, :bob, 'a court asks') AS h \gset
SELECT is(held(:workflow), true, 'hold_workflow sets one');
SELECT is((SELECT to_jsonb(x) - 'held_at' FROM workflow_orch.workflow_hold x),
  jsonb_build_object('hold_id', :h, 'workflow_id', :workflow, 'held_by', :bob, 'reason', 'a court asks', 'released_at', NULL, 'released_by', NULL, 'release_reason', NULL),
  'with who set it, and why');
SELECT is((SELECT jsonb_build_object('action', action, 'actor_id', actor_id, 'workflow_id', workflow_id, 'details', details) FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_object('action', 'hold_workflow', 'actor_id', :bob, 'workflow_id', :workflow, 'details', jsonb_build_object('hold_id', :h, 'reason', 'a court asks')),
  'the audit log tells of it');
SELECT raises(format('SELECT workflow_orch.hold_workflow(%s, NULL, $$again$$)', :workflow),
  jsonb_build_object('sqlstate', '55000', 'reason', 'wfo_held', 'detail', format('Hold %s stands: a court asks', :h), 'hint', '_%'), 'one hold stands at a time');
SELECT lives_ok('SELECT propose(''x'') WHERE false', 'a hold stops nothing else');
SELECT workflow_orch.hold_workflow(:ended, NULL, 'r') AS other \gset
SELECT is((SELECT held_by FROM workflow_orch.workflow_hold WHERE hold_id = :other), NULL, 'an ended workflow is held too, by nobody in particular');

SELECT workflow_orch.release_hold(:workflow, :cyd, 'the case is closed');
SELECT is(held(:workflow), false, 'release_hold releases it');
SELECT is(held(:ended), true, 'and no other');
SELECT is((SELECT to_jsonb(x) - '{held_at,released_at}'::text[] FROM workflow_orch.workflow_hold x WHERE hold_id = :h AND released_at >= held_at),
  jsonb_build_object('hold_id', :h, 'workflow_id', :workflow, 'held_by', :bob, 'reason', 'a court asks', 'released_by', :cyd, 'release_reason', 'the case is closed'),
  'its row stays, and says by whom and why');
SELECT is((SELECT jsonb_build_object('action', action, 'actor_id', actor_id, 'details', details) FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_object('action', 'release_hold', 'actor_id', :cyd, 'details', jsonb_build_object('hold_id', :h, 'reason', 'the case is closed')), 'the audit log tells of it');
SELECT raises(format('SELECT workflow_orch.release_hold(%s, NULL, $$again$$)', :workflow), '{"sqlstate": "55000", "reason": "wfo_not_held", "hint": "_%"}', 'none is released twice');
SELECT raises(format($$UPDATE workflow_orch.workflow_hold SET release_reason = $x$y$x$ WHERE hold_id = %s$$, :h), $${"sqlstate": "55000", "reason": "wfo_row_final"}$$, $$nor is its row changed$$);
SELECT isnt(workflow_orch.hold_workflow(:workflow, NULL, 'again'), :h::bigint, 'a released workflow is held again with another row');

-- Bad input.
SELECT count(*) AS before FROM workflow_orch.audit_log \gset
SELECT raises(format('SELECT workflow_orch.%s', call), jsonb_build_object('sqlstate', sqlstate, 'reason', reason), call || ': ' || sqlstate)
  FROM (VALUES ('hold_workflow(NULL, NULL, $$r$$)', '22023', 'wfo_argument_null'), ('hold_workflow(workflow(), NULL, NULL)', '22023', 'wfo_argument_null'),
               ('hold_workflow(workflow(), NULL, $$ $$)', '22023', '%'), ('release_hold(workflow(), NULL, E''\n'')', '22023', '%'),
               ('release_hold(NULL, NULL, $$r$$)', '22023', 'wfo_argument_null'), ('release_hold(workflow(), NULL, NULL)', '22023', 'wfo_argument_null'),
               ('hold_workflow(-1, NULL, $$r$$)', '42704', 'wfo_unknown_workflow'), ('release_hold(9223372036854775807, NULL, $$r$$)', '42704', 'wfo_unknown_workflow'),
               ('hold_workflow(workflow(), -1, $$r$$)', '42704', 'wfo_unknown_actor')) AS v (call, sqlstate, reason);
SELECT is((SELECT count(*) FROM workflow_orch.audit_log), :before::bigint, 'what is refused writes nothing');

-- Who may.
SELECT workflow_orch.release_hold(:ended, NULL, 'r');
SELECT works_as('engine_hold_auditor', format('SELECT workflow_orch.hold_workflow(%s, NULL, $$r$$)', :ended), 'an auditor holds, without an actor');
SELECT works_as('engine_hold_admin', format('SELECT workflow_orch.release_hold(%s, NULL, $$r$$)', :ended), 'an administrator releases');
SELECT works_as('engine_hold_ann', format('SELECT workflow_orch.hold_workflow(%s, NULL, $$r$$)', :ended), 'an actor holds');
SELECT is((SELECT held_by FROM workflow_orch.workflow_hold WHERE workflow_id = :ended AND released_at IS NULL), :auditor::bigint, 'in their own name');
SELECT refused_as('engine_hold_ann', format('SELECT workflow_orch.release_hold(%s, %s, $$r$$)', :ended, :bob), '{"sqlstate": "42501", "reason": "wfo_not_that_actor"}', 'and in no other');
SELECT refused_as('engine_hold_proposer', format('SELECT workflow_orch.%s(%s, NULL, $$r$$)', call, :ended), '{"sqlstate": "42501"}', 'a proposer may not call ' || call)
  FROM unnest(ARRAY['hold_workflow', 'release_hold']) AS call;
SELECT workflow_orch.update_actor(:cyd, active => false);
SELECT raises(format('SELECT workflow_orch.release_hold(%s, %s, $$r$$)', :ended, :cyd), '{"sqlstate": "42501"}', 'an inactive actor releases nothing');
\ir include/finish.sql
