-- What the parts of the benchmark about the background workers need, on top of
-- setup.sql: approved calls on either side, and how fast they were run.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- pg_sleep rounds up to whole milliseconds, and makes 101 of 0.1 s in most cases.
CREATE FUNCTION bench.nap() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.0999)';
-- The server's own, so that it tells its start: that of a SQL function's query is later, and a
-- function that is created AS one of the server's is first searched for among all of them.
SELECT workflow_orch.register_tool('clock', 'pg_catalog.clock_timestamp()', run_as => 'bench_tool');
SELECT workflow_orch.register_tool('nap', 'bench.nap()', run_as => 'bench_tool');

-- The calls that were approved last, and on either side what came before them.
CREATE TABLE bench.call (call bigint GENERATED ALWAYS AS IDENTITY, proposal_id bigint PRIMARY KEY);
CREATE TABLE bench.batch (calls int, released_at timestamptz, last_execution bigint, last_rival bigint);
INSERT INTO bench.batch VALUES (0, 'infinity', 0, 0);

CREATE FUNCTION bench.approve(n int, tool text, params jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  TRUNCATE bench.call RESTART IDENTITY;
  FOR i IN 1 .. n LOOP
    SELECT p.proposal_id INTO id FROM workflow_orch.propose_action(1 + i % 5, 1 + i % 10, tool, params, 'bench') p;
    PERFORM workflow_orch.review_action(id, 11 + i % 10, 'approve');
    INSERT INTO bench.call (proposal_id) VALUES (id);
  END LOOP;
END $$;

-- Approved calls in the queue, all due at one moment in the near future.
CREATE FUNCTION bench.queue(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
BEGIN
  PERFORM bench.approve(n, 'echo', '{"a": {"n": 1}}');
  UPDATE bench.batch SET calls = n, released_at = clock_timestamp() + (clock_timestamp() - began) + interval '2 s',
    last_execution = (SELECT max(execution_id) FROM workflow_orch.execution);
  PERFORM workflow_orch.enqueue_action(proposal_id, 1 + call % 10, (SELECT released_at FROM bench.batch))
     FROM (SELECT * FROM bench.call ORDER BY call) c;
END $$;

-- Approved calls for the rival's work().
CREATE FUNCTION bench.queue_rival(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  UPDATE bench.batch SET last_rival = (SELECT max(e.id) FROM wf.executions e);
  FOR i IN 1 .. n LOOP
    id := wf.propose('agent' || 1 + i % 10, 'flow' || 1 + i % 5, jsonb_build_object('n', i));
    PERFORM wf.review('human' || 1 + i % 10, id, 'approve');
  END LOOP;
END $$;

-- When the calls of the last batch ended.
CREATE VIEW bench.ended AS
SELECT 'extension' AS side, released_at AS began, finished_at
  FROM bench.batch JOIN workflow_orch.execution ON execution_id > last_execution AND status = 'succeeded'
UNION ALL
SELECT 'rival', min(started_at) OVER (), finished_at
  FROM bench.batch JOIN wf.executions ON id > last_rival AND ok;

-- Calls per second: all of them, and each fifth of them.
CREATE VIEW bench.rate AS
SELECT side, count(*) AS calls, count(*) / extract(epoch FROM max(finished_at) - min(began)) AS per_second
  FROM bench.ended GROUP BY side;
CREATE VIEW bench.rate_of_fifth AS
SELECT side, fifth, calls / extract(epoch FROM finished_at - lag(finished_at, 1, began)
                                                     OVER (PARTITION BY side ORDER BY fifth)) AS per_second
  FROM (SELECT side, fifth, count(*) AS calls, max(finished_at) AS finished_at, min(began) AS began
          FROM (SELECT *, ntile(5) OVER (PARTITION BY side ORDER BY finished_at) AS fifth FROM bench.ended) e
         GROUP BY side, fifth) f;

-- The rival of execute_parallel: as many connections of dblink, which are there
-- already or are made for the purpose.
CREATE EXTENSION dblink;
CREATE FUNCTION bench.connect() RETURNS void LANGUAGE sql AS $$
  SELECT dblink_connect('bench' || i, format('host=%s port=%s dbname=%s', split_part(current_setting('unix_socket_directories'), ',', 1),
                                             current_setting('port'), current_database()))
    FROM generate_series(1, 8) i $$;
CREATE FUNCTION bench.disconnect() RETURNS void LANGUAGE sql AS
  $$ SELECT dblink_disconnect('bench' || i) FROM generate_series(1, 8) i $$;
CREATE FUNCTION bench.naps_kept() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 8 LOOP
    PERFORM dblink_send_query('bench' || i, 'SELECT bench.nap()');
  END LOOP;
  FOR i IN 1 .. 8 LOOP
    PERFORM * FROM dblink_get_result('bench' || i) r(nap text);
    PERFORM * FROM dblink_get_result('bench' || i) r(nap text);
  END LOOP;
END $$;
CREATE FUNCTION bench.naps_fresh() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.connect();
  PERFORM bench.naps_kept();
  PERFORM bench.disconnect();
END $$;
CREATE FUNCTION bench.naps_workers(batch int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT workflow_orch.execute_parallel(jsonb_agg(jsonb_build_object('proposal_id', proposal_id)))
    FROM bench.call WHERE call > 8 * batch AND call <= 8 * batch + 8 $$;

-- A queue of one table: it keeps neither who asked, nor results, nor who decided.
CREATE TABLE bench.job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, params jsonb NOT NULL);
CREATE FUNCTION bench.queue_table(n int) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO bench.job (params) SELECT jsonb_build_object('n', g) FROM generate_series(1, n) g $$;
CREATE FUNCTION bench.work_table(size int) RETURNS bigint LANGUAGE sql AS $$
  WITH taken AS (DELETE FROM bench.job WHERE id = ANY (ARRAY(SELECT id FROM bench.job ORDER BY id LIMIT size FOR UPDATE SKIP LOCKED))
                 RETURNING params)
  SELECT count(bench.tool_echo(params)) FROM taken $$;
