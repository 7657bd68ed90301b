-- Executing an approved call in the session: once, whole or not at all.
\set file engine_execute
\ir include/fixture.sql

CREATE TABLE app.ledger (entry text);
GRANT ALL ON app.ledger TO :"tool_role";
CREATE FUNCTION app.enter(entry text) RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO app.ledger VALUES (entry);
  SELECT count(*) FROM app.ledger;
$$;
CREATE FUNCTION app.fail(code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.ledger VALUES ('failed');
  RAISE EXCEPTION 'it failed' USING ERRCODE = code, DETAIL = 'the detail', HINT = 'the hint';
END
$$;
CALL tool('enter(text)');
CALL tool('fail(text)');

-- Success.
SELECT approved('enter', '{"entry": "a"}') AS p \gset
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p, :ann) \gset
SELECT is(:'r'::jsonb -> 'success', 'true', 'a call that ran is a success');
SELECT results_eq('SELECT entry FROM app.ledger', ARRAY['a'], 'the effects of the tool are kept');
SELECT is(status(:p), 'executed', 'the proposal is executed');
SELECT row_eq(format('SELECT proposal_id, revision, actor_id, status::text, dry_run, attempt, result
                      FROM workflow_orch.execution WHERE execution_id = %s', :e),
  ROW(:p::bigint, 1::bigint, :ann::bigint, 'succeeded'::text, false, 1::bigint, :'r'::jsonb),
  'the execution keeps what was returned');
SELECT raises(format('SELECT execute(%s)', :p),
  format('{"sqlstate": "55000", "message": "%%proposal %s is not approved", "detail": "%%executed%%", "hint": "Propose%%"}', :p)::jsonb,
  'a proposal executes once');
SELECT results_eq('SELECT entry FROM app.ledger', ARRAY['a'], 'the refused execution has done nothing');

-- Failure.
SELECT approved('fail', '{"code": "P0042"}') AS p \gset
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p, :ann) \gset
SELECT is(:'r'::jsonb -> 'success', 'false', 'an error of the tool does not raise: the result is no success');
SELECT is((:'r'::jsonb -> 'error') - 'context',
  '{"sqlstate": "P0042", "message": "it failed", "detail": "the detail", "hint": "the hint"}',
  'the result has the error''s sqlstate, message, detail and hint');
SELECT matches(:'r'::jsonb #>> '{error,context}', 'function fail\(text\) line 4 at RAISE', 'the result has the error''s context');
SELECT results_eq('SELECT entry FROM app.ledger', ARRAY['a'], 'the effects of a tool that failed are undone');
SELECT is(status(:p), 'failed', 'the proposal is failed');
SELECT row_eq(format('SELECT status::text, result FROM workflow_orch.execution WHERE execution_id = %s', :e),
  ROW('failed'::text, :'r'::jsonb), 'the execution is failed and keeps the error');
SELECT raises(format('SELECT execute(%s)', :p),
  '{"sqlstate": "55000", "detail": "%failed%", "hint": "%retry_action%"}',
  'a failed proposal does not execute, and the hint names retry_action');
SELECT is((output('fail', jsonb_build_object('code', code)) ->> 'sqlstate'), code, what || ' in the tool is recorded')
FROM (VALUES
  ('42501', 'an error of rights'), ('55P03', 'a lock that is not available'),
  ('25006', 'an error of the transaction''s state'), ('53200', 'an error of resources')) AS v (code, what);

CREATE FUNCTION app.break(what text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.ledger VALUES ('broken');
  CASE what
    WHEN 'zero' THEN RETURN 1 / 0;
    WHEN 'assert' THEN ASSERT false;
    WHEN 'stack' THEN RETURN app.break('stack');
    WHEN 'handled' THEN
      BEGIN
        RAISE EXCEPTION 'inner';
      EXCEPTION WHEN OTHERS THEN
        RETURN 7;
      END;
  END CASE;
END
$$;
CALL tool('break(text)');
SELECT is(output('break', '{"what": "zero"}') ->> 'sqlstate', '22012', 'an error of the server is recorded');
SELECT is(output('break', '{"what": "assert"}') ->> 'sqlstate', 'P0004', 'a failed ASSERT is recorded');
SELECT is(output('break', '{"what": "stack"}') ->> 'sqlstate', '54001', 'an endless recursion is recorded');
SELECT is(output('break', '{"what": "handled"}'), '7', 'an error that the tool handles is none');
DELETE FROM app.ledger WHERE entry = 'broken';

-- What is raised on.
SELECT approved('fail', '{"code": "40001"}') AS p \gset
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "40001", "message": "it failed", "detail": "the detail"}',
  'a serialization failure is raised on');
