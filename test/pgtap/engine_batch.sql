-- execute_parallel: which calls a batch has, and what comes back.
\set file batch
\ir include/fixture.sql
CREATE TABLE app.effect (n int);
GRANT SELECT, INSERT ON app.effect TO :tool_role;
CREATE FUNCTION app.add(n int, note text DEFAULT 'none') RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  RETURN 10 / n;
END $$;
CREATE FUNCTION app.nap(seconds float, n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  PERFORM pg_sleep(seconds);
  RETURN n;
END $$;
-- Whether so many calls are here at once.
CREATE FUNCTION app.meet(others int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(4712);
  FOR i IN 1 .. 1000 LOOP
    IF (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712) >= others THEN
      PERFORM pg_sleep(0.2);
      RETURN true;
    END IF;
    PERFORM pg_sleep(0.01);
  END LOOP;
  RETURN false;
END $$;
CREATE FUNCTION app.away(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION app.who() RETURNS text LANGUAGE sql AS 'SELECT session_user || '' '' || current_user';
CREATE FUNCTION app.wait_in_tool(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r text;
BEGIN
  EXECUTE sql INTO r;
  RETURN r;
END $$;
CALL t.tool('app.add(int, text)');
CALL t.tool('app.nap(float, int)');
CALL t.tool('app.meet(int)');
CALL t.tool('app.who()');
CALL t.tool('app.wait_in_tool(text)');
SELECT workflow_orch.register_tool('away', 'app.away(int)', run_as => tool_role(), in_session => false);
CREATE ROLE batch_other LOGIN;
SELECT workflow_orch.register_tool('other', 'app.who()', run_as => 'batch_other');

CREATE FUNCTION t.batch(calls jsonb, timeout interval DEFAULT '1 min') RETURNS jsonb LANGUAGE sql AS $$
  SELECT workflow_orch.execute_parallel(calls, ann(), timeout)
$$;
-- The error of a batch, which has not run anything.
CREATE FUNCTION t.refused(calls jsonb, expected jsonb, description text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  executions bigint := (SELECT count(*) FROM workflow_orch.execution);
  effects bigint := (SELECT count(*) FROM effect);
BEGIN
  RETURN NEXT raises(format('SELECT batch(%L)', calls), expected, description);
  RETURN NEXT is((SELECT count(*) FROM workflow_orch.execution), executions, 'no call has run: ' || description);
  RETURN NEXT is((SELECT count(*) FROM effect), effects, 'nothing is left of one: ' || description);
END $$;
CREATE FUNCTION t.call(tool text, params jsonb, workflow bigint DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('tool', tool, 'params', params, 'workflow_id', workflow))
$$;
CREATE FUNCTION t.member(results jsonb, key text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(coalesce(e ->> key, 'null'), ' ' ORDER BY n) FROM jsonb_array_elements(results) WITH ORDINALITY a (e, n)
$$;
\ir include/workers.sql

-- The result
SELECT t.approved('add', '{"n": 1}') AS p1, t.approved('add', '{"n": 0}') AS p2, t.approved('add', '{"n": 5}') AS p3 \gset
SELECT t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :p3),
                                 jsonb_build_object('proposal_id', :'p2'::text),
                                 t.call('add', '{"n": "1"}'))) AS r \gset
SELECT is(jsonb_array_length(:'r'), 3, 'each call has a result');
SELECT is(t.member(:'r', 'call_index'), '0 1 2', 'results are numbered from 0');
SELECT is(t.member(:'r', 'proposal_id'), concat_ws(' ', :p3, :p2, :p1), 'results come in the order of the calls, both forms, numbers and numeric strings');
SELECT is(t.member(:'r', 'success'), 'true false true', 'a failing call leaves the others alone');
SELECT is(t.member(:'r', 'output'), '2 null 10', 'each has its own output');
SELECT is(:'r'::jsonb -> 1 -> 'error' ->> 'sqlstate', '22012', 'and its own error');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'r'::jsonb -> 0) k),
          '{call_index,dry_run,duration_ms,executed_at,execution_id,output,params,proposal_id,rows_changed,success,tool}',
          'a success has the members of the contract');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'r'::jsonb -> 1) k),
          '{call_index,dry_run,duration_ms,error,executed_at,execution_id,params,proposal_id,success,tool}',
          'so has a failure');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'r'::jsonb -> 1 -> 'error') k),
          '{context,detail,hint,message,sqlstate}', 'and its error');
