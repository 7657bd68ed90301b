-- What a call would need, if it were proposed.
\set file engine_explain
\ir include/fixture.sql
\ir include/roles.sql

SET LOCAL client_min_messages = error;
CREATE FUNCTION app.pay(amount int, note text DEFAULT NULL) RETURNS int LANGUAGE sql RETURN amount;
CREATE FUNCTION app.whole(params jsonb) RETURNS int LANGUAGE sql RETURN 1;
CALL tool('pay(int,text)');
CALL tool('whole(jsonb)');
CREATE FUNCTION t.explain(params jsonb, actor bigint DEFAULT ann(), workflow bigint DEFAULT workflow(), reason text DEFAULT 'because', tool text DEFAULT 'pay')
RETURNS jsonb LANGUAGE sql AS 'SELECT workflow_orch.explain_approval(tool, params, actor, workflow, reason)';
-- What the call needs once it is proposed.
CREATE FUNCTION t.proposed(params jsonb, reason text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  id bigint := (workflow_orch.propose_action(workflow(), ann(), 'pay', params, reason)).proposal_id;
BEGIN
  RETURN (SELECT requirements FROM workflow_orch.proposal WHERE proposal_id = id);
END
$$;
CREATE PROCEDURE t.no_rules() LANGUAGE sql AS $$
  SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL
$$;

-- Without a rule.
SELECT is(explain('{"amount": 1}'),
  '{"automatic": false, "rule_id": null, "standing_id": null, "approvable": true,
    "requirements": [{"stage": 1, "role": null, "approvals": 1, "rules": [], "people": ["bob", "cyd"]}]}',
  'without a rule it is the policy''s approvals, by those who are not the proposer');
SELECT is((SELECT count(*) FROM workflow_orch.proposal), 0::bigint, 'nothing is written');

-- What it says is what the proposal then needs.
SELECT workflow_orch.add_approval_rule('Manager', stage => 2, tool => 'pay', condition => '$.params.amount > 1000') AS m,
       workflow_orch.add_approval_rule('DBA', tool => 'pay') AS d,
       workflow_orch.add_approval_rule('DBA', 2, condition => '$.reason == "twice"') AS dd,
       workflow_orch.add_approval_rule(approvals => 0, tool => 'whole') AS free \gset
SELECT is(jsonb_path_query_array(explain('{"amount": "1001"}'), '$.requirements[*].people'), '[["bob"], ["cyd"]]', 'each requirement has the people of its role');
SELECT is((SELECT jsonb_agg(r - 'people') FROM jsonb_array_elements(explain(params, reason => reason) -> 'requirements') r),
    proposed(params, reason),
    format('%s for the reason "%s" needs what it was said to need', params, reason))
  FROM (VALUES ('{"amount": 1}'::jsonb), ('{"amount": 1000}'), ('{"amount": "1001", "note": "x"}')) AS p(params), unnest(ARRAY['because', 'twice']) AS reason;
SELECT is(explain('{"amount": 1}', reason => 'twice') -> 'approvable', 'false', 'where there are too few people it is not approvable');
SELECT is(explain('{"x": 1}', tool => 'whole'),
  format('{"automatic": true, "rule_id": %s, "standing_id": null, "requirements": [], "approvable": true}', :free)::jsonb, 'a rule that would approve it is named');
SELECT is(explain('{"amount": 1}', reason => '') -> 'requirements' -> 0 -> 'approvals', '1', 'the reason can be left empty');
CALL no_rules();

-- Without a workflow, what conditions say about it is unknown.
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay', condition => condition::jsonpath) AS rule
  FROM unnest(ARRAY['$.workflow.title == "Play"', '$.**.title == "Play"']) AS condition \g /dev/null
