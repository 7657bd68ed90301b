-- Roles that actors and tools are bound to: renamed ones are followed where they
-- were given, and nowhere else.
\set file engine_binding
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE engine_binding_old LOGIN;
CREATE ROLE engine_binding_dba LOGIN;
CREATE ROLE engine_binding_second LOGIN;
SELECT workflow_orch.grant_capability('engine_binding_old', c) FROM unnest(ARRAY['propose', 'review', 'execute']) c;
SELECT workflow_orch.grant_capability('engine_binding_dba', 'review');
SELECT workflow_orch.register_actor('Old', 'Developer', 'engine_binding_old') AS old, workflow_orch.register_actor('Dba', 'DBA', 'engine_binding_dba') AS dba \gset
CREATE ROLE engine_binding_tool_old LOGIN;
GRANT USAGE ON SCHEMA app TO engine_binding_tool_old;
CREATE FUNCTION app.who(n int) RETURNS text LANGUAGE sql RETURN current_user::text;
SELECT workflow_orch.register_tool('who', 'app.who(int)', run_as => 'engine_binding_tool_old');
CREATE FUNCTION t.propose_as(actor bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), actor, 'who', '{"n": 1}', 'because')
$$;
CREATE FUNCTION t.binding(a bigint) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s, was %s', db_role, former_db_roles) FROM workflow_orch.actor WHERE actor_id = a
$$;
CREATE FUNCTION t.run_as() RETURNS text LANGUAGE sql AS $$
  SELECT format('%s, was %s', run_as, former_run_as) FROM workflow_orch.tool WHERE tool = 'who'
$$;
CREATE FUNCTION t.followed() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s', actor_id, details), '; ' ORDER BY audit_id) FROM workflow_orch.audit_log WHERE action = 'follow_renamed_role'
$$;

-- An actor's.
SELECT value_as('engine_binding_old', 'SELECT propose_as(NULL)') AS p \gset
ALTER ROLE engine_binding_old RENAME TO engine_binding_new;
SELECT is(value_as('engine_binding_new', 'SELECT actor_id FROM workflow_orch.whoami()'), :'old', 'a renamed role is still its actor''s');
SELECT is(value_as('engine_binding_new', 'SELECT count(*) FROM workflow_orch.proposal'), '1', 'and reads what the actor has');
SELECT is(binding(:old), 'engine_binding_old, was ', 'which writes nothing');
SELECT workflow_orch.register_actor('Second', 'DBA', 'engine_binding_new') AS second \gset
SELECT refused_as('engine_binding_new', format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', :p, :second), '{"sqlstate": "42501", "message": "%own proposal%"}',
  'nobody reviews what they proposed under the role''s former name');
SELECT workflow_orch.update_actor(:second, active => false);
SELECT works_as('engine_binding_new', 'SELECT propose_as(NULL)', 'it proposes without an actor given');
SELECT is(binding(:old), 'engine_binding_new, was {engine_binding_old}', 'and the binding has the new name');
SELECT is(followed(), format(' {"to": {"db_role": "engine_binding_new", "former_db_roles": ["engine_binding_old"]}, "from": {"db_role": "engine_binding_old", "former_db_roles": null}, "name": "Old", "actor_id": %s}', :old),
  'with an audit row, by nobody in particular');
SELECT works_as('engine_binding_new', 'SELECT propose_as(NULL)', 'again');
SELECT is(followed(), format(' {"to": {"db_role": "engine_binding_new", "former_db_roles": ["engine_binding_old"]}, "from": {"db_role": "engine_binding_old", "former_db_roles": null}, "name": "Old", "actor_id": %s}', :old), 'once');

-- Another role of the old name.
CREATE ROLE engine_binding_old LOGIN;
SELECT workflow_orch.grant_capability('engine_binding_old', 'propose');
SELECT refused_as('engine_binding_old', format('SELECT propose_as(%s)', :old), '{"sqlstate": "42501"}', 'another role that has taken the name is not the actor''s');
SELECT is(value_as('engine_binding_old', 'SELECT count(*) FROM workflow_orch.proposal'), '0', 'nor reads anything of it');
ALTER ROLE engine_binding_new RENAME TO engine_binding_newer;
ALTER ROLE engine_binding_old RENAME TO engine_binding_new;
SELECT refused_as('engine_binding_new', format('SELECT propose_as(%s)', :old),
  '{"sqlstate": "42501", "message": "%bound to another role \"engine_binding_new\"", "detail": "The role was renamed: it is \"engine_binding_newer\" now."}',
  'not while the row has still the name, either');