SELECT is(jsonb_typeof(:'r'::jsonb -> 0 -> 'proposal_id') || ' ' || jsonb_typeof(:'r'::jsonb -> 0 -> 'execution_id') || ' ' ||
          jsonb_typeof(:'r'::jsonb -> 0 -> 'call_index'), 'number number number', 'ids and index are numbers');
SELECT results_eq(
  format('SELECT e.proposal_id, e.status::text, e.attempt::int, e.result - %L, e.actor_id FROM workflow_orch.execution e
          JOIN jsonb_array_elements(%L) r ON (r ->> %L)::bigint = e.execution_id ORDER BY r -> %L', 'x', :'r'::jsonb, 'execution_id', 'call_index'),
  format('SELECT (r ->> %L)::bigint, CASE WHEN (r -> %L)::bool THEN %L ELSE %L END, 1, r - %L::text[], ann() FROM jsonb_array_elements(%L) r',
         'proposal_id', 'success', 'succeeded', 'failed', '{call_index,proposal_id,execution_id}', :'r'::jsonb),
  'each call has its execution, with the same result');
SELECT is(t.status(:p1) || ' ' || t.status(:p2) || ' ' || t.status(:p3), 'executed failed executed', 'and its proposal follows');
SELECT set_eq('SELECT n FROM effect', '{1,5}'::int[], 'the effects are those of the calls that succeeded');
SELECT is((SELECT count(*) FROM workflow_orch.get_audit_log(t.workflow())
            WHERE action = 'execute_action' AND proposal_id IN (:p1, :p2, :p3) AND actor_id = t.ann() AND execution_id IS NOT NULL),
          3::bigint, 'each call has its audit row');
SELECT is((SELECT jsonb_agg(details - 'proposals') FROM workflow_orch.get_audit_log(t.workflow()) WHERE action = 'execute_parallel'),
          '[{"calls": 3, "succeeded": 2, "failed": 1}]', 'beside one of the batch');
SELECT is((SELECT array_agg(DISTINCT login) FROM workflow_orch.execution), '{postgres}', 'the executions have the login of the caller');
SELECT is((SELECT array_agg(DISTINCT login::text ORDER BY login::text) FROM workflow_orch.get_audit_log(t.workflow()) WHERE action LIKE 'execute%'),
          '{batch_tool,postgres}', 'audit rows that of the session that wrote them, the worker''s for the calls');
SELECT is(t.batch('[]'), '[]', 'an empty batch has no results');

-- Which proposal is meant
SELECT t.approved('add', '{"n": 2}') AS old, t.approved('add', '{"n": 2}') AS new \gset
SELECT workflow_orch.start_workflow('Elsewhere', t.ann()) AS elsewhere \gset
SELECT proposal_id AS far FROM workflow_orch.propose_action(:elsewhere, t.ann(), 'add', '{"n": 2}', 'why') \gset
SELECT FROM workflow_orch.review_action(:far, t.bob(), 'approve');
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 2}', :elsewhere))), 'proposal_id'), :'far', 'workflow_id chooses the workflow');
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 2}'), t.call('add', '{"n": 2, "note": "none"}')) - 1), 'proposal_id'), :'old',
          'the oldest is taken');
SELECT t.approved('add', '{"n": 2}') AS newer \gset
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 2}'), t.call('add', '{"n": "2"}'))), 'proposal_id'), concat_ws(' ', :new, :newer),
          'each is used once');
SELECT t.approved('add', '{"n": 2}') AS named, t.approved('add', '{"n": 2}') AS found \gset
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 2}'), jsonb_build_object('proposal_id', :named))), 'proposal_id'),
          concat_ws(' ', :found, :named), 'one that another call names is not taken for this one');
SELECT t.refused(jsonb_build_array(t.call('add', '{"n": 2}')), '{"sqlstate": "55000", "message": "call 0 has no approved proposal", "hint": "Propose the call and have it approved."}',
                 'none is left');

