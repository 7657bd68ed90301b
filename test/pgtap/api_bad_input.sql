-- Bad input: every call refuses it with the contract's SQLSTATE, says what and
-- how to go on, and writes nothing.
\set file api_bad_input
\set without_sealer
\ir include/fixture.sql
\ir include/roles.sql
\ir include/calls.sql

CREATE FUNCTION t.contents() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(query_to_xml(format('SELECT * FROM workflow_orch.%I x ORDER BY x::text', relname), true, true, '')::text, '' ORDER BY relname))
    FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r'
$$;

CREATE FUNCTION app.div(n int, note text DEFAULT NULL) RETURNS int LANGUAGE sql RETURN 1 / n;
CREATE FUNCTION app.doc(body jsonb) RETURNS jsonb LANGUAGE sql RETURN body;
CREATE FUNCTION app.say(words text) RETURNS int LANGUAGE sql RETURN length(words);
CREATE FUNCTION app.whole(params jsonb) RETURNS jsonb LANGUAGE sql RETURN params;
CALL tool('div(int,text)');
CALL tool('doc(jsonb)');
SELECT workflow_orch.register_tool('shown', 'div(int,text)', run_as => tool_role(), preview => true);
CALL tool('say(text)');
CALL tool('whole(jsonb)');
SELECT workflow_orch.register_tool('worker_only', 'div(int,text)', run_as => tool_role(), in_session => false);
SELECT workflow_orch.register_tool('off', 'div(int,text)', run_as => tool_role());
SELECT workflow_orch.register_tool('off_later', 'div(int,text)', run_as => tool_role());
\ir include/standing.sql
\set tree_size 5
\ir include/sealed.sql
SELECT workflow_orch.set_tool_enabled('off', false);
SELECT workflow_orch.register_actor('gone', 'r') AS gone, workflow_orch.register_actor('agent', 'r', kind => 'agent') AS agent \gset
SELECT workflow_orch.update_actor(:gone, active => false);
SELECT workflow_orch.start_workflow('done', :ann) AS done, workflow_orch.start_workflow('stopped', :ann) AS stopped,
       workflow_orch.start_workflow('open', :ann) AS open, workflow_orch.start_workflow('held', :ann) AS held \gset
SELECT workflow_orch.hold_workflow(:held, NULL, 'r') \g /dev/null

SELECT workflow_orch.add_freeze('f', '2099-01-01', '2099-01-02') AS freeze \gset
SELECT propose('div', '{"n": 1}') AS pending, propose('shown', '{"n": 1}') AS shown, approved('div', '{"n": 1}') AS approved, approved('div', '{"n": 1}') AS executed,
       approved('div', '{"n": 0}') AS failed, propose('div', '{"n": 1}') AS rejected, propose('div', '{"n": 1}') AS withdrawn,
       approved('worker_only', '{"n": 1}') AS worker_only, approved('off_later', '{"n": 1}') AS off_later,
       propose('off_later', '{"n": 1}') AS off_pending,
       (SELECT proposal_id FROM workflow_orch.propose_action(:stopped, :ann, 'div', '{"n": 1}', 'r')) AS cancelled,
       (SELECT proposal_id FROM workflow_orch.propose_action(:open, :ann, 'div', '{"n": 1}', 'r', 'key')) AS keyed \gset
SELECT execute(:executed) ->> 'success' AS t, execute(:failed) ->> 'success' AS f,
       workflow_orch.review_action(:rejected, :bob, 'reject') AS r, workflow_orch.withdraw_proposal(:withdrawn, :ann) AS w,
       workflow_orch.complete_workflow(:done, :ann) AS c, workflow_orch.cancel_workflow(:stopped, :ann) AS s \gset
SELECT workflow_orch.set_tool_enabled('off_later', false);
-- Rows that are sealed.
\ir include/seal_rows.sql
SELECT propose('div', '{"n": 1}') AS sealed \gset
SELECT workflow_orch.review_action(:sealed, :bob, 'reject') \g /dev/null
CALL seal_rows('proposal_id = ' || :sealed);
SELECT workflow_orch.register_actor('leaver', 'r') AS leaver \gset
SELECT workflow_orch.update_actor(:leaver, active => false);
CALL seal_rows(format('action IN (''register_actor'', ''update_actor'') AND details ->> ''actor_id'' = %L', :'leaver'));
SELECT workflow_orch.set_policy(proposal_ttl => '1 microsecond');
SELECT propose('div', '{"n": 1}') AS expired \gset
SELECT workflow_orch.set_policy(proposal_ttl => '0');
SELECT pg_sleep(0.001);
SET LOCAL client_min_messages = error;
SELECT execution_id AS broken FROM workflow_orch.break_glass_execute(propose('div', '{"n": 1}'), workflow_orch.register_actor('breaker', 'r'), 'r') \gset
RESET client_min_messages;
SELECT workflow_orch.set_policy(default_approvals => 2);
SELECT propose('div', '{"n": 1}') AS half \gset
SELECT status FROM workflow_orch.review_action(:half, :bob, 'approve') \gset
SELECT workflow_orch.set_policy(default_approvals => 1);
SET LOCAL client_min_messages = error;
SELECT contents() AS before \gset

