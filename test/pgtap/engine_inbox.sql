-- What waits for a reviewer, and what a proposal waits for.
\set file engine_inbox
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int)');
CALL tool('pay(int)', 'plain');
CREATE ROLE engine_inbox_dba LOGIN;
CREATE ROLE engine_inbox_boss LOGIN;
CREATE ROLE engine_inbox_dev LOGIN;
SELECT workflow_orch.grant_capability(r, 'review') FROM unnest(ARRAY['engine_inbox_dba', 'engine_inbox_boss']::regrole[]) AS r;
SELECT workflow_orch.grant_capability('engine_inbox_dev', 'propose');
SELECT workflow_orch.register_actor('dora', 'DBA', 'engine_inbox_dba') AS dora, workflow_orch.register_actor('max', 'Manager', 'engine_inbox_boss') AS max,
       workflow_orch.register_actor('dev', 'Developer', 'engine_inbox_dev') AS dev \gset
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay'), workflow_orch.add_approval_rule('Manager', stage => 2, tool => 'pay'),
       workflow_orch.add_approval_rule('DBA', 2, tool => 'pay', condition => '$.params.amount > 1000'),
       workflow_orch.add_approval_rule(approvals => 2, tool => 'pay', condition => '$.params.amount > 5000');

-- What the view shows to a login, by amount.
CREATE FUNCTION t.inbox(login text) RETURNS text LANGUAGE sql AS $$
  SELECT value_as(login, $q$SELECT string_agg(format('%s:%s:%s', params ->> 'amount', stage, role), ' ' ORDER BY proposal_id) FROM workflow_orch.pending_review$q$)
$$;
CREATE FUNCTION t.needs(proposal bigint) RETURNS text LANGUAGE sql AS 'SELECT needs FROM workflow_orch.proposal_progress WHERE proposal_id = proposal';

SELECT propose('pay', '{"amount": 10}') AS small, propose('plain', '{"amount": 20}') AS plain \gset
SELECT is(needs(:small), 'needs 1 DBA, then 1 Manager', 'progress says what is needed, stage by stage');
SELECT is(needs(:plain), 'needs 1 of any role', 'without a rule anybody will do');
SELECT is(inbox('engine_inbox_dba'), '10:1:DBA 20:1:DBA', 'a reviewer sees what waits for them, with the slot');
SELECT is(inbox('engine_inbox_boss'), '20:1:Manager', 'and not what waits for somebody before them');
SELECT is(value_as('engine_inbox_dba', format($$SELECT row(reviewer_id, kind, workflow_id, actor_id, tool, reason, revision, on_behalf_of, needs, approvable, expires_at, execution_id)::text
    FROM workflow_orch.pending_review WHERE proposal_id = %s$$, :small)),
  format('(%s,review,%s,%s,pay,because,1,,"needs 1 DBA, then 1 Manager",t,,)', :dora, :workflow, :ann), 'with all that they need to know');
SELECT is(value_as('engine_inbox_dba', 'SELECT bool_and(waiting_since BETWEEN transaction_timestamp() AND clock_timestamp()) FROM workflow_orch.pending_review'), 'true', 'and since when');
SELECT status FROM workflow_orch.review_action(:small, :dora, 'approve') \gset
SELECT is(needs(:small), 'needs 1 Manager', 'an approval is taken off');
SELECT is(inbox('engine_inbox_dba'), '20:1:DBA', 'what one has approved waits no longer');
SELECT is(inbox('engine_inbox_boss'), '10:2:Manager 20:1:Manager', 'but for the next stage');
SELECT is((SELECT stage FROM workflow_orch.proposal_progress WHERE proposal_id = :small), 2::bigint, 'which progress has too');
SELECT status FROM workflow_orch.review_action(:small, :max, 'approve') \gset
SELECT is((SELECT row(status, stage, needs, approvals, required_approvals)::text FROM workflow_orch.proposal_progress WHERE proposal_id = :small), '(approved,,,2,2)', 'an approved one needs nothing');
SELECT is(inbox('engine_inbox_boss'), '20:1:Manager', 'and waits for nobody');

