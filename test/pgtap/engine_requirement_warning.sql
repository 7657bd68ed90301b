-- What propose_action warns of: that nobody registered today could approve.  A
-- warning goes to the client's standard error, so another psql proposes, and
-- sees only what is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE FUNCTION public.work(n int) RETURNS int LANGUAGE sql RETURN n;
SELECT workflow_orch.register_tool('work', 'public.work(int)', 'pg_monitor');
SELECT workflow_orch.register_actor('ann', 'Developer') AS ann \gset
SELECT workflow_orch.start_workflow('w') AS w \gset
\setenv PROPOSE 'SELECT status FROM workflow_orch.propose_action(1, 1, \'work\', \'{"n": 1}\', \'r\')'

\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  too few actors are registered to approve proposal 1\nDETAIL:  People needed besides the proposer: 1; registered: 0.\nHINT:  Register.*\npending$',
  'with nobody but the proposer there is a warning, and the proposal is taken');
SELECT workflow_orch.register_actor('bot', 'DBA', kind => 'agent') AS bot, workflow_orch.register_actor('gone', 'DBA') AS gone,
       workflow_orch.register_actor('ann again', 'DBA', person => 'Ann') AS again \gset
SELECT workflow_orch.update_actor(:gone, active => false), workflow_orch.update_actor(:ann, person => 'Ann');
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'registered: 0\.', 'agents, inactive actors and the proposer''s other actor are nobody');
SELECT agents_may_review FROM workflow_orch.set_policy(agents_may_review => true) \g /dev/null
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT is(:'got'::text, 'pending', 'where agents may review, an agent is somebody');
SELECT agents_may_review FROM workflow_orch.set_policy(agents_may_review => false) \g /dev/null
SELECT workflow_orch.register_actor('bob', 'Manager') AS bob \gset
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT is(:'got'::text, 'pending', 'there is no warning if somebody can approve');

SELECT workflow_orch.add_approval_rule('DBA') AS rule \gset
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  too few actors with role "DBA" are registered to approve proposal 5', 'a warning names the role that is missing');
SELECT workflow_orch.update_actor(:gone, active => true);
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT is(:'got'::text, 'pending', 'with an actor of the role it is gone');
SELECT workflow_orch.add_approval_rule(NULL, 2) \g /dev/null
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'approve proposal 7\nDETAIL:  People needed besides the proposer: 3; registered: 2\.', 'the slots of all roles together need as many people');
SELECT workflow_orch.register_actor('cyd', 'Clerk') \g /dev/null
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT is(:'got'::text, 'pending', 'with one more they are enough');
SELECT workflow_orch.update_actor(:bob, person => 'Bob'), workflow_orch.update_actor(:gone, person => 'Bob');
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'registered: 2\.', 'two actors of one person are one');
CREATE ROLE engine_requirement_gone LOGIN;
SELECT workflow_orch.update_actor(:bob, person => 'Another Bob', db_role => 'engine_requirement_gone') \g /dev/null
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT is(:'got'::text, 'pending', 'where somebody can log in as their role they count');
DROP ROLE engine_requirement_gone;
\set got `psql -XAtqd "$DATABASE" -c "$PROPOSE" 2>&1`
SELECT matches(:'got'::text, 'registered: 2\..*\nHINT: .*nobody can log in as', 'an actor whose role is gone does not');
\setenv RULE 'SELECT workflow_orch.add_approval_rule(approvals => 0)'
\set got `psql -XAtqd "$DATABASE" -c "$RULE" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  this rule approves every proposal that no other rule covers\nHINT', 'a rule that lets everything through is warned of');
\setenv RULE 'SELECT workflow_orch.add_approval_rule(condition => \'exists($.params ? (@.n > 1))\')'
\set got `psql -XAtqd "$DATABASE" -c "$RULE" 2>&1`
SELECT matches(:'got'::text, 'WARNING:  a filter inside the condition drops what it cannot judge\nDETAIL:  .*\nHINT', 'so is a filter inside a condition');
\setenv RULE 'SELECT workflow_orch.add_approval_rule(condition => \'$.params ? (@.n > 1)\')'
\set got `psql -XAtqd "$DATABASE" -c "$RULE" 2>&1`
SELECT matches(:'got'::text, '^\d+$', 'but not one that it ends in');
SELECT is((SELECT count(*) FROM workflow_orch.proposal), 11::bigint, 'a warning does not keep a proposal from being taken');
SELECT * FROM finish();