-- NULL for every argument.  These are the arguments for which a call works, where
-- those of include/calls.sql do not do.
INSERT INTO example (argument, value) VALUES ('proposal_id', :'pending'), ('tool', '''div'''), ('function', '''app.div(int,text)''');
INSERT INTO example (argument, value) VALUES ('checkpoint', 'workflow_orch.audit_checkpoint()');
-- A checkpoint is of the whole log, and not of one workflow.
INSERT INTO example (function, argument, value) VALUES ('verify_audit_log', 'checkpoint', 'NULL');
INSERT INTO example (function, argument, value)
SELECT function, key, value FROM (VALUES
  ('register_actor', jsonb_build_object('name', '''new''', 'db_role', 'NULL')),
  ('set_policy', jsonb_build_object('protected', 'false')),
  ('end_standing_approval', jsonb_build_object('standing_id', 'standing(''div'')', 'actor_id', 'bob()')),
  ('update_actor', jsonb_build_object('db_role', 'NULL', 'name', 'NULL')),
  ('complete_workflow', jsonb_build_object('workflow_id', format('workflow_orch.start_workflow(''x'', %s)', :ann))),
  ('cancel_workflow', jsonb_build_object('workflow_id', :'open')),
  ('propose_action', jsonb_build_object('params', '''{"n": 1}''')),
  ('revise_proposal', jsonb_build_object('params', '''{"n": 2}''')),
  ('review_action', jsonb_build_object('preview_id', 'NULL')),
  ('break_glass_execute', jsonb_build_object('actor_id', 'bob()')),
  ('review_break_glass', jsonb_build_object('execution_id', :'broken', 'reviewer_id', 'cyd()')),
  ('preview_action', jsonb_build_object('proposal_id', :'shown', 'actor_id', 'bob()')),
  ('revoke_approval', jsonb_build_object('proposal_id', :'approved')),
  ('end_delegation', jsonb_build_object('delegation_id', 'workflow_orch.delegate_review(bob(), cyd(), ''2099-01-01'')', 'actor_id', 'bob()')),
  ('retry_action', jsonb_build_object('proposal_id', :'failed')),
  ('execute_action', jsonb_build_object('proposal_id', :'approved')),
  ('register_tool', jsonb_build_object('tool', '''new''')),
  ('set_tool_enabled', jsonb_build_object('enabled', 'false')),
  ('add_freeze', jsonb_build_object('ends_at', '''2099-01-02''')),
  ('remove_freeze', jsonb_build_object('freeze_id', :'freeze')),
  ('redact_proposal', jsonb_build_object('proposal_id', :'sealed')),
  ('redact_actor', jsonb_build_object('actor_id', :'leaver', 'by_actor_id', 'bob()')),
  ('purge_workflows', jsonb_build_object('ended_before', '''2001-01-01''')),
  ('release_hold', jsonb_build_object('workflow_id', :'held')),
  ('remove_approval_rule', jsonb_build_object('rule_id', 'workflow_orch.add_approval_rule()')),
  ('explain_approval', jsonb_build_object('params', '''{"n": 1}''')),
  ('enqueue_action', jsonb_build_object('proposal_id', 'approved(''div'', ''{"n": 1}'')')),
  ('wait_proposal', jsonb_build_object('proposal_id', :'executed')),
  ('wait_execution', jsonb_build_object('execution_id', '(SELECT min(execution_id) FROM workflow_orch.execution)')),
  ('cancel_execution', jsonb_build_object('execution_id', 'workflow_orch.enqueue_action(approved(''div'', ''{"n": 1}''), run_at => ''2030-01-01'')')),
  ('find_review_slot', jsonb_build_object('execution_id', 'NULL'))) AS v (function, arguments), jsonb_each_text(arguments);
SELECT is(attempt(example_call(oid)), NULL::jsonb, format('%s works with the arguments that this file gives it', function))
  FROM call ORDER BY function;
-- Where NULL is an error though it is the default, and where it is none though there is no default.
CREATE TABLE t.unlike (function text, argument text);
INSERT INTO unlike VALUES ('explain_approval', 'actor_id'), ('hold_workflow', 'actor_id'), ('release_hold', 'actor_id'), ('redact_proposal', 'actor_id'), ('redact_actor', 'by_actor_id'), ('purge_workflows', 'actor_id'), ('approval_rule_effect', 'role'), ('approval_rule_effect', 'tool'), ('approval_rule_effect', 'condition'),
  ('check_approval_rule', 'role'), ('check_approval_rule', 'tool'), ('check_approval_rule', 'condition'), ('count_reviewers', 'role'), ('review_action', 'edits'), ('get_audit_log', 'workflow_id'), ('audit_log_entries', 'workflow_id');
CREATE FUNCTION t.each_null() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  a record;
  e jsonb;
BEGIN
  FOR a IN SELECT oid, function, name, needed <> ((function, name) IN (SELECT * FROM unlike)) AS needed FROM argument ORDER BY function, position LOOP
    e := attempt(example_call(a.oid, a.name, 'NULL'));
    IF a.needed THEN
      RETURN NEXT is_error(e, jsonb_build_object('sqlstate', '22023', 'message', format('%%"%s"%%', a.name)),
                           format('%s refuses NULL for %s, by its name', a.function, a.name));
    ELSE
      RETURN NEXT is(e, NULL::jsonb, format('%s takes NULL for %s', a.function, a.name));
    END IF;
  END LOOP;
END
$$;
SET LOCAL workflow_orch.allow_superuser_tools = on;
SELECT each_null();
RESET workflow_orch.allow_superuser_tools;

