-- What a rule would have changed.
\set file engine_rule_test
\ir include/fixture.sql
\ir include/roles.sql

SET LOCAL client_min_messages = error;
CREATE FUNCTION app.pay(amount int, note text DEFAULT NULL) RETURNS int LANGUAGE sql RETURN amount;
CREATE FUNCTION app.other(n int) RETURNS int LANGUAGE sql RETURN 1;
CALL tool('pay(int,text)');
CALL tool('other(int)');
SELECT propose('pay', '{"amount": 1}') AS small, propose('pay', '{"amount": 5000}') AS large, propose('other', '{"n": 1}') AS other \gset

CREATE FUNCTION t.effects(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format($q$SELECT string_agg(format('%%s: %%s -> %%s', proposal_id, needed, would_need), ' | ' ORDER BY proposal_id)
                      FROM workflow_orch.test_approval_rule(%s)$q$, arguments) INTO result;
  RETURN result;
END
$$;
SELECT is(effects('''DBA'', condition => ''$.params.amount > 1000'''), format('%s: 1 by anybody -> 1 by role "DBA" | %s: 1 by anybody -> 1 by role "DBA"', :large, :other),
  'proposals that the rule covers, or that it cannot judge');
SELECT is(effects('''DBA'', tool => ''pay'', condition => ''$.params.amount > 1000'''), format('%s: 1 by anybody -> 1 by role "DBA"', :large), 'those of the tool, where it has one');
SELECT is(effects(''), NULL, 'a rule that asks for what is needed anyway changes nothing');
SELECT is(effects('approvals => 2, tool => ''other'''), format('%s: 1 by anybody -> 2 by anybody', :other), 'more approvals are something else');
SELECT is(effects('''DBA'', stage => 2, tool => ''other'''), format('%s: 1 by anybody -> stage 2: 1 by role "DBA"', :other), 'so is another stage, which is said');
SELECT is(effects('approvals => 0, tool => ''other'''), format('%s: 1 by anybody -> nothing', :other), 'a rule with 0 approvals would let a call through');
SELECT is((SELECT count(*) FROM workflow_orch.approval_rule), 0::bigint, 'nothing is written');

-- Beside the present rules.
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay') AS dba, workflow_orch.add_approval_rule(approvals => 0, tool => 'other') AS free \gset
SELECT is(effects('''DBA'''), format('%s: nothing -> 1 by role "DBA"', :other), 'a present rule asks for the same, another is overruled');
SELECT is(effects('''Manager'', 2, 2, ''pay'''),
  format('%1$s: %3$s -> stage 1: %3$s; stage 2: 2 by role "Manager" | %2$s: %3$s -> stage 1: %3$s; stage 2: 2 by role "Manager"', :small, :large, '1 by role "DBA"'), 'what a rule adds is added');
SELECT is(effects('approvals => 0, tool => ''pay'''), NULL, 'a rule with 0 approvals changes nothing where another asks for somebody');
SELECT workflow_orch.remove_approval_rule(:dba), workflow_orch.remove_approval_rule(:free);

-- The current revision counts, and who wrote it.
SELECT status FROM workflow_orch.review_action(:small, :bob, 'edit', '{"amount": 7000}') \gset
SELECT is(effects('''DBA'', tool => ''pay'', condition => ''$.params.amount > 6000'''), format('%s: 1 by anybody -> 1 by role "DBA"', :small), 'the current revision is what counts');
SELECT is(effects('approvals => 0, tool => ''pay'', condition => ''$.params.amount > 6000'''), format('%s: 1 by anybody -> nothing', :small), 'an edit is let through');
SELECT workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT is(effects('approvals => 0, tool => ''pay'', condition => ''$.params.amount > 6000'''), NULL, 'but not where edits need an approval');
SELECT workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null
SELECT workflow_orch.register_actor('bot', 'Bot', kind => 'agent') AS bot \gset
SELECT proposal_id AS bots FROM workflow_orch.propose_action(workflow(), :bot, 'pay', '{"amount": 3}', 'because') \gset
SELECT is(effects('approvals => 0, tool => ''pay'', condition => ''$.params.amount == 3'''), NULL, 'nor what an agent proposes');
SELECT is(effects('approvals => 0, tool => ''pay'', condition => ''$.params.amount == 3'', agents => true'), format('%s: 1 by anybody -> nothing', :bots), 'unless the rule is for agents too');

-- Since when.
SELECT is(effects(format('''DBA'', since => %L', since)) IS NOT NULL, expected, format('since %s', coalesce(since, 'NULL')))
  FROM (VALUES (NULL, true), ('-infinity', true), ('2000-01-01', true), ('2099-01-01', false), ('infinity', false)) AS v(since, expected);
SELECT is((SELECT count(*) FROM (SELECT * FROM workflow_orch.test_approval_rule('DBA') LIMIT 2) t), 2::bigint, 'it can be asked for the first ones');

-- The arguments of the rule are checked as those of add_approval_rule, proposals or none.
SELECT is(error_of(format('SELECT * FROM workflow_orch.test_approval_rule(%s, since => ''infinity'')', arguments)), error_of(format('SELECT workflow_orch.add_approval_rule(%s)', arguments)),
    arguments || ' is refused as it would be for a rule')
  FROM unnest(ARRAY['approvals => -1', 'approvals => 101', 'approvals => -9223372036854775808', 'stage => 0', 'stage => 101', 'approvals => 0, stage => 2', '''DBA'', 0',
    'agents => true', '''  ''', 'tool => ''''', 'tool => ''nothing''', 'condition => ''$.params.amount > $limit''', 'condition => ''$.amount > 1''', 'approvals => NULL', 'stage => NULL',
    'agents => NULL', 'repeat(''x'', 1025)', 'condition => (''$.tool == "'' || repeat(''x'', 9000) || ''"'')::jsonpath']) AS arguments;
SELECT raises('SELECT * FROM workflow_orch.approval_rule_effect(NULL, NULL, 1, 1, NULL, NULL, false)', '{"sqlstate": "22023", "message": "argument \"proposal_id\" %"}', 'the effect is one on a proposal');
SELECT is((SELECT count(would_need) FROM unnest(ARRAY[0, 404, 9223372036854775807, -9223372036854775808]) AS id, workflow_orch.approval_rule_effect(id, 'DBA', 1, 1, NULL, NULL, false)), 0::bigint,
  'there is none on a proposal that does not exist');
SELECT results_eq(format($$SELECT v.role, e.would_need FROM (VALUES ('A'), ('B')) AS v(role), workflow_orch.approval_rule_effect(%s, v.role, 1, 1, NULL, NULL, false) e$$, :large),
  $$VALUES ('A', '1 by role "A"'), ('B', '1 by role "B"')$$, 'a rule that differs from row to row is read for each row');

-- Who may ask.
CREATE ROLE engine_rule_test_auditor LOGIN;
CREATE ROLE engine_rule_test_admin LOGIN;
CREATE ROLE engine_rule_test_reviewer LOGIN;
SELECT workflow_orch.grant_capability('engine_rule_test_auditor', 'audit'), workflow_orch.grant_capability('engine_rule_test_admin', 'administer'),
       workflow_orch.grant_capability('engine_rule_test_reviewer', 'review');
SELECT is(value_as(role, 'SELECT count(*) FROM workflow_orch.test_approval_rule(''DBA'')'), '4', format('%s may ask', role))
  FROM unnest(ARRAY['engine_rule_test_auditor', 'engine_rule_test_admin']) AS role;
SELECT refused_as('engine_rule_test_reviewer', 'SELECT * FROM workflow_orch.test_approval_rule(''DBA'')', '{"sqlstate": "42501"}', 'a reviewer may not');

-- The index on the time is used.
SET LOCAL enable_seqscan = off;
SELECT matches(plan_as(role, 'SELECT * FROM workflow_orch.test_approval_rule(''DBA'', since => now() - interval ''1 day'')')::text,
               '"Index Cond": "\(*occurred_at', format('%s finds the proposals by their time', role))
  FROM unnest(ARRAY['postgres', 'engine_rule_test_auditor']) AS role;

\ir include/finish.sql
