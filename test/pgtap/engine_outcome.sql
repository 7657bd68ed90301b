-- wait_execution.
\set file outcome
\ir include/fixture.sql
\ir include/effect.sql
\ir include/workers.sql

-- Waiting
SELECT t.approved('add', '{"n": 0}') AS failing, t.approved('add', '{"n": 5}') AS p, t.approved('add', '{"n": 2}') AS far \gset
SELECT t.enqueued(:failing) AS e \gset
SELECT is(concat_ws(' ', r -> 'success', r -> 'error' ->> 'sqlstate', r -> 'error' ->> 'message'), 'false 22012 division by zero', 'a failure is a result')
  FROM workflow_orch.wait_execution(:e) r;
SELECT is(t.status(:failing), 'failed', 'and the proposal has failed');
SELECT is(workflow_orch.retry_action(:failing, t.ann())::text, 'approved', 'from where it can be retried');
SELECT t.enqueued(:far, now() + '1 h') AS later \gset
SELECT clock_timestamp() AS before \gset
SELECT is(workflow_orch.wait_execution(:later, '200 ms'), NULL, 'a wait that ends first is NULL');
SELECT is(clock_timestamp() - :'before' BETWEEN '200 ms' AND '2 s', true, 'and lasts as long as was said');
SELECT is(workflow_orch.wait_execution(:later, '1 us'), NULL, 'the shortest one, too');
SELECT t.raises(statement, expected, statement)
  FROM (VALUES ('SELECT workflow_orch.wait_execution(NULL)', '{"sqlstate": "22023", "message": "argument \"execution_id\" must not be null"}'::jsonb),
               ('SELECT workflow_orch.wait_execution(424242)', '{"sqlstate": "42704", "message": "execution 424242 does not exist"}'),
               ('SELECT workflow_orch.wait_execution(-1)', '{"sqlstate": "42704"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''-1 s'')', :later), '{"sqlstate": "22023", "hint": "_%"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''-1 s'')', :e), '{"sqlstate": "22023", "hint": "_%"}'),
               (format('SELECT workflow_orch.wait_execution(%s, ''178000000 years'')', :later), '{"sqlstate": "22023", "hint": "_%"}'),
               ('SELECT workflow_orch.wait_execution(424242, ''-1 s'')', '{"sqlstate": "22023"}')) v (statement, expected);
BEGIN;
SELECT t.enqueued(:p) AS e \gset
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s)', :e), '{"sqlstate": "55000", "hint": "Commit%"}', 'an execution that the same transaction enqueued');
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s, ''1 s'')', :e), '{"sqlstate": "55000", "hint": "Commit%"}', 'even with a timeout');
ROLLBACK;
SELECT t.raises(format('SELECT workflow_orch.wait_execution(%s)', :e), '{"sqlstate": "42704"}', 'one whose enqueue was rolled back');
SELECT t.enqueued(:p, clock_timestamp() + '300 ms') AS e \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) AS before FROM app.effect \gset
SELECT is(t.outcome(:e) ->> 'output', '5', 'the result comes to a transaction whose snapshot is older');
SELECT is((SELECT count(*) FROM app.effect), :before::bigint, 'which does not see the effects');
COMMIT;
SELECT t.approved('add', '{"n": 1}') AS p \gset
SELECT t.enqueued(:p, clock_timestamp() + '300 ms') AS e \gset
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) AS before FROM app.effect \gset
SELECT is(t.outcome(:e) ->> 'output', '1', 'in SERIALIZABLE as well');
COMMIT;
BEGIN READ ONLY;
SELECT is(t.outcome(:e) ->> 'output', '1', 'a read-only transaction can wait');
COMMIT;
SELECT execution_id AS in_session FROM workflow_orch.execute_action(t.approved('add', '{"n": 10}')) \gset
SELECT is(t.outcome(:in_session) ->> 'output', '10', 'an execution of a session has its result');

SELECT workflow_orch.cancel_execution(:later, t.cyd()) \g /dev/null
SELECT is(t.outcome(:later) -> 'error' ->> 'sqlstate', '57014', 'a session that waits for a cancelled execution is told');
SELECT is((SELECT string_agg(v::text, '; ') FROM workflow_orch.verify_audit_log() v), NULL, 'the audit log agrees with the tables');
\ir include/finish_workers.sql
