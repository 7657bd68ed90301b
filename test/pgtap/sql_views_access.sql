-- The view access: the capabilities of each actor, and their last use.
\set file sql_views_access
\ir include/fixture.sql
\ir include/roles.sql

CREATE ROLE sql_views_access_team;
CREATE ROLE sql_views_access_dev LOGIN;
CREATE ROLE sql_views_access_boss LOGIN;
CREATE ROLE sql_views_access_super SUPERUSER;
CREATE ROLE sql_views_access_reviewer LOGIN;
GRANT sql_views_access_team TO sql_views_access_dev;
SELECT workflow_orch.grant_capability('sql_views_access_team', 'propose'), workflow_orch.grant_capability('sql_views_access_boss', 'administer'),
       workflow_orch.grant_capability('sql_views_access_boss', 'audit'), workflow_orch.grant_capability('sql_views_access_reviewer', 'review') \g /dev/null
SELECT workflow_orch.register_actor('Team', 'Developer', 'sql_views_access_team') AS team, workflow_orch.register_actor('Dev', 'Developer', 'sql_views_access_dev') AS dev,
       workflow_orch.register_actor('Left', 'Developer', 'sql_views_access_dev') AS gone, workflow_orch.register_actor('Root', 'DBA', 'sql_views_access_super') AS root \gset
SELECT workflow_orch.update_actor(:gone, active => false);
CREATE VIEW t.access AS SELECT a.* FROM workflow_orch.access a WHERE role LIKE 'sql\_views\_access%' AND role <> tool_role()::text;

SELECT results_eq($$SELECT (role::text || ' ' || coalesce(actor, '-') || ' ' || capability || ' ' || can_login) COLLATE "default" FROM t.access WHERE role <> 'sql_views_access_super' ORDER BY (role::text || coalesce(actor, '')) COLLATE "C", capability$$,
  ARRAY['sql_views_access_boss - administer true', 'sql_views_access_boss - audit true', 'sql_views_access_dev Dev propose true', 'sql_views_access_dev Team propose true',
        'sql_views_access_reviewer - review true', 'sql_views_access_team Team propose false'],
  'roles with their capabilities, by a grant and as members, and the active actors that they act as');
SELECT results_eq($$SELECT (string_agg(capability, ' ' ORDER BY capability) || ' ' || min(actor) || ' ' || count(DISTINCT actor)) COLLATE "default" FROM t.access WHERE role = 'sql_views_access_super'$$,
  ARRAY['administer audit break_glass execute gateway propose review Root 1'], 'a superuser has all of them, and acts as the actors that are bound to it');
SELECT is((SELECT count(*) FROM t.access WHERE last_used_at IS NOT NULL), 0::bigint, 'nobody has done anything yet');

SELECT value_as('sql_views_access_dev', format('SELECT workflow_orch.start_workflow(''w'', %s)', :dev)) AS w \gset
SELECT value_as('sql_views_access_boss', 'SELECT workflow_orch.add_freeze(''f'', now() + interval ''1 day'', ''infinity'')') \g /dev/null
SELECT results_eq($$SELECT (role::text || ' ' || coalesce(actor, '-') || ' ' || capability) COLLATE "default" FROM t.access WHERE last_used_at BETWEEN now() AND clock_timestamp() ORDER BY (role::text || coalesce(actor, '')) COLLATE "C", capability$$,
  ARRAY['sql_views_access_boss - administer', 'sql_views_access_dev Dev propose'], 'the last use is that of the role, as that actor');
SELECT value_as('sql_views_access_boss', format('SELECT workflow_orch.complete_workflow(%s)', :w)) \g /dev/null
SELECT is((SELECT max(last_used_at) FROM t.access WHERE capability = 'administer'), (SELECT max(occurred_at) FROM workflow_orch.audit_log WHERE action = 'add_freeze'),
  'a call that comes with several capabilities is none''s use');


CREATE FUNCTION t.plan(query text) RETURNS jsonb LANGUAGE plpgsql AS $$DECLARE plan jsonb; BEGIN EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan; RETURN plan; END$$;
SELECT is(jsonb_path_query_array(t.plan('SELECT * FROM workflow_orch.access'), 'strict $.**?(@."Relation Name" == "audit_log")."Actual Loops"'), '[1]', 'the log is read once for all roles');

ALTER ROLE sql_views_access_dev RENAME TO sql_views_access_new;
SELECT results_eq($$SELECT (actor || ' ' || capability) COLLATE "default" FROM t.access WHERE role = 'sql_views_access_new' ORDER BY actor COLLATE "C"$$,
  ARRAY['Dev propose', 'Team propose'], 'a role that was renamed acts as its actors');

SELECT works_as('sql_views_access_boss', 'SELECT FROM workflow_orch.access', 'auditors and administrators read it');
SELECT refused_as('sql_views_access_reviewer', 'SELECT FROM workflow_orch.access', '{"sqlstate": "42501"}', 'reviewers do not');
SELECT is((SELECT array_agg(capability) FROM workflow_orch.list_capabilities()), '{propose,review,execute,audit,administer,gateway,break_glass}'::text[], 'list_capabilities names them all');
SELECT is_empty($$SELECT capability, call FROM workflow_orch.list_capabilities(), unnest(calls) call WHERE NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'workflow_orch'::regnamespace AND proname = call)$$,
  'with calls that there are');

\ir include/finish.sql
