-- What approvals a revision needs: which rules match, and how they combine.
\set file engine_requirement
\ir include/fixture.sql

-- engine_requirement_warning.sql has the warnings.
SET LOCAL client_min_messages = error;
CREATE FUNCTION app.pay(amount int, note text DEFAULT NULL, more jsonb DEFAULT NULL) RETURNS int LANGUAGE sql RETURN amount;
CREATE FUNCTION app.other() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('pay(int,text,jsonb)');
CALL tool('other()');

-- "stage role approvals" of each requirement, in order.
CREATE FUNCTION t.needs(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(concat_ws(' ', r ->> 'stage', coalesce(r ->> 'role', '*'), r ->> 'approvals'), ', ' ORDER BY n), '')
    FROM workflow_orch.proposal p, jsonb_array_elements(p.requirements) WITH ORDINALITY AS e(r, n) WHERE p.proposal_id = proposal
$$;
CREATE FUNCTION t.needed(params jsonb, tool text DEFAULT 'pay') RETURNS text LANGUAGE sql AS 'SELECT needs(propose(tool, params))';
-- Removes all rules.
CREATE PROCEDURE t.no_rules() LANGUAGE sql AS $$
  SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL
$$;

-- Without a rule.
SELECT is(needed('{"amount": 5}'), '1 * 1', 'without a rule the policy says how many');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 3) \g /dev/null
SELECT is(needed('{"amount": 5}'), '1 * 3', 'even several');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- Rules combine.
SELECT workflow_orch.add_approval_rule('Manager', stage => 2) AS r1, workflow_orch.add_approval_rule('DBA') AS r2,
       workflow_orch.add_approval_rule('DBA', 2, tool => 'pay') AS r3, workflow_orch.add_approval_rule(tool => 'pay') AS r4,
       workflow_orch.add_approval_rule('DBA', stage => 2, tool => 'other') AS r5 \gset
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT is(needs(:p), '1 DBA 2, 1 * 1, 2 Manager 1', 'all matching rules apply; per stage and role the largest number');
SELECT is(needed('{}', 'other'), '1 DBA 1, 2 DBA 1, 2 Manager 1', 'a rule for a tool is for that tool');
SELECT is((SELECT requirements -> 0 -> 'rules' FROM workflow_orch.proposal WHERE proposal_id = :p), jsonb_build_array(:r2, :r3), 'a requirement says which rules make it');
SELECT row_eq(format('SELECT required_approvals, stage, approvals FROM workflow_orch.proposal WHERE proposal_id = %s', :p), ROW(4::bigint, 1::bigint, 0::bigint),
  'the proposal says how many are needed and which stage is open');
SELECT is((SELECT r.requirements = p.requirements FROM workflow_orch.proposal p JOIN workflow_orch.proposal_revision r USING (proposal_id) WHERE proposal_id = :p), true,
  'the revision keeps what it needs');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 9) \g /dev/null
SELECT is(needed('{"amount": 5}'), '1 DBA 2, 1 * 1, 2 Manager 1', 'where a rule matches, the policy adds nothing');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- What is fixed when the revision is made.
CALL no_rules();
SELECT is(needs(:p), '1 DBA 2, 1 * 1, 2 Manager 1', 'rules that are removed later loosen nothing');
SELECT is(needed('{"amount": 5}'), '1 * 1', 'what is proposed then needs less');
SELECT propose('pay', '{"amount": 5}') AS q \gset
SELECT workflow_orch.add_approval_rule('DBA', 5) \g /dev/null
SELECT is(needs(:q), '1 * 1', 'rules that are added later tighten nothing');
SELECT is(needed('{"amount": 5}'), '1 DBA 5', 'what is proposed then needs more');
CALL no_rules();