-- What refuses the whole batch
SELECT t.approved('add', '{"n": 3}') AS good, t.propose('add', '{"n": 4}') AS pending \gset
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good), jsonb_build_object('proposal_id', :pending)),
                 '{"sqlstate": "55000", "message": "proposal % is not approved%"}', 'a pending proposal');
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good), t.call('add', '{"n": 4}')),
                 '{"sqlstate": "55000", "message": "call 1 has no approved proposal"}', 'a call without an approval');
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :p1)), '{"sqlstate": "55000", "detail": "%executed%"}', 'an executed proposal');
SELECT FROM workflow_orch.review_action(:pending, t.bob(), 'edit', '{"n": 44}');
SELECT t.refused(jsonb_build_array(t.call('add', '{"n": 4}')),
                 format('{"sqlstate": "55000", "hint": "%%proposal %s with params {\"n\": 44%%"}', :pending)::jsonb, 'a proposal that was edited, shown by the hint');
SELECT workflow_orch.set_tool_enabled('add', false);
SELECT t.refused(jsonb_build_array(t.call('add', '{"n": 3}')), '{"sqlstate": "55000", "message": "%disabled%"}', 'a disabled tool');
SELECT workflow_orch.set_tool_enabled('add', true);
SELECT workflow_orch.add_freeze('Stop', now(), now() + '1 h') AS freeze \gset
SELECT t.refused(jsonb_build_array(t.call('add', '{"n": 3}')), '{"sqlstate": "55000", "message": "%frozen%"}', 'a freeze');
SELECT workflow_orch.remove_freeze(:freeze);
ALTER FUNCTION app.add STRICT;
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good)), '{"sqlstate": "55000", "message": "%changed%"}', 'a tool that has changed');
ALTER FUNCTION app.add CALLED ON NULL INPUT;
REVOKE CONNECT ON DATABASE pgtap_engine_batch FROM PUBLIC;
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good)), '{"sqlstate": "55000", "hint": "_%"}', 'a role that cannot connect');
GRANT CONNECT ON DATABASE pgtap_engine_batch TO PUBLIC;
REVOKE EXECUTE ON FUNCTION app.add FROM PUBLIC;
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good)), '{"sqlstate": "42501"}', 'a role that may not execute the function');
GRANT EXECUTE ON FUNCTION app.add TO PUBLIC;
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good), jsonb_build_object('proposal_id', :'good')),
                 '{"sqlstate": "22023", "hint": "%"}', 'a proposal named twice');
