-- Adding and removing approval rules.
\set file engine_rule
\ir include/fixture.sql

CREATE FUNCTION app.pay(amount int) RETURNS int LANGUAGE sql RETURN amount;
CALL tool('pay(int)');

SELECT workflow_orch.add_approval_rule('DBA', 2, 3, 'pay', '$.params.amount > 10', 'large sums') AS r \gset
SELECT is((SELECT to_jsonb(a) - 'added_at' FROM workflow_orch.approval_rule a WHERE rule_id = :r),
  jsonb_build_object('rule_id', :r, 'role', 'DBA', 'approvals', 2, 'stage', 3, 'tool', 'pay', 'condition', 'strict ($."params"."amount" > 10)',
                     'description', 'large sums', 'agents', false, 'added_by', NULL, 'removed_at', NULL, 'removed_by', NULL, 'definition', NULL),
  'a rule is kept as it was added, its condition in strict mode');
SELECT workflow_orch.add_approval_rule() AS plain \gset
SELECT is((SELECT to_jsonb(a) - '{rule_id,added_at}'::text[] FROM workflow_orch.approval_rule a WHERE rule_id = :plain),
  '{"role": null, "approvals": 1, "stage": 1, "tool": null, "condition": null, "description": null, "agents": false, "added_by": null, "removed_at": null, "removed_by": null, "definition": null}',
  'left to its defaults it is one approval by anybody');

SELECT lives_ok(format('SELECT workflow_orch.remove_approval_rule(%s)', :r), 'a rule is removed');
SELECT is((SELECT removed_at >= added_at AND role = 'DBA' FROM workflow_orch.approval_rule WHERE rule_id = :r), true, 'and stays in the table');
SELECT raises(format('SELECT workflow_orch.remove_approval_rule(%s)', :r), format('{"sqlstate": "55000", "message": "approval rule %s %%removed%%", "hint": "_%%"}', :r)::jsonb,
  'it is removed once');
SELECT raises(format('UPDATE workflow_orch.approval_rule SET removed_at = NULL WHERE rule_id = %s', :r), '{"sqlstate": "55000"}', 'and not revived');
SELECT raises('SELECT workflow_orch.remove_approval_rule(404)', '{"sqlstate": "42704", "message": "%404%", "hint": "_%"}', 'an unknown rule is not removed');

SELECT raises(format('SELECT workflow_orch.add_approval_rule(%s)', arguments), jsonb_build_object('sqlstate', '22023', 'message', '%' || about || '%'), arguments || ' is refused')
  FROM (VALUES ('approvals => -1', 'approvals'), ('approvals => 101', 'approvals'), ('approvals => 9223372036854775807', 'approvals'),
               ('stage => 0', 'stage'), ('stage => -1', 'stage'), ('stage => 101', 'stage'), ('approvals => 0, stage => 2', '0 approvals'),
               ('''DBA'', 0', '0 approvals'), ('approvals => 1, agents => true', 'agents'), ('''  ''', 'role'), ('tool => ''''', 'tool'),
               ('condition => ''$.params.amount > $limit''', 'variables'), ('approvals => NULL', 'approvals')) AS v(arguments, about);
SELECT raises('SELECT workflow_orch.add_approval_rule(tool => ''nothing'')', '{"sqlstate": "42704", "message": "tool \"nothing\" %"}', 'a rule for an unknown tool is refused');
SELECT raises('SELECT workflow_orch.add_approval_rule(condition => ''$.params >'')', '{"sqlstate": "42601"}', 'a condition that does not parse keeps the server''s SQLSTATE');
SELECT raises(format('SELECT workflow_orch.add_approval_rule(condition => (''$.tool == "%s"'')::jsonpath)', repeat('x', 9000)), '{"sqlstate": "54000"}', 'a condition that is too long is refused');
SELECT raises(format('SELECT workflow_orch.add_approval_rule(repeat(''x'', 1025))'), '{"sqlstate": "54000"}', 'so is a role');


-- A condition that cannot be meant.
SELECT raises(format('SELECT workflow_orch.add_approval_rule(condition => %L)', condition), jsonb_build_object('sqlstate', '22023', 'reason', 'wfo_argument_invalid', 'message', message, 'hint', '_%'),
    format('%s is refused', condition))
  FROM (VALUES ('$.amount > 1', '%"amount", which no proposal has'), ('$.param.amount > 1', '%"param"%'), ('$ ? (@.amount > 1)', '%"amount"%'), ('lax $.params.amount > 1 || $.tol == "x"', '%"tol"%'),
               ('exists($.params ? ($.who == 1))', '%"who"%'), ('$', '%no member%'), ('$ == 1', '%no member%'), ('true', '%no member%'), ('$[0].params.amount > 1', '%no member%')) AS v(condition, message);
SELECT is(attempt(format('SELECT workflow_orch.add_approval_rule(condition => %L)', condition)), NULL::jsonb, format('%s is taken', condition))
  FROM unnest(ARRAY['$.params.amount > 1', '$ ? (@.params.amount > 1)', '$.* == 1', '$.**.amount > 1', '$.keyvalue().key == "x"', '$.actor.role == "x" && $.workflow.title == "y" || $.reason == "z"']) AS condition;

-- The audit log.
SELECT results_eq($$SELECT action, details - 'added_at' FROM workflow_orch.audit_log WHERE action ~ 'approval_rule' ORDER BY audit_id$$,
  format($$VALUES ('add_approval_rule', '{"rule_id": %1$s, "role": "DBA", "approvals": 2, "stage": 3, "tool": "pay", "agents": false, "description": "large sums",
                                          "condition": "strict ($.\"params\".\"amount\" > 10)"}'::jsonb),
                  ('add_approval_rule', '{"rule_id": %2$s, "approvals": 1, "stage": 1, "agents": false}'),
                  ('remove_approval_rule', '{"rule_id": %1$s, "role": "DBA", "approvals": 2, "stage": 3, "tool": "pay", "agents": false, "description": "large sums",
                                             "condition": "strict ($.\"params\".\"amount\" > 10)"}')$$, :r, :plain),
  'what is added and removed is recorded');

\ir include/finish.sql
