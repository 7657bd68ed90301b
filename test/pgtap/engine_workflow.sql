-- Starting, completing and cancelling workflows.
\set file engine_workflow
\ir include/fixture.sql

CREATE FUNCTION app.work(fails boolean DEFAULT false) RETURNS int LANGUAGE sql RETURN CASE WHEN fails THEN 1 / 0 ELSE 1 END;
CALL tool('work(boolean)');
CREATE FUNCTION t.propose_in(workflow bigint, params jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow, ann(), 'work', params, 'r')
$$;
CREATE FUNCTION t.approve(proposal bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal FROM workflow_orch.review_action(proposal, bob(), 'approve')
$$;
CREATE FUNCTION t.executed(proposal bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal FROM workflow_orch.execute_action(proposal, ann())
$$;

-- Start.
SELECT workflow_orch.start_workflow('  Migration "é"', :ann, true, '{"ticket": 5}') AS w \gset
SELECT is((SELECT to_jsonb(x) - 'started_at' FROM workflow_orch.workflow x WHERE workflow_id = :w),
  jsonb_build_object('workflow_id', :w, 'actor_id', :ann, 'status', 'active', 'dry_run', true, 'title', '  Migration "é"',
    'metadata', '{"ticket": 5}'::jsonb, 'ended_at', NULL, 'ended_by', NULL, 'end_reason', NULL),
  'a workflow keeps what it was started with');
SELECT workflow_orch.start_workflow('Plain') AS w \gset
SELECT is((SELECT jsonb_build_array(actor_id, dry_run, metadata) FROM workflow_orch.workflow WHERE workflow_id = :w), '[null, false, {}]',
  'a workflow may be started by nobody in particular, and is not dry');
SELECT raises($$SELECT workflow_orch.start_workflow(E'\t ')$$, '{"sqlstate": "22023", "message": "%title%"}', 'an empty title is refused');
SELECT raises($$SELECT workflow_orch.start_workflow('t', metadata => '[]')$$, '{"sqlstate": "22023", "message": "%metadata%"}',
  'metadata that is no object is refused');
SELECT raises($$SELECT workflow_orch.start_workflow('t', 404)$$, '{"sqlstate": "42704", "message": "%404%"}', 'an unknown actor is refused');

-- Complete.
SELECT workflow_orch.start_workflow('To complete', :ann) AS w \gset
SELECT propose_in(:w) AS pending, approve(propose_in(:w)) AS approved \gset
SELECT raises(format('SELECT workflow_orch.complete_workflow(%s, ann())', :w),
  format('{"sqlstate": "55000", "message": "workflow %s has open proposals", "detail": "Proposal %s is pending.", "hint": "%%cancel_workflow%%"}', :w, :pending)::jsonb,
  'a workflow with a pending proposal is not completed');
SELECT workflow_orch.review_action(:pending, :bob, 'reject') \g /dev/null
SELECT raises(format('SELECT workflow_orch.complete_workflow(%s, ann())', :w),
  format('{"sqlstate": "55000", "detail": "Proposal %s is approved."}', :approved)::jsonb,
  'a workflow with an approved proposal is not completed');
SELECT executed(:approved), executed(approve(propose_in(:w, '{"fails": true}'))) AS failed \gset
SELECT is(status(:failed), 'failed', 'a failed proposal');
SELECT is(workflow_orch.complete_workflow(:w, :ann)::text, 'completed', 'a workflow whose proposals are rejected, executed or failed is completed');
SELECT is((SELECT jsonb_build_array(status, ended_by, ended_at IS NOT NULL) FROM workflow_orch.workflow WHERE workflow_id = :w),
  jsonb_build_array('completed', :ann, true), 'it keeps who ended it and when');
SELECT is(status(:failed), 'failed', 'completing leaves a failed proposal as it is');
SELECT raises(format('SELECT workflow_orch.complete_workflow(%s, ann())', :w), '{"sqlstate": "55000", "detail": "%completed%"}',
  'a workflow is completed once');
SELECT raises(format('SELECT workflow_orch.cancel_workflow(%s, ann())', :w), '{"sqlstate": "55000", "detail": "%completed%"}',
  'a completed workflow is not cancelled');
SELECT raises('SELECT workflow_orch.complete_workflow(404)', '{"sqlstate": "42704", "message": "%404%"}', 'an unknown workflow is not completed');
SELECT is(workflow_orch.complete_workflow(workflow_orch.start_workflow('Empty'))::text, 'completed', 'an empty workflow can be completed');

SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '10 ms') \g /dev/null
SELECT workflow_orch.start_workflow('Late', :ann) AS w \gset
SELECT propose_in(:w) AS p, pg_sleep(0.02) \gset
SELECT is(workflow_orch.complete_workflow(:w)::text, 'completed', 'a proposal past its time does not keep a workflow open');
SELECT is(status(:p), 'expired', 'completing marks it as expired');

-- Cancel.
SELECT workflow_orch.start_workflow('To cancel', :ann) AS w \gset
SELECT propose_in(:w) AS late, pg_sleep(0.02) \gset
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0') \g /dev/null
SELECT propose_in(:w) AS pending, approve(propose_in(:w)) AS approved, propose_in(:w) AS rejected,
       executed(approve(propose_in(:w))) AS executed, executed(approve(propose_in(:w, '{"fails": true}'))) AS failed,
       approve(propose('work')) AS elsewhere \gset
SELECT workflow_orch.review_action(:rejected, :bob, 'reject') \g /dev/null
SELECT is(workflow_orch.cancel_workflow(:w, :ann, 'not needed')::text, 'cancelled', 'a workflow can be cancelled whatever is open in it');
SELECT is(status(proposal), expected, format('cancelling a workflow leaves a proposal that was %s %s', was, expected))
FROM (VALUES (:pending, 'pending', 'cancelled'), (:approved, 'approved', 'cancelled'), (:failed, 'failed', 'cancelled'),
             (:rejected, 'rejected', 'rejected'), (:executed, 'executed', 'executed'), (:late, 'past its time', 'expired'),
             (:elsewhere, 'in another workflow', 'approved')) AS v (proposal, was, expected);
SELECT is((SELECT jsonb_build_array(status, ended_by, end_reason) FROM workflow_orch.workflow WHERE workflow_id = :w),
  jsonb_build_array('cancelled', :ann, 'not needed'), 'the workflow keeps who canceled it and why');
SELECT is((SELECT jsonb_build_array(status_by, status_reason) FROM workflow_orch.proposal WHERE proposal_id = :pending),
  jsonb_build_array(:ann, 'not needed'), 'so do the proposals that were cancelled with it');
SELECT raises(format('SELECT execute(%s)', :approved), '{"sqlstate": "55000", "detail": "Its status is cancelled%"}', 'a cancelled proposal does not run');
SELECT raises(format($$SELECT workflow_orch.review_action(%s, bob(), 'approve')$$, :pending), '{"sqlstate": "55000", "detail": "Its status is cancelled%"}',
  'a cancelled proposal is not reviewed');
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :failed), '{"sqlstate": "55000"}', 'a cancelled proposal is not retried');
SELECT raises(format('SELECT workflow_orch.cancel_workflow(%s)', :w), '{"sqlstate": "55000", "detail": "%cancelled%"}', 'a workflow is cancelled once');
SELECT raises('SELECT workflow_orch.cancel_workflow(404)', '{"sqlstate": "42704"}', 'an unknown workflow is not cancelled');

\ir include/finish.sql
