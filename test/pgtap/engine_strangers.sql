-- Who may not make a call does not lock the row that it is about: a row lock
-- stands in the row's xmax even after it is undone.
\set file engine_strangers
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.one() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION app.fails() RETURNS int LANGUAGE sql RETURN 1 / length('');
CALL tool('one()');
CALL tool('fails()');
SELECT workflow_orch.update_tool('one', preview => true);
SELECT workflow_orch.register_actor('old', 'DBA') AS old, workflow_orch.register_actor('bot', 'DBA', kind => 'agent') AS bot \gset
SELECT workflow_orch.update_actor(:old, active => false);

SELECT propose('one') AS pending, approved('one') AS approved, approved('fails') AS failed, propose('one') AS broken \gset
SELECT execute(:failed) \g /dev/null
SET LOCAL client_min_messages = error;
SELECT execution_id AS glass FROM workflow_orch.break_glass_execute(:broken, :cyd, 'fire') \gset
RESET client_min_messages;
SELECT workflow_orch.delegate_review(:bob, :cyd, 'infinity') AS lent \gset

-- The transactions that have locked or changed the rows that calls are about.
CREATE FUNCTION t.row_locks() RETURNS text LANGUAGE sql AS $$
  SELECT (SELECT string_agg(format('%s:%s', proposal_id, xmax), ' ' ORDER BY proposal_id) FROM workflow_orch.proposal) || ' ' ||
         (SELECT string_agg(format('%s:%s', execution_id, xmax), ' ' ORDER BY execution_id) FROM workflow_orch.break_glass) || ' ' ||
         (SELECT string_agg(format('%s:%s', delegation_id, xmax), ' ' ORDER BY delegation_id) FROM workflow_orch.delegation) || ' ' ||
         (SELECT string_agg(format('%s:%s', workflow_id, xmax), ' ' ORDER BY workflow_id) FROM workflow_orch.workflow)
$$;
CREATE FUNCTION t.locks_nothing(statement text, login text DEFAULT session_user, code text DEFAULT '42501') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before text := row_locks();
  error jsonb := error_as(login, statement);
BEGIN
  RETURN is(jsonb_build_object('sqlstate', error -> 'sqlstate', 'locks', row_locks()),
            jsonb_build_object('sqlstate', code, 'locks', before), 'locks nothing when it is refused: ' || statement);
END
$$;

SELECT locks_nothing(format('SELECT workflow_orch.' || call, id))
FROM (VALUES
  ('withdraw_proposal(%s, bob())', :approved),
  ('withdraw_proposal(%s, bob())', :failed),
  (format('withdraw_proposal(%%s, %s)', :old), :pending),
  (format('cancel_workflow(%%s, %s)', :old), :workflow),
  ('review_action(%s, ann(), ''approve'')', :pending),
  ('review_action(%s, ann(), ''reject'')', :pending),
  ('review_action(%s, ann(), ''edit'', ''{}'')', :approved),
  (format('review_action(%%s, %s, ''approve'')', :bot), :pending),
  (format('review_action(%%s, %s, ''approve'')', :old), :pending),
  (format('execute_action(%%s, %s)', :old), :approved),
  (format('enqueue_action(%%s, %s)', :old), :approved),
  (format('retry_action(%%s, %s)', :old), :failed),
  (format('preview_action(%%s, %s)', :old), :pending),
  (format('comment_proposal(%%s, %s, ''no'')', :old), :pending),
  (format('break_glass_execute(%%s, %s, ''fire'')', :old), :pending),
  (format('break_glass_execute(%%s, %s, ''fire'')', :bot), :pending),
  ('review_break_glass(%s, cyd(), ''fine'')', :glass),
  ('review_break_glass(%s, ann(), ''fine'')', :glass),
  (format('review_break_glass(%%s, %s, ''fine'')', :old), :glass),
  (format('end_delegation(%%s, %s)', :old), :lent)) AS v (call, id);

-- An administrator ends any workflow; this gateway is none.
CREATE ROLE engine_strangers_gateway LOGIN;
SELECT workflow_orch.grant_capability('engine_strangers_gateway', c) FROM unnest('{propose,gateway}'::text[]) c;
SELECT locks_nothing(format('SELECT workflow_orch.%s_workflow(%s, bob())', call, id), 'engine_strangers_gateway', code)
FROM (VALUES ('cancel', :workflow, '42501'), ('complete', :workflow, '55000'), ('complete', workflow_orch.start_workflow('Empty', ann()), '42501')) AS v (call, id, code);

-- A lock that somebody else might hold is waited for no longer than lock_wait says.
SELECT raises('SET LOCAL workflow_orch.lock_wait = -1', '{"sqlstate": "22023"}', 'lock_wait is not negative');
SELECT is(current_setting('workflow_orch.lock_wait'), '10s', 'by default a call waits for 10 s');

\ir include/finish.sql
