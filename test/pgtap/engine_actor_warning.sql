-- What register_actor and update_actor warn of.  A warning goes to the client's
-- standard error, so another psql calls, and sees only what is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE ROLE engine_actor_shared LOGIN;
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.register_actor('first', 'r', 'engine_actor_shared')" 2>&1`
SELECT is(:'got'::text, '1', 'the first actor of a role is not warned of');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.register_actor('second', 'r', 'engine_actor_shared')" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  role "engine_actor_shared" is bound to more than one active actor\nDETAIL:  Actor 1 \("first"\) is bound to it, too.\nHINT: .*\n2$', 'the second is');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.update_actor(2, active => false)" 2>&1`
SELECT is(:'got'::text, '', 'not one that is deactivated');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.register_actor('third', 'r')" -c "SELECT workflow_orch.update_actor(3, db_role => 'engine_actor_shared')" 2>&1`
SELECT matches(:'got'::text, '^3\nWARNING:  role "engine_actor_shared" is bound', 'one that is bound to the role later is');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.update_actor(3, db_role => '-')" -c "SELECT workflow_orch.update_actor(1, role => 'q')" 2>&1`
SELECT is(btrim(:'got'::text, E'\n'), '', 'nor one that is bound to none, or changed otherwise');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.update_actor(2, active => true)" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  role "engine_actor_shared" is bound', 'one that is active again is');
DROP OWNED BY engine_actor_shared;
DROP ROLE engine_actor_shared;
SELECT * FROM finish();
