-- Who fills which slot: stages, roles, people.
\set file engine_vote
\ir include/fixture.sql

SET LOCAL client_min_messages = error;
CREATE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int)');
SELECT workflow_orch.register_actor('dba2', 'DBA') AS dba2, workflow_orch.register_actor('dev2', 'Developer') AS dev2,
       workflow_orch.register_actor('dev3', 'Developer') AS dev3, workflow_orch.register_actor('boss2', 'Manager') AS boss2,
       workflow_orch.register_actor('bob again', 'Manager', person => 'Bob') AS bob_again \gset
SELECT workflow_orch.update_actor(:bob, person => 'Bob');
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits,
    expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;
CREATE FUNCTION t.refused(proposal bigint, reviewer bigint, description text, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT raises(format('SELECT review(%s, %s, %L, %L)', proposal, reviewer, decision, edits), '{"sqlstate": "42501", "message": "%actor %", "hint": "_%"}', description)
$$;
CREATE PROCEDURE t.rules(VARIADIC specs text[] DEFAULT '{}') LANGUAGE plpgsql AS $$
DECLARE
  s text;
BEGIN
  PERFORM workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL;
  FOREACH s IN ARRAY specs LOOP
    PERFORM workflow_orch.add_approval_rule(nullif(split_part(s, ' ', 2), '*'), split_part(s, ' ', 3)::bigint, split_part(s, ' ', 1)::bigint);
  END LOOP;
END
$$;

-- The DBA first, the manager's final approval after.
CALL rules('1 DBA 1', '2 Manager 1');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT refused(:p, :cyd, 'a manager does not approve before the DBA');
SELECT refused(:p, :dev2, 'nor does somebody whose role is not asked for');
SELECT is((SELECT stage FROM workflow_orch.proposal WHERE proposal_id = :p), 1::bigint, 'stage 1 is open');
SELECT is(review(:p, :bob), 'pending', 'the DBA approves');
SELECT row_eq(format('SELECT stage, approvals, required_approvals FROM workflow_orch.proposal WHERE proposal_id = %s', :p), ROW(2::bigint, 1::bigint, 2::bigint), 'stage 2 opens');
SELECT refused(:p, :dba2, 'there is no slot left for another DBA');
SELECT refused(:p, :bob_again, 'the DBA does not fill the manager''s slot as another actor');
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000"}', 'half approved it does not run');
SELECT is(review(:p, :cyd), 'approved', 'the manager approves');
SELECT is((SELECT stage FROM workflow_orch.proposal WHERE proposal_id = :p), NULL, 'no stage is open');
SELECT is(execute(:p) -> 'success', 'true', 'and it runs');
SELECT results_eq(format('SELECT reviewer_id, role, stage, counts FROM workflow_orch.review WHERE proposal_id = %s ORDER BY review_id', :p),
  format('VALUES (%s::bigint, ''DBA'', 1::bigint, true), (%s, ''Manager'', 2, true)', :bob, :cyd), 'each review keeps its stage');

-- Rejecting needs a slot in some stage.
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, propose('pay', '{"amount": 5}') AS r \gset
SELECT refused(:p, :dev2, 'who has no slot in any stage does not reject', 'reject');
SELECT is(review(:p, :cyd, 'reject'), 'rejected', 'who has one in a later stage does');
SELECT review(:q, :bob) \g /dev/null
SELECT is(review(:q, :dba2, 'reject'), 'rejected', 'and who has one in an earlier');

-- Editing needs a slot in the open stage.
SELECT refused(:r, :cyd, 'a manager does not edit before the DBA', 'edit', '{"amount": 4}');
SELECT refused(:r, :dev2, 'nor does who has no slot', 'edit', '{"amount": 4}');
SELECT is(review(:r, :bob, 'edit', '{"amount": 4}'), 'pending', 'the DBA edits');
SELECT row_eq(format('SELECT stage, approvals, revision FROM workflow_orch.proposal WHERE proposal_id = %s', :r), ROW(2::bigint, 1::bigint, 2::bigint),
  'which is the DBA''s approval');
SELECT is(review(:r, :cyd, 'edit', '{"amount": 3}'), 'pending', 'then the manager edits');
SELECT row_eq(format('SELECT stage, approvals, revision FROM workflow_orch.proposal WHERE proposal_id = %s', :r), ROW(1::bigint, 1::bigint, 3::bigint),
  'which voids the DBA''s approval and is the manager''s');
SELECT refused(:r, :cyd, 'the DBA is still needed', 'edit', '{"amount": 2}');
SELECT refused(:r, :boss2, 'so another manager has no slot');
SELECT is(review(:r, :dba2), 'approved', 'a DBA then completes both stages');
SELECT is(review(:r, :boss2, 'edit', '{"amount": 2}'), 'pending', 'every reviewer with a slot in some stage can edit an approved proposal');
SELECT refused(:r, :dev2, 'but by nobody else', 'edit', '{"amount": 1}');

-- An edit that makes a call in which the editor has no slot.
CALL rules('1 DBA 1');
SELECT propose('pay', '{"amount": 5}') AS p \gset
CALL rules('1 Manager 1');
SELECT is(review(:p, :bob, 'edit', '{"amount": 4}'), 'pending', 'an edit whose approval fits nowhere counts for none');
SELECT is((SELECT counts FROM workflow_orch.review WHERE proposal_id = :p), false, 'the review says so');
SELECT is((SELECT approvals FROM workflow_orch.proposal WHERE proposal_id = :p), 0::bigint, 'and so does the proposal');
SELECT raises(format('SELECT review(%s, %s, ''reject'')', :p, :bob), '{"sqlstate": "42710"}', 'the editor has decided all the same');
SELECT is(review(:p, :cyd), 'approved', 'who has the slot approves');

-- An early approval does not block a set that would do.
CALL rules('1 DBA 1', '1 * 2');
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, propose('pay', '{"amount": 5}') AS r \gset
SELECT is(review(:p, :bob), 'pending', 'the only DBA approves first');
SELECT is(review(:p, :dev2) || review(:p, :dev3), 'pendingapproved', 'two developers complete it');
SELECT is(review(:q, :dev2) || review(:q, :dev3) || review(:q, :bob), 'pendingpendingapproved', 'in the other order it is complete as well');
SELECT review(:r, :dev2), review(:r, :dev3) \g /dev/null
SELECT refused(:r, :cyd, 'a third who is no DBA is refused');
CALL rules('1 DBA 2', '1 * 1');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT is(review(:p, :bob) || review(:p, :dba2), 'pendingpending', 'two DBAs leave the slot for anybody');
SELECT is(review(:p, :cyd), 'approved', 'which anybody takes');

-- One person, one slot.
CALL rules('1 DBA 1', '1 Manager 1');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT review(:p, :bob) \g /dev/null
SELECT refused(:p, :bob_again, 'a person does not fill two slots as two actors');

-- The role counts as it was at the review.
CALL rules('1 DBA 1', '2 Manager 1');
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, propose('pay', '{"amount": 5}') AS r \gset
SELECT review(:p, :dba2), review(:q, :dba2) \g /dev/null
SELECT workflow_orch.update_actor(:dba2, role => 'Manager');
SELECT refused(:r, :dba2, 'a role that was changed does not count as the old one');
SELECT is(review(:p, :cyd), 'approved', 'an approval in a role that was changed later stands');
SELECT workflow_orch.update_actor(:dba2, active => false);
SELECT is(review(:q, :cyd), 'approved', 'so does that of an actor who was deactivated later');
SELECT workflow_orch.update_actor(:dba2, role => 'DBA', active => true);

-- The proposer, of a revision that somebody else wrote, in a slot of their role.
CALL rules('1 DBA 1', '2 Developer 1');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT is(review(:p, :bob, 'edit', '{"amount": 4}'), 'pending', 'an edit that needs approval');
SELECT refused(:p, :ann, 'the proposer has no slot in the first stage');
SELECT is(review(:p, :dba2), 'pending', 'another DBA approves');
SELECT is(review(:p, :ann), 'approved', 'then the proposer, in a slot of their role');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null

SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees');

\ir include/finish.sql
