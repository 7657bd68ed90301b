-- What controls cost: the database :kind is that of bench.sh's set_up, with one
-- control on.  protected: a protected policy; rows: a limit of rows on the tool;
-- standing: a standing approval for the actor of the session's own role.
\set ON_ERROR_STOP on
SET client_min_messages = error;
SELECT :'kind' = 'protected' AS protected, :'kind' = 'rows' AS rows \gset
\if :protected
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_boss1') AS first \gset
\if :first
CREATE ROLE bench_boss1 LOGIN;
CREATE ROLE bench_boss2 LOGIN;
\endif
SELECT workflow_orch.grant_capability(r::regrole, c)
  FROM unnest('{bench_boss1,bench_boss2}'::text[]) r, unnest('{propose,review,execute,administer}'::text[]) c;
SELECT workflow_orch.register_actor('boss' || g, 'Manager', ('bench_boss' || g)::regrole) FROM generate_series(1, 2) g;
SELECT workflow_orch.set_policy(protected => true);
\endif
\if :rows
SELECT workflow_orch.update_tool('echo', max_rows => 10);
\endif