-- Conditions.  Of each: the params, the reason, and whether the rule holds.
CREATE FUNCTION t.holds(condition jsonpath, params jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  id bigint := workflow_orch.add_approval_rule('DBA', condition => condition);
BEGIN
  RETURN needed(params) = '1 DBA 1';
END
$$;
CREATE FUNCTION t.each_condition() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM (VALUES
      ('$.params.amount > 1000', '{"amount": 1001}'::jsonb, true), ('$.params.amount > 1000', '{"amount": 1000}', false),
      ('$.params.amount > 1000', '{"amount": "1001"}', true), ('$.params.amount > 1000', '{"amount": "1000"}', false),
      ('lax $.params.amount > 1000', '{"amount": 1000}', false),
      ('$.params.note == "x"', '{"amount": 1, "note": "x"}', true), ('$.params.note == "x"', '{"amount": 1, "note": "y"}', false),
      ('$.params.note == "x"', '{"amount": 1}', true), ('lax $.params.note == "x"', '{"amount": 1}', true),
      ('$.params.more.n > 5', '{"amount": 1, "more": {"n": 5}}', false), ('$.params.more.n > 5', '{"amount": 1, "more": {"n": "5"}}', true),
      ('$.params.more.n > 5', '{"amount": 1, "more": {}}', true), ('$.params.more.n > 5', '{"amount": 1, "more": [{"n": 1}]}', true),
      ('$.params ? (@.amount > 1000)', '{"amount": 1001}', true), ('$.params ? (@.amount > 1000)', '{"amount": 1000}', false),
      ('$.params.more ? (@.n > 5)', '{"amount": 1, "more": {"n": "6"}}', true), ('$.params.more ? (@.n > 5)', '{"amount": 1, "more": {"n": 5}}', false),
      ('$.params.amount', '{"amount": 1}', true), ('exists($.params.note)', '{"amount": 1}', true),
      ('$.params.keyvalue().key == "note"', '{"amount": 1, "note": "x"}', true), ('$.params.keyvalue().key == "note"', '{"amount": 1}', false),
      ('$.tool == "pay"', '{"amount": 1}', true), ('$.tool == "other"', '{"amount": 1}', false),
      ('$.reason == "because"', '{"amount": 1}', true), ('$.reason starts with "x"', '{"amount": 1}', false),
      ('$.actor.name == "ann"', '{"amount": 1}', true), ('$.actor.name == "bob"', '{"amount": 1}', false),
      ('$.actor.role == "Developer"', '{"amount": 1}', true), ('$.actor.role != "Developer"', '{"amount": 1}', false),
      ('$.actor.kind == "human"', '{"amount": 1}', true), ('$.actor.kind == "agent"', '{"amount": 1}', false),
      ('$.workflow.title == "Work"', '{"amount": 1}', true), ('$.workflow.title == "Play"', '{"amount": 1}', false),
      ('exists($.workflow.metadata.urgent)', '{"amount": 1}', true), ('$.workflow.metadata == 1', '{"amount": 1}', true),
      ('$.reason.nothing.of.the.kind == 1', '{"amount": 1}', true), ('$.tool.datetime() < "2020-01-01".datetime()', '{"amount": 1}', true),
      ('$.params.note.datetime() > "2020-01-01".datetime()', '{"amount": 1, "note": "2019-01-01 00:00:00+02"}', true),
      ('$.params.note.datetime() > "2020-01-01".datetime()', '{"amount": 1, "note": "2019-01-01"}', false),
      ('$.params.note like_regex "^DROP" flag "i"', '{"amount": 1, "note": "drop it"}', true),
      ('$.params.note like_regex "^DROP" flag "i"', '{"amount": 1, "note": "keep it"}', false)) AS v(condition, params, expected) LOOP
    RETURN NEXT is(holds(c.condition::jsonpath, c.params), c.expected,
                   format('%s %s for %s', c.condition, CASE WHEN c.expected THEN 'holds' ELSE 'does not hold' END, c.params));
    CALL no_rules();
  END LOOP;
END
$$;
SELECT each_condition();
SELECT workflow_orch.add_approval_rule('DBA', condition => '$.workflow.metadata.urgent == true') \g /dev/null
SELECT is((SELECT needs(proposal_id) FROM workflow_orch.propose_action(workflow_orch.start_workflow('w', ann(), metadata => jsonb_build_object('urgent', urgent)), ann(), 'pay', '{"amount": 1}', 'r')),
  expected, format('a condition sees the workflow''s metadata: %s', urgent)) FROM (VALUES (true, '1 DBA 1'), (false, '1 * 1')) AS v(urgent, expected);
CALL no_rules();

-- An edit works the requirements out afresh, from what it makes of the params.
SELECT workflow_orch.add_approval_rule('DBA', 1), workflow_orch.add_approval_rule('Manager', 1, 2, condition => '$.params.amount > 1000') \g /dev/null
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5000}') AS q \gset
SELECT is(needs(:p), '1 DBA 1', 'a small amount needs the one');
SELECT is(needs(:q), '1 DBA 1, 2 Manager 1', 'a large one needs both');
SELECT status FROM workflow_orch.review_action(:p, :bob, 'edit', '{"amount": 2000}') \gset
SELECT is(needs(:p) || ', ' || :'status', '1 DBA 1, 2 Manager 1, pending', 'an edit to a large amount needs both, and has one');
SELECT status FROM workflow_orch.review_action(:q, :bob, 'edit', '{"amount": 10}') \gset
SELECT is(needs(:q) || ', ' || :'status', '1 DBA 1, approved', 'an edit to a small one has what it needs');
SELECT results_eq(format('SELECT revision, jsonb_array_length(requirements) FROM workflow_orch.proposal_revision WHERE proposal_id = %s ORDER BY 1', :q),
  'VALUES (1::bigint, 2), (2, 1)', 'each revision keeps what it needed');
