-- Bad input: every call refuses it with the contract's SQLSTATE, says what and
-- how to go on, and writes nothing.
\set file api_bad_input
\ir include/fixture.sql
\ir include/roles.sql

-- The error of a statement, undone whether there is one or not.
CREATE FUNCTION t.attempt(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  e jsonb;
BEGIN
  BEGIN
    e := error_of(statement);
    RAISE SQLSTATE 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  END;
  RETURN e;
END
$$;
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
CALL tool('say(text)');
CALL tool('whole(jsonb)');
SELECT workflow_orch.register_tool('worker_only', 'div(int,text)', run_as => tool_role(), in_session => false);
SELECT workflow_orch.register_tool('off', 'div(int,text)', run_as => tool_role());
SELECT workflow_orch.register_tool('off_later', 'div(int,text)', run_as => tool_role());
SELECT workflow_orch.set_tool_enabled('off', false);
SELECT workflow_orch.register_actor('gone', 'r') AS gone, workflow_orch.register_actor('agent', 'r', kind => 'agent') AS agent \gset
SELECT workflow_orch.update_actor(:gone, active => false);
SELECT workflow_orch.start_workflow('done', :ann) AS done, workflow_orch.start_workflow('stopped', :ann) AS stopped,
       workflow_orch.start_workflow('open', :ann) AS open \gset

SELECT propose('div', '{"n": 1}') AS pending, approved('div', '{"n": 1}') AS approved, approved('div', '{"n": 1}') AS executed,
       approved('div', '{"n": 0}') AS failed, propose('div', '{"n": 1}') AS rejected, propose('div', '{"n": 1}') AS withdrawn,
       approved('worker_only', '{"n": 1}') AS worker_only, approved('off_later', '{"n": 1}') AS off_later,
       propose('off_later', '{"n": 1}') AS off_pending,
       (SELECT proposal_id FROM workflow_orch.propose_action(:stopped, :ann, 'div', '{"n": 1}', 'r')) AS cancelled,
       (SELECT proposal_id FROM workflow_orch.propose_action(:open, :ann, 'div', '{"n": 1}', 'r', 'key')) AS keyed \gset
SELECT execute(:executed) ->> 'success' AS t, execute(:failed) ->> 'success' AS f,
       workflow_orch.review_action(:rejected, :bob, 'reject') AS r, workflow_orch.withdraw_proposal(:withdrawn, :ann) AS w,
       workflow_orch.complete_workflow(:done, :ann) AS c, workflow_orch.cancel_workflow(:stopped, :ann) AS s \gset
SELECT workflow_orch.set_tool_enabled('off_later', false);
SELECT workflow_orch.set_policy(proposal_ttl => '1 microsecond');
SELECT propose('div', '{"n": 1}') AS expired \gset
SELECT workflow_orch.set_policy(proposal_ttl => '0');
SELECT pg_sleep(0.001);
SELECT workflow_orch.set_policy(default_approvals => 2);
SELECT propose('div', '{"n": 1}') AS half \gset
SELECT status FROM workflow_orch.review_action(:half, :bob, 'approve') \gset
SELECT workflow_orch.set_policy(default_approvals => 1);
SELECT contents() AS before \gset

-- NULL for every argument.  Of each function: arguments that work, by position,
-- and the names of those that NULL is refused for.
CREATE TABLE t.calls (function regproc PRIMARY KEY, arguments text[], needed text[]);
INSERT INTO t.calls VALUES
  ('workflow_orch.register_actor', ARRAY['''new''', '''r''', 'NULL', '''human''', 'NULL'], '{name,role,kind}'),
  ('workflow_orch.update_actor', ARRAY['ann()', '''r''', 'NULL', 'true', '''p'''], '{actor_id}'),
  ('workflow_orch.start_workflow', ARRAY['''t''', 'ann()', 'false', '''{}'''], '{title,metadata}'),
  ('workflow_orch.complete_workflow', ARRAY[format('workflow_orch.start_workflow(''x'', %s)', :ann), 'ann()'], '{workflow_id}'),
  ('workflow_orch.cancel_workflow', ARRAY[:'open', 'ann()', '''r'''], '{workflow_id}'),
  ('workflow_orch.propose_action', ARRAY['workflow()', 'ann()', '''div''', '''{"n": 1}''', '''r''', '''k'''], '{workflow_id,actor_id,tool,params,reason}'),
  ('workflow_orch.review_action', ARRAY[:'pending', 'bob()', '''edit''', '''{}''', '''c''', '1'], '{proposal_id,reviewer_id,decision,edits}'),
  ('workflow_orch.withdraw_proposal', ARRAY[:'pending', 'ann()', '''r'''], '{proposal_id,actor_id}'),
  ('workflow_orch.retry_action', ARRAY[:'failed', 'ann()'], '{proposal_id}'),
  ('workflow_orch.expire_proposals', '{}', '{}'),
  ('workflow_orch.execute_action', ARRAY[:'approved', 'ann()'], '{proposal_id}'),
  ('workflow_orch.register_tool', ARRAY['''new''', '''app.div(int,text)''', 'tool_role()', '''d''', '''1s''', '1', 'true'], '{tool,function,max_attempts,in_session}'),
  ('workflow_orch.update_tool', ARRAY['''div''', '''app.div(int,text)''', 'tool_role()', '''d''', '''1s''', '1', 'true'], '{tool}'),
  ('workflow_orch.set_tool_enabled', ARRAY['''div''', 'false'], '{tool,enabled}'),
  ('workflow_orch.set_policy', ARRAY['true', '1', 'true', 'true', '''1s''', '''1s''', '''1s''', 'true'], '{}'),
  ('workflow_orch.grant_capability', ARRAY['tool_role()', '''propose'''], '{db_role,capability}'),
  ('workflow_orch.revoke_capability', ARRAY['tool_role()', '''propose'''], '{db_role,capability}'),
  ('workflow_orch.is_gateway', '{}', '{}'),
  ('workflow_orch.whoami', '{}', '{}'),
  ('workflow_orch.transitions', '{}', '{}'),
  ('workflow_orch.get_audit_log', ARRAY['workflow()'], '{workflow_id}'),
  ('workflow_orch.verify_audit_log', ARRAY['workflow()'], '{}');
SELECT is_empty($$SELECT oid::regproc FROM pg_proc WHERE pronamespace = 'workflow_orch'::regnamespace AND prorettype <> 'trigger'::regtype
                  EXCEPT SELECT function FROM calls$$, 'every function is called here');
SELECT is(attempt(format('SELECT %s(%s)', function, array_to_string(arguments, ', '))), NULL::jsonb, format('%s works with these arguments', function))
  FROM calls ORDER BY function::text;
CREATE FUNCTION t.each_null() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  c record;
  e jsonb;
BEGIN
  FOR c IN SELECT function, name, name = ANY (needed) AS needed,
                  format('SELECT %s(%s)', function, array_to_string(arguments[:i - 1] || ARRAY['NULL'] || arguments[i + 1:], ', ')) AS call
             FROM calls, pg_proc p, generate_subscripts(arguments, 1) AS i, LATERAL (SELECT proargnames[i] AS name) n
            WHERE p.oid = function ORDER BY 1, i LOOP
    e := attempt(c.call);
    IF c.needed THEN
      RETURN NEXT is_error(e, jsonb_build_object('sqlstate', '22023', 'message', format('%%"%s"%%', c.name)),
                           format('%s refuses NULL for %s, by its name', c.function, c.name));
    ELSE
      RETURN NEXT is(e, NULL::jsonb, format('%s takes NULL for %s', c.function, c.name));
    END IF;
  END LOOP;
END
$$;
SELECT each_null();

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
               ('workflow', 'SELECT workflow_orch.get_audit_log(%s)'), ('workflow', 'SELECT workflow_orch.verify_audit_log(%s)'),
               ('proposal', 'SELECT workflow_orch.review_action(%s, bob(), ''approve'')'), ('proposal', 'SELECT workflow_orch.execute_action(%s)'),
               ('proposal', 'SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{}'')'),
               ('proposal', 'SELECT workflow_orch.withdraw_proposal(%s, ann())'), ('proposal', 'SELECT workflow_orch.retry_action(%s)')) AS v(what, call),
       unnest(ARRAY[9223372036854775807, (-9223372036854775808)::bigint, 0, -1]) AS id;