-- Ids that stand for nothing, at the ends of bigint and in between.
SELECT is_error(attempt(format(call, id)), jsonb_build_object('sqlstate', '42704', 'message', format('%s %s does not exist', what, id), 'hint', '_%'),
  format('%s: %s', replace(call, '%s', id::text), '42704, with the id'))
  FROM (VALUES ('actor', 'SELECT workflow_orch.update_actor(%s)'), ('actor', 'SELECT workflow_orch.start_workflow(''t'', %s)'),
               ('actor', 'SELECT workflow_orch.propose_action(workflow(), %s, ''div'', ''{"n": 1}'', ''r'')'),
               ('actor', format('SELECT workflow_orch.review_action(%s, %%s, ''approve'')', :pending)),
               ('actor', format('SELECT workflow_orch.withdraw_proposal(%s, %%s)', :pending)),
               ('actor', format('SELECT workflow_orch.execute_action(%s, %%s)', :approved)),
               ('actor', format('SELECT workflow_orch.retry_action(%s, %%s)', :failed)),
               ('actor', format('SELECT workflow_orch.cancel_workflow(%s, %%s)', :open)),
               ('actor', 'SELECT workflow_orch.complete_workflow(workflow(), %s)'),
               ('workflow', 'SELECT workflow_orch.propose_action(%s, ann(), ''div'', ''{"n": 1}'', ''r'')'),
               ('workflow', 'SELECT workflow_orch.complete_workflow(%s, ann())'), ('workflow', 'SELECT workflow_orch.cancel_workflow(%s, ann())'),
               ('freeze', 'SELECT workflow_orch.remove_freeze(%s)'), ('workflow', 'SELECT workflow_orch.hold_workflow(%s, NULL, ''r'')'), ('proposal', 'SELECT workflow_orch.redact_proposal(%s, NULL, ''r'')'), ('actor', 'SELECT workflow_orch.redact_actor(%s, NULL, ''r'')'), ('actor', format('SELECT workflow_orch.redact_actor(%s, %%s, ''r'')', :leaver)), ('actor', format('SELECT workflow_orch.redact_proposal(%s, %%s, ''r'')', :sealed)), ('actor', 'SELECT workflow_orch.purge_workflows(''2001-01-01'', %s, ''r'')'), ('workflow', 'SELECT workflow_orch.release_hold(%s, NULL, ''r'')'), ('actor', 'SELECT workflow_orch.hold_workflow(workflow(), %s, ''r'')'), ('workflow', 'SELECT workflow_orch.get_audit_log(%s)'), ('workflow', 'SELECT workflow_orch.verify_audit_log(%s)'), ('workflow', 'SELECT workflow_orch.workflow_report(%s)'), ('proposal', 'SELECT workflow_orch.evidence(%s)'),
               ('proposal', 'SELECT workflow_orch.review_action(%s, bob(), ''approve'')'), ('proposal', 'SELECT workflow_orch.execute_action(%s)'),
               ('proposal', 'SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{}'')'),
               ('proposal', 'SELECT workflow_orch.revoke_approval(%s, bob())'), ('approval rule', 'SELECT workflow_orch.remove_approval_rule(%s)'),
               ('delegation', 'SELECT workflow_orch.end_delegation(%s)'), ('actor', 'SELECT workflow_orch.delegate_review(%s, bob(), ''2099-01-01'')'),
               ('actor', 'SELECT workflow_orch.delegate_review(bob(), %s, ''2099-01-01'')'), ('actor', format('SELECT workflow_orch.revoke_approval(%s, %%s)', :approved)),
               ('proposal', 'SELECT workflow_orch.withdraw_proposal(%s, ann())'), ('proposal', 'SELECT workflow_orch.preview_action(%s, bob())'), ('proposal', 'SELECT workflow_orch.comment_proposal(%s, bob(), ''c'')'), ('proposal', 'SELECT workflow_orch.describe_needs(%s)'), ('actor', 'SELECT workflow_orch.list_pending_reviews(%s)'),
               ('actor', format('SELECT workflow_orch.comment_proposal(%s, %%s, ''c'')', :pending)),
               ('proposal', 'SELECT workflow_orch.break_glass_execute(%s, bob(), ''r'')'), ('actor', format('SELECT workflow_orch.break_glass_execute(%s, %%s, ''r'')', :pending)),
               ('actor', format('SELECT workflow_orch.review_break_glass(%s, %%s, ''c'')', :broken)), ('actor', format('SELECT workflow_orch.preview_action(%s, %%s)', :shown)),
               ('preview', format('SELECT workflow_orch.review_action(%s, bob(), ''approve'', preview_id => %%s)', :pending)), ('proposal', 'SELECT workflow_orch.retry_action(%s)')) AS v(what, call),
       unnest(ARRAY[9223372036854775807, (-9223372036854775808)::bigint, 0, -1]) AS id;
SELECT is_error(attempt(call), '{"sqlstate": "42704", "message": "tool \"no such\" does not exist", "hint": "_%"}', call || ': 42704, with the name')
  FROM unnest(ARRAY['SELECT propose(''no such'')', 'SELECT workflow_orch.update_tool(''no such'')', 'SELECT workflow_orch.set_tool_enabled(''no such'', true)', 'SELECT workflow_orch.add_approval_rule(tool => ''no such'')',
                    'SELECT workflow_orch.add_freeze(''t'', ''2099-01-01'', ''2099-01-02'', ''no such'')']) AS call;
SELECT is_error(attempt(format(call, oid)), format('{"sqlstate": "42704", "message": "%%%s%%"}', oid)::jsonb, format(call, oid) || ': 42704, with the OID')
  FROM unnest(ARRAY['SELECT workflow_orch.register_actor(''x'', ''r'', %s::oid::regrole)', 'SELECT workflow_orch.update_actor(ann(), db_role => %s::oid::regrole)',
                    'SELECT workflow_orch.register_tool(''x'', %s::oid::regprocedure)', 'SELECT workflow_orch.register_tool(''x'', ''app.div(int,text)'', %s::oid::regrole)',
                    'SELECT workflow_orch.update_tool(''div'', %s::oid::regprocedure)', 'SELECT workflow_orch.grant_capability(%s::oid::regrole, ''propose'')']) AS call,
       unnest(ARRAY[0, 4294967295]) AS oid
 WHERE NOT (call ~ 'update_actor' AND oid = 0);

-- 55000: what is not in the state for the call.
CREATE TABLE t.states (status text, id bigint);
INSERT INTO states VALUES ('pending', :pending), ('approved', :approved), ('executed', :executed), ('failed', :failed),
  ('rejected', :rejected), ('withdrawn', :withdrawn), ('cancelled', :cancelled), ('expired', :expired);