CALL no_rules();

-- Rules with 0 approvals let through what no other rule asks anybody for.
SELECT workflow_orch.register_actor('bot', 'Developer', kind => 'agent') AS bot, workflow_orch.register_actor('cron', 'Developer', kind => 'service') AS cron \gset
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'pay', condition => '$.params.amount < 100') AS zero \gset
CREATE FUNCTION t.outcome(params jsonb, actor bigint DEFAULT ann()) RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.propose_action(workflow(), actor, 'pay', params, 'because')
$$;
SELECT is(outcome('{"amount": 99}'), 'approved', 'what the rule is about is approved at once');
SELECT max(proposal_id) AS p FROM workflow_orch.proposal \gset
SELECT row_eq(format('SELECT status::text, requirements, required_approvals, approvals, stage, rule_id, status_by, event FROM workflow_orch.proposal WHERE proposal_id = %s', :p),
  ROW('approved'::text, '[]'::jsonb, 0::bigint, 0::bigint, NULL::bigint, :zero::bigint, NULL::bigint, 'approve_by_rule'::text), 'the proposal says by which rule');
SELECT results_eq(format('SELECT action, actor_id, details FROM workflow_orch.audit_log WHERE proposal_id = %s ORDER BY audit_id OFFSET 1', :p),
  format($$VALUES ('approve_by_rule', NULL::bigint, '{"from": "pending", "status": "approved", "rule_id": %s}'::jsonb)$$, :zero), 'and so does the audit log');
SELECT is((SELECT rule_id FROM workflow_orch.proposal_revision WHERE proposal_id = :p), :zero::bigint, 'and the revision');
SELECT is(execute(:p) -> 'success', 'true', 'it runs');
SELECT is(outcome('{"amount": 100}'), 'pending', 'what it is not about waits as ever');
SELECT is(outcome('{"amount": 99}', :bot), 'pending', 'what an agent proposes is not let through');
SELECT is(outcome('{"amount": 99}', :cron), 'approved', 'what a service proposes is');
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay', condition => '$.params.amount > 50') \g /dev/null
SELECT is(outcome('{"amount": 99}'), 'pending', 'where another rule asks for somebody, nothing is let through');
SELECT is(outcome('{"amount": 50}'), 'approved', 'where it does not, it is');
SELECT propose('pay', '{"amount": 70}') AS p \gset
SELECT row_eq(format($$SELECT status::text, final_tool_call FROM workflow_orch.review_action(%s, bob(), 'edit', '{"amount": 20}')$$, :p),
  ROW('approved'::text, '{"tool": "pay", "params": {"amount": 20}}'::jsonb), 'an edit to what needs nobody is approved');
