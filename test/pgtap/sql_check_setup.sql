-- check_setup(): each finding is made, found, and cleared, by its own remedy where
-- that is a statement.  The server's findings are in test/t/004_not_preloaded.pl
-- and 021_slots.pl, and queue_held in engine_resume.sql.
\set file sql_check_setup
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

-- The row of a finding about an object, as text without its detail; null: it is not found.
CREATE FUNCTION t.found(name text, about text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(severity, ', ') FROM workflow_orch.check_setup() WHERE finding = name AND object = about
$$;
CREATE FUNCTION t.remedy(name text, about text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(remedy, ' ') FROM workflow_orch.check_setup() WHERE finding = name AND object = about
$$;
-- Makes a finding, looks for it, and clears it: by its remedy, if nothing is given.
CREATE FUNCTION t.finding(name text, about text, expected text, make text, clear text DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  told text;
BEGIN
  RETURN NEXT is(found(name, about), NULL, format('%s: nothing is found about %s', name, about));
  EXECUTE make;
  RETURN NEXT is(found(name, about), expected, format('%s: it is found', name));
  told := remedy(name, about);
  RETURN NEXT ok(told <> '' AND (clear IS NOT NULL OR told !~ '\.\.\.'), format('%s: there is a remedy, %s', name, told));
  EXECUTE coalesce(clear, told);
  RETURN NEXT is(found(name, about), NULL, format('%s: it is cleared', name));
END
$$;

-- A setup in which everybody has a role of their own, and nothing is found.
CREATE ROLE sql_check_ann LOGIN;
CREATE ROLE sql_check_bob LOGIN;
CREATE ROLE sql_check_cyd LOGIN;
CREATE ROLE sql_check_admin LOGIN;
CREATE ROLE sql_check_auditor LOGIN;
CREATE ROLE sql_check_mallory LOGIN;
CREATE ROLE "sql_check Odd" LOGIN;
SELECT is(found('actors_without_role', '3'), 'notice', 'actors that only a superuser acts for are found');
SELECT workflow_orch.update_actor(:ann, db_role => 'sql_check_ann'), workflow_orch.update_actor(:bob, db_role => 'sql_check_bob'), workflow_orch.update_actor(:cyd, db_role => 'sql_check_cyd');
SELECT workflow_orch.grant_capability('sql_check_ann', 'propose'), workflow_orch.grant_capability('sql_check_bob', 'review'), workflow_orch.grant_capability('sql_check_cyd', 'review'),
       workflow_orch.grant_capability('sql_check_cyd', 'execute'), workflow_orch.grant_capability('sql_check_admin', 'administer'), workflow_orch.grant_capability('sql_check_auditor', 'audit');
CREATE FUNCTION app.pay(n int) RETURNS int LANGUAGE sql RETURN n;
SELECT is(found('approvals_never_expire', 'approval_ttl'), 'notice', 'approvals that never expire are found');
SELECT workflow_orch.set_policy(approval_ttl => '7 days') \g /dev/null
SET LOCAL search_path = app;
SELECT workflow_orch.register_tool('pay', 'pay(int)', 'sql_check_setup_tool');
SET LOCAL search_path = app, t, public;
SELECT is_empty('SELECT * FROM workflow_orch.check_setup() WHERE object !~ ''^(?!sql_check)\w+$'' OR finding !~ ''createrole|admin_option|member|rules_not_protected''', 'in a sound setup nothing is found');
SELECT is(value_as(role, 'SELECT count(*) FROM workflow_orch.check_setup()'), (SELECT count(*) FROM workflow_orch.check_setup())::text, format('%s sees what a superuser sees', role))
  FROM unnest(ARRAY['sql_check_admin', 'sql_check_auditor']) AS role;
SELECT refused_as('sql_check_bob', 'SELECT * FROM workflow_orch.check_setup()', '{"sqlstate": "42501"}', 'a reviewer may not ask');

-- Roles.
SELECT finding('administers_and_acts', 'sql_check_admin', 'critical', format('SELECT workflow_orch.grant_capability(''sql_check_admin'', %L)', c), format('SELECT workflow_orch.revoke_capability(''sql_check_admin'', %L)', c))
  FROM unnest(ARRAY['propose', 'execute']) AS c;
SELECT finding('administers_and_acts', 'sql_check_mallory', 'critical', 'GRANT sql_check_admin, sql_check_ann TO sql_check_mallory', 'REVOKE sql_check_admin, sql_check_ann FROM sql_check_mallory');
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'critical' ELSE 'warning' END AS createrole \gset
SELECT finding('createrole', '"sql_check Odd"', :'createrole', 'ALTER ROLE "sql_check Odd" CREATEROLE');
SELECT finding('member_of_unlimited', 'sql_check_mallory', 'critical', format('GRANT %I TO sql_check_mallory', current_user));
SELECT finding('admin_option', '"sql_check Odd"', 'warning', format('GRANT %s TO "sql_check Odd" WITH ADMIN OPTION', role), format('REVOKE %s FROM "sql_check Odd"', role))
  FROM unnest(ARRAY['sql_check_ann', 'sql_check_auditor', 'sql_check_setup_tool']) AS role;
SELECT finding('member_acts_as_actor', '"sql_check Odd"', 'warning', 'GRANT sql_check_bob TO "sql_check Odd"');
SELECT finding('capable_role_has_members', 'sql_check_auditor', 'warning', 'GRANT sql_check_auditor TO "sql_check Odd"', 'REVOKE sql_check_auditor FROM "sql_check Odd"');
CREATE ROLE sql_check_group;
SELECT finding('capable_role_has_members', 'sql_check_group', 'notice', 'SELECT workflow_orch.grant_capability(''sql_check_group'', ''review''); GRANT sql_check_group TO sql_check_bob, sql_check_cyd', 'REVOKE sql_check_group FROM sql_check_bob, sql_check_cyd');
CREATE ROLE sql_check_gateway LOGIN;
SELECT finding('gateway', 'sql_check_gateway', 'notice', 'SELECT workflow_orch.grant_capability(''sql_check_gateway'', ''gateway'')', 'SELECT workflow_orch.revoke_capability(''sql_check_gateway'', ''gateway'')');
SELECT finding('gateway_takes_both_sides', 'sql_check_gateway', 'critical', 'SELECT workflow_orch.grant_capability(''sql_check_gateway'', ''gateway''); GRANT sql_check_ann, sql_check_bob TO sql_check_gateway',
  'ALTER ROLE sql_check_gateway NOINHERIT; REVOKE sql_check_ann, sql_check_bob FROM sql_check_gateway; SELECT workflow_orch.revoke_capability(''sql_check_gateway'', ''gateway'')');

-- Privileges.
SELECT oidvectortypes(proargtypes) AS arguments FROM pg_proc WHERE oid = 'workflow_orch.set_policy'::regproc \gset
SELECT finding('granted_to_public', format('workflow_orch.set_policy(%s)', :'arguments'), 'critical', 'GRANT EXECUTE ON FUNCTION workflow_orch.set_policy TO PUBLIC');
SELECT finding('granted_to_public', 'workflow_orch.actor', 'critical', 'GRANT SELECT ON workflow_orch.actor TO PUBLIC');
SELECT finding('grant_option', 'workflow_orch.whoami()', 'critical', 'GRANT EXECUTE ON FUNCTION workflow_orch.whoami TO "sql_check Odd" WITH GRANT OPTION');
SELECT finding('table_privilege', 'workflow_orch.proposal', 'critical', 'GRANT TRIGGER, INSERT ON workflow_orch.proposal TO "sql_check Odd"');
SELECT finding('schema_writable', 'workflow_orch', 'critical', 'GRANT CREATE ON SCHEMA workflow_orch TO "sql_check Odd"');
SELECT finding('foreign_object', 'workflow_orch.strange()', 'critical', 'CREATE FUNCTION workflow_orch.strange() RETURNS int LANGUAGE sql RETURN 1');
SELECT finding('foreign_object', 'workflow_orch.strange', 'critical', 'CREATE TABLE workflow_orch.strange ()');
SELECT finding('foreign_owner', 'workflow_orch.whoami()', 'critical', 'ALTER FUNCTION workflow_orch.whoami OWNER TO "sql_check Odd"');
SELECT finding('foreign_owner', 'workflow_orch.policy', 'critical', 'ALTER TABLE workflow_orch.policy OWNER TO "sql_check Odd"');
SELECT finding('setting_granted', name, severity, format('GRANT SET ON PARAMETER %s TO "sql_check Odd"', name))
  FROM (VALUES ('track_counts', 'warning'), ('session_replication_role', 'critical'), ('workflow_orch.allow_superuser_tools', 'critical'), ('workflow_orch.max_params_size', 'warning')) AS p(name, severity);
SELECT finding('guard_off', 'workflow_orch.proposal', 'critical', 'ALTER TABLE workflow_orch.proposal ENABLE TRIGGER guard_row');
SELECT finding('guard_off', 'workflow_orch.actor', 'critical, critical', 'ALTER TABLE workflow_orch.actor DISABLE TRIGGER record_row, ENABLE REPLICA TRIGGER guard_truncate');
SELECT finding('guard_off', 'workflow_orch.policy', 'critical', 'DROP TRIGGER guard_row ON workflow_orch.policy',
  'CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE OR DELETE ON workflow_orch.policy FOR EACH ROW EXECUTE FUNCTION workflow_orch.guard(); ALTER TABLE workflow_orch.policy ENABLE ALWAYS TRIGGER guard_row');
SELECT finding('row_security_off', 'workflow_orch.review', 'critical', 'ALTER TABLE workflow_orch.review DISABLE ROW LEVEL SECURITY');
CREATE FUNCTION app.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT finding('foreign_trigger', 'workflow_orch.review', 'critical', 'CREATE TRIGGER "Spy" AFTER INSERT ON workflow_orch.review EXECUTE FUNCTION app.spy()');

-- Settings.
SELECT finding('unsafe_setting', 'workflow_orch.allow_superuser_tools', 'critical', 'SET LOCAL workflow_orch.allow_superuser_tools = on', 'SET LOCAL workflow_orch.allow_superuser_tools = off');
SELECT finding('unsafe_setting', 'workflow_orch.allow_superuser_tools', 'critical', 'ALTER ROLE "sql_check Odd" SET workflow_orch.allow_superuser_tools = on');
SELECT finding('unsafe_setting', 'track_counts', 'warning', format('ALTER ROLE "sql_check Odd" IN DATABASE %I SET track_counts = off', current_database()));
SELECT finding('unsafe_setting', 'track_counts', 'warning', format('ALTER DATABASE %I SET track_counts = off', current_database()));

-- Tools.
SELECT finding('tool_superuser', '''pay''', 'critical', 'ALTER ROLE sql_check_setup_tool SUPERUSER', 'ALTER ROLE sql_check_setup_tool NOSUPERUSER');
SELECT finding('tool_bypasses_row_security', '''pay''', 'critical', 'ALTER ROLE sql_check_setup_tool BYPASSRLS');
SELECT finding('tool_powerful_role', '''pay''', 'critical', 'GRANT pg_write_server_files, pg_execute_server_program TO sql_check_setup_tool');
SELECT finding('tool_powerful_role', '''pay''', 'critical', 'ALTER FUNCTION app.pay SECURITY DEFINER; ALTER FUNCTION app.pay OWNER TO "sql_check Odd"; GRANT pg_read_all_data TO "sql_check Odd"',
  'REVOKE pg_read_all_data FROM "sql_check Odd"; ALTER FUNCTION app.pay SECURITY INVOKER; ALTER FUNCTION app.pay OWNER TO CURRENT_USER');
SELECT finding('tool_function_replaceable', '''pay''', 'warning', 'ALTER FUNCTION app.pay OWNER TO "sql_check Odd"', 'ALTER FUNCTION app.pay OWNER TO sql_check_setup_tool');
SELECT finding('tool_function_replaceable', '''pay''', 'warning', 'GRANT sql_check_setup_tool TO "sql_check Odd"', 'REVOKE sql_check_setup_tool FROM "sql_check Odd"');
SELECT finding('tool_function_replaceable', '''pay''', 'warning', 'ALTER SCHEMA app OWNER TO "sql_check Odd"', 'ALTER SCHEMA app OWNER TO CURRENT_USER');
SELECT finding('tool_path_writable', '''pay''', 'warning', 'GRANT CREATE ON SCHEMA app TO "sql_check Odd"');
SELECT finding('tool_path_writable', '''pay''', 'warning', 'GRANT CREATE ON SCHEMA app TO PUBLIC');
CREATE SCHEMA "sql_check Path";
CREATE FUNCTION app.lost() RETURNS int LANGUAGE sql RETURN 1;
SET LOCAL search_path = "sql_check Path", app;
SELECT workflow_orch.register_tool('lost', 'lost()', 'sql_check_setup_tool');
SET LOCAL search_path = app, t, public;
SELECT finding('tool_path_writable', '''lost''', 'warning', 'DROP SCHEMA "sql_check Path"', 'CREATE SCHEMA "sql_check Path"');
SELECT propose('lost') AS p \gset
SELECT finding('tool_changed', '''lost''', 'warning', 'CREATE OR REPLACE FUNCTION app.lost() RETURNS int LANGUAGE sql RETURN 2', 'SELECT workflow_orch.accept_tool_definition(''lost'')');
SELECT finding('tool_refused', '''lost''', 'warning', 'REVOKE EXECUTE ON FUNCTION app.lost FROM PUBLIC', 'GRANT EXECUTE ON FUNCTION app.lost TO PUBLIC');
SELECT finding('tool_gone', '''lost''', 'warning', 'DROP FUNCTION app.lost', 'SELECT workflow_orch.set_tool_enabled(''lost'', false)');

-- Actors.
SELECT finding('actors_share_role', 'sql_check_ann', 'notice', format('SELECT workflow_orch.update_actor(%s, db_role => ''sql_check_ann'')', :bob), format('SELECT workflow_orch.update_actor(%s, db_role => ''sql_check_bob'')', :bob));
CREATE ROLE sql_check_gone LOGIN;
SELECT workflow_orch.register_actor('dora', 'Clerk', 'sql_check_gone') AS dora \gset
SELECT finding('actor_role_renamed', :'dora', 'notice', 'ALTER ROLE sql_check_gone RENAME TO "sql_check Gone"');
SELECT finding('actor_without_login', :'dora', 'warning', 'ALTER ROLE "sql_check Gone" NOLOGIN', 'ALTER ROLE "sql_check Gone" LOGIN');
SELECT finding('actor_without_login', :'dora', 'warning', 'ALTER ROLE "sql_check Gone" VALID UNTIL ''2001-01-01''', 'ALTER ROLE "sql_check Gone" VALID UNTIL ''infinity''');
SELECT finding('actor_without_login', :'dora', 'warning', 'ALTER ROLE "sql_check Gone" NOLOGIN', 'GRANT sql_check_group TO sql_check_mallory; GRANT "sql_check Gone" TO sql_check_group');
ALTER ROLE "sql_check Gone" LOGIN;
REVOKE "sql_check Gone" FROM sql_check_group;
SELECT finding('actor_is_superuser', :'dora', 'warning', 'ALTER ROLE "sql_check Gone" SUPERUSER', 'ALTER ROLE "sql_check Gone" NOSUPERUSER');
SELECT finding('actor_role_gone', :'dora', 'warning', 'DROP ROLE "sql_check Gone"', format('SELECT workflow_orch.update_actor(%s, active => false)', :dora));

-- Rules, policy and proposals.
SELECT workflow_orch.add_approval_rule('Nobody', 2) AS rule, workflow_orch.add_approval_rule(approvals => 0) AS free \gset
SELECT is(found('rule_unfillable', :'rule'), 'warning', 'rule_unfillable: it is found');
SELECT workflow_orch.register_actor('eve', 'Nobody', 'sql_check_mallory', person => 'Eve') AS eve, workflow_orch.register_actor('eve again', 'Nobody', '"sql_check Odd"', person => 'Eve') AS again \gset
SELECT is(found('rule_unfillable', :'rule'), 'warning', 'rule_unfillable: one person is not two');
SELECT workflow_orch.update_actor(:again, person => 'Eva');
SELECT is(found('rule_unfillable', :'rule'), NULL, 'rule_unfillable: it is cleared');
SELECT is(found('rule_approves_everything', :'free'), 'critical', 'rule_approves_everything: it is found');
SELECT workflow_orch.remove_approval_rule(:free), workflow_orch.remove_approval_rule(:rule);
SELECT is(found('rule_approves_everything', :'free'), NULL, 'rule_approves_everything: it is cleared');
SELECT finding('approvals_never_expire', 'approval_ttl', 'notice', 'SELECT workflow_orch.set_policy(approval_ttl => ''0'')');
SELECT finding('agents_may_review', 'agents_may_review', 'notice', 'SELECT workflow_orch.set_policy(agents_may_review => true)');
SELECT finding('redaction_in_files', quote_ident(current_database()), 'warning',
  $$INSERT INTO workflow_orch.redaction (audit_id, leaf_group, hash, object, object_id, redacted_at, trail) VALUES (-1, 'who', sha256('x'), 'actor', -1, now() - interval '61 min', -1)$$,
  $$ALTER TABLE workflow_orch.redaction DISABLE TRIGGER guard_row; UPDATE workflow_orch.redaction SET vacuumed_at = now(); ALTER TABLE workflow_orch.redaction ENABLE ALWAYS TRIGGER guard_row$$);
SELECT finding('dry_run', 'dry_run', 'notice', 'SELECT workflow_orch.set_policy(dry_run => true)');
SELECT propose('pay', '{"n": 1}') AS p \gset
SELECT execution_id AS broken FROM workflow_orch.break_glass_execute(:p, :cyd, 'r') \gset
SELECT is(found('break_glass_open', :'broken'), 'warning', 'break_glass_open: it is found');
SELECT workflow_orch.review_break_glass(:broken, :bob, 'seen');
SELECT is(found('break_glass_open', :'broken'), NULL, 'break_glass_open: it is cleared');
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'pay') AS automatic \gset
SELECT finding('rule_outdated', :'automatic', 'notice', 'CREATE OR REPLACE FUNCTION app.pay(n int) RETURNS int LANGUAGE sql RETURN n + 1', 'CREATE OR REPLACE FUNCTION app.pay(n int) RETURNS int LANGUAGE sql RETURN n');

-- Protected rules.
SELECT is(found('rules_not_protected', 'protected'), 'critical', 'rules_not_protected: it is found');
SAVEPOINT unprotected;
SELECT workflow_orch.grant_capability(role::regrole, c) FROM unnest(ARRAY['sql_check_ann', 'sql_check_bob']) AS role, unnest(ARRAY['propose', 'review', 'administer', 'execute']) AS c \g /dev/null
SELECT is(found('administers_and_acts', 'sql_check_ann'), 'critical', 'administers_and_acts: it is found');
SELECT workflow_orch.update_tool('pay');
SELECT protected FROM workflow_orch.set_policy(protected => true) \g /dev/null
SELECT is(found('rules_not_protected', 'protected'), NULL, 'rules_not_protected: it is cleared');
SELECT is(found('administers_and_acts', 'sql_check_ann'), NULL, 'administers_and_acts: where the rules are protected, nobody alone can use it');
SELECT finding('tool_unconfirmed', '''pay''', 'warning', 'CREATE OR REPLACE FUNCTION app.pay(n int) RETURNS int LANGUAGE sql RETURN n + 1', 'CREATE OR REPLACE FUNCTION app.pay(n int) RETURNS int LANGUAGE sql RETURN n');
SELECT is(found('locked_out', 'protected'), NULL, 'locked_out: it is not found');
SAVEPOINT enough;
SELECT workflow_orch.revoke_capability('sql_check_bob', 'administer');
SELECT is(found('locked_out', 'protected'), 'warning', 'locked_out: it is found, with too few who approve');
SELECT is(found('administrators_fixed', 'protected'), NULL, 'administrators_fixed: it is not found where they are too few anyway');
ROLLBACK TO enough;
SELECT workflow_orch.revoke_capability(role::regrole, 'execute') FROM unnest(ARRAY['sql_check_ann', 'sql_check_bob', 'sql_check_cyd']) AS role \g /dev/null
SELECT is(found('locked_out', 'protected'), 'warning', 'locked_out: it is found, with nobody who executes');
ROLLBACK TO enough;
SELECT is(found('locked_out', 'protected'), NULL, 'locked_out: it is cleared');
SELECT is(found('administrators_fixed', 'protected'), 'notice', 'administrators_fixed: two people are found, who cannot have a third one join them');
ROLLBACK TO unprotected;
SELECT workflow_orch.grant_capability(role::regrole, c) FROM unnest(ARRAY['sql_check_ann', 'sql_check_bob', 'sql_check_cyd']) AS role, unnest(ARRAY['propose', 'review', 'administer', 'execute']) AS c \g /dev/null
SELECT protected FROM workflow_orch.set_policy(protected => true) \g /dev/null
SELECT is(found('administrators_fixed', 'protected'), NULL, 'administrators_fixed: it is cleared');
ROLLBACK TO unprotected;

-- What is broken is no error.
DROP SCHEMA app CASCADE;
DROP SCHEMA t CASCADE;
SET LOCAL search_path = public;
SELECT lives_ok('SELECT * FROM workflow_orch.check_setup()', 'with functions and schemas gone it still answers');

SELECT * FROM finish();
ROLLBACK;