SELECT is_error(attempt(format(call, id)),
    jsonb_build_object('sqlstate', '55000', 'message', format('proposal %s is not %%', id), 'detail', format('%%%s%%', status), 'hint', '_%'),
    format('%s of a proposal that is %s: 55000, with its id and state', name, status))
  FROM (VALUES ('approve', 'SELECT workflow_orch.review_action(%s, bob(), ''approve'')', '{pending}'::text[]),
               ('reject', 'SELECT workflow_orch.review_action(%s, bob(), ''reject'')', '{pending}'),
               ('edit', 'SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{}'')', '{pending,approved}'),
               ('withdraw', 'SELECT workflow_orch.withdraw_proposal(%s, ann())', '{pending,approved,failed}'),
               ('execute', 'SELECT workflow_orch.execute_action(%s, ann())', '{approved}'),
               ('revoke', 'SELECT workflow_orch.revoke_approval(%s, bob())', '{pending,approved,failed}'),
               ('retry', 'SELECT workflow_orch.retry_action(%s, ann())', '{failed}')) AS v(name, call, fits), states
 WHERE status <> ALL (fits) ORDER BY name, status;
SELECT is(attempt(format(call, id)), NULL::jsonb, format('%s of a proposal that is %s works', name, status))
  FROM (VALUES ('approve', 'SELECT workflow_orch.review_action(%s, bob(), ''approve'')', '{pending}'::text[]),
               ('reject', 'SELECT workflow_orch.review_action(%s, bob(), ''reject'')', '{pending}'),
               ('edit', 'SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{}'')', '{pending,approved}'),
               ('withdraw', 'SELECT workflow_orch.withdraw_proposal(%s, ann())', '{pending,approved,failed}'),
               ('execute', 'SELECT workflow_orch.execute_action(%s, ann())', '{approved}'),
               ('retry', 'SELECT workflow_orch.retry_action(%s, ann())', '{failed}')) AS v(name, call, fits), states
 WHERE status = ANY (fits) ORDER BY name, status;

-- The other rows of the table of SQLSTATEs: each message names what it is about.
CREATE TABLE t.refusals (call text, sqlstate text, message text, description text);
INSERT INTO refusals VALUES
  (format('SELECT workflow_orch.complete_workflow(%s, ann())', :open), '55000', format('workflow %s %%', :open), 'complete_workflow with a pending proposal'),
  ('SELECT workflow_orch.complete_workflow(workflow(), ann())', '55000', format('workflow %s %%', :workflow), 'complete_workflow with an approved proposal'),
  (format('SELECT workflow_orch.complete_workflow(%s, ann())', :done), '55000', format('workflow %s is not active', :done), 'complete_workflow of a completed one'),
  (format('SELECT workflow_orch.complete_workflow(%s, ann())', :stopped), '55000', format('workflow %s is not active', :stopped), 'complete_workflow of a cancelled one'),
  (format('SELECT workflow_orch.cancel_workflow(%s, ann())', :done), '55000', format('workflow %s is not active', :done), 'cancel_workflow of a completed one'),
  (format('SELECT workflow_orch.cancel_workflow(%s, ann())', :stopped), '55000', format('workflow %s is not active', :stopped), 'cancel_workflow of a cancelled one'),
  (format('SELECT workflow_orch.propose_action(%s, ann(), ''div'', ''{"n": 1}'', ''r'')', :done), '55000', format('workflow %s is not active', :done), 'propose_action into a completed workflow'),
  (format('SELECT workflow_orch.propose_action(%s, ann(), ''div'', ''{"n": 1}'', ''r'')', :stopped), '55000', format('workflow %s is not active', :stopped), 'propose_action into a cancelled workflow'),
  ('SELECT propose(''off'', ''{"n": 1}'')', '55000', 'tool "off" is disabled', 'propose_action of a disabled tool'),
  (format('SELECT workflow_orch.execute_action(%s)', :off_later), '55000', 'tool "off_later" is disabled', 'execute_action of a disabled tool'),
  (format('SELECT workflow_orch.execute_action(%s)', :worker_only), '55000', 'tool "worker_only" does not run in a session', 'execute_action of a tool that is not for sessions'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''approve'', expected_revision => 2)', :pending), '55000', format('proposal %s is not in revision 2', :pending), 'a review of another revision'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"n": 3}'', expected_revision => -9223372036854775808)', :pending), '55000', format('proposal %s is not in revision -9223372036854775808', :pending), 'an edit of another revision'),
  (format('SELECT workflow_orch.withdraw_proposal(%s, bob())', :pending), '42501', format('proposal %s %%', :pending), 'withdraw_proposal of somebody else''s'),
  (format('SELECT workflow_orch.review_action(%s, ann(), ''approve'')', :pending), '42501', format('%% own proposal %s', :pending), 'a review of one''s own'),
  (format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', :pending, :agent), '42501', format('actor %s %%', :agent), 'a review by an agent'),
  (format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', :pending, :gone), '42501', format('actor %s is not active', :gone), 'a review by an inactive actor'),
  ('SELECT workflow_orch.register_tool(''new'', ''workflow_orch.whoami()'', run_as => tool_role())', '42501', '%workflow_orch.whoami()%', 'register_tool of the extension''s own function'),
  ('SELECT workflow_orch.register_tool(''new'', ''app.div(int,text)'')', '42501', 'a tool cannot run as a superuser', 'register_tool for a superuser'),
  ('SELECT workflow_orch.register_actor(''ann'', ''r'')', '42710', 'actor "ann" already exists', 'register_actor of a name that is taken'),
  ('SELECT workflow_orch.register_tool(''div'', ''app.div(int,text)'', run_as => tool_role())', '42710', 'tool "div" already exists', 'register_tool of a name that is taken'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''approve'')', :half), '42710', format('actor %s has already reviewed %% of proposal %%', :bob), 'a second review'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''reject'')', :half), '42710', format('actor %s has already reviewed %%', :bob), 'a second review that decides otherwise'),
  (format('SELECT workflow_orch.propose_action(%s, ann(), ''div'', ''{"n": 2}'', ''r'', ''key'')', :open), '42710', 'idempotency key "key" %', 'an idempotency key with other params'),
  (format('SELECT workflow_orch.propose_action(%s, ann(), ''div'', ''{"n": 1}'', ''other'', ''key'')', :open), '42710', 'idempotency key "key" %', 'an idempotency key with another reason'),
  (format('SELECT workflow_orch.propose_action(%s, ann(), ''say'', ''{"words": "w"}'', ''r'', ''key'')', :open), '42710', 'idempotency key "key" %', 'an idempotency key with another tool'),
  ('SELECT workflow_orch.propose_action(workflow(), ann(), ''div'', ''{"n": 1}'', ''r'', ''key'')', '42710', 'idempotency key "key" %', 'an idempotency key in another workflow'),
  ('SELECT propose(''say'', jsonb_build_object(''words'', repeat(''x'', 1100000)))', '54000', 'params are too large', 'params of more than 1 MB'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', jsonb_build_object(''note'', repeat(''x'', 1100000)))', :pending), '54000', 'params are too large', 'an edit to params of more than 1 MB'),
  ('SET LOCAL workflow_orch.max_open_proposals = 1; SELECT propose(''div'', ''{"n": 1}'')', '54000', format('actor %s has too many open proposals', :ann), 'too many open proposals'),
  ('SELECT workflow_orch.register_actor(repeat(''x'', 1025), ''r'')', '54000', '%"name"%', 'a name that is too long'),
  ('SELECT workflow_orch.register_actor(''x'', repeat(''x'', 1025))', '54000', '%"role"%', 'a role that is too long'),
  ('SELECT workflow_orch.register_tool(repeat(''x'', 1025), ''app.div(int,text)'', run_as => tool_role())', '54000', '%"tool"%', 'a tool''s name that is too long'),
  ('SELECT workflow_orch.propose_action(workflow(), ann(), ''div'', ''{"n": 1}'', ''r'', repeat(''x'', 1025))', '54000', '%"idempotency_key"%', 'an idempotency key that is too long');
