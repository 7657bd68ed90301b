-- Which role a tool may run as, at its registration and at each execution.
\set file engine_run_as
\ir include/fixture.sql

CREATE ROLE engine_run_as_root SUPERUSER;
CREATE ROLE engine_run_as_admin;
CREATE ROLE engine_run_as_owner;
CREATE ROLE engine_run_as_member;
SELECT workflow_orch.grant_capability('engine_run_as_admin', 'administer');
GRANT engine_run_as_member TO engine_run_as_admin;
GRANT USAGE ON SCHEMA app, t TO engine_run_as_admin, engine_run_as_owner;
CREATE FUNCTION app.who() RETURNS text LANGUAGE sql RETURN current_user::text;
CREATE FUNCTION app.closed() RETURNS text LANGUAGE sql RETURN current_user::text;
REVOKE EXECUTE ON FUNCTION app.closed FROM PUBLIC;
CREATE FUNCTION app.as_root() RETURNS text SECURITY DEFINER LANGUAGE sql RETURN current_user::text;
CREATE FUNCTION app.as_owner() RETURNS text SECURITY DEFINER LANGUAGE sql RETURN current_user::text;
ALTER FUNCTION app.as_owner OWNER TO engine_run_as_owner;

-- Registration by somebody who is no superuser.
SET ROLE engine_run_as_admin;
SELECT workflow_orch.register_tool('mine', 'app.who()');
SELECT workflow_orch.register_tool('member''s', 'app.who()', run_as => 'engine_run_as_member');
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.who()', run_as => 'engine_run_as_owner')$$,
  '{"sqlstate": "42501", "message": "%\"engine_run_as_admin\" may not SET ROLE to \"engine_run_as_owner\"%"}',
  'who registers a tool must be a member of the role it runs as');
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.closed()')$$,
  '{"sqlstate": "42501", "message": "%\"engine_run_as_admin\" may not execute function closed()%", "hint": "%Grant EXECUTE%"}',
  'the role that a tool runs as must be allowed to execute the function');
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.as_owner()')$$,
  '{"sqlstate": "42501", "message": "%may not SET ROLE to \"engine_run_as_owner\"%", "detail": "%SECURITY DEFINER%"}',
  'who registers a SECURITY DEFINER function must be a member of its owner');
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.as_root()')$$, '{"sqlstate": "42501"}',
  'a SECURITY DEFINER function of a superuser is refused');
SELECT raises($$SELECT workflow_orch.update_tool('mine', run_as => 'engine_run_as_owner')$$, '{"sqlstate": "42501"}',
  'a tool is not given a role later that the caller is no member of');
SELECT raises($$SELECT workflow_orch.update_tool('mine', 'app.as_owner()')$$, '{"sqlstate": "42501"}',
  'a tool is not given a function later whose owner the caller is no member of');
SELECT raises('SET workflow_orch.allow_superuser_tools = on', '{"sqlstate": "42501"}', 'only a superuser lets tools run as superusers');
RESET ROLE;
SELECT current_setting('server_version_num')::int >= 160000 AS set_is_an_option \gset
\if :set_is_an_option
GRANT engine_run_as_member TO engine_run_as_admin WITH SET FALSE, ADMIN TRUE;
SET ROLE engine_run_as_admin;
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.who()', run_as => 'engine_run_as_member')$$,
  '{"sqlstate": "42501", "message": "%may not SET ROLE to \"engine_run_as_member\"%"}',
  'a member that may not SET ROLE does not register a tool that runs as the role');
RESET ROLE;
GRANT engine_run_as_member TO engine_run_as_admin WITH SET TRUE, ADMIN FALSE;
\endif
SELECT is(output('mine'), '"engine_run_as_admin"', 'by default a tool runs as the role that registered it');
SELECT is(output('member''s'), '"engine_run_as_member"', 'a tool runs as the role it was given');