SELECT is(status(:p), 'approved', 'after a serialization failure the proposal is still approved');
SELECT raises($$SELECT run('fail', '{"code": "40P01"}')$$, '{"sqlstate": "40P01"}', 'a deadlock is raised on');
SELECT is((SELECT count(*) FROM workflow_orch.execution WHERE proposal_id = :p), 0::bigint, 'nothing of it is recorded');

-- Nothing but what was approved.
SELECT propose('enter', '{"entry": "b"}') AS p \gset
SELECT raises(format('SELECT execute(%s)', :p),
  format('{"sqlstate": "55000", "message": "proposal %s is not approved", "detail": "Its status is pending%%", "hint": "%%review_action%%"}', :p)::jsonb,
  'a pending proposal does not execute, and the hint names review_action');
SELECT workflow_orch.review_action(:p, :bob, 'reject') \g /dev/null
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "detail": "Its status is rejected%"}',
  'a rejected proposal does not execute');
SELECT raises('SELECT workflow_orch.execute_action(404)', '{"sqlstate": "42704", "message": "%proposal 404%"}',
  'an unknown proposal does not execute');
SELECT approved('enter', '{"entry": "b"}') AS p \gset
SELECT raises(format('SELECT workflow_orch.execute_action(%s, 404)', :p), '{"sqlstate": "42704", "message": "%actor 404%"}',
  'an unknown actor executes nothing');
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{"entry": "edited"}') \g /dev/null
SELECT is(execute(:p) -> 'params', '{"entry": "edited"}', 'what runs is the approved revision');
SELECT bag_eq('SELECT entry FROM app.ledger', ARRAY['a', 'edited'], 'the tool got the params of the approved revision');
SELECT is((SELECT revision FROM workflow_orch.execution WHERE proposal_id = :p), 2::bigint, 'the execution says which revision ran');
SELECT approved('enter', '{"entry": "c"}') AS p \gset
SELECT execution_id AS e FROM workflow_orch.execute_action(:p) \gset
SELECT is((SELECT actor_id FROM workflow_orch.execution WHERE execution_id = :e), NULL,
  'the actor may be left out: then it was nobody in particular');
SELECT is(output('enter', '{"entry": ""}') , '4', 'a later call sees what the earlier ones have done');

-- What the caller has deferred may decide on the same proposal.
CREATE FUNCTION app.meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE NEW.statement;
  RETURN NULL;
END
$$;
CREATE TABLE app.deferred (statement text);
CREATE CONSTRAINT TRIGGER meanwhile AFTER INSERT ON app.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.meanwhile();
SELECT approved('enter', '{"entry": "once"}') AS p \gset
SAVEPOINT meanwhile;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.deferred VALUES (format('SELECT workflow_orch.revoke_approval(%s, %s)', :p, :bob));
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%is not approved%", "detail": "%pending%"}',
  'a proposal whose approval a deferred trigger of the caller has revoked meanwhile is not executed');
ROLLBACK TO meanwhile;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.deferred VALUES (format('SELECT workflow_orch.withdraw_proposal(%s, %s)', :p, :ann));
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%is not approved%", "detail": "%withdrawn%"}',
  'nor is one that it has withdrawn');
ROLLBACK TO meanwhile;
SELECT is_empty($$SELECT * FROM app.ledger WHERE entry = 'once'$$, 'neither has left anything');

-- The tool's switches.
SELECT approved('enter', '{"entry": "d"}') AS p \gset
SELECT workflow_orch.set_tool_enabled('enter', false);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%enter%disabled%", "hint": "%set_tool_enabled%"}',
  'a disabled tool does not execute');
SELECT workflow_orch.set_tool_enabled('enter', true);
SELECT workflow_orch.update_tool('enter', in_session => false);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%enter%session%", "hint": "%enqueue_action%"}',
  'a tool that is not for sessions does not execute in one');
SELECT workflow_orch.update_tool('enter', in_session => true);
SELECT is(execute(:p) -> 'success', 'true', 'enabled again and for sessions again, it executes');

-- Whole or not at all.
SELECT approved('enter', '{"entry": "gone"}') AS p \gset
SAVEPOINT s;
SELECT execution_id AS e FROM workflow_orch.execute_action(:p, :ann) \gset
ROLLBACK TO s;
SELECT is_empty($$SELECT * FROM app.ledger WHERE entry = 'gone'$$, 'a rollback undoes the tool''s effects');
SELECT is(status(:p), 'approved', 'a rollback undoes the change of state');
SELECT is_empty(format('SELECT FROM workflow_orch.execution WHERE proposal_id = %s', :p), 'a rollback undoes the execution');
SELECT is_empty(format($$SELECT FROM workflow_orch.audit_log WHERE proposal_id = %s AND action = 'execute_action'$$, :p),
  'a rollback undoes the audit row');