SELECT is_error(attempt(call), jsonb_build_object('sqlstate', sqlstate, 'message', message, 'hint', '_%'), format('%s: %s, with a hint', description, sqlstate))
  FROM refusals;

-- 22023: malformed arguments.
INSERT INTO refusals (call, message, description)
SELECT format(call, quote_literal(blank)), format('argument "%s" must not be empty', name), format('%s of %s is refused', name, to_json(blank))
  FROM (VALUES ('title', 'SELECT workflow_orch.start_workflow(%s)'), ('name', 'SELECT workflow_orch.register_actor(%s, ''r'')'),
               ('role', 'SELECT workflow_orch.register_actor(''x'', %s)'), ('kind', 'SELECT workflow_orch.register_actor(''x'', ''r'', kind => %s)'),
               ('person', 'SELECT workflow_orch.register_actor(''x'', ''r'', person => %s)'), ('role', 'SELECT workflow_orch.update_actor(ann(), role => %s)'),
               ('person', 'SELECT workflow_orch.update_actor(ann(), person => %s)'), ('name', 'SELECT workflow_orch.update_actor(ann(), name => %s)'),
               ('tool', 'SELECT workflow_orch.propose_action(workflow(), ann(), %s, ''{}'', ''r'')'),
               ('reason', 'SELECT workflow_orch.propose_action(workflow(), ann(), ''div'', ''{"n": 1}'', %s)'),
               ('idempotency_key', 'SELECT workflow_orch.propose_action(workflow(), ann(), ''div'', ''{"n": 1}'', ''r'', %s)'),
               ('decision', 'SELECT workflow_orch.review_action(1, bob(), %s)'), ('comment', format('SELECT workflow_orch.comment_proposal(%s, bob(), %%s)', :pending)),
               ('comment', format('SELECT workflow_orch.review_break_glass(%s, cyd(), %%s)', :broken)), ('reason', format('SELECT workflow_orch.break_glass_execute(%s, bob(), %%s)', :pending)),
               ('tool', 'SELECT workflow_orch.register_tool(%s, ''app.div(int,text)'', run_as => tool_role())'),
               ('title', 'SELECT workflow_orch.add_freeze(%s, ''2099-01-01'', ''2099-01-02'')'), ('tool', 'SELECT workflow_orch.add_freeze(''t'', ''2099-01-01'', ''2099-01-02'', %s)'),
               ('tool', 'SELECT workflow_orch.update_tool(%s)'), ('tool', 'SELECT workflow_orch.set_tool_enabled(%s, true)'),
               ('capability', 'SELECT workflow_orch.grant_capability(tool_role(), %s)'),
               ('capability', 'SELECT workflow_orch.revoke_capability(tool_role(), %s)')) AS v(name, call),
       unnest(ARRAY['', '   ', E' \t\r\n']) AS blank
 WHERE NOT (call ~ 'update_actor.*person' AND blank = '');
INSERT INTO refusals (call, message, description)
SELECT format('SELECT workflow_orch.%s(%s => %s)', call, name, quote_literal(value)), format('argument "%s" must not be %%', name), format('%s of %s is refused', name, value)
  FROM (VALUES ('set_policy', 'proposal_ttl'), ('set_policy', 'approval_ttl'), ('set_policy', 'default_timeout'),
               ('register_tool', 'tool => ''new'', function => ''app.div(int,text)'', run_as => tool_role(), timeout'),
               ('update_tool', 'tool => ''div'', timeout')) AS v(call, prefixed),
       LATERAL (SELECT prefixed AS name) n,
       unnest(ARRAY['-1 microsecond', '-1 day', '1001 years', '178000000 years', '2000000000 days', '2000000000 hours', '-178000000 years']) AS value;