SELECT row_eq(format('SELECT rule_id, approvals FROM workflow_orch.proposal WHERE proposal_id = %s', :p), ROW(:zero::bigint, 0::bigint), 'by the rule');
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :cyd, 'edit', '{"amount": 60}', expected_revision => 2)), 'pending', 'any reviewer takes it back with an edit');
SELECT agents_may_review, default_approvals FROM workflow_orch.set_policy(agents_may_review => true, default_approvals => 2) \g /dev/null
SELECT workflow_orch.register_actor('dba bot', 'DBA', kind => 'agent') AS dba_bot \gset
SELECT propose('pay', '{"amount": 70}') AS p \gset
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :dba_bot, 'edit', '{"amount": 20}')), 'pending', 'what an agent has edited is not let through');
SELECT is(needs(:p), '1 * 2', 'but needs what is needed without the rule');
SELECT agents_may_review, default_approvals FROM workflow_orch.set_policy(agents_may_review => false, default_approvals => 1) \g /dev/null
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 70}') AS p \gset
SELECT is((SELECT status::text FROM workflow_orch.review_action(:p, :bob, 'edit', '{"amount": 20}')), 'pending', 'where edits need an approval, no rule gives it');
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null
CALL no_rules();
SELECT workflow_orch.add_approval_rule(approvals => 0, condition => '$.params.note.datetime() > "2020-01-01".datetime()') \g /dev/null
SELECT is(outcome('{"amount": 1, "note": "2021-01-01 00:00:00+02"}'), 'pending', 'what would need a time zone to judge is not let through');
SELECT is(outcome('{"amount": 1, "note": "2021-01-01"}'), 'approved', 'what needs none is');
CALL no_rules();
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'pay', condition => '$.params ? (@.note == "fine")') AS filter \gset
SELECT is(outcome('{"amount": 200, "note": "fine"}'), 'approved', 'a filter that selects something lets it through');
SELECT is(outcome('{"amount": 200, "note": "bad"}'), 'pending', 'a filter that selects nothing does not');
SELECT is(outcome('{"amount": 200}'), 'pending', 'nor does a filter that cannot be judged');
SELECT workflow_orch.remove_approval_rule(:filter);
SELECT workflow_orch.add_approval_rule(approvals => 0, condition => '$.params.note == "fine"', agents => true) \g /dev/null
SELECT is(outcome('{"amount": 1}'), 'pending', 'what a condition cannot judge is not let through');
SELECT is(outcome('{"amount": 1, "note": "bad"}'), 'pending', 'nor what it is false of');
SELECT is(outcome('{"amount": 1, "note": "fine"}'), 'approved', 'what it is true of is');
SELECT is(outcome('{"amount": 1, "note": "fine"}', :bot), 'approved', 'with agents, agents'' proposals too');
CALL no_rules();
SELECT approval_ttl FROM workflow_orch.set_policy(approval_ttl => '1 day') \g /dev/null
SELECT workflow_orch.add_approval_rule(approvals => 0) \g /dev/null
SELECT propose('pay', '{"amount": 1}') \g /dev/null
SELECT is((SELECT expires_at - status_at BETWEEN '23 hours' AND '25 hours' FROM workflow_orch.proposal ORDER BY proposal_id DESC LIMIT 1), true, 'an approval by rule is good for approval_ttl');
CALL no_rules();
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees');

\ir include/finish.sql