SELECT is(explain('{"amount": 1}') #> '{requirements,0,rules}', '[]', 'with the workflow the conditions are false');
SELECT is(jsonb_array_length(explain('{"amount": 1}', workflow => NULL) #> '{requirements,0,rules}'), 2, 'without it they may be true, and the rules ask');
CALL no_rules();
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay', condition => '$.workflow.title == "Play" && $.params.amount > 5') AS r \gset
SELECT is(explain('{"amount": 5}', workflow => NULL) #> '{requirements,0,rules}', '[]', 'a condition that the params make false stays false');
CALL no_rules();
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'pay', condition => condition::jsonpath) AS free
  FROM unnest(ARRAY['$.workflow.title == "Work"', '$ ? (@.workflow.title == "Work")', '$.**.title == "Work"', '$.workflow ? (@.title != "Play")']) AS condition \g /dev/null
SELECT is(explain('{"amount": 1}') -> 'automatic', 'true', 'with the workflow a rule approves it');
SELECT is(explain('{"amount": 1}', workflow => NULL) -> 'automatic', 'false', 'without it no rule does so for sure');
CALL no_rules();

-- Who is named.
SELECT workflow_orch.register_actor('bot', 'DBA', kind => 'agent') AS bot, workflow_orch.register_actor('gone', 'DBA') AS gone,
       workflow_orch.register_actor('ann again', 'DBA', person => 'Ann') AS again, workflow_orch.register_actor('dan', 'Clerk') AS dan \gset
SELECT workflow_orch.update_actor(:gone, active => false), workflow_orch.update_actor(:ann, person => 'Ann');
CREATE ROLE engine_explain_nologin;
SELECT workflow_orch.register_actor('nobody', 'DBA', 'engine_explain_nologin') AS nobody,
       workflow_orch.add_approval_rule('DBA', tool => 'pay') AS r \gset
CREATE FUNCTION t.people(i int DEFAULT 0) RETURNS jsonb LANGUAGE sql AS $$ SELECT explain('{"amount": 1}') -> 'requirements' -> i -> 'people' $$;
SELECT is(people(), '["bob"]', 'not who is an agent, inactive, the proposer''s person or without a login');
SELECT workflow_orch.set_policy(agents_may_review => true) \g /dev/null
SELECT is(people(), '["bob", "bot"]', 'agents are, where they may review');
SELECT workflow_orch.set_policy(agents_may_review => false) \g /dev/null
SELECT workflow_orch.delegate_review(:bob, :dan, '2099-01-01') AS delegation \gset
SELECT is(people(), '["bob", "dan"]', 'and so is who the role is delegated to');
SELECT workflow_orch.end_delegation(:delegation, :bob);
SELECT is(people(), '["bob"]', 'as long as it is');
SELECT workflow_orch.register_actor(format('many %s', lpad(n::text, 3, '0')), 'Crowd') FROM generate_series(1, 150) n \g /dev/null
SELECT workflow_orch.add_approval_rule('Crowd', tool => 'pay') AS crowd \gset
SELECT is(jsonb_array_length(people(0)) || ' ' || (people(0) ->> 0) || ' ' || (people(0) ->> 99), '100 many 001 many 100', 'a hundred at most, in order');
CALL no_rules();

-- Errors are those of propose_action.
SELECT workflow_orch.start_workflow('over', :ann) AS over \gset
SELECT workflow_orch.complete_workflow(:over, :ann) \g /dev/null
SELECT workflow_orch.register_tool('off', 'pay(int,text)', run_as => tool_role());
SELECT workflow_orch.set_tool_enabled('off', false);
SELECT is(error_of(format('SELECT workflow_orch.explain_approval(%s, %s)', first, others)),
    error_of(format('SELECT workflow_orch.propose_action(%s, %s, %s, ''because'')', workflow, actor, first || ', ' || params)),
    format('explain_approval(%s, %s) is refused as the proposal would be', first, others))
  FROM (VALUES ('''pay''', '''{}''', ann(), workflow()), ('''pay''', '''{"amount": "x"}''', ann(), workflow()), ('''pay''', '''{"amount": 1, "b": 2}''', ann(), workflow()),
               ('''pay''', '''[]''', ann(), workflow()), ('''nothing''', '''{}''', ann(), workflow()), ('''off''', '''{"amount": 1}''', ann(), workflow()),
               ('''pay''', '''{"amount": 1}''', ann(), :over), ('''pay''', '''{"amount": 1}''', 404, workflow()), ('''pay''', '''{"amount": 1}''', ann(), 404),
               ('''pay''', '''{"amount": 1}''', :gone, workflow()), ('''pay''', '''{"amount": 1}''', -9223372036854775808, workflow()),
               ('''pay''', '''{"amount": 1}''', ann(), 9223372036854775807)) AS v(first, params, actor, workflow),
       format('%s, %s, %s', params, actor, workflow) AS others;
SELECT raises(format('SELECT workflow_orch.explain_approval(''pay'', ''{"amount": 1}'', %s, NULL, NULL)', :ann), '{"sqlstate": "22023", "message": "argument \"reason\" %"}', 'the reason is not NULL');

-- Who may ask, and as whom.
CREATE ROLE engine_explain_ann LOGIN;
CREATE ROLE engine_explain_reviewer LOGIN;
CREATE ROLE engine_explain_admin LOGIN;
CREATE ROLE engine_explain_executor LOGIN;
SELECT workflow_orch.grant_capability('engine_explain_ann', 'propose'), workflow_orch.grant_capability('engine_explain_reviewer', 'review'),
       workflow_orch.grant_capability('engine_explain_admin', 'administer'), workflow_orch.grant_capability('engine_explain_executor', 'execute');
SELECT workflow_orch.update_actor(:ann, db_role => 'engine_explain_ann'), workflow_orch.update_actor(:bob, db_role => 'engine_explain_reviewer');
CREATE FUNCTION t.asks(actor text) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT workflow_orch.explain_approval(''pay'', ''{"amount": 1}'', %s, %s)', actor, workflow())
$$;
SELECT is(value_as('engine_explain_ann', asks('NULL'))::jsonb #> '{requirements,0}', '{"stage": 1, "role": null, "approvals": 1, "rules": []}',
  'a proposer asks as the actor that is bound, and gets no names');
SELECT refused_as('engine_explain_ann', asks(:'cyd'), '{"sqlstate": "42501", "reason": "wfo_not_that_actor"}', 'a proposer does not ask as somebody else');
SELECT refused_as('engine_explain_reviewer', asks(:'ann'), '{"sqlstate": "42501", "reason": "wfo_not_that_actor"}', 'nor does a reviewer who is an actor');
SELECT is(value_as('engine_explain_reviewer', asks('NULL'))::jsonb #> '{requirements,0,people}' ? 'ann', true, 'who is told names as their own actor');
SELECT is(value_as('engine_explain_admin', asks(:'ann'))::jsonb #> '{requirements,0,people}' ? 'bob', true, 'an administrator who is no actor asks for anybody');
SELECT refused_as('engine_explain_admin', asks('NULL'), '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'and must name the actor');
SELECT refused_as('engine_explain_admin', asks(:'gone'), '{"sqlstate": "42501", "reason": "wfo_actor_inactive"}', 'an active one');
SELECT refused_as('engine_explain_executor', asks(:'ann'), '{"sqlstate": "42501"}', 'execute is not enough');

-- A built-in tool asks for reviewers who administer.
SELECT workflow_orch.grant_capability('engine_explain_ann', 'administer');
SELECT is(value_as('engine_explain_admin', format('SELECT workflow_orch.explain_approval(''workflow_orch.grant_capability'', ''{"db_role": "engine_explain_ann", "capability": "administer"}'', %s)', :'ann'))::jsonb - 'standing_id',
  '{"automatic": false, "rule_id": null, "approvable": false, "requirements": [{"stage": 1, "role": null, "approvals": 2, "administer": true, "rules": [], "people": []}]}',
  'a call of a built-in tool needs people who administer');
SELECT workflow_orch.grant_capability('engine_explain_reviewer', 'administer');
SELECT is(value_as('engine_explain_admin', format('SELECT workflow_orch.explain_approval(''workflow_orch.grant_capability'', ''{"db_role": "engine_explain_ann", "capability": "audit"}'', %s)', :'ann'))::jsonb #> '{requirements,0,people}',
  '["bob"]', 'of whom it names those whose roles do');
CREATE ROLE engine_explain_group;
CREATE ROLE engine_explain_member LOGIN IN ROLE engine_explain_group;
SELECT workflow_orch.grant_capability('engine_explain_group', 'review'), workflow_orch.grant_capability('engine_explain_group', 'administer'),
       workflow_orch.register_actor('fay', 'Deputy', 'engine_explain_group'),
       workflow_orch.add_approval_rule('Deputy', tool => 'pay') AS deputy \gset
SELECT is(value_as('engine_explain_admin', asks(:'ann'))::jsonb #> '{requirements,0,people}', '["fay"]', 'a member acts as the actor of a role that cannot log in');
SELECT is(value_as('engine_explain_admin', format('SELECT workflow_orch.explain_approval(''workflow_orch.revoke_capability'', ''{"db_role": "engine_explain_ann", "capability": "audit"}'', %s)', :'ann'))::jsonb #> '{requirements,0,people}',
  '["bob"]', 'but does not approve calls of built-in tools so');
SELECT workflow_orch.remove_approval_rule(:deputy) \g /dev/null

-- Code of a type runs as the tool's role, and leaves nothing.
CREATE TABLE app.trace (who name);
GRANT ALL ON app.trace TO PUBLIC;
CREATE FUNCTION app.small(n int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> 'engine_explain_tool' THEN
    RAISE EXCEPTION 'ran as %', current_user;
  END IF;
  RETURN n < 10;
END $$;
CREATE DOMAIN app.small_int AS int CHECK (app.small(VALUE));
CREATE FUNCTION app.buy(n small_int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('buy(small_int)');
SELECT is(explain('{"n": 9}', tool => 'buy') -> 'approvable', 'true', 'params of other types are converted as the tool''s role');
SELECT raises($$SELECT explain('{"n": 10}', tool => 'buy')$$, '{"sqlstate": "22023", "reason": "wfo_params_unfit"}', 'and refused if they do not fit');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'tuple'), 0::bigint, 'no row is locked');

\ir include/finish.sql