UPDATE refusals SET message = 'argument "timeout" must not be %' WHERE message LIKE '%tool =>%';
INSERT INTO refusals (call, message, description) VALUES
  ('SELECT workflow_orch.set_policy(default_approvals => 0)', 'default_approvals %', 'no approval at all is refused'),
  ('SELECT workflow_orch.set_policy(default_approvals => 101)', 'default_approvals %', 'so are more than a rule may ask for'),
  ('SELECT workflow_orch.add_approval_rule(approvals => -1)', '%"approvals"%', 'a negative number of approvals is refused'),
  ('SELECT workflow_orch.add_approval_rule(approvals => 9223372036854775807)', '%"approvals"%', 'a huge number of approvals is refused'),
  ('SELECT workflow_orch.add_approval_rule(stage => 0)', '%"stage"%', 'a stage of 0 is refused'),
  ('SELECT workflow_orch.add_approval_rule(stage => -9223372036854775808)', '%"stage"%', 'a negative stage is refused'),
  ('SELECT workflow_orch.add_approval_rule(stage => 9223372036854775807)', '%"stage"%', 'a huge stage is refused'),
  ('SELECT workflow_orch.add_approval_rule(''DBA'', 0)', '%0 approvals%', '0 approvals by a role are refused'),
  ('SELECT workflow_orch.add_approval_rule(approvals => 0, stage => 2)', '%0 approvals%', '0 approvals in a later stage are refused'),
  ('SELECT workflow_orch.add_approval_rule(condition => ''$.params.n > $n'')', '%"condition"%', 'a condition with a variable is refused'),
  ('SELECT workflow_orch.delegate_review(bob(), bob(), ''2099-01-01'')', 'actor % itself', 'a delegation to oneself is refused'),
  ('SELECT workflow_orch.delegate_review(bob(), cyd(), ''2001-01-01'')', '%"ends_at"%', 'a delegation that has ended is refused'),
  ('SELECT workflow_orch.delegate_review(bob(), cyd(), ''2099-01-01''); SELECT workflow_orch.delegate_review(cyd(), bob(), ''2099-01-01'')', 'actor % cannot delegate to actor %', 'a delegation in a circle is refused'),
  ('SELECT workflow_orch.set_policy(default_approvals => -9223372036854775808)', 'default_approvals %', 'fewer approvals still are refused'),
  ('SELECT workflow_orch.update_tool(''div'', max_attempts => 0)', 'max_attempts %', 'max_attempts of 0 is refused'),
  ('SELECT workflow_orch.register_tool(''new'', ''app.div(int,text)'', run_as => tool_role(), max_attempts => -1)', 'max_attempts %', 'max_attempts below 0 is refused'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''approve'', ''{}'')', :pending), '%"edits"%', 'edits with approve is refused'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''reject'', ''{}'')', :pending), '%"edits"%', 'edits with reject is refused'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"n": 1}'')', :pending), format('%%nothing%%proposal %s', :pending), 'an edit that changes nothing is refused'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"m": 1}'')', :pending), '%"div"%"m"%', 'an edit to params that do not fit is refused'),
  (format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"n": null, "note": "x"}'')', :pending), '%"div"%"n"%missing', 'an edit that takes an argument away is refused'),
  ('SELECT propose(''div'', ''{}'')', '%"div"%"n"%', 'params that lack an argument are refused'),
  ('SELECT propose(''div'', ''{"n": 1, "m": 2}'')', '%"div"%"m"%', 'params with an unknown key are refused');
INSERT INTO refusals (call, message, description)
SELECT format('SELECT workflow_orch.review_actions(%L)', value), message, format('reviews of %s are refused', left(value, 80))
  FROM (VALUES ('{}', 'argument "reviews" must be a JSON array of objects'), ('1', 'argument "reviews" must be%'), ('null', 'argument "reviews" must be%'), ('"[]"', 'argument "reviews" must be%'),
               ('[1]', 'element 0 of argument "reviews" must be a JSON object'), ('[{"proposal_id": 1, "decision": "reject"}, []]', 'element 1 %object'), ('[null]', 'element 0 %'),
               ('[{}]', 'member "proposal_id" of element 0%missing'), ('[{"proposal_id": null, "decision": "reject"}]', 'member "proposal_id" of element 0%missing'),
               ('[{"proposal_id": 1}]', 'member "decision" of element 0%missing'), ('[{"proposal_id": 1, "decision": "maybe"}]', 'unknown decision "maybe"'), ('[{"proposal_id": 1, "decision": 1}]', '%"decision"%a string'),
               ('[{"proposal_id": "x", "decision": "reject"}]', '%"proposal_id"%whole number%'), ('[{"proposal_id": 1.5, "decision": "reject"}]', '%"proposal_id"%whole number%'),
               ('[{"proposal_id": 9223372036854775808, "decision": "reject"}]', '%"proposal_id"%whole number%'), ('[{"proposal_id": true, "decision": "reject"}]', '%"proposal_id"%'),
               ('[{"proposal_id": "", "decision": "reject"}]', '%"proposal_id"%'), ('[{"proposal_id": [1], "decision": "reject"}]', '%"proposal_id"%'),
               ('[{"proposal_id": 1, "decision": "reject", "edits": {}}]', '%"edits"%'), ('[{"proposal_id": 1, "decision": "edit"}]', '%"edits"%'), ('[{"proposal_id": 1, "decision": "edit", "edits": 1}]', '%"edits"%object'),
               ('[{"proposal_id": 1, "decision": "reject", "coment": "x"}]', '%unknown member "coment"'), ('[{"proposal_id": 1, "decision": "reject", "comment": 1}]', '%"comment"%a string')) AS v(value, message);
INSERT INTO refusals (call, message, description)
SELECT format(call, quote_literal(value)), format('argument "%s" must be a JSON object', name), format('%s that are %s are refused', name, value)
  FROM (VALUES ('metadata', 'SELECT workflow_orch.start_workflow(''t'', metadata => %s)'),
               ('params', 'SELECT workflow_orch.propose_action(workflow(), ann(), ''div'', %s, ''r'')'),
               ('params', 'SELECT workflow_orch.propose_action(workflow(), ann(), ''whole'', %s, ''r'')'),
               ('edits', format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', %%s)', :pending))) AS v(name, call),
       unnest(ARRAY['[]', '[{"n": 1}]', '1', '"{}"', 'null', 'true']) AS value;
SELECT is_error(attempt(call), jsonb_build_object('sqlstate', '22023', 'message', message), description) FROM refusals WHERE sqlstate IS NULL;