SELECT t.approved('add', jsonb_build_object('n', 1, 'note', repeat('ä', n))) FROM unnest('{300,301}'::int[]) n \g /dev/null
SELECT t.approved('add', jsonb_build_object('n', 1, 'note', 'x' || repeat('ä', 300))) AS wide \gset
SELECT is(convert_from(convert_to(t.error_of($$SELECT batch('[{"tool": "add", "params": {"n": 99}}]')$$) ->> 'hint', 'UTF8'), 'UTF8') LIKE '%ää%', true, 'the hint cuts long params between characters');
SELECT FROM workflow_orch.proposal p, workflow_orch.withdraw_proposal(p.proposal_id, t.ann()) WHERE p.params ->> 'note' LIKE '%ää';
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good), v.call), jsonb_build_object('sqlstate', v.sqlstate) ||
                 CASE WHEN v.sqlstate = '22023' AND v.call -> 'params' -> 'n' IS NULL THEN '{"hint": "_%"}' ELSE '{}' END::jsonb, v.call::text)
  FROM (VALUES
    ('1'::jsonb, '22023'), ('"1"', '22023'), ('null', '22023'), ('true', '22023'), ('[]', '22023'), ('[1]', '22023'), ('{}', '22023'),
    ('{"proposal_id": null}', '22023'), ('{"proposal_id": true}', '22023'), ('{"proposal_id": []}', '22023'), ('{"proposal_id": {}}', '22023'),
    ('{"proposal_id": 1.5}', '22023'), ('{"proposal_id": "1.5"}', '22023'), ('{"proposal_id": ""}', '22023'), ('{"proposal_id": "x"}', '22023'),
    ('{"proposal_id": "1x"}', '22023'), ('{"proposal_id": 9223372036854775808}', '22023'), ('{"proposal_id": "99999999999999999999"}', '22023'),
    ('{"proposal_id": 1e400}', '22023'), ('{"proposal_id": 9223372036854775807}', '42704'), ('{"proposal_id": -9223372036854775808}', '42704'),
    ('{"proposal_id": -1}', '42704'), ('{"proposal_id": 0}', '42704'),
    ('{"proposal_id": 1, "tool": "add"}', '22023'), ('{"proposal_id": 1, "params": {}}', '22023'), ('{"proposal_id": 1, "workflow_id": 1}', '22023'),
    ('{"proposal_id": 1, "else": 1}', '22023'), ('{"Proposal_id": 1}', '22023'), ('{"id": 1}', '22023'),
    ('{"tool": "add"}', '22023'), ('{"params": {"n": 1}}', '22023'), ('{"tool": null, "params": {}}', '22023'), ('{"tool": 1, "params": {}}', '22023'),
    ('{"tool": "add", "params": null}', '22023'), ('{"tool": "add", "params": []}', '22023'), ('{"tool": "add", "params": "{}"}', '22023'),
    ('{"tool": "add", "params": {"n": 1}, "else": 1}', '22023'), ('{"tool": "add", "params": {"n": 1}, "workflow_id": "x"}', '22023'),
    ('{"tool": "add", "params": {"n": 1}, "workflow_id": 1.5}', '22023'), ('{"tool": "add", "params": {"n": 1}, "workflow_id": 424242}', '42704'),
    ('{"tool": "nothing", "params": {}}', '42704'), ('{"tool": "", "params": {}}', '42704'),
    ('{"tool": "add", "params": {"n": 1, "m": 1}}', '22023'), ('{"tool": "add", "params": {"n": []}}', '22023'), ('{"tool": "add", "params": {"n": "x"}}', '22023')
  ) v (call, sqlstate);
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :good), v.call), jsonb_build_object('message', v.message), v.message)
  FROM (VALUES ('[]'::jsonb, 'element 1 of argument "calls" must be a JSON object'),
               ('{"proposal_id": 1, "else": 1}', 'element 1 of argument "calls" has an unknown member "else"'),
               ('{"proposal_id": "x"}', 'member "proposal_id" of element 1 of argument "calls" must be a whole number of the type bigint'),
               ('{"tool": "add", "params": []}', 'member "params" of element 1 of argument "calls" must be a JSON object'),
               ('{"tool": "add"}', 'element 1 of argument "calls" must have either "proposal_id" or "tool" and "params"')) v (call, message);
SELECT t.refused(calls, '{"sqlstate": "22023", "message": "argument \"calls\" must be a JSON array of objects", "hint": "_%"}', 'calls as ' || calls::text)
  FROM unnest('{"{}",1,"\"x\"",null,true,"{\"proposal_id\": 1}"}'::jsonb[]) calls WHERE calls IS NOT NULL;
SELECT t.refused('null', '{"sqlstate": "22023", "hint": "_%"}', 'calls as a JSON null');
SELECT t.raises('SELECT workflow_orch.execute_parallel(NULL, t.ann())', '{"sqlstate": "22023", "message": "argument \"calls\" must not be null"}', 'calls NULL');
SELECT t.raises($$SELECT workflow_orch.execute_parallel((SELECT jsonb_agg('{"proposal_id": 1}'::jsonb) FROM generate_series(1, 1000000)))$$,
                '{"sqlstate": "54000", "message": "argument \"calls\" has too many elements", "hint": "_%"}', 'a million calls are too many');
SELECT t.raises(format('SELECT workflow_orch.execute_parallel(%L, 424242)', jsonb_build_array(jsonb_build_object('proposal_id', :good))),
                '{"sqlstate": "42704"}', 'an unknown actor');
SELECT t.raises(format('SELECT batch(%L, %L)', jsonb_build_array(jsonb_build_object('proposal_id', :good)), timeout), '{"sqlstate": "22023", "hint": "_%"}', 'timeout ' || timeout)
  FROM unnest('{-1 s,-1 month,178000000 years}'::text[]) timeout;