-- Every change of a tool is for who could register it as it then is.
SELECT workflow_orch.register_tool('theirs', 'app.who()', run_as => :'tool_role'), workflow_orch.register_tool('definer', 'app.as_owner()', run_as => 'engine_run_as_member');
CREATE TABLE t.change (arguments text);
INSERT INTO change VALUES ('preview => true'), ('timeout => ''1 min'''), ('timeout => ''0'''), ('max_attempts => 9'), ('max_rows => 9'), ('max_rows => -1'), ('preview_rows => 9'), ('group_size => 9'), ('preview_rows => 0'), ('in_session => false'), ('in_session => true'),
  ('description => ''harmless'''), ('preview => true, dry_run_mode => ''rollback'''), ('dry_run_mode => ''describe''');
GRANT SELECT ON change TO engine_run_as_admin;
SET ROLE engine_run_as_admin;
SELECT raises(format('SELECT workflow_orch.update_tool(%L, %s)', tool, arguments), '{"sqlstate": "42501", "message": "%\"engine_run_as_admin\" may not SET ROLE to%"}',
  format('who could not register %s may not change it: %s', tool, arguments)) FROM change, unnest(ARRAY['theirs', 'definer']) tool;
SELECT is(error_of(format('SELECT workflow_orch.update_tool(%L, %s)', 'member''s', arguments)), NULL::jsonb, 'who could may: ' || arguments) FROM change;
SELECT lives_ok($$SELECT workflow_orch.update_tool('theirs')$$, 'a change of nothing is none');
SELECT lives_ok($$SELECT workflow_orch.set_tool_enabled('theirs', false)$$, 'anybody who administers may disable a tool');
SELECT raises($$SELECT workflow_orch.set_tool_enabled('theirs', true)$$, '{"sqlstate": "42501", "message": "%may not SET ROLE to%"}', 'and who could register it may enable it again');
RESET ROLE;
SELECT workflow_orch.set_tool_enabled('theirs', true);
SELECT is((SELECT row(preview, timeout, max_attempts, in_session, description, enabled)::text FROM workflow_orch.tool WHERE tool = 'theirs'), '(f,,1,t,,t)', 'and nothing of it has changed');
SELECT workflow_orch.update_tool('member''s', timeout => '0', max_attempts => 1);

-- Superusers.
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.who()')$$,
  '{"sqlstate": "42501", "message": "%superuser%", "hint": "%CREATE ROLE%LOGIN%run_as%workflow_orch.allow_superuser_tools%"}',
  'a tool does not run as a superuser by default, and the hint shows the way');
SELECT raises($$SELECT workflow_orch.register_tool('x', 'app.as_root()', run_as => tool_role())$$,
  '{"sqlstate": "42501", "message": "%superuser%", "detail": "%SECURITY DEFINER%"}', 'nor as the owner of a SECURITY DEFINER function');
SELECT workflow_orch.register_tool('owner''s', 'app.as_owner()', run_as => :'tool_role');
SELECT is(output('owner''s'), '"engine_run_as_owner"', 'a SECURITY DEFINER function runs as its owner');
SELECT approved('mine') AS p, approved('owner''s') AS q \gset
ALTER ROLE engine_run_as_admin SUPERUSER;
ALTER ROLE engine_run_as_owner SUPERUSER;
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "42501", "message": "%superuser%", "detail": "%engine_run_as_admin%"}',
  'a role that has become a superuser is refused at the execution');
SELECT raises(format('SELECT execute(%s)', :q), '{"sqlstate": "42501", "message": "%superuser%", "detail": "%engine_run_as_owner%"}',
  'an owner that has become a superuser is refused at the execution');
SET workflow_orch.allow_superuser_tools = on;
SELECT is(execute(:p) -> 'output', '"engine_run_as_admin"', 'with allow_superuser_tools it runs');
SELECT is(execute(:q) -> 'output', '"engine_run_as_owner"', 'with allow_superuser_tools the owner''s runs');
SELECT workflow_orch.register_tool('root''s', 'app.who()', run_as => 'engine_run_as_root');
SELECT is(output('root''s'), '"engine_run_as_root"', 'with allow_superuser_tools a superuser''s tool is registered');
SELECT approved('root''s') AS p \gset
SET workflow_orch.allow_superuser_tools = off;
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "42501", "message": "%superuser%"}', 'it no longer runs when the setting is off again');
ALTER ROLE engine_run_as_admin NOSUPERUSER;
ALTER ROLE engine_run_as_owner NOSUPERUSER;

