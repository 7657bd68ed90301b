-- Changes of an actor, and what becomes of what it did before.
\set file engine_actor
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.noop(n int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('noop(int)');
CREATE ROLE engine_actor_one LOGIN;
CREATE ROLE engine_actor_two LOGIN;
SELECT workflow_orch.grant_capability('engine_actor_one', 'review'), workflow_orch.grant_capability('engine_actor_two', 'review');
SELECT workflow_orch.register_actor('Rev', 'DBA', 'engine_actor_one') AS rev \gset
CREATE FUNCTION t.history(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s by %s as %s through %s%s', decision, reviewer, db_role, login, CASE WHEN rebound THEN ', rebound' END), '; ' ORDER BY review_id)
    FROM workflow_orch.review_history WHERE proposal_id = proposal
$$;
CREATE FUNCTION t.rebound(proposal bigint) RETURNS bigint LANGUAGE sql AS 'SELECT rebound_approvals FROM workflow_orch.proposal_progress WHERE proposal_id = proposal';

-- Another role for an actor: its approvals stay what they were.
SELECT propose('noop', '{"n": 1}') AS p, propose('noop', '{"n": 2}') AS q \gset
SELECT value_as('engine_actor_one', format('SELECT status FROM workflow_orch.review_action(%s, NULL, ''approve'')', :p)) \g /dev/null
SELECT workflow_orch.review_action(:q, :bob, 'approve') \g /dev/null
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one', 'an approval has the role and the login that it was given by');
SELECT is(history(:q), 'approve by bob as  through ', 'through a gateway neither');
SELECT is(rebound(:p), 0::bigint, 'which are those of the actor');
SELECT workflow_orch.update_actor(:rev, db_role => 'engine_actor_two');
SELECT is((SELECT details - 'actor_id' FROM workflow_orch.audit_log WHERE action = 'update_actor' ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_object('name', 'Rev', 'from', jsonb_build_object('db_role', 'engine_actor_one', 'db_role_oid', 'engine_actor_one'::regrole::oid::text),
                     'to', jsonb_build_object('db_role', 'engine_actor_two', 'db_role_oid', 'engine_actor_two'::regrole::oid::text)),
  'the audit log tells the old and the new role');
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one, rebound', 'the approval is shown as given by the earlier role');
SELECT is(rebound(:p), 1::bigint, 'and counted where the proposal stands');
SELECT is(rebound(:q), 0::bigint, 'others are not');
SELECT is((SELECT status::text FROM workflow_orch.proposal_progress WHERE proposal_id = :p), 'approved', 'it is good all the same');
SELECT workflow_orch.update_actor(:bob, db_role => 'engine_actor_one');
SELECT is(rebound(:q), 1::bigint, 'an actor that had no role is bound to another, too');
SELECT workflow_orch.update_actor(:rev, db_role => 'engine_actor_one');
SELECT is(rebound(:p), 0::bigint, 'with the first role again nothing is different');
ALTER ROLE engine_actor_one RENAME TO engine_actor_uno;
SELECT is(rebound(:p), 0::bigint, 'nor where the role is renamed');
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one', 'in the history, too');
SELECT workflow_orch.update_actor(:rev, role => 'DBA');
SELECT is((SELECT db_role::text FROM workflow_orch.actor WHERE actor_id = :rev), 'engine_actor_uno', 'which the actor follows');
SELECT is(rebound(:p), 0::bigint, 'then neither');
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one', 'here nor there');
SELECT workflow_orch.update_actor(:rev, db_role => 'engine_actor_two');
SELECT is(rebound(:p), 1::bigint, 'but for another role');
SELECT execute(:p) \g /dev/null
SELECT is(rebound(:p), 0::bigint, 'what has run is not counted any more');
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one, rebound', 'and the history stays');

\ir include/finish.sql