-- Unknown labels: the hint lists the known ones.
SELECT is_error(attempt(format(call, quote_literal(label))), jsonb_build_object('sqlstate', '22023', 'message', format('%%"%s"', label), 'hint', format('%%%s.', labels)),
    format('%s %s is unknown, and the hint lists %s', what, to_json(label), labels))
  FROM (VALUES ('kind', 'SELECT workflow_orch.register_actor(''x'', ''r'', kind => %s)', 'human, agent, service'),
               ('dry_run_mode', 'SELECT workflow_orch.update_tool(''div'', dry_run_mode => %s)', 'describe, rollback'),
               ('decision', format('SELECT workflow_orch.review_action(%s, bob(), %%s)', :pending), 'approve, reject, edit, request_changes'),
               ('capability', 'SELECT workflow_orch.grant_capability(tool_role(), %s)', 'propose, review, execute, audit, administer, gateway, break_glass'))
       AS v(what, call, labels),
       unnest(ARRAY['no', 'Approve', 'HUMAN', 'approve ', 'édit', E'a\nb', repeat('x', 10000)]) AS label;

-- Edges of what is accepted.
SELECT is(attempt(call), NULL::jsonb, call || ' works') FROM unnest(ARRAY[
  'SELECT workflow_orch.set_policy(proposal_ttl => ''1000 years'', approval_ttl => ''1000 years'', default_timeout => ''1000 years''), propose(''div'', ''{"n": 1}'')',
  'SELECT workflow_orch.set_policy(proposal_ttl => ''1000 years''), run(''div'', ''{"n": 1}'')',
  'SELECT workflow_orch.update_tool(''div'', timeout => ''1000 years''), run(''div'', ''{"n": 1}'')',
  'SELECT workflow_orch.update_tool(''div'', timeout => ''0''), run(''div'', ''{"n": 1}'')',
  'SELECT workflow_orch.set_policy(default_approvals => 100), propose(''div'', ''{"n": 1}'')',
  'SELECT workflow_orch.update_tool(''div'', max_attempts => 9223372036854775807)',
  'SELECT workflow_orch.register_actor(repeat(''x'', 1024), repeat(''y'', 1024), person => repeat(''z'', 1024))']) AS call;
SELECT is_error(attempt(format('SELECT workflow_orch.set_policy(proposal_ttl => %L), propose(''div'', ''{"n": 1}'')', value)), '{"sqlstate": "22023"}',
    format('an interval of %s, whose parts make up for each other only on paper, is refused', value))
  FROM unnest(ARRAY['-71582788 months 2147483647 days', '100000 months -2900000 days', '12001 months -31 days']) AS value;
SELECT is(contents(), :'before', 'what was refused has written nothing');

-- Large and deep.
SELECT 1048576 - pg_column_size(jsonb_build_object('words', repeat('x', 1000000))) + 1000000 AS fits \gset
SELECT is(pg_column_size(jsonb_build_object('words', repeat('x', :fits))), 1048576, 'params may be made that take 1 MB to the byte');
SELECT is(run('say', jsonb_build_object('words', repeat('x', :fits))) -> 'output', to_jsonb(:fits), 'params of 1 MB are proposed, approved and executed');
SELECT is_error(attempt(format('SELECT propose(''say'', jsonb_build_object(''words'', repeat(''x'', %s)))', :fits + 4)),
  '{"sqlstate": "54000", "detail": "%1048580%1024 kB%", "hint": "%workflow_orch.max_params_size%"}', 'with a little more they are refused');
CREATE FUNCTION t.deep(levels int, one text, other text DEFAULT '') RETURNS jsonb LANGUAGE sql RETURN (repeat(one, levels) || '1' || repeat(other, levels))::jsonb;
SELECT is(run('doc', jsonb_build_object('body', deep(1000, '[', ']'))) -> 'output', deep(1000, '[', ']'), 'an array 1,000 deep goes through');
SELECT is(run('doc', jsonb_build_object('body', deep(1000, '{"a":', '}'))) -> 'output', deep(1000, '{"a":', '}'), 'an object 1,000 deep goes through');
SELECT is(run('whole', deep(1000, '{"a":', '}')) -> 'output', deep(1000, '{"a":', '}'), 'and as the params whole');
SELECT propose('whole', deep(1000, '{"a":', '}')) AS deep \gset
SELECT is((SELECT final_tool_call -> 'params' FROM workflow_orch.review_action(:deep, :bob, 'edit', deep(1001, '{"a":', '}'))), deep(1001, '{"a":', '}'),
  'an edit 1,000 deep is applied');
SELECT is_error(attempt(format('SELECT propose(''div'', jsonb_build_object(''n'', %L::jsonb))', deep(1000, one, other))), '{"sqlstate": "22023"}',
  'what is 1,000 deep does not fit an integer') FROM (VALUES ('[', ']'), ('{"a":', '}')) AS v(one, other);
SELECT is(workflow_orch.start_workflow('deep', :ann, metadata => deep(1000, '{"a":', '}')) > 0, true, 'metadata 1,000 deep are kept');

