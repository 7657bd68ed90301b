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
SELECT is(needed('{"amount": 5}'), '1 * 3', 'be it several');
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
      ('$.params.amount', '{"amount": 1}', true),
      ('$.tool == "pay"', '{"amount": 1}', true), ('$.tool == "other"', '{"amount": 1}', false),
      ('$.reason == "because"', '{"amount": 1}', true), ('$.reason starts with "x"', '{"amount": 1}', false),
      ('$.actor.name == "ann"', '{"amount": 1}', true), ('$.actor.name == "bob"', '{"amount": 1}', false),
      ('$.actor.role == "Developer"', '{"amount": 1}', true), ('$.actor.role != "Developer"', '{"amount": 1}', false),
      ('$.actor.kind == "human"', '{"amount": 1}', true), ('$.actor.kind == "agent"', '{"amount": 1}', false),
      ('$.workflow.title == "Work"', '{"amount": 1}', true), ('$.workflow.title == "Play"', '{"amount": 1}', false),
      ('exists($.workflow.metadata.urgent)', '{"amount": 1}', true), ('$.workflow.metadata == 1', '{"amount": 1}', true),
      ('$.nothing.of.the.kind == 1', '{"amount": 1}', true), ('$.tool.datetime() < "2020-01-01".datetime()', '{"amount": 1}', true),
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

\ir include/finish.sql
