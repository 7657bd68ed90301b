-- Standing approvals: given, used and ended.
\set file engine_standing
\ir include/fixture.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int, who text DEFAULT 'x') RETURNS int LANGUAGE sql RETURN amount;
CREATE FUNCTION app.other(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int,text)');
CALL tool('other(int)');
CREATE ROLE engine_standing_boss LOGIN;
CREATE ROLE engine_standing_low LOGIN;
CREATE ROLE engine_standing_chief LOGIN;
SELECT workflow_orch.grant_capability('engine_standing_boss', 'propose') \g /dev/null
-- The holder's own session is this one.
SELECT workflow_orch.register_actor('holder', 'Developer', session_user::text::regrole, 'agent', 'Hal') AS holder,
       workflow_orch.register_actor('boss', 'Manager', 'engine_standing_boss') AS boss,
       workflow_orch.register_actor('hal too', 'DBA', person => 'Hal') AS hal,
       workflow_orch.register_actor('low', 'Clerk', 'engine_standing_low') AS low,
       workflow_orch.register_actor('unbound', 'Clerk') AS unbound \gset
CREATE FUNCTION t.holder() RETURNS bigint LANGUAGE sql RETURN :holder;
CREATE FUNCTION t.asked(params jsonb, proposer bigint DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), coalesce(proposer, (SELECT actor_id FROM workflow_orch.actor WHERE name = 'boss')), 'workflow_orch.standing_approval',
    jsonb_build_object('tool', 'pay', 'actor_id', holder(), 'uses', 2, 'ends_at', now() + interval '1 day') || params, 'every day')
$$;
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text DEFAULT 'approve', edits jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits, expected_revision => (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal))
$$;
-- A standing approval that bob has approved.
CREATE FUNCTION t.given(params jsonb DEFAULT '{}') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  p bigint := asked(params);
BEGIN
  PERFORM workflow_orch.review_action(p, bob(), 'approve');
  RETURN (SELECT result ->> 'output' FROM workflow_orch.execute_action(p));
END $$;
-- What the holder's own proposal becomes.
CREATE FUNCTION t.own(amount int, tool text DEFAULT 'pay') RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), holder(), tool, jsonb_build_object('amount', amount), 'today')
$$;
CREATE FUNCTION t.approved_by(p bigint) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', status, event, standing_id, max_rows) FROM workflow_orch.proposal WHERE proposal_id = p
$$;

-- What it asks for.
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay', condition => '$.params.amount > 1000') AS rule,
       workflow_orch.add_approval_rule('Manager', stage => 2, condition => '$.params.amount > 100000') AS general,
       workflow_orch.add_approval_rule('Clerk', tool => 'other') AS elsewhere \gset
SELECT asked('{}') AS p \gset
SELECT is((SELECT requirements FROM workflow_orch.proposal WHERE proposal_id = :p),
  format('[{"stage": 1, "role": "DBA", "approvals": 1, "rules": [%s]}, {"stage": 1, "role": null, "approvals": 1, "rules": []}, {"stage": 2, "role": "Manager", "approvals": 1, "rules": [%s]}]', :rule, :general)::jsonb,
  'a standing approval needs all that any call of its tool could need, and the policy''s number');
SELECT workflow_orch.remove_approval_rule(:general), workflow_orch.remove_approval_rule(:rule) \g /dev/null

-- What is said beforehand, and the inbox, count nobody of the holder's person.
SELECT workflow_orch.register_actor('hal as well', 'Auditor', person => 'Hal') AS hal_auditor, workflow_orch.add_approval_rule('Auditor', tool => 'pay') AS auditor \gset
SELECT jsonb_build_object('tool', 'pay', 'actor_id', :holder, 'uses', 1, 'ends_at', now() + interval '1 day') AS call, asked('{}') AS p \gset
SELECT is(workflow_orch.explain_approval('workflow_orch.standing_approval', :'call', :boss) - 'standing_id',
  format('{"automatic": false, "rule_id": null, "approvable": false, "requirements": [{"stage": 1, "role": "Auditor", "approvals": 1, "rules": [%s], "people": []},
    {"stage": 1, "role": null, "approvals": 1, "rules": [], "people": ["ann", "bob", "cyd", "low", "unbound"]}]}', :auditor)::jsonb, 'a role that only the holder''s person has approves nothing');