-- Any text.
CREATE TABLE t.texts AS SELECT unnest(ARRAY[
  'Größe ändern', 'Удалить таблицу', '列を追加する', 'إضافة عمود', 'הוסף עמודה', 'कॉलम जोड़ें', '👩‍👩‍👧‍👦 🚀', 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤', E'\u202Eevil', 'it''s "quoted"', 'back\slash \\ \n \u0041',
  E'two\nlines\r\n\tand a tab', '''; DROP TABLE workflow_orch.proposal; --', '%s %d %n %%', '$1 ${x} $$', '{"json": [1]}', '<b>&amp;</b>', E'\x01\x1f', repeat('long ', 20000)]) AS text;
CREATE FUNCTION t.through(words text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  w bigint := workflow_orch.start_workflow(words, ann(), metadata => jsonb_build_object(left(words, 100), words));
  p bigint := (workflow_orch.propose_action(w, ann(), 'say', jsonb_build_object('words', words), words)).proposal_id;
BEGIN
  PERFORM workflow_orch.review_action(p, bob(), 'edit', jsonb_build_object('words', words || '!'), comment => words);
  IF (workflow_orch.execute_action(p)).result ->> 'output' IS DISTINCT FROM (length(words) + 1)::text THEN
    RETURN 'the tool got another text';
  END IF;
  PERFORM workflow_orch.cancel_workflow(w, ann(), words);
  IF (SELECT count(*) FROM workflow_orch.workflow x JOIN workflow_orch.proposal USING (workflow_id) JOIN workflow_orch.review USING (proposal_id)
       WHERE x.workflow_id = w AND title = words AND reason = words AND comment = words AND end_reason = words
         AND metadata ->> left(words, 100) = words AND params ->> 'words' = words || '!' AND edits ->> 'words' = words || '!') <> 1 THEN
    RETURN 'a table has another text';
  END IF;
  RETURN (SELECT string_agg(CASE WHEN (details ->> key) = words THEN 'ok' ELSE key END, ',' ORDER BY audit_id)
            FROM workflow_orch.get_audit_log(w), LATERAL (VALUES ('title'), ('reason'), ('comment')) AS k(key) WHERE details ? key);
END
$$;
SELECT is(through(text), 'ok,ok,ok,ok', 'a text comes through every call as it is: ' || to_json(left(text, 40))) FROM texts;
SELECT lives_ok(format('SELECT workflow_orch.register_actor(%1$L, %1$L, person => %1$L), workflow_orch.register_tool(%1$L, ''app.div(int,text)'', run_as => tool_role(), description => %1$L)', left(text, 250)),
    'as an actor''s name and a tool''s too: ' || to_json(left(text, 40))) FROM texts;
SELECT is(run(left(text, 250), '{"n": 1}') -> 'output', '1', 'and such a tool runs: ' || to_json(left(text, 40))) FROM texts;
SELECT set_eq('SELECT left(text, 250) FROM texts', 'SELECT name FROM workflow_orch.actor JOIN workflow_orch.tool ON tool = name AND description = role', 'and their names are kept as they are');

-- What the tool rests on is gone.
CREATE FUNCTION app.lost(n int DEFAULT 1) RETURNS int LANGUAGE sql RETURN n;
CALL tool('lost(int)');
SELECT propose('lost') AS p, approved('lost') AS a \gset
CREATE FUNCTION t.without(change text, what text, expected jsonb, p bigint, a bigint, at_propose boolean DEFAULT true) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  before text := contents();
BEGIN
  EXECUTE change;
  IF at_propose THEN
    RETURN NEXT is_error(attempt('SELECT propose(''lost'')'), expected, what || ': it is not proposed');
    RETURN NEXT is_error(attempt(format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"n": 2}'')', p)), expected, what || ': it is not edited');
  END IF;
  RETURN NEXT is_error(attempt(format('SELECT workflow_orch.execute_action(%s)', a)), expected, what || ': it is not executed');
  RETURN NEXT is(contents(), before, what || ': and nothing is written');
END
$$;
SAVEPOINT here;
SELECT without('DROP FUNCTION app.lost', 'with its function dropped', '{"sqlstate": "55000", "message": "function app.lost(integer) of tool \"lost\" does not exist", "hint": "%update_tool%"}', :p, :a);
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''approve'')', :p), '{"sqlstate": "55000"}', 'with its function dropped: it is not approved');
ROLLBACK TO here;
SELECT without(format('REVOKE EXECUTE ON FUNCTION app.lost FROM PUBLIC'), 'with EXECUTE lost', format('{"sqlstate": "42501", "message": "role \"%s\" may not execute function%%", "hint": "%%Grant%%"}', :'tool_role')::jsonb, :p, :a, false);
ROLLBACK TO here;
CREATE ROLE api_bad_input_runner LOGIN;
SELECT workflow_orch.update_tool('lost', run_as => 'api_bad_input_runner');
SELECT status FROM workflow_orch.review_action(:a, :bob, 'edit', '{}') \gset
SAVEPOINT runner;
SELECT without('DROP ROLE api_bad_input_runner', 'with its role dropped', '{"sqlstate": "55000", "message": "role \"api_bad_input_runner\" is no longer the role that tool \"lost\" was registered with", "hint": "%update_tool%run_as%"}', :p, :a);
ROLLBACK TO runner;
ALTER ROLE api_bad_input_runner SUPERUSER;
SELECT raises(format('SELECT workflow_orch.execute_action(%s)', :a), '{"sqlstate": "42501", "hint": "%CREATE ROLE%workflow_orch.allow_superuser_tools%"}', 'a role that has become a superuser''s runs nothing');
ROLLBACK TO here;

-- A transaction that may not write.
CREATE FUNCTION t.read_only(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN attempt('SET LOCAL transaction_read_only = on; ' || statement);
END
$$;
-- A call writes if rows of the tables have been written after it.
CREATE FUNCTION t.written() RETURNS numeric LANGUAGE sql AS $$
  SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE schemaname = 'workflow_orch'
$$;
CREATE FUNCTION t.writes(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  before numeric := written();
  writes boolean;
BEGIN
  BEGIN
    EXECUTE statement;
    writes := written() > before;
    RAISE SQLSTATE 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  END;
  RETURN writes;
END
$$;
-- Those in the list may write, but their arguments above give them nothing to write.
CREATE TABLE t.writer AS
  SELECT oid, function, writes(example_call(oid)) OR function IN ('execute_parallel', 'review_actions', 'resume_queue', 'reapply_redactions', 'accept_tool_definition', 'purge_workflows') AS writes FROM call;
SELECT is_error(read_only(example_call(oid)), '{"sqlstate": "25006", "message": "cannot execute %"}', format('%s, which writes, is refused in a read-only transaction', function))
  FROM writer WHERE writes ORDER BY function;
SELECT is(read_only(example_call(oid)), NULL::jsonb, format('%s, which writes nothing, works in a read-only transaction', function))
  FROM writer WHERE NOT writes ORDER BY function;

SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'after all this the tables agree with the audit log');

\ir include/finish.sql
