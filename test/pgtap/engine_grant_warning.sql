-- What grant_capability warns of.  A warning goes to the client's standard error,
-- so another psql grants, and sees only what is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE ROLE engine_grant_proposers;
CREATE ROLE engine_grant_reviewers;
CREATE ROLE engine_grant_inherits IN ROLE engine_grant_proposers, engine_grant_reviewers;
CREATE ROLE engine_grant_pool NOINHERIT IN ROLE engine_grant_proposers, engine_grant_reviewers;
SELECT workflow_orch.grant_capability('engine_grant_proposers', 'propose'), workflow_orch.grant_capability('engine_grant_reviewers', 'review');

\setenv ROLE engine_grant_inherits
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'gateway')" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  role "engine_grant_inherits" may propose and review as any actor\nDETAIL: .*inherits.*\nHINT: .*NOINHERIT',
  'a gateway that inherits propose and review is warned of');
SELECT is(has_function_privilege('engine_grant_inherits', 'workflow_orch.is_gateway()', 'EXECUTE'), true, 'and granted');
\setenv ROLE engine_grant_pool
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'gateway')" 2>&1`
SELECT is(:'got'::text, '', 'one that can only SET ROLE to them is not');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'propose')" 2>&1`
SELECT is(:'got'::text, '', 'nor one that may propose only');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'review')" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  role "engine_grant_pool" may propose', 'one that is given the last of the three is');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'execute')" 2>&1`
SELECT is(:'got'::text, '', 'other capabilities do not matter');
\setenv ROLE engine_grant_reviewers
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.grant_capability('$ROLE', 'propose')" 2>&1`
SELECT is(:'got'::text, '', 'nor does a role that is no gateway');

DROP OWNED BY engine_grant_proposers, engine_grant_reviewers, engine_grant_inherits, engine_grant_pool;
DROP ROLE engine_grant_proposers, engine_grant_reviewers, engine_grant_inherits, engine_grant_pool;
SELECT * FROM finish();