SELECT is(workflow_orch.explain_approval('pay', '{"amount": 1}', :boss) -> 'approvable', 'true', 'but approves calls of others');
SELECT raises(format('SELECT workflow_orch.explain_approval(''workflow_orch.standing_approval'', %L, %s)', :'call'::jsonb || jsonb_build_object('actor_id', :boss), :boss), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'a holder is told that they may not propose it');
SELECT is((SELECT approvable FROM workflow_orch.list_pending_reviews(:bob) WHERE proposal_id = :p), false, 'the inbox shows that nobody can approve it');
SELECT workflow_orch.remove_approval_rule(:auditor), workflow_orch.withdraw_proposal(:p, :boss), workflow_orch.update_actor(:hal_auditor, active => false) \g /dev/null

-- Who proposes, edits and approves it.
SELECT raises(format('SELECT asked(''{}'', %s)', :holder), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'the holder does not propose it');
SELECT raises(format('SELECT asked(''{}'', %s)', :low), '{"sqlstate": "42501", "reason": "wfo_capability_missing"}', 'the proposer''s role must hold propose');
SELECT raises(format('SELECT asked(''{}'', %s)', :unbound), '{"sqlstate": "42501", "reason": "wfo_capability_missing"}', 'and there must be one');
SELECT asked('{}') AS p \gset
SELECT is((SELECT params - 'ends_at' - 'old' - 'definition' FROM workflow_orch.proposal WHERE proposal_id = :p), jsonb_build_object('tool', 'pay', 'actor_id', :holder, 'uses', 2), 'the params are the arguments');
SELECT is((SELECT params ->> 'definition' FROM workflow_orch.proposal WHERE proposal_id = :p),
  (SELECT encode(definition, 'hex') FROM workflow_orch.tool WHERE tool = 'pay'), 'and the definition of the tool is filled in');
SELECT raises(format('SELECT review(%s, %s)', :p, :hal), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'nor does the holder''s person approve it');
SELECT raises(format('SELECT review(%s, %s, ''edit'', ''{"uses": 3}'')', :p, :hal), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'or edit it');
SELECT raises(format('SELECT review(%s, %s, ''edit'', %L)', :p, :bob, format('{"actor_id": %s}', :boss)), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'an edit does not make the proposer the holder');
SELECT raises(format('SELECT review(%s, %s, ''edit'', %L)', :p, :bob, format('{"actor_id": %s}', :bob)), '{"sqlstate": "22023"}', 'nor somebody without a role');
-- The holder lends nobody a role for it, before or after an edit that makes them the holder.
SELECT workflow_orch.add_approval_rule('Chief', tool => 'pay') AS chief, workflow_orch.register_actor('chief', 'Chief', 'engine_standing_chief') AS chief_id,
       workflow_orch.register_actor('deputy', 'Clerk') AS deputy \gset
SELECT workflow_orch.delegate_review(:chief_id, :deputy, 'infinity') AS lent \gset
SELECT asked(jsonb_build_object('actor_id', :chief_id)) AS own, asked('{}') AS others \gset
SELECT review(:own, :bob), review(:others, :bob) \g /dev/null
SELECT raises(format('SELECT review(%s, %s)', :own, :deputy), '{"sqlstate": "42501", "reason": "wfo_no_slot"}', 'nor somebody in the holder''s role');
SELECT raises(format('SELECT review(%s, %s, ''edit'', %L)', :others, :deputy, format('{"actor_id": %s}', :chief_id)), '{"sqlstate": "42501", "reason": "wfo_own_standing"}', 'or edits it so that the lender becomes the holder');
SELECT is(review(:others, :deputy), 'approved', 'a role lent by somebody else counts');
SELECT workflow_orch.remove_approval_rule(:chief), workflow_orch.end_delegation(:lent) \g /dev/null
SELECT is_empty(format('SELECT * FROM workflow_orch.pending_review WHERE reviewer_id = %s AND proposal_id = %s', :hal, :p), 'the holder''s person does not find it in the inbox');
SELECT is(review(:p, :bob), 'approved', 'somebody else approves it');
SELECT is(workflow_orch.revoke_approval(:p, :bob)::text, 'pending', 'and takes the approval back, whoever may act for them');
SELECT is(review(:p, :bob, 'edit', '{"uses": 2, "max_rows": 7}'), 'approved', 'an edit is an approval, by somebody who need not administer');
SELECT raises(format('SELECT workflow_orch.enqueue_action(%s)', :p), '{"sqlstate": "55000", "reason": "wfo_only_in_session"}', 'it is not queued');

