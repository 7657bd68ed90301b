-- A batch of 10,000 calls: in bounded time and memory.
\set file large
\ir include/fixture.sql
CREATE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.number(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CALL t.tool('app.one()');
CALL t.tool('app.number(int)');
CREATE FUNCTION t.memory() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
\ir include/workers.sql
SET statement_timeout = '60s';
SELECT count(t.approved(tool, params)) FROM (SELECT 'one' AS tool, '{}'::jsonb AS params FROM generate_series(1, 5000)
  UNION ALL SELECT 'number', jsonb_build_object('n', n) FROM generate_series(1, 5000) n) c \g /dev/null
SELECT clock_timestamp() AS before, t.memory() \gset
SELECT workflow_orch.execute_parallel((SELECT jsonb_agg(jsonb_build_object('tool', 'one', 'params', '{}'::jsonb)) FROM generate_series(1, 5000)) ||
                                      (SELECT jsonb_agg(jsonb_build_object('tool', 'number', 'params', jsonb_build_object('n', n)) ORDER BY n DESC) FROM generate_series(1, 5000) n), t.ann()) AS r \gset
SELECT diag('10,000 calls: ' || clock_timestamp() - :'before') \g /dev/null
CREATE TABLE t.result AS SELECT (e ->> 'call_index')::int AS i, e FROM jsonb_array_elements(:'r') e;
SELECT is((SELECT ROW(count(*), count(DISTINCT e -> 'execution_id'), count(DISTINCT e -> 'proposal_id'), bool_and((e -> 'success')::bool))::text FROM t.result), '(10000,10000,10000,t)', 'each of 10,000 calls runs, once');
SELECT is((SELECT bool_and(e ->> 'output' = CASE WHEN i < 5000 THEN '1' ELSE (10000 - i)::text END) FROM t.result), true, 'and has its own result');
SELECT is((SELECT count(*) FROM workflow_orch.execution WHERE status = 'succeeded'), 10000::bigint, 'each is recorded');
SELECT cmp_ok(clock_timestamp() - :'before', '<', '40 s'::interval, 'in bounded time');
SELECT cmp_ok(t.memory() - :memory, '<', 20000000::bigint, 'the session keeps no memory of it');

-- In its middle, too: dry runs are calls of the session, whose memory a trigger sees.
SELECT workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT count(t.approved('number', jsonb_build_object('n', n))) FROM generate_series(10001, 12000) n \g /dev/null
CREATE TABLE t.seen (bytes bigint);
CREATE FUNCTION t.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.execution_id % 200 = 0 THEN
    INSERT INTO t.seen SELECT t.memory();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER look AFTER INSERT ON workflow_orch.execution FOR EACH ROW EXECUTE FUNCTION t.look();
SELECT t.memory() AS memory \gset
SELECT jsonb_array_length(workflow_orch.execute_parallel((SELECT jsonb_agg(jsonb_build_object('tool', 'number', 'params', jsonb_build_object('n', n))) FROM generate_series(10001, 12000) n), t.ann())) AS n \gset
SELECT is(:n, 2000, 'a batch of dry runs runs');
SELECT cmp_ok((SELECT max(bytes) FROM t.seen) - :memory, '<', 2000 * 5000::bigint, 'with no more memory than its calls and results take');
\ir include/finish_workers.sql
