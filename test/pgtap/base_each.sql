-- Memory: what a call needs for one of many items does not stay to the last.
-- Runs alone: the memory of caches depends on what other sessions invalidate.
\set file base_each
\ir include/fixture.sql
SET LOCAL client_min_messages = error;

-- The memory of the backend in the middle of a call, every hundredth row.
CREATE TABLE t.seen (call text, at bigint GENERATED ALWAYS AS IDENTITY, bytes bigint);
CREATE FUNCTION t.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('t.rows', (current_setting('t.rows')::int + 1)::text, true);
  IF current_setting('t.rows')::int % 100 = 0 THEN
    INSERT INTO t.seen (call, bytes) SELECT current_setting('t.call'), sum(total_bytes) FROM pg_backend_memory_contexts;
  END IF;
  RETURN NULL;
END
$$;
CREATE FUNCTION t.look_at(call text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('t.call', call, true), set_config('t.rows', '0', true) $$;
-- What a row has added, in bytes, from the fifth look to the last.
CREATE FUNCTION t.per_row(call_ text) RETURNS numeric LANGUAGE sql AS $$
  SELECT round((last - first) / (100.0 * (looks - 5))) FROM (
    SELECT count(*) AS looks, max(bytes) FILTER (WHERE n = 5) AS first, max(bytes) FILTER (WHERE n = total) AS last
      FROM (SELECT bytes, row_number() OVER (ORDER BY at) AS n, count(*) OVER () AS total FROM t.seen WHERE call = call_) s) x
$$;

-- 2000 proposals of each call, as a restore makes them.
CREATE FUNCTION app.noop(n int DEFAULT 0) RETURNS int LANGUAGE sql RETURN n;
CALL tool('noop(int)');
SELECT approved('noop') AS approved, propose('noop') AS pending \gset
CREATE FUNCTION t.copy(model bigint, workflow bigint, first bigint, changes jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(p, jsonb_build_object('proposal_id', first + g, 'workflow_id', workflow, 'params', jsonb_build_object('n', g)) || changes)).*
      FROM workflow_orch.proposal p, generate_series(1, 2000) g WHERE p.proposal_id = model;
  INSERT INTO workflow_orch.proposal_revision
    SELECT (jsonb_populate_record(r, jsonb_build_object('proposal_id', first + g, 'params', jsonb_build_object('n', g)))).*
      FROM workflow_orch.proposal_revision r, generate_series(1, 2000) g WHERE r.proposal_id = model;
END
$$;
SELECT workflow_orch.start_workflow('Cancelled', :ann) AS cancelled \gset
SELECT copy(:pending, :workflow, 10000, '{"expires_at": "2020-01-01"}'), copy(:pending, :cancelled, 20000), copy(:pending, :workflow, 30000), copy(:approved, :workflow, 40000);
ANALYZE workflow_orch.proposal;
CREATE TRIGGER look AFTER UPDATE ON workflow_orch.proposal FOR EACH ROW EXECUTE FUNCTION t.look();
CREATE TRIGGER look AFTER INSERT ON workflow_orch.execution FOR EACH ROW EXECUTE FUNCTION t.look();

SELECT look_at('expire_proposals');
SELECT is(workflow_orch.expire_proposals(), 2000::bigint, 'expire_proposals marks them all');
SELECT cmp_ok(per_row('expire_proposals'), '<', 200::numeric, 'in the memory of one');
SELECT look_at('cancel_workflow');
SELECT is(workflow_orch.cancel_workflow(:cancelled), 'cancelled', 'cancel_workflow cancels them all');
SELECT cmp_ok(per_row('cancel_workflow'), '<', 200::numeric, 'in the memory of one');
SELECT look_at('review_actions');
SELECT is((SELECT count(*) FROM jsonb_array_elements(workflow_orch.review_actions((SELECT jsonb_agg(jsonb_build_object('proposal_id', 30000 + g, 'reviewer_id', bob(), 'decision', 'approve')) FROM generate_series(1, 2000) g))) e WHERE (e -> 'success')::bool),
  2000::bigint, 'review_actions decides on them all');
SELECT cmp_ok(per_row('review_actions'), '<', 3500::numeric, 'in the memory of one and that of the answer');

-- What is kept for later calls is bounded, whoever proposes.
INSERT INTO workflow_orch.actor OVERRIDING SYSTEM VALUE
  SELECT (jsonb_populate_record(a, jsonb_build_object('actor_id', 1000 + g, 'name', 'many ' || g))).* FROM workflow_orch.actor a, generate_series(1, 3000) g WHERE a.actor_id = :ann;
SELECT count(propose_as) FROM generate_series(1, 3000) g, LATERAL (SELECT proposal_id AS propose_as FROM workflow_orch.propose_action(:workflow, 1000 + g, 'noop', '{}', 'r')) p \g /dev/null
SELECT cmp_ok((SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'workflow_orch cache%'), '<', 6000000::numeric, 'what is kept of 3000 proposers has a limit');
SELECT cmp_ok((SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'workflow_orch cache%'), '>', 1000000::numeric, 'up to which it is kept');
\ir include/finish.sql
