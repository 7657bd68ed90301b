-- What the audit log says of each step.
\set file engine_record
\ir include/fixture.sql

CREATE FUNCTION app.work(n int DEFAULT 1) RETURNS jsonb LANGUAGE sql RETURN jsonb_build_object('b', ARRAY[1.50, n], 'a', 'é');
CREATE FUNCTION app.fail() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'd', HINT = 'h'; END$$;
-- The last audit row, without what differs from run to run.
CREATE FUNCTION t.last() RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('action', action, 'actor_id', actor_id, 'workflow_id', workflow_id, 'proposal_id', proposal_id,
                            'execution_id', execution_id, 'details', details - 'duration_ms')
  FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1
$$;
CREATE FUNCTION t.entry(action text, actor bigint, workflow bigint, proposal bigint, execution bigint, details jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('action', action, 'actor_id', actor, 'workflow_id', workflow, 'proposal_id', proposal,
                            'execution_id', execution, 'details', details)
$$;

-- Administration.
SELECT workflow_orch.register_actor('dee', 'DBA', kind => 'agent', person => 'Dee') AS dee \gset
SELECT is(last(), entry('register_actor', NULL, NULL, NULL, NULL,
  jsonb_build_object('actor_id', :dee, 'name', 'dee', 'role', 'DBA', 'kind', 'agent', 'active', true, 'person', 'Dee')),
  'register_actor is recorded with the actor');
SELECT workflow_orch.update_actor(:dee, role => 'Manager', active => false);
SELECT is(last(), entry('update_actor', NULL, NULL, NULL, NULL,
  jsonb_build_object('actor_id', :dee, 'name', 'dee', 'from', '{"role": "DBA", "active": true}'::jsonb, 'to', '{"role": "Manager", "active": false}'::jsonb)),
  'update_actor is recorded with what it was and what it became');
CALL tool('work(int)');
SELECT is((last() -> 'details' ->> 'definition'), (SELECT encode(definition, 'hex') FROM workflow_orch.tool WHERE tool = 'work'), 'register_tool is recorded with the SHA-256 of the definition');
SELECT is(last() #- '{details,run_as_oid}' #- '{details,definition}' #- '{details,home_system}' #- '{details,home_database}', entry('register_tool', NULL, NULL, NULL, NULL,
  jsonb_build_object('tool', 'work', 'enabled', true, 'in_session', true, 'preview', false, 'dry_run_mode', 'describe', 'max_attempts', 1, 'rerun', true, 'preview_rows', 0, 'group_size', 1, 'function', 'app.work(integer)',
                     'built_in', false, 'run_as', :'tool_role', 'search_path', 'app, t, public, pg_temp')),
  'register_tool is recorded with the tool');
SELECT workflow_orch.update_tool('work', timeout => '5 s');
SELECT is(last() #- '{details,from,definition}' #- '{details,to,definition}', entry('update_tool', NULL, NULL, NULL, NULL, '{"tool": "work", "from": {"timeout": null}, "to": {"timeout": "00:00:05"}}'),
  'update_tool is recorded with what it was and what it became');
SELECT workflow_orch.update_tool('work', rerun => false, in_session => false, max_rows => 3, preview_rows => 4);
SELECT is(last() #- '{details,from,definition}' #- '{details,to,definition}', entry('update_tool', NULL, NULL, NULL, NULL, '{"tool": "work", "from": {"rerun": true, "in_session": true, "max_rows": null, "preview_rows": 0},
    "to": {"rerun": false, "in_session": false, "max_rows": 3, "preview_rows": 4}}'), 'whatever setting of the tool it was');
SELECT workflow_orch.update_tool('work', rerun => true, in_session => true, max_rows => -1, preview_rows => 0);
SELECT workflow_orch.set_tool_enabled('work', false);
SELECT is(last(), entry('set_tool_enabled', NULL, NULL, NULL, NULL, '{"tool": "work", "from": {"enabled": true}, "to": {"enabled": false}}'),
  'set_tool_enabled is recorded under its own name');
SELECT workflow_orch.set_tool_enabled('work', true);
CALL tool('fail()');

-- A proposal's way.
SELECT workflow_orch.start_workflow('Audit', :ann, true, '{"k": 1}') AS dry \gset
SELECT is(last(), entry('start_workflow', :ann, :dry, NULL, NULL, '{"title": "Audit", "dry_run": true, "metadata": {"k": 1}}'),
  'start_workflow is recorded with the workflow');
SELECT workflow_orch.start_workflow('Audit', :ann) AS w \gset
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'work', '{"n": 1}', 'the reason') \gset
SELECT is(last(), entry('propose_action', :ann, :w, :p, NULL,
  '{"tool": "work", "reason": "the reason", "status": "pending", "revision": 1, "required_approvals": 1}'),
  'propose_action is recorded with the tool and the reason');