-- Bad input.
SELECT raises(format('SELECT asked(%L)', params), jsonb_build_object('sqlstate', state), format('%s is refused', params))
  FROM (VALUES ('{"tool": "none"}', '42704'), ('{"tool": null}', '22023'), ('{"tool": "workflow_orch.set_policy"}', '42501'), ('{"actor_id": 404}', '42704'), ('{"actor_id": null}', '22023'),
               ('{"uses": 0}', '22023'), ('{"uses": 10001}', '22023'), ('{"uses": -9223372036854775808}', '22023'), ('{"uses": null}', '22023'),
               ('{"ends_at": "2001-01-01"}', '22023'), ('{"ends_at": "infinity"}', '22023'), ('{"ends_at": "2099-01-01"}', '22023'), ('{"ends_at": null}', '22023'),
               ('{"condition": "$ +"}', '22023'), ('{"condition": "$.reason == \"x\""}', '22023'), ('{"condition": "$.params.amount < 1 && $.actor.role == \"DBA\""}', '22023'), ('{"condition": "$.*"}', '22023'),
               ('{"condition": "$.params.amount < $x"}', '22023'), ('{"max_rows": -1}', '22023'), ('{"definition": "00"}', '22023'), ('{"unknown": 1}', '22023')) AS v (params, state);
SELECT raises(format('SELECT workflow_orch.standing_approval(''pay'', %s, 1, now() + interval ''1 day'')', :holder), '{"sqlstate": "42501", "reason": "wfo_only_built_in"}', 'made directly it is refused');

-- Used.
SELECT given('{"condition": "$.params.amount < 100", "max_rows": 5}') AS s \gset
SELECT is(workflow_orch.explain_approval('pay', '{"amount": 7}', :holder) ->> 'standing_id', :'s', 'explain_approval says so beforehand');
SELECT own(7) AS one, own(100) AS large, own(8) AS two, own(9) AS three, own(1, 'other') AS other \gset
SELECT is(approved_by(:one), format('approved approve_by_standing %s 5', :s), 'a call of the holder that it covers is approved, with its limit of rows');
SELECT is(approved_by(:large), 'pending propose', 'a call for which the condition is false is an ordinary one');
SELECT is(approved_by(:two), format('approved approve_by_standing %s 5', :s), 'the second use is the last');
SELECT is(approved_by(:three), 'pending propose', 'then its calls are ordinary ones');
SELECT is(approved_by(:other), 'pending propose', 'as are those of another tool');
SELECT row_eq(format('SELECT uses, uses_left, status, approved_by FROM workflow_orch.standing_approval_status WHERE standing_id = %s', :s), ROW(2::bigint, 0::bigint, 'used up'::text, ARRAY[:bob]::bigint[]), 'the view says so');
SELECT is((SELECT expires_at FROM workflow_orch.proposal WHERE proposal_id = :one), (SELECT ends_at FROM workflow_orch.standing_approval WHERE standing_id = :s), 'what it approves expires with it');
SELECT is((SELECT details FROM workflow_orch.audit_log WHERE proposal_id = :one AND action = 'approve_by_standing'), jsonb_build_object('from', 'pending', 'status', 'approved', 'standing_id', :s), 'the audit log tells of each use');
SELECT is(execute(:one) ->> 'output', '7', 'and the call runs');
SELECT is(review(:two, :bob, 'edit', '{"amount": 9}'), 'approved', 'an edit counts as the editor''s approval');
SELECT is(approved_by(:two), 'approved edit', 'and the edited call is not covered');
SELECT is((SELECT count(*) FROM workflow_orch.verify_audit_log()), 0::bigint, 'the audit log agrees');

