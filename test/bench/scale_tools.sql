-- For the part of the benchmark about scale: :roles roles, each with a tool of its
-- own and one call that is queued for later, of which scale_queue.sql makes copies.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', 'scale_' || g)
  FROM generate_series(0, :roles) g WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scale_' || g) \gexec
SELECT format('GRANT USAGE ON SCHEMA bench TO %I', 'scale_' || g) FROM generate_series(0, :roles) g \gexec
SET search_path = bench;
SELECT count(workflow_orch.register_tool('scale_' || g, 'bench.tool_echo(jsonb)', run_as => ('scale_' || g)::regrole))
  FROM generate_series(0, :roles) g;
RESET search_path;
CREATE TABLE bench.model AS
SELECT g AS role, (workflow_orch.propose_action(1 + g % 5, 1 + g % 10, 'scale_' || g, '{"a": {"n": 1}}', 'bench')).proposal_id
  FROM generate_series(0, :roles) g;
SELECT count(workflow_orch.review_action(proposal_id, 11, 'approve')) FROM bench.model;
SELECT count(workflow_orch.enqueue_action(proposal_id, run_at => now() + interval '100 days')) FROM bench.model;
-- What was read through the index of the due calls, and how many calls have ended.
CREATE TABLE bench.mark (name text, at timestamptz DEFAULT clock_timestamp(), ended bigint, index_rows bigint, memory bigint);
