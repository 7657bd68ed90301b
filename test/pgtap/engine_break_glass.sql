-- Break glass: executing without the approvals, and the review afterwards.
\set file engine_break_glass
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.div(n int) RETURNS int LANGUAGE sql RETURN 1 / n;
CALL tool('div(int)');
SELECT workflow_orch.register_actor('dee', 'DBA') AS dee, workflow_orch.register_actor('robot', 'DBA', kind => 'agent') AS robot \gset

SELECT propose('div', '{"n": 1}') AS p \gset
SELECT execution_id AS e, result AS r FROM workflow_orch.break_glass_execute(:p, :bob, 'the disk is full') \gset
SELECT is(:'r'::jsonb - 'executed_at' - 'duration_ms', '{"success": true, "dry_run": false, "break_glass": true, "tool": "div", "params": {"n": 1}, "output": 1, "rows_changed": 0}',
  'a pending call runs without approvals, and its result says so');
SELECT is((SELECT row(status, event, status_reason, status_by)::text FROM workflow_orch.proposal WHERE proposal_id = :p), format('(executed,break_glass,"the disk is full",%s)', :bob),
  'so does the proposal');
SELECT is((SELECT row(status, result -> 'break_glass', actor_id)::text FROM workflow_orch.execution WHERE execution_id = :e), format('(succeeded,true,%s)', :bob), 'and the execution');
SELECT is((SELECT to_jsonb(b) - 'broken_at' FROM workflow_orch.break_glass b),
  jsonb_build_object('execution_id', :e, 'proposal_id', :p, 'proposed_by', ann(), 'workflow_id', :workflow, 'revision', 1, 'actor_id', :bob, 'freeze_id', NULL, 'reason', 'the disk is full',
                     'person', NULL, 'db_role', NULL, 'login', NULL, 'reviewed_at', NULL, 'reviewer_id', NULL, 'comment', NULL), 'there is a row for the review to come');
SELECT is((SELECT array_agg(format('%s %s %s', action, details -> 'break_glass', details ->> 'reason') ORDER BY audit_id) FROM workflow_orch.audit_log WHERE execution_id = :e),
  ARRAY['execute_action true ', 'break_glass_execute  the disk is full'], 'the audit log has the execution, marked, and the reason');
\setenv EXECUTION :e
\setenv DATABASE :DBNAME
\set got `grep -cE "@$DATABASE WARNING: +break glass: execution $EXECUTION of proposal .* runs without approval for actor" "$WFO_LOG" || true`
SELECT is(:got, 1, 'and the server''s log has a WARNING');
\set got `grep "@$DATABASE " "$WFO_LOG" | grep -c "the disk is full" || true`
SELECT is(:got, 0, 'without the reason, which may say anything');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');

-- Once, until somebody else has looked.
SELECT propose('div', '{"n": 1}') AS q, propose('div', '{"n": 0}') AS f \gset
SELECT raises(format('SELECT workflow_orch.break_glass_execute(%s, bob(), ''again'')', :q),
  format('{"sqlstate": "55000", "message": "an earlier break glass %%", "detail": "It was execution %s of proposal %s, by actor %s.", "hint": "%%review_break_glass%%"}', :e, :p, :bob)::jsonb,
  'the same person does not do it again before the review');
SELECT workflow_orch.register_actor('bob too', 'DBA', person => 'Bob') AS bob_too \gset
SELECT workflow_orch.update_actor(:bob, person => 'Bob');
SELECT raises(format('SELECT workflow_orch.break_glass_execute(%s, %s, ''again'')', :q, :bob_too), '{"sqlstate": "55000"}', 'not as another actor either');
SELECT is((SELECT result -> 'success' FROM workflow_orch.break_glass_execute(:f, :dee, 'also urgent')), 'false', 'somebody else may; an error of the tool is a failure as ever');
SELECT is(status(:f), 'failed', 'of the proposal');
SELECT raises(format('SELECT workflow_orch.retry_action(%s)', :f), '{"sqlstate": "55000", "message": "proposal % was never approved", "hint": "Propose the call again."}',
  'which is not made approved by a retry');
SELECT raises(format('SELECT workflow_orch.review_break_glass(%s, %s, ''fine'')', :e, reviewer), expected, what) FROM (VALUES
  (:bob, '{"sqlstate": "42501", "message": "nobody may review their own break glass"}'::jsonb, 'nobody reviews their own'),
  (:bob_too, '{"sqlstate": "42501", "message": "nobody may review their own break glass"}', 'nor as another actor'),
  (:ann, '{"sqlstate": "42501", "message": "nobody may review their own proposal %"}', 'nor does who proposed the call'),
  (:robot, '{"sqlstate": "42501", "message": "actor % may not review"}', 'nor does an agent')) AS v(reviewer, expected, what);