SELECT t.raises(format('SELECT batch(%L)', jsonb_build_array(jsonb_build_object('proposal_id', :good), jsonb_build_object('proposal_id', :pending),
                                                              jsonb_build_object('proposal_id', :p1), jsonb_build_object('proposal_id', 424242))),
                '{"sqlstate": "42704"}', 'an unknown id comes before the state of another call');
SELECT is(t.status(:good), 'approved', 'after all that the good call is as it was');
SELECT is(t.member(t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :good)), '0'), 'success'), 'true', 'a timeout of zero is none');
SELECT is(t.member(workflow_orch.execute_parallel(jsonb_build_array(jsonb_build_object('proposal_id', :pending))), 'success'), 'true',
          'actor and timeout may be left out');

-- What is not committed does not count
BEGIN;
SELECT t.approved('add', '{"n": 6}') AS fresh \gset
SELECT t.raises(format('SELECT batch(%L)', jsonb_build_array(jsonb_build_object('proposal_id', :fresh))), '{"sqlstate": "55000", "hint": "Commit the transaction first%"}', 'an approval of this transaction');
SELECT t.raises(format('SELECT batch(%L)', jsonb_build_array(t.call('add', '{"n": 6}'))), '{"sqlstate": "55000", "hint": "Commit the transaction first%"}', 'the same by tool and params');
COMMIT;
BEGIN;
SELECT FROM workflow_orch.propose_action(t.workflow(), t.ann(), 'add', '{"n": 6}', 'again') p, workflow_orch.review_action(p.proposal_id, t.bob(), 'approve');
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 6}'))), 'proposal_id'), :'fresh', 'one that is committed is taken before one that is not');
ROLLBACK;
SELECT t.propose('add', '{"n": 61}') AS early, t.approved('add', '{"n": 61}') AS late \gset
BEGIN;
SELECT FROM workflow_orch.review_action(:early, t.bob(), 'approve');
SELECT is(t.member(t.batch(jsonb_build_array(t.call('add', '{"n": 61}'))), 'proposal_id'), :'late', 'even if the one that is not is older');
ROLLBACK;
SELECT is(t.status(:fresh), 'executed', 'a ROLLBACK of the caller does not undo the calls');
SELECT is((SELECT count(*) FROM effect WHERE n = 6), 1::bigint, 'nor their effects');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM app.effect \gset
SELECT t.raises('SELECT 1 / 0', '{"sqlstate": "22012"}', 'a snapshot is taken');
COMMIT;
SELECT t.approved('add', '{"n": 7}') AS serial \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM app.effect \gset
SELECT is(t.member(t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :serial))), 'success'), 'true', 'results come back in REPEATABLE READ too');
SELECT is((SELECT count(*) FROM effect), :count::bigint, 'whose snapshot does not see the effects');
COMMIT;

-- Dry runs
SELECT t.approved('add', '{"n": 8}') AS dry1, t.approved('away', '{"n": 8}') AS dry2 \gset
SELECT FROM workflow_orch.set_policy(dry_run => true);
REVOKE CONNECT ON DATABASE pgtap_engine_batch FROM PUBLIC;
SELECT t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :dry1), t.call('away', '{"n": 8}'))) AS r \gset
GRANT CONNECT ON DATABASE pgtap_engine_batch TO PUBLIC;
SELECT is(t.member(:'r', 'success') || ' ' || t.member(:'r', 'dry_run'), 'true true true true', 'a dry run of the policy needs no worker, and takes what is kept out of sessions');
SELECT matches(:'r'::jsonb -> 0 ->> 'message', '^\[DRY RUN\] Would execute add with params: \{"n": 8', 'and says what it would do');
SELECT is(t.status(:dry1) || ' ' || t.status(:dry2), 'approved approved', 'the proposals stay approved');
SELECT is((SELECT count(*) FROM workflow_orch.execution WHERE dry_run AND status = 'succeeded' AND proposal_id IN (:dry1, :dry2)), 2::bigint, 'dry runs are recorded');
SELECT is((SELECT count(*) FROM workflow_orch.get_audit_log(t.workflow()) WHERE proposal_id IN (:dry1, :dry2) AND action = 'execute_action' AND details @> '{"dry_run": true}'),
          2::bigint, 'and audited');
