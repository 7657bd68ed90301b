-- The extension's side of the benchmark: the same people, flows and tool as
-- the rival has, and :prefill finished rows on either side, so that neither
-- works with plans or statistics of empty tables.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION workflow_orch;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_tool') AS first \gset
\if :first
CREATE ROLE bench_tool LOGIN;
\endif
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO bench_tool;
CREATE FUNCTION bench.tool_echo(a jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
  AS $$ SELECT jsonb_build_object('ok', true, 'n', a->'n') $$;
CREATE TABLE bench.floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), n bigint);
SET search_path = bench;
SELECT workflow_orch.register_tool('echo', 'bench.tool_echo(jsonb)', run_as => 'bench_tool');
RESET search_path;
SELECT workflow_orch.register_actor('agent' || g, 'Agent', kind => 'agent') FROM generate_series(1, 10) g;
SELECT workflow_orch.register_actor('human' || g, 'DBA') FROM generate_series(1, 10) g;
SELECT workflow_orch.start_workflow('flow' || g) FROM generate_series(1, 5) g;

CREATE FUNCTION bench.cycle(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  FOR i IN 1 .. n LOOP
    id := wf.propose('agent' || 1 + i % 10, 'flow' || 1 + i % 5, jsonb_build_object('n', i));
    PERFORM wf.review('human' || 1 + i % 10, id, 'approve');
    PERFORM wf.execute('agent' || 1 + i % 10, id);
    SELECT p.proposal_id INTO id
      FROM workflow_orch.propose_action(1 + i % 5, 1 + i % 10, 'echo', jsonb_build_object('a', jsonb_build_object('n', i)), 'bench') p;
    PERFORM workflow_orch.review_action(id, 11 + i % 10, 'approve');
    PERFORM workflow_orch.execute_action(id, 1 + i % 10);
  END LOOP;
END $$;
SELECT bench.cycle(:prefill);
VACUUM ANALYZE;
CHECKPOINT;