SELECT is(execute(:p) -> 'success', 'true', 'after the rollback it can be executed');

-- A tool that changes itself while it runs.
CREATE FUNCTION app.changes_itself() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  ALTER FUNCTION app.changes_itself() STRICT;
END
$$;
ALTER FUNCTION app.changes_itself() OWNER TO :"tool_role";
CALL tool('changes_itself()');
SELECT approved('changes_itself') AS p \gset
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%changed%", "detail": "%strict%"}',
  'a tool whose definition is another at its end is refused, with all its effects');
SELECT is(status(:p), 'approved', 'the proposal of a tool that changed itself is still approved');

-- Dry runs.
CREATE FUNCTION t.used() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.ledger';
SELECT used() AS used \gset
SELECT approved('enter', '{"entry": "dry"}') AS p \gset
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p, :ann) \gset
SELECT is(:'r'::jsonb - 'executed_at' - 'duration_ms',
  '{"success": true, "dry_run": true, "tool": "enter", "params": {"entry": "dry"},
    "message": "[DRY RUN] Would execute enter with params: {\"entry\": \"dry\"}"}',
  'a dry run says what it would do');
SELECT is(used(), :used::bigint, 'a dry run calls nothing');
SELECT is(status(:p), 'approved', 'a dry run uses nothing up');
SELECT row_eq(format('SELECT status::text, dry_run, result FROM workflow_orch.execution WHERE execution_id = %s', :e),
  ROW('succeeded'::text, true, :'r'::jsonb), 'a dry run is recorded');
SELECT is(details - 'duration_ms', '{"tool": "enter", "success": true, "dry_run": true, "revision": 1}', 'a dry run is audited')
  FROM workflow_orch.audit_log WHERE execution_id = :e;
SELECT is(execute(:p) -> 'dry_run', 'true', 'a dry run can be repeated');
SELECT raises(format('SELECT execute(%s)', propose('enter', '{"entry": "x"}')), '{"sqlstate": "55000"}',
  'a dry run needs the approval all the same');
SELECT is(run('fail', '{"code": "40001"}') -> 'success', 'true', 'a dry run of a tool that would fail does not fail');
SELECT workflow_orch.set_tool_enabled('enter', false);
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000"}', 'a dry run needs an enabled tool');
SELECT workflow_orch.set_tool_enabled('enter', true);
SELECT dry_run FROM workflow_orch.set_policy(dry_run => false) \g /dev/null
SELECT is(execute(:p) -> 'dry_run', 'false', 'after dry runs the same approval executes');
SELECT is(used(), :used + 1::bigint, 'then the tool is called');

SELECT workflow_orch.start_workflow('Rehearsal', :ann, dry_run => true) AS w \gset
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'enter', '{"entry": "dry"}', 'r') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(execute(:p) -> 'dry_run', 'true', 'a workflow''s own dry run makes its executions dry');
SELECT is(run('enter', '{"entry": "wet"}') -> 'dry_run', 'false', 'another workflow''s executions are not');

-- The shape of a result.
SELECT run('enter', '{"entry": "shape"}') AS r \gset
SELECT set_eq(format('SELECT jsonb_object_keys(%L)', :'r'),
  ARRAY['success', 'dry_run', 'tool', 'params', 'output', 'rows_changed', 'executed_at', 'duration_ms'], 'a success has its members');
SELECT ok((:'r'::jsonb ->> 'executed_at')::timestamptz BETWEEN now() AND clock_timestamp(), 'executed_at is the time of the call');
SELECT cmp_ok((:'r'::jsonb ->> 'duration_ms')::numeric, '>=', 0::numeric, 'duration_ms is a number');
SELECT set_eq($$SELECT jsonb_object_keys(run('fail', '{"code": "P0042"}'))$$,
  ARRAY['success', 'dry_run', 'tool', 'params', 'error', 'executed_at', 'duration_ms'], 'a failure has its members');
SELECT is(run('fail', '{"code": "P0001"}') -> 'params', '{"code": "P0001"}', 'a failure has the params too');

-- The same call twice is two proposals.
SELECT approved('enter', '{"entry": "twice"}') AS p, approved('enter', '{"entry": "twice"}') AS q \gset
SELECT execute(:p), execute(:q) \g /dev/null
SELECT is((SELECT count(*) FROM app.ledger WHERE entry = 'twice'), 2::bigint, 'two approvals of the same call are two executions');

\ir include/finish.sql