ALTER ROLE engine_run_as_member SUPERUSER;
SELECT raises($$SELECT workflow_orch.update_tool('member''s', timeout => '1 h')$$, '{"sqlstate": "42501", "message": "a tool cannot run as a superuser"}', 'nor is a tool changed whose role has become a superuser');
ALTER ROLE engine_run_as_member NOSUPERUSER;

-- Members of the extension's owner, which could take on its rights.
CREATE ROLE engine_run_as_almost;
CREATE ROLE engine_run_as_behind NOINHERIT IN ROLE engine_run_as_almost;
GRANT USAGE ON SCHEMA app, t TO engine_run_as_almost, engine_run_as_behind;
CREATE FUNCTION app.as_almost() RETURNS text SECURITY DEFINER LANGUAGE sql RETURN current_user::text;
ALTER FUNCTION app.as_almost OWNER TO engine_run_as_almost;
SELECT workflow_orch.register_tool('almost''s', 'app.who()', run_as => 'engine_run_as_almost');
SELECT workflow_orch.register_tool('behind''s', 'app.who()', run_as => 'engine_run_as_behind');
SELECT workflow_orch.register_tool('almost as owner''s', 'app.as_almost()', run_as => :'tool_role');
CREATE TEMP TABLE member AS SELECT tool, approved(tool) AS p FROM unnest(ARRAY['almost''s', 'behind''s', 'almost as owner''s']) AS tool;
SELECT format('GRANT %I TO engine_run_as_almost', extowner::regrole) FROM pg_extension WHERE extname = 'workflow_orch' \gexec
SELECT raises(statement, '{"sqlstate": "42501", "hint": "%workflow_orch.allow_superuser_tools%"}', what)
FROM (VALUES
  ($$SELECT workflow_orch.register_tool('x', 'app.who()', run_as => 'engine_run_as_almost')$$,
   'a tool does not run as a member of the extension''s owner'),
  ($$SELECT workflow_orch.register_tool('x', 'app.who()', run_as => 'engine_run_as_behind')$$,
   'nor as a member of such a member'),
  ($$SELECT workflow_orch.register_tool('x', 'app.as_almost()', run_as => tool_role())$$,
   'nor as the owner of a SECURITY DEFINER function that is one'),
  ($$SELECT workflow_orch.update_tool('owner''s', run_as => 'engine_run_as_almost')$$,
   'a tool is not given such a role later')) AS v (statement, what);
SELECT raises(format('SELECT execute(%s)', p), '{"sqlstate": "42501", "hint": "%workflow_orch.allow_superuser_tools%"}',
  format('%s tool is refused at the execution, once the role has become a member of the extension''s owner', tool)) FROM member;
SET workflow_orch.allow_superuser_tools = on;
SELECT is(execute(p) -> 'success', 'true', format('with allow_superuser_tools %s tool runs', tool)) FROM member;
SET workflow_orch.allow_superuser_tools = off;

-- Rights that are lost.
GRANT EXECUTE ON FUNCTION app.closed TO :"tool_role";
CALL tool('closed()');
SELECT is(output('closed'), to_jsonb(:'tool_role'::text), 'a role that may execute the function runs it');
SELECT approved('closed') AS p \gset
REVOKE EXECUTE ON FUNCTION app.closed FROM :"tool_role";
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "42501", "message": "%may not execute function%"}',
  'a role that may not execute the function any more is refused');
SELECT is(status(:p), 'approved', 'the proposal is still approved');
GRANT EXECUTE ON FUNCTION app.closed TO :"tool_role";
SELECT is(execute(:p) -> 'success', 'true', 'with the right granted again it runs');

-- Roles that are gone or another one.
SELECT approved('member''s') AS p \gset
DROP ROLE engine_run_as_member;
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%no longer the role%", "detail": "%does not exist%"}',
  'a tool whose role is gone does not run');
CREATE ROLE engine_run_as_member;
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000", "message": "%no longer the role%"}',
  'another role of the same name does not stand in for it');
SELECT workflow_orch.update_tool('member''s', run_as => 'engine_run_as_member');
SELECT is(execute(:p) -> 'output', '"engine_run_as_member"', 'until an administrator confirms it');

\ir include/finish.sql