SELECT :p AS first \gset
CREATE FUNCTION t.reviewed(details jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT details || jsonb_build_object('review_id', max(review_id)) FROM workflow_orch.review
$$;
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{"n": 2}', 'better') \g /dev/null
SELECT is(last(), entry('review_action', :bob, :w, :p, NULL,
  reviewed('{"decision": "edit", "edits": {"n": 2}, "comment": "better", "status": "approved", "revision": 2, "role": "DBA"}')),
  'an edit is recorded with the patch, the comment and the reviewer''s role');
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p, :ann) \gset
SELECT is(last(), entry('execute_action', :ann, :w, :p, :e,
  jsonb_build_object('revision', 2, 'status', 'executed', 'success', true, 'dry_run', false, 'tool', 'work', 'rows_changed', 0,
                     'output_sha256', encode(sha256(convert_to((:'r'::jsonb -> 'output')::text, 'UTF8')), 'hex'))),
  'execute_action is recorded with the SHA-256 of the output''s text');
SELECT cmp_ok((details ->> 'duration_ms')::numeric, '>=', 0::numeric, 'execute_action is recorded with how long it took')
  FROM workflow_orch.audit_log WHERE execution_id = :e;
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE proposal_id = :p), 3::bigint, 'each call is one audit row');

SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'fail', '{}', 'r') \gset
SELECT workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(last(), entry('review_action', :bob, :w, :p, NULL, reviewed('{"decision": "approve", "status": "approved", "revision": 1, "role": "DBA", "stage": 1}')),
  'an approval is recorded with the stage it counts in');
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p) \gset
SELECT is(last(), entry('execute_action', NULL, :w, :p, :e,
  jsonb_build_object('revision', 1, 'status', 'failed', 'success', false, 'dry_run', false, 'tool', 'fail', 'error', :'r'::jsonb -> 'error')),
  'a failure is recorded with its error');
SELECT workflow_orch.retry_action(:p, :cyd) \g /dev/null
SELECT is(last(), entry('retry_action', :cyd, :w, :p, NULL, '{"from": "failed", "status": "approved"}'), 'retry_action is recorded');
SELECT workflow_orch.withdraw_proposal(:p, :ann, 'enough') \g /dev/null
SELECT is(last(), entry('withdraw_proposal', :ann, :w, :p, NULL, '{"from": "approved", "status": "withdrawn", "reason": "enough"}'),
  'withdraw_proposal is recorded with its reason');

SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'work', '{}', 'r') \gset
SELECT is(last() #> '{details,required_approvals}', '2', 'propose_action is recorded with the approvals that are needed');
SELECT workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT is(last() #>> '{details,status}', 'pending', 'the first of two approvals is recorded as leaving it pending');
SELECT workflow_orch.review_action(:p, :cyd, 'reject', comment => 'no') \g /dev/null
SELECT is(last(), entry('review_action', :cyd, :w, :p, NULL, reviewed('{"decision": "reject", "status": "rejected", "revision": 1, "role": "Manager", "comment": "no"}')),
  'a rejection is recorded');
SELECT default_approvals, proposal_ttl FROM workflow_orch.set_policy(default_approvals => 1, proposal_ttl => '1 ms') \g /dev/null
SELECT proposal_id AS p, pg_sleep(0.01) FROM workflow_orch.propose_action(:w, :ann, 'work', '{}', 'r') \gset
SELECT workflow_orch.expire_proposals() \g /dev/null
SELECT is(last(), entry('expire_proposal', NULL, :w, :p, NULL, '{"from": "pending", "status": "expired"}'),
  'an expiry is recorded as what the extension does by itself');
SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0') \g /dev/null
SELECT workflow_orch.complete_workflow(:w, :ann) \g /dev/null
SELECT is(last(), entry('complete_workflow', :ann, :w, NULL, NULL, '{"status": "completed"}'), 'complete_workflow is recorded');
SELECT proposal_id AS p FROM workflow_orch.propose_action(:dry, :ann, 'work', '{}', 'r') \gset
SELECT workflow_orch.cancel_workflow(:dry, :ann, 'no need') \g /dev/null
SELECT is(last(), entry('cancel_workflow', :ann, :dry, NULL, NULL, '{"status": "cancelled", "reason": "no need"}'),
  'cancel_workflow is recorded with its reason');
SELECT is(details, '{"from": "pending", "status": "cancelled", "reason": "no need"}', 'so is each proposal that it cancels')
  FROM workflow_orch.audit_log WHERE proposal_id = :p AND action = 'cancel_workflow';

-- get_audit_log.
SELECT is((SELECT array_agg(a ORDER BY i) FROM pg_proc, unnest(proargnames, proargmodes) WITH ORDINALITY AS v (a, m, i)
           WHERE oid = 'workflow_orch.get_audit_log'::regproc AND m = 'o'),
  '{audit_id,occurred_at,action,actor_id,proposal_id,execution_id,login,details}', 'get_audit_log has the columns of the contract');
SELECT is((SELECT jsonb_agg(to_jsonb(l) #- '{details,params}') FROM workflow_orch.get_audit_log(:w) l),
  (SELECT jsonb_agg(to_jsonb(l) ORDER BY audit_id) FROM (
     SELECT audit_id, occurred_at, action, actor_id, proposal_id, execution_id, login, details
     FROM workflow_orch.audit_log WHERE workflow_id = :w) l),
  'get_audit_log gives the rows of the workflow, oldest first');
SELECT is((SELECT array_agg(action) FROM workflow_orch.get_audit_log(:w)),
  '{start_workflow,propose_action,review_action,execute_action,propose_action,review_action,execute_action,retry_action,withdraw_proposal,propose_action,review_action,review_action,propose_action,expire_proposal,complete_workflow}',
  'the log tells the whole story');
SELECT is((SELECT count(*) FROM workflow_orch.get_audit_log(:w) WHERE occurred_at NOT BETWEEN now() AND clock_timestamp()), 0::bigint,
  'the rows have the real time');
SELECT is((SELECT jsonb_agg(jsonb_build_array(action, details -> 'params')) FROM workflow_orch.get_audit_log(:w) WHERE details ? 'params' AND proposal_id = :first),
  '[["propose_action", {"n": 1}], ["review_action", {"n": 2}], ["execute_action", {"n": 2}]]', 'it joins the params that were proposed, those after the edit, and those that ran');
SELECT set_eq('SELECT audit_id FROM workflow_orch.get_audit_log(NULL)', 'SELECT audit_id FROM workflow_orch.audit_log WHERE workflow_id IS NULL',
  'without a workflow it gives what belongs to none');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE workflow_id IS NULL AND action IN ('register_actor', 'register_tool')) > 2, true, 'actors and tools among it');
CREATE FUNCTION t.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SELECT is((SELECT bool_or(l ~ 'ProjectSet') AND NOT bool_or(l ~ 'Function Scan') FROM plan_of('SELECT * FROM workflow_orch.get_audit_log(1) LIMIT 10') l), true,
  'a LIMIT ends the reading: no plan collects the rows first');
SELECT is((SELECT array_agg(audit_id) FROM (SELECT audit_id FROM workflow_orch.get_audit_log(:w) LIMIT 3) l),
  (SELECT array_agg(audit_id) FROM (SELECT audit_id FROM workflow_orch.audit_log WHERE workflow_id = :w ORDER BY audit_id LIMIT 3) l), 'the first rows are the oldest');
SELECT workflow_orch.start_workflow('Long log') AS long \gset
SELECT count(propose('work')) FROM generate_series(1, 2) \g /dev/null
INSERT INTO workflow_orch.audit_log (audit_id, occurred_at, action, login, details, workflow_id, db_role, application_name, backend_pid, transaction_id)
  OVERRIDING SYSTEM VALUE SELECT -n, now(), 'start_workflow', 'x', '{}', :long, 'x', '', 1, '3' FROM generate_series(1, 200) n;
SELECT is((SELECT row(count(*), count(DISTINCT audit_id), array_agg(audit_id) = array_agg(audit_id ORDER BY audit_id))::text FROM workflow_orch.get_audit_log(:long)), '(201,201,t)',
  'a log of several pages is read whole, in order');
SELECT raises('SELECT * FROM workflow_orch.get_audit_log(404)', '{"sqlstate": "42704", "message": "%404%"}', 'an unknown workflow has no log');

-- Whose connection.
SET LOCAL application_name = 'the "app"';
SELECT /* needle */ workflow_orch.start_workflow('Connection') \g /dev/null
SELECT is((SELECT jsonb_build_array(login, db_role, application_name, client_addr, backend_pid, transaction_id::text)
           FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_array(session_user, current_user, 'the "app"', inet_client_addr(), pg_backend_pid(), pg_current_xact_id()::text),
  'an audit row has the login, the role, the application, the address, the process and the transaction');
SELECT is((SELECT query FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  $$SELECT /* needle */ workflow_orch.start_workflow('Connection') $$, 'an audit row has the query that the client sent');
SELECT /* :padding */ workflow_orch.start_workflow('Long' || length(repeat('é', 6000)), metadata => jsonb_build_object('k', repeat('x', 10))) \g /dev/null
SELECT format('SELECT workflow_orch.start_workflow(%L)', repeat('é', 5000)) \gexec
SELECT ok(octet_length(query) BETWEEN 8190 AND 8192 AND query LIKE 'SELECT%éé', 'of a long query 8 kB are kept, in whole characters')
  FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1;
CREATE ROLE engine_record_app;
SELECT workflow_orch.grant_capability('engine_record_app', 'propose');
SET ROLE engine_record_app;
SELECT workflow_orch.start_workflow('Role') \g /dev/null
RESET ROLE;
SELECT is((SELECT jsonb_build_array(login, db_role) FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_array(session_user, 'engine_record_app'), 'the login and the role taken on are told apart');

\ir include/finish.sql