SELECT raises('SELECT workflow_orch.review_break_glass(0, cyd(), ''x'')', '{"sqlstate": "42704", "message": "execution 0 is not a break glass"}', 'what was none is not reviewed');
SELECT lives_ok(format('SELECT workflow_orch.review_break_glass(%s, cyd(), ''It was.'')', :e), 'somebody else reviews it');
SELECT is((SELECT row(reviewer_id, comment, reviewed_at IS NOT NULL)::text FROM workflow_orch.break_glass WHERE execution_id = :e), format('(%s,"It was.",t)', :cyd), 'which is kept');
SELECT is((SELECT jsonb_build_object('action', action, 'actor', actor_id, 'execution', execution_id, 'details', details) FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_object('action', 'review_break_glass', 'actor', :cyd, 'execution', :e, 'details', '{"comment": "It was."}'::jsonb), 'and audited');
SELECT raises(format('SELECT workflow_orch.review_break_glass(%s, %s, ''x'')', :e, :dee), '{"sqlstate": "55000", "message": "the break glass of execution % has already been reviewed"}', 'one review is enough');
SELECT raises('UPDATE workflow_orch.break_glass SET comment = ''x'' WHERE reviewed_at IS NOT NULL', '{"sqlstate": "55000"}', 'and stands');
SELECT is((SELECT result -> 'success' FROM workflow_orch.break_glass_execute(:q, :bob_too, 'again')), 'true', 'after it the same person may do it again');

-- One's own proposal, and a freeze.
SELECT workflow_orch.add_freeze('Year end', now(), 'infinity') AS z \gset
SELECT propose('div', '{"n": 1}') AS own \gset
SELECT execution_id AS e FROM workflow_orch.break_glass_execute(:own, :ann, 'at night, alone') \gset
SELECT is((SELECT row(actor_id, freeze_id)::text FROM workflow_orch.break_glass WHERE execution_id = :e), format('(%s,%s)', :ann, :z), 'a proposer breaks glass for their own call, in a freeze too, which is marked');
SELECT is((SELECT details -> 'freeze_id' FROM workflow_orch.audit_log WHERE action = 'break_glass_execute' ORDER BY audit_id DESC LIMIT 1), to_jsonb(:z), 'in the audit log as well');
SELECT workflow_orch.remove_freeze(:z);
SELECT workflow_orch.review_break_glass(execution_id, :cyd, 'ok') FROM workflow_orch.break_glass WHERE reviewed_at IS NULL;

-- What it does not get round.
SELECT approved('div', '{"n": 1}') AS approved, propose('div', '{"n": 1}') AS rejected, propose('div', '{"n": 1}') AS p \gset
SELECT workflow_orch.review_action(:rejected, :bob, 'reject') \g /dev/null
CREATE FUNCTION t.break(proposal bigint, actor bigint DEFAULT bob()) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT workflow_orch.break_glass_execute(%s, %s, ''r'')', proposal, actor)
$$;
SELECT raises(break(:approved), '{"sqlstate": "55000", "message": "proposal % is not pending", "hint": "%execute_action%"}', 'an approved call is executed as ever');
SELECT raises(break(:rejected), '{"sqlstate": "55000", "message": "proposal % is not pending"}', 'a rejected one not at all');
SELECT raises(break(0), '{"sqlstate": "42704"}', 'nor one that does not exist');
SELECT raises(break(:p, :robot), '{"sqlstate": "42501", "message": "actor % may not break glass"}', 'an agent breaks no glass');
SELECT raises(format('SELECT workflow_orch.break_glass_execute(%s, bob(), '' '')', :p), '{"sqlstate": "22023", "message": "argument \"reason\" must not be empty"}', 'nobody does without a reason');
SELECT workflow_orch.set_tool_enabled('div', false);
SELECT raises(break(:p), '{"sqlstate": "55000", "message": "tool \"div\" is disabled"}', 'a disabled tool does not run');
SELECT workflow_orch.set_tool_enabled('div', true);
SELECT workflow_orch.update_tool('div', in_session => false);
SELECT raises(break(:p), '{"sqlstate": "55000", "message": "%does not run in a session"}', 'nor one that is kept out of sessions');
SELECT workflow_orch.update_tool('div', in_session => true);
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \gset
SELECT raises(break(:p), '{"sqlstate": "55000", "message": "%dry run"}', 'in a dry run there is nothing to break');
SELECT dry_run FROM workflow_orch.set_policy(dry_run => false) \gset
ALTER ROLE :"tool_role" SUPERUSER;
SELECT raises(break(:p), '{"sqlstate": "42501", "message": "a tool cannot run as a superuser"}', 'nor is the tool''s role another matter');
ALTER ROLE :"tool_role" NOSUPERUSER;
CREATE OR REPLACE FUNCTION app.div(n int) RETURNS int LANGUAGE sql RETURN 2 / n;
SELECT raises(break(:p), '{"sqlstate": "55000", "message": "tool \"div\" has changed %"}', 'a tool that has changed does not run');
SELECT is(status(:p), 'pending', 'what was refused has changed nothing');

-- Who may.
CREATE ROLE engine_break_glass_ops LOGIN;
CREATE ROLE engine_break_glass_admin LOGIN;
SELECT workflow_orch.grant_capability('engine_break_glass_admin', 'administer');
SELECT workflow_orch.register_actor('ops', 'DBA', 'engine_break_glass_ops') AS ops \gset
SELECT workflow_orch.grant_capability('engine_break_glass_ops', c) FROM unnest(ARRAY['propose', 'review', 'execute']) AS c;
SELECT propose('div', '{"n": 1}') AS p \gset
SELECT refused_as('engine_break_glass_ops', format('SELECT workflow_orch.break_glass_execute(%s, NULL, ''r'')', :p), '{"sqlstate": "42501", "message": "permission denied%"}', 'it takes a capability of its own');
SELECT refused_as('engine_break_glass_admin', 'SELECT workflow_orch.grant_capability(''engine_break_glass_ops'', ''break_glass'')', '{"sqlstate": "42501", "message": "capability \"break_glass\" is not yours%"}', 'which an administrator does not grant');
SELECT workflow_orch.grant_capability('engine_break_glass_ops', 'break_glass');
SELECT refused_as('engine_break_glass_ops', format('SELECT workflow_orch.break_glass_execute(%s, %s, ''r'')', :p, :bob), '{"sqlstate": "42501", "message": "%may not act for actor%"}', 'nobody does it in somebody else''s name');
SELECT works_as('engine_break_glass_ops', format('SELECT workflow_orch.break_glass_execute(%s, NULL, ''r'')', :p), 'who has it may');
SELECT is((SELECT row(actor_id, db_role, login)::text FROM workflow_orch.break_glass WHERE proposal_id = :p), format('(%s,engine_break_glass_ops,engine_break_glass_ops)', :ops), 'and is known by it');
SELECT refused_as('engine_break_glass_ops', format('SELECT workflow_orch.review_break_glass(execution_id, NULL, ''r'') FROM workflow_orch.break_glass WHERE proposal_id = %s', :p), '{"sqlstate": "42501"}', 'nor is it reviewed by them');

-- Through a gateway by the role, in a session of one's own by the login: one person.
CREATE ROLE engine_break_glass_dbas;
CREATE ROLE engine_break_glass_ada LOGIN IN ROLE engine_break_glass_dbas;
CREATE ROLE engine_break_glass_gate LOGIN;
SELECT workflow_orch.grant_capability(r, c) FROM unnest(ARRAY['engine_break_glass_dbas', 'engine_break_glass_gate']::regrole[]) AS r, unnest(ARRAY['review', 'break_glass']) AS c;
SELECT workflow_orch.grant_capability('engine_break_glass_gate', 'gateway');
SELECT workflow_orch.register_actor('ada', 'DBA', 'engine_break_glass_ada') AS ada, workflow_orch.register_actor('dbas', 'DBA', 'engine_break_glass_dbas') AS dbas \gset
SELECT propose('div', '{"n": 1}') AS p, propose('div', '{"n": 1}') AS q \gset
SELECT works_as('engine_break_glass_gate', format('SELECT workflow_orch.break_glass_execute(%s, %s, ''r'')', :p, :ada), 'somebody breaks glass through a gateway');
SELECT refused_as('engine_break_glass_ada', format('SELECT workflow_orch.break_glass_execute(%s, %s, ''r'')', :q, :dbas), '{"sqlstate": "55000", "message": "an earlier break glass %"}',
  'and not again in a session of their own, as another actor');
SELECT refused_as('engine_break_glass_ada', format('SELECT workflow_orch.review_break_glass(execution_id, %s, ''r'') FROM workflow_orch.break_glass WHERE proposal_id = %s', :dbas, :p),
  '{"sqlstate": "42501", "message": "nobody may review their own break glass"}', 'nor do they review it so');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');

\ir include/finish.sql