-- What it does not cover.
SELECT given() AS s \gset
SELECT is(approved_by(propose('pay', '{"amount": 7}')), 'pending propose', 'calls that somebody else proposes');
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay', condition => '$.params.amount > 50') AS later \gset
SELECT is(approved_by(own(51)), 'pending propose', 'calls that a later rule asks more of');
SELECT is(approved_by(own(50)), format('approved approve_by_standing %s', :s), 'but those that it asks nothing of');
SELECT workflow_orch.remove_approval_rule(:later) \g /dev/null
SELECT workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT is(approved_by(own(1)), 'pending propose', 'calls that the policy asks more of');
SELECT workflow_orch.set_policy(default_approvals => 1) \g /dev/null
SELECT is((SELECT uses_left FROM workflow_orch.standing_approval_status WHERE standing_id = :s), 1::bigint, 'these took no use');
SET SESSION AUTHORIZATION engine_standing_boss;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION t.as_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT own(3)';
CREATE ROLE engine_standing_definer LOGIN SUPERUSER;
ALTER FUNCTION t.as_definer() OWNER TO engine_standing_definer;
SELECT is(approved_by(as_definer()), 'pending propose', 'calls from a SECURITY DEFINER function of somebody else');
CREATE OR REPLACE FUNCTION app.pay(amount int, who text DEFAULT 'x') RETURNS int LANGUAGE sql RETURN amount + 1;
SELECT is(approved_by(own(1)), 'pending propose', 'calls of a tool that has changed');
SELECT is((SELECT status FROM workflow_orch.standing_approval_status WHERE standing_id = :s), 'stale', 'which the view says');
CREATE OR REPLACE FUNCTION app.pay(amount int, who text DEFAULT 'x') RETURNS int LANGUAGE sql RETURN amount;
SELECT is(approved_by(own(1)) LIKE 'approved approve_by_standing %', true, 'the tool as it was approved is covered again');

-- Ended.
SELECT given('{"uses": 10}') AS s \gset
SELECT own(1) AS waits, own(2) AS done, own(3) AS failed \gset
SELECT execute(:done) \g /dev/null
SELECT raises(format('SELECT workflow_orch.end_standing_approval(%s, %s)', :s, :low), '{"sqlstate": "42501"}', 'a stranger does not end it') FROM (SELECT 1) x WHERE false;
SELECT raises('SELECT workflow_orch.end_standing_approval(404)', '{"sqlstate": "42704", "reason": "wfo_unknown_standing"}', 'an unknown one is not ended');
SELECT raises('SELECT workflow_orch.end_standing_approval(NULL)', '{"sqlstate": "22023"}', 'nor is NULL');
SELECT workflow_orch.end_standing_approval(:s, :bob, 'no longer') \g /dev/null
SELECT is(approved_by(:waits), 'pending end_standing', 'what does not run is pending again');
SELECT row_eq(format('SELECT stage, approvals, required_approvals, standing_id, max_rows, expires_at FROM workflow_orch.proposal WHERE proposal_id = %s', :waits),
  ROW(1::bigint, 0::bigint, 1::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz), 'with the requirements that it would have had');
SELECT is(approved_by(:done) LIKE 'executed %', true, 'what has run stays');
SELECT is(review(:waits, :bob), 'approved', 'it is approved by people then');
SELECT is(approved_by(own(4)), 'pending propose', 'nothing more is approved');
SELECT raises(format('SELECT workflow_orch.end_standing_approval(%s)', :s), '{"sqlstate": "55000", "reason": "wfo_standing_ended"}', 'it ends once');
SELECT row_eq(format('SELECT action, actor_id, details FROM workflow_orch.audit_log WHERE action = ''end_standing_approval'' AND proposal_id IS NULL ORDER BY audit_id DESC LIMIT 1'),
  ROW('end_standing_approval'::text, :bob::bigint, jsonb_build_object('standing_id', :s, 'reason', 'no longer')), 'the audit log says who ended it and why');
SELECT is((SELECT array_agg(action ORDER BY audit_id) FROM workflow_orch.audit_log WHERE details @> jsonb_build_object('standing_id', :s) AND proposal_id IS DISTINCT FROM NULL),
  '{standing_approval,approve_by_standing,approve_by_standing,approve_by_standing,end_standing_approval,end_standing_approval}', 'and of each proposal');

-- A failed call of an ended one is not retried.
CREATE FUNCTION app.fails() RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
CALL tool('fails()');
SELECT given('{"tool": "fails"}') AS s \gset
SELECT proposal_id AS f FROM workflow_orch.propose_action(workflow(), :holder, 'fails', '{}', 'today') \gset
SELECT execute(:f) \g /dev/null
SELECT is(workflow_orch.retry_action(:f)::text, 'approved', 'a failed call is retried while it stands');
SELECT execute(:f) \g /dev/null
SELECT workflow_orch.end_standing_approval(:s) \g /dev/null
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :f), '{"sqlstate": "55000", "reason": "wfo_standing_ended"}', 'and not after its end');
SELECT is((SELECT count(*) FROM workflow_orch.verify_audit_log()), 0::bigint, 'the audit log agrees with all of it');

\ir include/finish.sql