SELECT refused_as('engine_binding_new', 'SELECT propose_as(NULL)',
  '{"sqlstate": "22023", "message": "argument \"actor_id\" must not be null", "detail": "There is not exactly one active actor bound to role \"engine_binding_new\". Actor % (\"Old\") is bound to role \"engine_binding_newer\", which had this name before."}',
  'and the message says which actor it is and why it does not fit');
SELECT workflow_orch.update_actor(:old, role => 'Developer');
SELECT is(binding(:old), 'engine_binding_newer, was {engine_binding_new,engine_binding_old}', 'any change of an actor follows first');
SELECT workflow_orch.update_actor(:old, db_role => 'engine_binding_new');
SELECT is(binding(:old), 'engine_binding_new, was ', 'an administrator binds it to another role, which has no former names');
SELECT is((SELECT string_agg(action, ' ' ORDER BY audit_id) FROM workflow_orch.audit_log WHERE details -> 'actor_id' = to_jsonb(:old::bigint) AND action <> 'register_actor'),
  'follow_renamed_role follow_renamed_role update_actor update_actor', 'each step has its audit row');

-- Messages for NULL.
SELECT refused_as('engine_binding_newer', 'SELECT propose_as(NULL)',
  format('{"sqlstate": "22023", "detail": "There is not exactly one active actor bound to role \"engine_binding_newer\". Actor %s (\"Second\") is bound to it, but is not active."}', :second)::jsonb,
  'an inactive actor is named as such');
SELECT workflow_orch.update_actor(:second, active => true), workflow_orch.register_actor('Third', 'DBA', 'engine_binding_newer') AS third \gset
SELECT refused_as('engine_binding_newer', 'SELECT propose_as(NULL)',
  format('{"sqlstate": "22023", "detail": "%%Actor %s (\"Second\") is bound to it. Actor %s (\"Third\") is bound to it."}', :second, :third)::jsonb, 'two that fit are both named');
SELECT refused_as('engine_binding_dba', 'SELECT workflow_orch.review_action(0, NULL, ''approve'')', '{"sqlstate": "42704"}', 'one that fits is taken');

-- People count once, by a former name too: the approval is of another actor of the role.
SELECT workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT propose_as(:ann) AS two \gset
SELECT is(value_as('engine_binding_dba', format('SELECT status FROM workflow_orch.review_action(%s, NULL, ''approve'')', :two)), 'pending', 'one has approved');
ALTER ROLE engine_binding_dba RENAME TO engine_binding_dba2;
SELECT workflow_orch.register_actor('Dba again', 'DBA', 'engine_binding_dba2') AS again \gset
SELECT refused_as('engine_binding_dba2', format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', :two, :again), '{"sqlstate": "42501", "message": "%would not count%"}',
  'the same role under another name is the same person');
SELECT is((SELECT status FROM workflow_orch.review_action(:two, :bob, 'approve'))::text, 'approved', 'somebody else is not');
SELECT workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- A tool's.
SELECT approved('who', '{"n": 1}') AS p, approved('who', '{"n": 2}') AS q, approved('who', '{"n": 3}') AS r, propose('who', '{"n": 4}') AS pending \gset
ALTER ROLE engine_binding_tool_old RENAME TO engine_binding_tool_new;
SELECT is((SELECT status FROM workflow_orch.tool_status WHERE tool = 'who'), 'callable', 'a tool whose role was renamed can be called');
SELECT is((SELECT count(*) FROM workflow_orch.proposal_progress WHERE tool_changed), 0::bigint, 'and nothing is stale');
SELECT is(execute(:p) -> 'output', '"engine_binding_tool_new"', 'what was approved before runs');
SELECT is(run_as(), 'engine_binding_tool_new, was {engine_binding_tool_old}', 'and the tool has the new name');
SELECT is((SELECT details FROM workflow_orch.audit_log WHERE action = 'follow_renamed_role' AND details ? 'tool'),
  '{"to": {"run_as": "engine_binding_tool_new", "former_run_as": ["engine_binding_tool_old"]}, "from": {"run_as": "engine_binding_tool_old", "former_run_as": null}, "tool": "who"}', 'with an audit row');
