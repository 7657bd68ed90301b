-- What is to be seen of workers, queue and executions, and by whom.
\set file status
\ir include/fixture.sql
\ir include/roles.sql
CREATE FUNCTION app.hold(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(4711);
  RETURN 10 / n;
END $$;
CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE sql AS 'SELECT 10 / n';
CALL t.tool('app.hold(int)');
CALL t.tool('app.add(int)');
CREATE ROLE status_one LOGIN;
CREATE ROLE status_two LOGIN;
CREATE ROLE status_reader LOGIN;
CREATE ROLE status_nobody LOGIN;
SELECT workflow_orch.grant_capability(r, 'propose') FROM unnest('{status_one,status_two}'::regrole[]) r;
SELECT workflow_orch.grant_capability('status_reader', 'execute');
SELECT workflow_orch.register_actor('One', 'Developer', 'status_one') AS one, workflow_orch.register_actor('Two', 'Developer', 'status_two') AS two,
       workflow_orch.register_actor('Reader', 'Operator', 'status_reader', 'service') AS reader \gset
CREATE FUNCTION t.one() RETURNS bigint LANGUAGE sql RETURN :one;
CREATE FUNCTION t.proposed_as(role text, tool text, params jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := value_as(role, format('SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, %L, %L, ''why'')', workflow(), tool, params));
BEGIN
  PERFORM workflow_orch.review_action(id, bob(), 'approve');
  RETURN id;
END $$;
\ir include/workers.sql

SELECT columns_are('workflow_orch', 'worker_status', '{pid,database,role,state,execution_id,since,tool}'::name[]);
SELECT columns_are('workflow_orch', 'queue_status', '{tool,due,scheduled,running,held,oldest_age}'::name[]);
SELECT columns_are('workflow_orch', 'execution_stats', '{tool,count,failures,duration_p50,duration_p95,duration_p99,wait_p50,wait_p95,wait_p99}'::name[]);
SELECT is((SELECT count(*) FROM workflow_orch.queue_status) + (SELECT count(*) FROM workflow_orch.execution_stats), 0::bigint, 'at first there is nothing to be seen');

SELECT pg_advisory_lock(4711) \gset
SELECT t.approved('hold', '{"n": 1}') AS p, t.proposed_as('status_one', 'add', '{"n": 5}') AS p_one, t.proposed_as('status_two', 'add', '{"n": 5}') AS p_two,
       t.approved('add', '{"n": 5}') AS p_three \gset
SELECT clock_timestamp() AS before, t.enqueued(:p) AS e \gset
CALL t.wait_for_start(:e);
SELECT pid AS worker FROM workflow_orch.worker_status WHERE execution_id = :e AND database = current_database() \gset
CALL t.wait_for(format('SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = %L)', 'execution ' || :e || ': hold'));
SELECT is((SELECT ROW(database, role, state, since BETWEEN :'before' AND clock_timestamp())::text FROM workflow_orch.worker_status WHERE execution_id = :e AND database = current_database()),
          '(pgtap_worker_status,status_tool,busy,t)', 'a busy worker shows what it runs');
SELECT is((SELECT ROW(a.backend_type, a.application_name, a.query, a.state, a.usename, a.datname)::text FROM workflow_orch.worker_status w JOIN pg_stat_activity a USING (pid) WHERE w.execution_id = :e),
          format('("workflow_orch worker","workflow_orch worker","execution %s: hold",active,status_tool,pgtap_worker_status)', :e), 'pg_stat_activity says what it is and what it runs');
SELECT is((SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher'), 1::bigint, 'and there is one launcher');
SELECT t.enqueued(:p_one, now() + '1 h') AS e_one, t.enqueued(:p_two, now() + '1 h') AS e_two, t.enqueued(:p_three, now() + '1 h') AS e_three \gset
SELECT is((SELECT array_agg(ROW(tool, due, scheduled, running, held, oldest_age)::text ORDER BY tool) FROM workflow_orch.queue_status),
          '{"(add,0,3,0,0,)","(hold,0,0,1,0,)"}', 'queue_status counts per tool what is scheduled and what runs');
\set max_workers 1
\ir include/max_workers.sql
SELECT t.approved('hold', '{"n": 1}') AS p2 \gset
SELECT t.enqueued(:p2) AS e2 \gset
SELECT pg_sleep(0.05) \g /dev/null
SELECT is((SELECT ROW(due, scheduled, running, held, oldest_age BETWEEN '50 ms' AND '1 min')::text FROM workflow_orch.queue_status WHERE tool = 'hold'), '(1,0,1,0,t)', 'and what is due, and for how long');
SELECT is((SELECT workflow_orch.cancel_execution(:e2)::text), 'cancelled', 'what is due is cancelled');
SELECT pg_advisory_unlock(4711) \gset
\set max_workers 8
\ir include/max_workers.sql
SELECT is(t.outcome(:e) ->> 'success', 'true', 'the call ends');
CALL t.wait_for(format('SELECT NOT EXISTS (SELECT FROM workflow_orch.worker_status WHERE execution_id = %s)', :e));
SELECT is((SELECT state FROM workflow_orch.worker_status WHERE pid = :worker), 'idle', 'and its worker is idle');

-- Statistics
SELECT array_agg(t.approved('add', jsonb_build_object('n', n))) AS batch FROM unnest('{0,1,2,5}'::int[]) n \gset
SELECT FROM t.parallel(VARIADIC :'batch');
SELECT FROM workflow_orch.set_policy(dry_run => true);
SELECT t.approved('add', '{"n": 1}') AS dry \gset
SELECT FROM t.parallel(:dry);
SELECT FROM workflow_orch.set_policy(dry_run => false);
SELECT is((SELECT array_agg(ROW(tool, count, failures, duration_p50 <= duration_p95, duration_p95 <= duration_p99, duration_p50 > '0', wait_p50 >= '0', wait_p50 <= wait_p99)::text ORDER BY tool) FROM workflow_orch.execution_stats),
          '{"(add,4,1,t,t,t,,)","(hold,1,0,t,t,t,t,t)"}', 'execution_stats counts what has ended; cancelled calls and dry runs do not count');

-- Who sees what
CREATE FUNCTION t.seen_by(role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text := '';
  view text;
BEGIN
  FOREACH view IN ARRAY '{queue,queue_status,execution_stats,worker_status}'::text[] LOOP
    BEGIN
      result := result || value_as(role, format('SELECT %s > 0 FROM workflow_orch.%s', CASE view WHEN 'queue_status' THEN 'coalesce(sum(scheduled), 0)' ELSE 'count(*)' END, view)) || ' ';
    EXCEPTION WHEN insufficient_privilege THEN
      result := result || 'denied ';
    END;
  END LOOP;
  RETURN result;
END $$;
SELECT is(t.seen_by('status_reader'), 'true true true true ', 'with execute one sees everything');
SELECT is(t.seen_by('status_nobody'), 'denied denied denied denied ', 'without a capability nothing');
SELECT is(t.value_as('status_reader', 'SELECT count(*) FROM workflow_orch.queue'), '3', 'all of the queue, that is');
SELECT is(t.value_as('status_one', 'SELECT string_agg(execution_id::text, '','') FROM workflow_orch.execution'), :'e_one', 'a proposer sees the executions of their own proposals');
SELECT is(t.value_as('status_two', 'SELECT string_agg(execution_id::text, '','') FROM workflow_orch.execution'), :'e_two', 'and the other theirs');
SELECT t.refused_as('status_one', statement, '{"sqlstate": "42501"}', 'a proposer cannot: ' || statement)
  FROM unnest(ARRAY[format('SELECT workflow_orch.enqueue_action(%s)', :p_one), format('SELECT workflow_orch.wait_execution(%s)', :e_one), format('SELECT workflow_orch.cancel_execution(%s)', :e_one),
                    'SELECT workflow_orch.execute_parallel(''[]'')', 'SELECT workflow_orch.resume_queue()']) statement;
SELECT t.refused_as('status_reader', 'SELECT workflow_orch.resume_queue()', '{"sqlstate": "42501"}', 'nor does execute resume the queue');
SELECT t.approved('add', '{"n": 3}') AS p4 \gset
SELECT t.refused_as('status_reader', format('SELECT workflow_orch.enqueue_action(%s, %s)', :p4, t.ann()), '{"sqlstate": "42501"}', 'who executes does not enqueue for others');
SELECT t.refused_as('status_reader', format('SELECT workflow_orch.cancel_execution(%s, %s)', :e_one, t.ann()), '{"sqlstate": "42501"}', 'nor cancel for them');
SELECT t.refused_as('status_reader', format('SELECT workflow_orch.execute_parallel(%L, %s)', jsonb_build_array(jsonb_build_object('proposal_id', :p4)), t.ann()), '{"sqlstate": "42501"}', 'nor run a batch for them');
SELECT t.works_as('status_reader', format('SELECT workflow_orch.enqueue_action(%s)', :p4), 'but for oneself');
SELECT is((SELECT ROW(e.actor_id = :reader, e.login)::text FROM workflow_orch.execution e WHERE proposal_id = :p4), '(t,status_reader)', 'who is the bound actor where none is given');
SELECT t.works_as('status_reader', format('SELECT workflow_orch.cancel_execution(%s, NULL, ''no'')', :e_one), 'and cancels anybody''s');
SELECT is((SELECT ended_by FROM workflow_orch.execution WHERE execution_id = :e_one), :reader::bigint, 'in one''s own name');
SELECT is(t.outcome((SELECT execution_id FROM workflow_orch.execution WHERE proposal_id = :p4)) ->> 'output', '3', 'a call that a bound actor enqueued runs');

DROP OWNED BY status_one, status_two, status_reader;
DROP ROLE status_one, status_two, status_reader, status_nobody;
\ir include/finish_workers.sql
