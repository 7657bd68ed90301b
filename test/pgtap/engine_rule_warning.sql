-- What add_approval_rule and test_approval_rule warn of.  A warning goes to the
-- client's standard error, so another psql calls, and sees only what is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE FUNCTION public.pay(amount int, note text) RETURNS int LANGUAGE sql RETURN amount;
CREATE FUNCTION public.plain() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION public.whole(params jsonb) RETURNS int LANGUAGE sql RETURN 1;
SELECT workflow_orch.register_tool(name, format('public.%s', signature)::regprocedure, 'pg_monitor')
  FROM (VALUES ('pay', 'pay(int,text)'), ('plain', 'plain()'), ('whole', 'whole(jsonb)')) AS t(name, signature) \g /dev/null
SELECT workflow_orch.register_actor('bob', 'DBA') AS bob, workflow_orch.register_actor('eve', 'Manager') AS eve \gset
SELECT workflow_orch.update_actor(:eve, active => false);

-- The warnings of a call with these arguments, and what it returns.
\set warnings '\\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.add_approval_rule($RULE)" 2>&1`'
\setenv RULE '\'DBA\', tool => \'pay\', condition => \'$.params.amount > 1 && $.params.note == "x"\''
:warnings
SELECT matches(:'got'::text, '^\d+$', 'a rule for a role that somebody has, about arguments that there are, is taken without a word');
\setenv RULE '\'Manager\''
:warnings
SELECT matches(:'got'::text, '^WARNING:  no active actor has the role "Manager"\nDETAIL:  _*.*\nHINT:  Register .*\n\d+$', 'a role that no active actor has is warned of, and the rule is added');
\setenv RULE '\'dba\''
:warnings
SELECT matches(:'got'::text, 'no active actor has the role "dba"', 'a role is written as it is with the actors');
\setenv RULE 'tool => \'pay\', condition => \'$.params.amout > 1 || $.params ? (@.nte == "x").note == "y"\''
:warnings
SELECT matches(:'got'::text, 'WARNING:  tool "pay" has no argument "amout"\nDETAIL:  .*\nHINT:  The arguments of the tool are "amount", "note"\.', 'so is a member of params that the tool has not');
SELECT matches(:'got'::text, 'WARNING:  tool "pay" has no argument "nte"', 'each of them');
\setenv RULE 'tool => \'plain\', condition => \'$.params.amount > 1\''
:warnings
SELECT matches(:'got'::text, 'tool "plain" has no argument "amount"\nDETAIL:  .*\nHINT:  The tool has no arguments\.', 'a tool can have none at all');
\setenv RULE 'tool => \'whole\', condition => \'$.params.amount > 1\''
:warnings
SELECT matches(:'got'::text, '^\d+$', 'a tool that takes the params whole can have any');
\setenv RULE 'condition => \'$.params.amount > 1\''
:warnings
SELECT matches(:'got'::text, '^\d+$', 'and so can the tools of a rule for all of them');
\set got `psql -XAtqd "$DATABASE" -c "SELECT * FROM workflow_orch.test_approval_rule('Nobody', tool => 'pay', condition => '$.params.x > 1')" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  no active actor has the role "Nobody"\n(?:.*\n)*WARNING:  tool "pay" has no argument "x"\n', 'a rule that is tested is warned of in the same way');
DROP FUNCTION public.pay;
\setenv RULE 'tool => \'pay\', condition => \'$.params.amout > 1\''
:warnings
SELECT matches(:'got'::text, '^\d+$', 'of a tool whose function is gone nothing is known');
SELECT is((SELECT count(*) FROM workflow_orch.approval_rule), 8::bigint, 'a warning keeps no rule from being added, and a test adds none');
SELECT * FROM finish();
