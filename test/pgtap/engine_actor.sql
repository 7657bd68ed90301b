-- Changes of an actor, and what becomes of what it did before.
\set file engine_actor
\ir include/fixture.sql
\ir include/roles.sql
\ir include/calls.sql
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
SELECT is(rebound(:p), 0::bigint, 'calls that have run are not counted');
SELECT is(history(:p), 'approve by Rev as engine_actor_one through engine_actor_one, rebound', 'and the history stays');

-- Clearing and renaming.
CREATE FUNCTION t.actor(a bigint) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s %s %s %s %s', name, db_role, db_role_oid IS NULL, home_system IS NULL, person) FROM workflow_orch.actor WHERE actor_id = a
$$;
CREATE FUNCTION t.last_change() RETURNS jsonb LANGUAGE sql AS $$
  SELECT details - 'actor_id' FROM workflow_orch.audit_log WHERE action = 'update_actor' ORDER BY audit_id DESC LIMIT 1
$$;
SELECT workflow_orch.register_actor('Pat', 'DBA', 'engine_actor_two', person => 'P') AS pat \gset
SELECT workflow_orch.update_actor(:pat, person => '');
SELECT is(actor(:pat), 'Pat engine_actor_two f f ', 'an empty person clears it');
SELECT is(last_change(), '{"name": "Pat", "from": {"person": "P"}, "to": {"person": null}}', 'with an audit row');
SELECT workflow_orch.update_actor(:pat, db_role => '-');
SELECT is(actor(:pat), 'Pat  t t ', 'the role - unbinds it');
SELECT is(last_change() -> 'to', '{"db_role": null, "db_role_oid": null, "home_system": null, "home_database": null}', 'with an audit row, too');
SELECT refused_as('engine_actor_two', format('SELECT workflow_orch.comment_proposal(%s, %s, ''c'')', :q, :pat), '{"sqlstate": "42501", "detail": "The actor is not bound to a database role."}', 'its role no longer acts as it');
SELECT workflow_orch.update_actor(:pat, name => 'Patricia');
SELECT is(actor(:pat), 'Patricia  t t ', 'an actor is renamed');
SELECT is(last_change(), '{"name": "Patricia", "from": {"name": "Pat"}, "to": {"name": "Patricia"}}', 'and the audit log has both names');
SELECT raises(format('SELECT workflow_orch.update_actor(%s, name => ''bob'')', :pat), '{"sqlstate": "42710", "message": "actor \"bob\" already exists"}', 'not to a name that is taken');
SELECT workflow_orch.update_actor(:pat, name => 'Patricia', role => 'Manager');
SELECT is(actor(:pat), 'Patricia  t t ', 'its own name is no other');
SELECT lives_ok($$SELECT workflow_orch.register_actor('Pat', 'DBA')$$, 'the old name is free');
SELECT workflow_orch.update_actor(:pat, db_role => 'engine_actor_two', person => 'Q');
SELECT is(actor(:pat), 'Patricia engine_actor_two f f Q', 'what was cleared is given again');
SELECT raises(format('SELECT workflow_orch.update_actor(%s, person => ''  '')', :pat), '{"sqlstate": "22023", "message": "%\"person\" must not be empty"}', 'blanks are no person');

-- A gateway names the actor, even if it is bound to one itself.
CREATE ROLE engine_actor_gateway LOGIN;
SELECT workflow_orch.grant_capability('engine_actor_gateway', c) FROM unnest(ARRAY['propose', 'review', 'execute', 'administer', 'gateway', 'break_glass']) c;
SELECT workflow_orch.register_actor('Gate', 'Service', 'engine_actor_gateway', 'service') AS gate \gset
SELECT is(value_as('engine_actor_gateway', 'SELECT actor_id FROM workflow_orch.whoami()'), :'gate', 'a gateway may have an actor of its own');
-- Every call that asks who calls.  An actor who comes first is whom the call is about.
INSERT INTO example (argument, value) VALUES ('proposal_id', :'q'), ('tool', '''noop'''), ('decision', '''approve'''), ('edits', 'NULL');
INSERT INTO example (function, argument, value) VALUES ('execute_parallel', 'calls', format('''[{"proposal_id": %s}]''', :q)), ('purge_workflows', 'ended_before', '''2001-01-01''');
SELECT refused_as('engine_actor_gateway', example_call(oid, name, 'NULL'), '{"sqlstate": "22023", "message": "argument \"%_id\" must not be null", "detail": "Role \"engine_actor_gateway\" is a gateway, which acts for many actors."}',
  format('a gateway names the actor of %s', function)) FROM argument WHERE name IN ('actor_id', 'reviewer_id') AND position > 1 ORDER BY function;
SELECT works_as('engine_actor_gateway', format('SELECT workflow_orch.start_workflow(''x'', %s)', :gate), 'its own like another''s');
SELECT is(value_as('engine_actor_gateway', 'SELECT count(*) FROM workflow_orch.list_pending_reviews(' || :pat || ')'), '0', 'and it asks for anybody''s inbox');
SELECT lives_ok('SELECT workflow_orch.start_workflow(''x'')', 'a superuser is not held to that');

\ir include/finish.sql