SELECT is(execute(:q) -> 'output', '"engine_binding_tool_new"', 'after that, too');
SELECT is((SELECT status FROM workflow_orch.review_action(:pending, :bob, 'approve'))::text, 'approved', 'what was proposed before is approved');
SELECT is(run('who', '{"n": 5}') -> 'output', '"engine_binding_tool_new"', 'what is proposed now runs');
SELECT is((SELECT d.definition ->> 'run_as' FROM workflow_orch.proposal p JOIN workflow_orch.tool_definition d ON d.sha256 = p.definition ORDER BY proposal_id DESC LIMIT 1),
  'engine_binding_tool_new', 'pinned under the new name');
CREATE OR REPLACE FUNCTION app.who(n int) RETURNS text LANGUAGE sql RETURN current_user || n;
SELECT raises(format('SELECT execute(%s)', :r), '{"sqlstate": "55000", "message": "%changed%"}', 'any other change is one');
CREATE OR REPLACE FUNCTION app.who(n int) RETURNS text LANGUAGE sql RETURN current_user::text;
CREATE ROLE engine_binding_tool_old LOGIN;
GRANT USAGE ON SCHEMA app TO engine_binding_tool_old;
SELECT workflow_orch.update_tool('who', run_as => 'engine_binding_tool_old');
SELECT is(run_as(), 'engine_binding_tool_old, was ', 'a tool is given another role');
SELECT workflow_orch.update_tool('who', run_as => 'engine_binding_tool_new');
SELECT raises(format('SELECT execute(%s)', :r), '{"sqlstate": "55000", "detail": "%run_as%"}', 'whose former names are not the next one''s');

-- The owner of the function, where it is the tool's role.
CREATE FUNCTION app.owned() RETURNS text SECURITY DEFINER LANGUAGE sql RETURN current_user::text;
ALTER FUNCTION app.owned OWNER TO engine_binding_tool_new;
SELECT workflow_orch.register_tool('owned', 'app.owned()', run_as => 'engine_binding_tool_new');
SELECT approved('owned') AS p \gset
CREATE FUNCTION app.is_even(n int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN n % 2 = 0; END';
ALTER FUNCTION app.is_even OWNER TO engine_binding_tool_new;
CREATE DOMAIN app.even AS int CHECK (app.is_even(VALUE));
CREATE FUNCTION app.half(n app.even) RETURNS int LANGUAGE sql RETURN n / 2;
SELECT workflow_orch.register_tool('half', 'app.half(app.even)', run_as => 'engine_binding_tool_new');
SELECT approved('half', '{"n": 4}') AS half \gset
ALTER ROLE engine_binding_tool_new RENAME TO engine_binding_tool_newer;
SELECT is(execute(:half) -> 'output', '2', 'one with a function in a type that its role owns is followed');
SELECT is(execute(:p) -> 'output', '"engine_binding_tool_newer"', 'a tool that its role owns is followed, too');

-- Restored elsewhere: an OID alone says nothing there.
INSERT INTO workflow_orch.actor OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(a, jsonb_build_object('actor_id', 1000 + n, 'name', 'restored ' || n, 'db_role', v.name, 'db_role_oid', 'engine_binding_second'::regrole::oid,
                              'home_system', a.home_system + system, 'home_database', a.home_database::bigint + base, 'former_db_roles', NULL))).*
  FROM workflow_orch.actor a,
       (VALUES (1, 'engine_binding_second', 1, 0), (2, 'engine_binding_was', 1, 0), (3, 'engine_binding_was', 0, 1)) AS v(n, name, system, base)
 WHERE a.actor_id = :dba;
SELECT workflow_orch.grant_capability('engine_binding_second', 'propose');
SELECT works_as('engine_binding_second', 'SELECT propose_as(1001)', 'name and OID together hold elsewhere');
SELECT refused_as('engine_binding_second', format('SELECT propose_as(%s)', a), '{"sqlstate": "42501", "message": "%bound to another role \"engine_binding_was\"%", "hint": "%update_actor%"}',
  'the OID alone does not, on another server or in another database') FROM unnest(ARRAY[1002, 1003]) a;