SELECT t.propose('add', '{"n": 9}') AS unapproved \gset
SELECT t.refused(jsonb_build_array(jsonb_build_object('proposal_id', :unapproved)), '{"sqlstate": "55000"}', 'a dry run without an approval');
SELECT FROM workflow_orch.set_policy(dry_run => false);
SELECT workflow_orch.start_workflow('Dry', t.ann(), true) AS dry \gset
SELECT proposal_id AS dry3 FROM workflow_orch.propose_action(:dry, t.ann(), 'add', '{"n": 8}', 'why') \gset
SELECT FROM workflow_orch.review_action(:dry3, t.bob(), 'approve');
SELECT t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :dry3), jsonb_build_object('proposal_id', :dry1))) AS r \gset
SELECT is(t.member(:'r', 'dry_run'), 'true false', 'a dry run of one workflow stands beside a call of another');
SELECT is(t.status(:dry3) || ' ' || t.status(:dry1), 'approved executed', 'which runs');
SELECT is((SELECT count(*) FROM effect WHERE n = 8), 1::bigint, 'alone');
SELECT is((SELECT array_agg(details ->> 'proposals' ORDER BY workflow_id) FROM workflow_orch.audit_log
            WHERE action = 'execute_parallel' AND audit_id > (SELECT max(audit_id) FROM workflow_orch.audit_log WHERE proposal_id = :dry1)),
          ARRAY[format('[%s]', :dry1), format('[%s]', :dry3)], 'each workflow of a batch has the row of the batch');
-- A trigger that the caller deferred ends the dry run between the check and the call.
SELECT t.approved('add', '{"n": 10}') AS dry4 \gset
SELECT FROM workflow_orch.set_policy(dry_run => true);
CREATE TABLE app.late (n int);
CREATE FUNCTION app.in_earnest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM workflow_orch.set_policy(dry_run => false);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER in_earnest AFTER INSERT ON app.late INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.in_earnest();
BEGIN;
INSERT INTO app.late VALUES (1);
SELECT is(t.member(t.batch(jsonb_build_array(jsonb_build_object('proposal_id', :dry4))), 'dry_run'), 'true', 'what was a dry run when the batch was checked runs as one');
COMMIT;
SELECT is((SELECT count(*) FROM effect WHERE n = 10), 0::bigint, 'and never in the session');

-- Several roles, more calls than workers
SELECT t.approved('who') AS w1, t.approved('other') AS w2 \gset
SELECT is(t.member(t.parallel(:w1, :w2), 'output'), 'batch_tool batch_tool batch_other batch_other', 'calls of several roles run in one batch, each connected as its own');
SELECT array_agg(t.approved('add', '{"n": 11}')) AS many FROM generate_series(1, 60) \gset
SELECT t.batch((SELECT jsonb_agg(jsonb_build_object('proposal_id', p) ORDER BY p DESC) FROM unnest(:'many'::bigint[]) p)) AS r \gset
SELECT is((SELECT count(DISTINCT (e ->> 'execution_id')) || ' ' || bool_and((e -> 'success')::bool) || ' ' || bool_and((e ->> 'proposal_id')::bigint = (:'many'::bigint[])[60 - (e -> 'call_index')::int])
             FROM jsonb_array_elements(:'r') e), '60 true true', 'more calls than workers queue, and come back in order');
SELECT is((SELECT count(*) FROM effect WHERE n = 11), 60::bigint, 'each has run once');
SELECT array_agg(t.approved('meet', '{"others": 4}')) AS meeting FROM generate_series(1, 4) \gset
SELECT is(t.member(t.parallel(VARIADIC :'meeting'), 'output'), 'true true true true', 'the calls of a batch run at the same time');