-- Several slots in a stage.
SELECT propose('pay', '{"amount": 2000}') AS two, propose('pay', '{"amount": 9000}') AS many \gset
SELECT is(needs(:two), 'needs 2 DBA, then 1 Manager', 'slots of a role are added up');
SELECT is(needs(:many), 'needs 2 DBA and 2 of any role, then 1 Manager', 'and those of any role stand beside');
SELECT status FROM workflow_orch.review_action(:many, :max, 'approve') \gset
SELECT is(needs(:many), 'needs 2 DBA and 1 of any role, then 1 Manager', 'a Manager fills one of these');
SELECT status FROM workflow_orch.review_action(:many, :bob, 'approve') \gset
SELECT is(needs(:many), 'needs 1 DBA and 1 of any role, then 1 Manager', 'a DBA one of theirs');
SELECT status FROM workflow_orch.review_action(:many, :dora, 'approve') \gset
SELECT is(needs(:many), 'needs 1 of any role, then 1 Manager', 'the next one the other');

-- One's own, and what nobody can approve.
SELECT value_as('engine_inbox_dev', format($$SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, 'plain', '{"amount": 30}', 'r')$$, :workflow)) AS devs \gset
SELECT workflow_orch.add_approval_rule('Auditor', tool => 'plain', condition => '$.params.amount == 40');
SELECT propose('plain', '{"amount": 40}') AS orphan \gset
SELECT is(needs(:orphan), 'needs 1 Auditor', 'a role that nobody has can be asked for');
SELECT is(value_as('engine_inbox_dba', 'SELECT string_agg(format(''%s:%s:%s'', params ->> ''amount'', stage, role), '' '') FROM workflow_orch.pending_review WHERE NOT approvable'), '40::',
  'which stands out in every reviewer''s inbox');
SELECT workflow_orch.register_actor('aud', 'Auditor') AS aud \gset
SELECT is(value_as('engine_inbox_dba', 'SELECT count(*) FROM workflow_orch.pending_review WHERE NOT approvable'), '0', 'until somebody has the role');
SELECT workflow_orch.grant_capability('engine_inbox_dev', 'review');
SELECT is(value_as('engine_inbox_dev', format('SELECT count(*) FROM workflow_orch.pending_review WHERE proposal_id = %s', :devs)), '0', 'one''s own proposal waits for others');
SELECT workflow_orch.revoke_capability('engine_inbox_dev', 'review');

-- For whom.
SELECT is((SELECT count(*) FROM workflow_orch.pending_review), (SELECT count(*) FROM workflow_orch.proposal WHERE status = 'pending'), 'a gateway that is nobody in particular sees all that waits');
SELECT is((SELECT array_agg(DISTINCT reviewer_id) FROM workflow_orch.list_pending_reviews(:bob)), ARRAY[:bob]::bigint[], 'and asks for any actor');
SELECT set_eq(format('SELECT proposal_id FROM workflow_orch.list_pending_reviews(%s)', :aud), ARRAY[:plain, :many, :devs, :orphan]::bigint[], 'who sees what is for them');
SELECT refused_as('engine_inbox_dba', format('SELECT * FROM workflow_orch.list_pending_reviews(%s)', :max), '{"sqlstate": "42501", "message": "%may not act for actor%"}', 'others ask for themselves only');
SELECT raises('SELECT * FROM workflow_orch.list_pending_reviews(0)', '{"sqlstate": "42704"}', 'an unknown actor has no inbox');
SELECT refused_as('engine_inbox_dev', 'SELECT * FROM workflow_orch.pending_review', '{"sqlstate": "42501"}', 'who does not review has none');
SELECT is(value_as('engine_inbox_dev', 'SELECT string_agg(format(''%s %s'', proposal_id, needs), '','') FROM workflow_orch.proposal_progress'), format('%s needs 1 of any role', :devs), 'a proposer sees the progress of their own');
SELECT is(value_as('engine_inbox_dev', format('SELECT workflow_orch.describe_needs(%s)', :plain)), NULL, 'and of no others by asking');
SELECT is(value_as('engine_inbox_dev', 'SELECT count(*) FROM workflow_orch.workflow_summary'), '0', 'nor workflows of others');
SELECT raises('SELECT workflow_orch.describe_needs(0)', '{"sqlstate": "42704"}', 'an unknown proposal has no progress');