SELECT is(value_as('engine_binding_second', 'SELECT actor_id FROM workflow_orch.whoami()'), '1001', 'nor is such an actor found');
SELECT is(value_as('engine_binding_second', 'SELECT string_agg(name, '' '') FROM workflow_orch.actor'), 'restored 1', 'or seen');
INSERT INTO workflow_orch.tool
SELECT (jsonb_populate_record(t, jsonb_build_object('tool', 'restored', 'run_as', 'engine_binding_was', 'home_system', t.home_system + 1, 'former_run_as', NULL))).*
  FROM workflow_orch.tool t WHERE t.tool = 'who';
SELECT raises('SELECT propose(''restored'', ''{"n": 1}'')', '{"sqlstate": "55000", "message": "role \"engine_binding_was\" is no longer the role that tool \"restored\" was registered with", "hint": "%update_tool%"}', 'a tool''s role neither');
SELECT is((SELECT status FROM workflow_orch.tool_status WHERE tool = 'restored'), 'refused', 'which its status says');
SELECT workflow_orch.update_actor(1002, db_role => 'engine_binding_second'), workflow_orch.update_tool('restored', run_as => 'engine_binding_tool_newer');
SELECT works_as('engine_binding_second', 'SELECT propose_as(1002)', 'until an administrator confirms it');
SELECT is(run('restored', '{"n": 1}') -> 'success', 'true', 'and the tool');
ALTER ROLE engine_binding_second RENAME TO engine_binding_renamed;
SELECT works_as('engine_binding_renamed', 'SELECT propose_as(1002)', 'what was confirmed here is followed here');
SELECT is((SELECT string_agg(finding, '; ' ORDER BY finding) FROM workflow_orch.verify_audit_log()),
  'no audit row tells of actor 1001; no audit row tells of actor 1002; no audit row tells of actor 1003; no audit row tells of tool restored', 'the audit log agrees, but for what was restored without it');

-- Who could decide: an actor counts while somebody could act for it.
CREATE ROLE engine_binding_auditor LOGIN;
CREATE ROLE engine_binding_group;
CREATE ROLE engine_binding_deputy LOGIN;
CREATE ROLE engine_binding_gateway LOGIN;
SELECT workflow_orch.register_actor('Auditor', 'Auditor', 'engine_binding_auditor') AS auditor \gset
SELECT workflow_orch.add_approval_rule('Auditor', tool => 'who') \g /dev/null
SELECT propose('who', '{"n": 9}') AS p \gset
CREATE FUNCTION t.approvable(p bigint) RETURNS boolean LANGUAGE sql AS 'SELECT approvable FROM workflow_orch.pending_review WHERE proposal_id = p';
SELECT is(approvable(:p), true, 'an active actor whose role can log in could approve');
SELECT workflow_orch.update_actor(:auditor, active => false);
SELECT is(approvable(:p), false, 'an inactive one could not');
SELECT workflow_orch.update_actor(:auditor, active => true);
ALTER ROLE engine_binding_auditor NOLOGIN;
SELECT is(approvable(:p), false, 'nor one whose role lets nobody log in');
GRANT engine_binding_auditor TO engine_binding_group;
SELECT is(approvable(:p), false, 'nor a member of it');
GRANT engine_binding_group TO engine_binding_deputy;
SELECT is(approvable(:p), true, 'a member that can log in could act as the actor');
REVOKE engine_binding_group FROM engine_binding_deputy;
SELECT is(approvable(:p), false, 'when it is none any more nobody could');
SELECT workflow_orch.grant_capability('engine_binding_gateway', 'gateway');
SELECT is(approvable(:p), true, 'a gateway could');
ALTER ROLE engine_binding_gateway NOLOGIN;
SELECT is(approvable(:p), false, 'while it can log in');
ALTER ROLE engine_binding_gateway LOGIN;
ALTER ROLE engine_binding_auditor RENAME TO engine_binding_auditor2;
SELECT is(approvable(:p), true, 'a renamed role is still there');
DROP ROLE engine_binding_auditor2;
SELECT is(approvable(:p), false, 'one that is dropped is not, gateway or not');
SELECT workflow_orch.register_actor('Another auditor', 'Auditor');
SELECT is(approvable(:p), true, 'an actor without a role is acted for through a gateway, if only a superuser''s');

\ir include/finish.sql