SELECT is_error(attempt(call), '{"sqlstate": "42704", "message": "tool \"no such\" does not exist", "hint": "_%"}', call || ': 42704, with the name')
  FROM unnest(ARRAY['SELECT propose(''no such'')', 'SELECT workflow_orch.update_tool(''no such'')', 'SELECT workflow_orch.set_tool_enabled(''no such'', true)']) AS call;
SELECT is_error(attempt(format(call, oid)), format('{"sqlstate": "42704", "message": "%%%s%%"}', oid)::jsonb, format(call, oid) || ': 42704, with the OID')
  FROM unnest(ARRAY['SELECT workflow_orch.register_actor(''x'', ''r'', %s::oid::regrole)', 'SELECT workflow_orch.update_actor(ann(), db_role => %s::oid::regrole)',
                    'SELECT workflow_orch.register_tool(''x'', %s::oid::regprocedure)', 'SELECT workflow_orch.register_tool(''x'', ''app.div(int,text)'', %s::oid::regrole)',
                    'SELECT workflow_orch.update_tool(''div'', %s::oid::regprocedure)', 'SELECT workflow_orch.grant_capability(%s::oid::regrole, ''propose'')']) AS call,
       unnest(ARRAY[0, 4294967295]) AS oid;

-- 55000: what is not in the state for the call.
CREATE FUNCTION t.states() RETURNS TABLE (status text, id bigint) LANGUAGE sql AS $$
  VALUES ('pending', %s::bigint), ('approved', %s), ('executed', %s), ('failed', %s), ('rejected', %s), ('withdrawn', %s), ('cancelled', %s), ('expired', %s)
$$, :pending, :approved, :executed, :failed, :rejected, :withdrawn, :cancelled, :expired);