-- Delegation, expiry, break glass.
SELECT workflow_orch.delegate_review(:aud, :cyd, '2099-01-01') \g /dev/null
SELECT is((SELECT row(role, on_behalf_of)::text FROM workflow_orch.list_pending_reviews(:cyd) WHERE proposal_id = :orphan), format('(Auditor,%s)', :aud), 'a delegate sees what they may approve for another');
SELECT workflow_orch.set_policy(proposal_ttl => '50 ms') \g /dev/null
SELECT propose('plain', '{"amount": 50}') AS short \gset
SELECT workflow_orch.set_policy(proposal_ttl => '0') \g /dev/null
SELECT isnt((SELECT expires_at FROM workflow_orch.pending_review WHERE proposal_id = :short), NULL, 'the inbox says when a proposal expires');
SELECT pg_sleep(0.06);
SELECT is((SELECT count(*) FROM workflow_orch.pending_review WHERE proposal_id = :short), 0::bigint, 'an expired proposal no longer waits');
SELECT is((SELECT row(status, needs)::text FROM workflow_orch.proposal_progress WHERE proposal_id = :short), '(expired,)', 'and counts as expired before the sweep');
SELECT execution_id AS e FROM workflow_orch.break_glass_execute(:plain, :bob, 'r') \gset
SELECT is(value_as('engine_inbox_dba', 'SELECT row(kind, proposal_id, execution_id, stage, needs)::text FROM workflow_orch.pending_review WHERE kind = ''break_glass'''), format('(break_glass,%s,%s,,)', :plain, :e),
  'what ran without approvals waits for its review');
SELECT is((SELECT count(*) FROM workflow_orch.list_pending_reviews(:bob) WHERE kind = 'break_glass'), 0::bigint, 'though not by who did it');
SELECT is((SELECT count(*) FROM workflow_orch.list_pending_reviews(:ann) WHERE kind = 'break_glass'), 0::bigint, 'nor by who proposed it');
SELECT is((SELECT break_glass FROM workflow_orch.proposal_progress WHERE proposal_id = :plain), true, 'progress marks it');
SELECT workflow_orch.review_break_glass(:e, :cyd, 'ok');
SELECT is((SELECT count(*) FROM workflow_orch.pending_review WHERE kind = 'break_glass'), 0::bigint, 'until it is reviewed');

-- Summary and history.
SELECT is((SELECT row(title, status, proposals, pending, approved, executed, failed, rejected, withdrawn, expired, cancelled, break_glass)::text FROM workflow_orch.workflow_summary WHERE workflow_id = :workflow),
  '(Work,active,7,4,1,1,0,0,0,1,0,1)', 'a workflow''s summary counts its proposals by status');
SELECT is((SELECT string_agg(format('%s %s %s %s', reviewer, role, decision, revoked_at IS NULL), ', ' ORDER BY review_id) FROM workflow_orch.review_history WHERE proposal_id = :small),
  'dora DBA approve t, max Manager approve t', 'the history has who decided what');
SELECT workflow_orch.revoke_approval(:small, :dora, 'too soon') \g /dev/null
SELECT is((SELECT string_agg(format('%s %s', reviewer, revoked_at IS NULL), ', ' ORDER BY review_id) FROM workflow_orch.review_history WHERE proposal_id = :small),
  'dora f, max f', 'and what was taken back, with what rested on it');
SELECT is(needs(:small), 'needs 1 DBA, then 1 Manager', 'so that the progress begins anew');
SELECT is(value_as('engine_inbox_dev', 'SELECT count(*) FROM workflow_orch.review_history'), '0', 'a proposer reads the history of their own');

\ir include/finish.sql
