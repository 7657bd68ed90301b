-- Taking an approval back.
\set file engine_revoke
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.div(n int) RETURNS int LANGUAGE sql RETURN 10 / n;
CALL tool('div(int)');
SELECT workflow_orch.register_actor('dba2', 'DBA') AS dba2, workflow_orch.register_actor('boss2', 'Manager') AS boss2,
       workflow_orch.register_actor('dev2', 'Developer') AS dev2 \gset
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits,
    expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;
CREATE FUNCTION t.revoke(proposal bigint, reviewer bigint, reason text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.revoke_approval(proposal, reviewer, reason)
$$;
CREATE FUNCTION t.standing(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', status, 'stage', coalesce(stage::text, '-'), approvals || '/' || required_approvals) FROM workflow_orch.proposal WHERE proposal_id = standing.proposal
$$;

-- An approved proposal.
SELECT approved('div', '{"n": 1}') AS p \gset
SELECT raises(format('SELECT revoke(%s, cyd())', :p), format('{"sqlstate": "55000", "message": "actor %s has not approved revision 1 of proposal %s", "hint": "_%%"}', :cyd, :p)::jsonb,
  'who has not approved has nothing to revoke');
SELECT is(revoke(:p, :bob, 'a mistake'), 'pending', 'the approval of an approved proposal is revoked');
SELECT is(standing(:p), 'pending stage 1 0/1', 'it needs its approval again');
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is pending%"}', 'and does not run');
SELECT row_eq(format('SELECT r.actor_id, r.revision, r.follows, r.reason, v.decision::text FROM workflow_orch.revocation r JOIN workflow_orch.review v USING (review_id) WHERE r.proposal_id = %s', :p),
  ROW(:bob::bigint, 1::bigint, NULL::bigint, 'a mistake'::text, 'approve'::text), 'the revocation is kept beside the review');
SELECT row_eq(format('SELECT actor_id, details - ''review_id'' FROM workflow_orch.audit_log WHERE proposal_id = %s AND action = ''revoke_approval''', :p),
  ROW(:bob::bigint, '{"status": "pending", "revision": 1, "reason": "a mistake"}'::jsonb), 'and recorded');
SELECT raises(format('SELECT revoke(%s, bob())', :p), '{"sqlstate": "55000"}', 'it is revoked once');
SELECT is(review(:p, :bob), 'approved', 'the revoker may decide again');
SELECT is(revoke(:p, :bob), 'pending', 'and revoke again');
SELECT is(review(:p, :bob, 'reject'), 'rejected', 'and reject');
SELECT raises(format('SELECT revoke(%s, bob())', :p), '{"sqlstate": "55000", "detail": "Its status is rejected%"}', 'what is rejected has no approval to revoke');
SELECT run('div', '{"n": 1}') \g /dev/null
SELECT raises(format('SELECT revoke(%s, bob())', (SELECT max(proposal_id) FROM workflow_orch.proposal)), '{"sqlstate": "55000", "detail": "Its status is executed%"}', 'nor has what is executed');
SELECT raises('SELECT revoke(404, bob())', '{"sqlstate": "42704"}', 'an unknown proposal is refused');
SELECT raises(format('SELECT revoke(%s, 404)', :p), '{"sqlstate": "42704"}', 'so is an unknown reviewer');

-- A pending one.
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT approved('div', '{"n": 1}') AS p \gset
SELECT is(revoke(:p, :bob) || ', ' || standing(:p), 'pending, pending stage 1 0/2', 'the first of two approvals is revoked');
SELECT is(review(:p, :cyd) || review(:p, :bob), 'pendingapproved', 'and given again');
SELECT is(revoke(:p, :cyd) || ', ' || standing(:p), 'pending, pending stage 1 1/2', 'of two only the one that is revoked goes');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- A failed one.
SELECT approved('div', '{"n": 0}') AS p \gset
SELECT execute(:p) ->> 'success' AS success \gset
SELECT is(status(:p), 'failed', 'a call fails');
SELECT is(revoke(:p, :bob), 'pending', 'its approval is revoked');
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :p), '{"sqlstate": "55000"}', 'then it is not retried');
SELECT is(review(:p, :cyd, 'edit', '{"n": 5}'), 'approved', 'it is edited');
SELECT is(execute(:p) -> 'output', '2', 'and runs');
SELECT workflow_orch.start_workflow('w', :ann) AS w \gset
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'div', '{"n": 0}', 'r') \gset
SELECT review(:p, :bob) AS r, execute(:p) AS e \gset
SELECT workflow_orch.complete_workflow(:w, :ann) AS completed \gset
SELECT raises(format('SELECT revoke(%s, bob())', :p), format('{"sqlstate": "55000", "message": "workflow %s is not active"}', :w)::jsonb, 'in a workflow that has ended nothing becomes open again');