-- The batch's time is over
SELECT array_agg(t.approved('nap', '{"seconds": 20, "n": 13}')) AS naps FROM generate_series(1, 12) \gset
SELECT t.approved('add', '{"n": 13}') AS quick \gset
SELECT t.batch((SELECT jsonb_agg(jsonb_build_object('proposal_id', p)) FROM unnest(:quick || :'naps'::bigint[]) p), '1 s') AS r \gset
SELECT is(t.member(:'r', 'success'), 'true' || repeat(' false', 12), 'after the timeout what is done is done, and the rest has failed');
SELECT is((SELECT array_agg(DISTINCT e -> 'error' ->> 'sqlstate') FROM jsonb_array_elements(:'r'::jsonb - 0) e), '{57014}', 'with 57014');
SELECT is((SELECT count(*) FILTER (WHERE e -> 'execution_id' = 'null') > 0 AND count(*) FILTER (WHERE e -> 'execution_id' <> 'null') > 0
             FROM jsonb_array_elements(:'r'::jsonb - 0) e), true, 'whether they ran or never started');
SELECT is((SELECT array_agg(DISTINCT t.status(p)) FROM unnest(:'naps'::bigint[]) p), '{approved}', 'their proposals stay approved');
SELECT is((SELECT array_agg(DISTINCT e.status::text) FROM workflow_orch.execution e WHERE e.proposal_id = ANY (:'naps'::bigint[])), '{cancelled}', 'the executions are cancelled');
SELECT is((SELECT count(*) FROM effect WHERE n = 13), 1::bigint, 'and undone');
CALL t.wait_for($$SELECT NOT EXISTS (SELECT FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL AND database = current_database())$$);
SELECT clock_timestamp() AS before \gset
SELECT is(jsonb_array_length(t.batch((SELECT jsonb_agg(jsonb_build_object('proposal_id', p)) FROM unnest(:'naps'::bigint[]) p), '1 us')), 12, 'the smallest timeout is one');
SELECT cmp_ok(clock_timestamp() - :'before', '<', '10 s'::interval, 'and soon over');

-- The caller is cancelled
SET statement_timeout = '600 ms';
SELECT t.raises(format('SELECT parallel(VARIADIC %L)', :'naps'), '{"sqlstate": "57014", "message": "canceling statement due to statement timeout"}', 'a cancel of the caller is the caller''s');
RESET statement_timeout;
CALL t.wait_for($$SELECT NOT EXISTS (SELECT FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL AND database = current_database())$$);
SELECT is((SELECT array_agg(DISTINCT t.status(p)) FROM unnest(:'naps'::bigint[]) p), '{approved}', 'it ends the batch: the proposals stay approved');
SELECT is((SELECT array_agg(DISTINCT e.status::text) FROM workflow_orch.execution e WHERE e.proposal_id = ANY (:'naps'::bigint[])), '{cancelled}', 'what ran is cancelled');
SELECT is((SELECT max(n) FROM (SELECT count(*) AS n FROM workflow_orch.execution WHERE proposal_id = ANY (:'naps'::bigint[]) GROUP BY proposal_id) c) <= 3, true, 'and no more started');

-- Inside a tool
GRANT USAGE ON SCHEMA workflow_orch TO :tool_role;
SELECT workflow_orch.grant_capability(t.tool_role(), 'execute');
SELECT is(t.run('wait_in_tool', jsonb_build_object('sql', v.sql)) -> 'error' ->> 'sqlstate', v.sqlstate, 'in a session: ' || v.sql)
  FROM (VALUES ('SELECT workflow_orch.execute_parallel(''[]'')', '55000'), ('SELECT workflow_orch.wait_execution(1)', '55000'),
               ('SELECT workflow_orch.enqueue_action(1)', '42501')) v (sql, sqlstate);
SELECT array_agg(t.approved('wait_in_tool', jsonb_build_object('sql', sql)) ORDER BY n) AS inside
  FROM (VALUES (1, 'SELECT workflow_orch.execute_parallel(''[]'')'), (2, 'SELECT workflow_orch.wait_execution(1)'),
               (3, 'SELECT workflow_orch.execute_action(1)'), (4, 'SELECT workflow_orch.cancel_execution(1)'), (5, 'SELECT workflow_orch.enqueue_action(1)')) v (n, sql) \gset
SELECT is((SELECT array_agg(e -> 'error' ->> 'sqlstate') FROM jsonb_array_elements(t.parallel(VARIADIC :'inside')) e), '{55000,55000,42501,42501,42501}',
          'in a worker a tool cannot wait for calls, nor make others');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');

DROP OWNED BY batch_other;
DROP ROLE batch_other;
\ir include/finish_workers.sql
