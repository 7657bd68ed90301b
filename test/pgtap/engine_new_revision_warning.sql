-- What a new revision warns of: numbers that a client has rounded.  A warning
-- goes to the client's standard error, so another psql edits, and sees only what
-- is committed.
\set ON_ERROR_STOP on
SELECT no_plan();
\setenv DATABASE :DBNAME
CREATE FUNCTION public.pay(id bigint, amount numeric, lines jsonb) RETURNS bigint LANGUAGE sql RETURN id;
SELECT workflow_orch.register_tool('pay', 'public.pay(bigint,numeric,jsonb)', 'pg_monitor');
SELECT workflow_orch.register_actor('ann', 'Developer'), workflow_orch.register_actor('bob', 'DBA'), workflow_orch.start_workflow('w') \g /dev/null
SELECT workflow_orch.propose_action(1, 1, 'pay', '{"id": "9007199254740993", "amount": 12.50, "lines": [{"item": 9007199254740995, "n": 1}]}', 'r') FROM generate_series(1, 5) \g /dev/null
SELECT is(params ->> 'id', '9007199254740993', 'an id that is passed as a string keeps all its digits') FROM workflow_orch.proposal WHERE proposal_id = 1;

\set got `psql -XAtqd "$DATABASE" -c "SELECT status FROM workflow_orch.review_action(1, 2, 'edit', '{\"id\": 9007199254740992, \"amount\": 13}')" 2>&1`
SELECT matches(:'got'::text, '^WARNING:  revision 2 of proposal 1 changes numbers by no more than a double would lose\nDETAIL:  Members of params: "id"\.\nHINT:  .*strings.*\napproved$',
  'an edit that rounds an id is warned of, and stands');
\set got `psql -XAtqd "$DATABASE" -c "SELECT status FROM workflow_orch.review_action(2, 2, 'edit', '{\"lines\": [{\"item\": 9007199254740996, \"n\": 2}]}')" 2>&1`
SELECT matches(:'got'::text, '"lines\[0\]\.item"', 'so is one in an array in an object, by its path');
\set got `psql -XAtqd "$DATABASE" -c "SELECT status FROM workflow_orch.review_action(3, 2, 'edit', '{\"id\": \"9007199254740999\", \"amount\": 13}')" 2>&1`
SELECT is(:'got'::text, 'approved', 'an edit to another number is not');
\set got `psql -XAtqd "$DATABASE" -c "SELECT status FROM workflow_orch.review_action(4, 2, 'edit', '{}')" 2>&1`
SELECT is(:'got'::text, 'approved', 'nor is one that changes nothing');
\set got `psql -XAtqd "$DATABASE" -c "SELECT workflow_orch.review_actions('[{\"proposal_id\": 5, \"reviewer_id\": 2, \"decision\": \"edit\", \"edits\": {\"id\": 9007199254740992}}]')" 2>&1`
SELECT matches(:'got'::text, 'WARNING: .*proposal 5 .*"success": true', 'decisions on many proposals warn, too');

SELECT * FROM finish();