-- A queued one.
SELECT approved('div', '{"n": 1}') AS p \gset
SELECT workflow_orch.enqueue_action(:p) AS e \gset
SELECT is(revoke(:p, :bob), 'pending', 'the approval of a queued call is revoked');
SELECT row_eq(format('SELECT status::text, end_reason FROM workflow_orch.execution WHERE execution_id = %s', :e), ROW('cancelled'::text, 'The approval was revoked.'::text), 'which cancels the call');
SELECT is_empty(format('SELECT FROM workflow_orch.queue WHERE proposal_id = %s', :p), 'none of its calls is queued');

-- Later stages go along, and come again.
SELECT workflow_orch.add_approval_rule('DBA', 2), workflow_orch.add_approval_rule('Manager', 1, 2), workflow_orch.add_approval_rule(NULL, 1, 3) \g /dev/null
SELECT propose('div', '{"n": 1}') AS p \gset
SELECT is(review(:p, :bob) || review(:p, :dba2) || review(:p, :cyd) || review(:p, :boss2), 'pendingpendingpendingapproved', 'three stages are complete');
SELECT is(revoke(:p, :dba2) || ', ' || standing(:p), 'pending, pending stage 1 1/4', 'an approval of the first takes those of the later stages along');
SELECT results_eq(format('SELECT actor_id, action FROM workflow_orch.audit_log WHERE proposal_id = %s ORDER BY audit_id DESC LIMIT 3', :p),
  format('VALUES (NULL::bigint, ''void_approval''), (NULL, ''void_approval''), (%s, ''revoke_approval'')', :dba2), 'each is recorded');
SELECT raises(format('SELECT revoke(%s, cyd())', :p), '{"sqlstate": "55000"}', 'what went along cannot be revoked as well');
SELECT is(review(:p, :dba2) || review(:p, :cyd) || review(:p, :boss2), 'pendingpendingapproved', 'who revoked and whose went along decide again');
SELECT is(revoke(:p, :cyd) || ', ' || standing(:p), 'pending, pending stage 2 2/4', 'an approval of the second leaves the first');
SELECT is(review(:p, :boss2) || review(:p, :cyd), 'pendingapproved', 'the two managers change places');

-- An edit is revoked as an approval; what it made of the call stays.
SELECT propose('div', '{"n": 1}') AS p \gset
SELECT is(review(:p, :bob, 'edit', '{"n": 2}') || review(:p, :dba2) || review(:p, :cyd), 'pendingpendingpending', 'a call is edited and approved');
SELECT is(revoke(:p, :bob) || ', ' || standing(:p), 'pending, pending stage 1 1/4', 'the editor revokes');
SELECT is((SELECT params || jsonb_build_object('revision', revision) FROM workflow_orch.proposal WHERE proposal_id = :p), '{"n": 2, "revision": 2}', 'the revision stays');
SELECT is(review(:p, :bob) || review(:p, :boss2) || review(:p, :dev2), 'pendingpendingapproved', 'the editor may approve it again');
SELECT is(execute(:p) -> 'output', '5', 'and it runs');
SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule;

-- With edit_needs_approval nobody's edit is an approval.
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('div', '{"n": 1}') AS p \gset
SELECT review(:p, :bob, 'edit', '{"n": 2}') \g /dev/null
SELECT raises(format('SELECT revoke(%s, bob())', :p), '{"sqlstate": "55000"}', 'an edit that does not count is not revoked');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null

-- The time for its approvals is that of the revision.
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '1 day', approval_ttl => '9 days') \g /dev/null
SELECT approved('div', '{"n": 1}') AS p \gset
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0', approval_ttl => '0') \g /dev/null
SELECT revoke(:p, :bob) \g /dev/null
SELECT is((SELECT expires_at = approve_until AND expires_at - created_at BETWEEN '23 hours' AND '25 hours' FROM workflow_orch.proposal p JOIN workflow_orch.proposal_revision r USING (proposal_id, revision) WHERE proposal_id = :p), true,
  'revoking gives no new time for the approvals');

-- Who may.
SELECT approved('div', '{"n": 1}') AS p \gset
SELECT workflow_orch.update_actor(:bob, active => false);
SELECT raises(format('SELECT revoke(%s, bob())', :p), '{"sqlstate": "42501", "message": "actor % is not active"}', 'a deactivated actor revokes nothing');
SELECT is(status(:p), 'approved', 'and what it approved stands');
SELECT workflow_orch.update_actor(:bob, active => true);

SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees');

\ir include/finish.sql
