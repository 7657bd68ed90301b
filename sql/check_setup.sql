-- check_setup(): what an expert would find in an hour.  Each finding is a branch
-- of the UNION; doc/administrator.md lists them by the names that stand here.
--
-- It reads catalogs by OID and never casts to regrole or regprocedure, so that a
-- role or a function that is gone is a finding and not an error.  Compiling it
-- would take longer than running it, hence jit = off; the search_path is for the
-- names of types.  A role is
-- "unlimited" if it is a superuser or the extension's owner: what it could do
-- anyway is no finding.

CREATE FUNCTION has_workers() RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_has_workers';
COMMENT ON FUNCTION has_workers IS
  'Says whether the library is preloaded, so that there can be background workers. For check_setup.';

CREATE FUNCTION tool_function(tool text) RETURNS oid LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_tool_function';
COMMENT ON FUNCTION tool_function IS
  'Returns the OID of a tool''s function, or NULL if the function is gone. For check_setup. Errors: 22023, 42704.';

CREATE FUNCTION list_path_writers(tool text, OUT schema name, OUT writer name)
RETURNS SETOF record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'wfo_list_path_writers';
COMMENT ON FUNCTION list_path_writers IS
  'Lists the schemas on a tool''s search_path in which a role may create objects that is neither the tool''s role nor the owner of its function nor a superuser, with such a role (PUBLIC: every role), and the schemas that are gone, without a role. For check_setup. Errors: 22023, 42704.';

CREATE FUNCTION count_reviewers(role text, needed bigint) RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_count_reviewers';
COMMENT ON FUNCTION count_reviewers IS
  'Counts the people who could approve in a role (NULL: in any), up to the number needed. For check_setup. Errors: 22023.';

CREATE FUNCTION count_administrators(needed bigint) RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_count_administrators';
COMMENT ON FUNCTION count_administrators IS
  'Counts the people who could propose and approve calls of built-in tools, up to the number needed. For check_setup. Errors: 22023.';

CREATE FUNCTION check_setup(OUT severity text, OUT finding text, OUT object text, OUT detail text, OUT remedy text)
RETURNS SETOF record LANGUAGE sql STABLE COST 10000 ROWS 20
SET search_path = pg_catalog, pg_temp SET jit = off
BEGIN ATOMIC
WITH RECURSIVE here AS (
  SELECT d.oid AS database, d.datname, e.oid AS extension, e.extowner AS owner, n.oid AS schema,
         (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s) AS system,
         CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END AS take_on
    FROM pg_catalog.pg_database d, pg_catalog.pg_extension e, pg_catalog.pg_namespace n
   WHERE d.datname = current_database() AND e.extname = 'workflow_orch' AND n.nspname = 'workflow_orch'
), policy_now AS (
  SELECT coalesce(bool_or(p.protected), false) AS protected, coalesce(max(p.default_approvals), 1) AS default_approvals FROM policy p
), role AS MATERIALIZED (
  SELECT r.oid, r.rolname, quote_ident(r.rolname) AS name, r.rolsuper, r.rolcreaterole, r.rolbypassrls, r.rolcanlogin,
         r.rolsuper OR r.oid = h.owner AS unlimited,
         r.rolcanlogin AND coalesce(r.rolvaliduntil > now(), true) AND r.rolconnlimit <> 0
           AND has_database_privilege(r.oid, h.database, 'CONNECT') AS logs_in
    FROM pg_catalog.pg_roles r, here h
), grantee AS (
  SELECT r.oid, r.name, r.unlimited FROM role r UNION ALL SELECT 0, 'PUBLIC', false
), held AS MATERIALIZED (
  SELECT r.oid, r.name, r.rolcanlogin, array_agg(c.capability ORDER BY c.capability) AS capabilities
    FROM here h
   CROSS JOIN list_capabilities() c
    JOIN pg_catalog.pg_proc p ON p.pronamespace = h.schema AND p.proname = c.calls[1]
    JOIN role r ON NOT r.unlimited AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
   GROUP BY r.oid, r.name, r.rolcanlogin
), bound AS MATERIALIZED (
  -- The active actors with a role.  holds: as for the calls, a role that was renamed here is the same one.
  SELECT a.actor_id, a.name AS actor, a.db_role, a.db_role_oid AS oid, r.name, r.rolname, r.rolsuper, r.logs_in,
         r.oid IS NOT NULL
           AND (r.rolname = a.db_role OR coalesce(a.home_system = h.system AND a.home_database = h.database, false)) AS holds
    FROM here h
   CROSS JOIN actor a
    LEFT JOIN role r ON r.oid = a.db_role_oid
   WHERE a.active AND a.db_role IS NOT NULL
), member AS MATERIALIZED (
  SELECT m.roleid, m.member, g.name AS role, r.name, bool_or(m.admin_option) AS admin,
         pg_has_role(m.member, m.roleid, h.take_on) AS takes_on
    FROM here h
   CROSS JOIN pg_catalog.pg_auth_members m
    JOIN role g ON g.oid = m.roleid
    JOIN role r ON r.oid = m.member AND NOT r.unlimited
   GROUP BY m.roleid, m.member, g.name, r.name, h.take_on
), below AS (
  -- Members, direct and indirect, of the roles of actors that no login works for.
  SELECT b.oid AS top, m.member FROM bound b JOIN member m ON m.roleid = b.oid WHERE b.holds AND NOT b.logs_in
  UNION
  SELECT b.top, m.member FROM below b JOIN member m ON m.roleid = b.member
), gateway AS (
  SELECT l.oid, l.name, l.capabilities FROM held l WHERE 'gateway' = ANY (l.capabilities)
), grants AS MATERIALIZED (
  -- Of many grants, those that could be a finding.
  SELECT 'FUNCTION' AS kind, p.proname::text AS object_name, p.oid, x.grantee, x.privilege_type, x.is_grantable,
         format('workflow_orch.%I(%s)', p.proname, oidvectortypes(p.proargtypes)) AS object
    FROM here h
    JOIN pg_catalog.pg_proc p ON p.pronamespace = h.schema
   CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
   WHERE x.grantee <> p.proowner AND (x.grantee = 0 OR x.is_grantable)
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname, c.oid, x.grantee, x.privilege_type, x.is_grantable,
         format('workflow_orch.%I', c.relname)
    FROM here h
    JOIN pg_catalog.pg_class c ON c.relnamespace = h.schema AND c.relkind IN ('r', 'v', 'S')
   CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner))) x
   WHERE x.grantee <> c.relowner AND (x.grantee = 0 OR x.is_grantable OR x.privilege_type <> 'SELECT')
  UNION ALL
  SELECT 'SCHEMA', n.nspname, n.oid, x.grantee, x.privilege_type, x.is_grantable, quote_ident(n.nspname)
    FROM here h
    JOIN pg_catalog.pg_namespace n ON n.oid = h.schema
   CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
   WHERE x.grantee <> n.nspowner AND (x.is_grantable OR x.privilege_type = 'CREATE')
), ours AS (
  SELECT 'FUNCTION' AS kind, p.oid, p.proowner AS owner,
         format('workflow_orch.%I(%s)', p.proname, oidvectortypes(p.proargtypes)) AS object,
         EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.refobjid = h.extension AND d.deptype = 'e') AS is_member
    FROM here h JOIN pg_catalog.pg_proc p ON p.pronamespace = h.schema
  UNION ALL
  SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid, c.relowner, format('workflow_orch.%I', c.relname),
         EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refobjid = h.extension AND d.deptype = 'e')
    FROM here h JOIN pg_catalog.pg_class c ON c.relnamespace = h.schema AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
), guard AS (
  SELECT format('workflow_orch.%I', c.relname) AS object, e.name, t.tgenabled, t.oid IS NOT NULL AND p.pronamespace = h.schema AS is_there
    FROM here h
    JOIN ours o ON o.kind = 'TABLE' AND o.is_member
    JOIN pg_catalog.pg_class c ON c.oid = o.oid
   CROSS JOIN (VALUES ('guard_row'), ('guard_truncate'), ('record_row')) e (name)
    LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND t.tgname = e.name
    LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
   -- As sql/triggers.sql: another table's row tells of theirs.
   WHERE NOT (e.name = 'record_row' AND c.relname IN ('tool_definition', 'proposal_revision', 'queue', 'standing_use', 'audit_log', 'audit_tree',
                                 'audit_origin', 'audit_leaf', 'audit_tile', 'redaction', 'audit_purge', 'purged_leaf', 'purged_key'))
), tools AS MATERIALIZED (
  SELECT t.tool, quote_literal(t.tool) AS object, t.run_as, t.run_as_oid, t.definition, s.status, s.problem, s.stale_proposals,
         p.oid AS function, p.proowner, p.prosecdef, p.pronamespace,
         CASE WHEN p.oid IS NOT NULL
              THEN format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) END AS signature
    FROM tool t
    JOIN tool_status s ON s.tool = t.tool
    LEFT JOIN pg_catalog.pg_proc p ON p.oid = tool_function(t.tool)
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE t.enabled AND NOT t.built_in
), tool_role AS (
  -- The roles whose rights a tool has.
  SELECT t.tool, t.object, r.*, format('The tool runs as role %s', r.name) AS how FROM tools t JOIN role r ON r.oid = t.run_as_oid
  UNION ALL
  SELECT t.tool, t.object, r.*, format('The tool''s function is SECURITY DEFINER and owned by role %s', r.name)
    FROM tools t JOIN role r ON r.oid = t.proowner AND r.oid <> t.run_as_oid WHERE t.prosecdef
), replacer AS (
  -- Who may replace a tool's function: its owner and their members, and the owner of its schema.
  SELECT t.tool, t.object, t.signature, t.run_as, r.name
    FROM tools t JOIN role r ON r.oid = t.proowner AND NOT r.unlimited WHERE r.oid <> t.run_as_oid
  UNION
  SELECT t.tool, t.object, t.signature, t.run_as, m.name
    FROM tools t JOIN member m ON m.roleid = t.proowner AND m.takes_on WHERE m.member <> t.run_as_oid
  UNION
  SELECT t.tool, t.object, t.signature, t.run_as, r.name
    FROM tools t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.pronamespace
    JOIN role r ON r.oid = n.nspowner AND NOT r.unlimited AND r.rolname <> 'pg_database_owner'
   WHERE r.oid <> t.run_as_oid AND r.oid <> t.proowner
), lent AS (
  -- What a member of a role gets with it.
  SELECT l.oid, format('has %s', array_to_string(l.capabilities, ', ')) AS what FROM held l
  UNION ALL
  SELECT b.oid, format('is bound to actor %s', string_agg(b.actor_id::text, ', ' ORDER BY b.actor_id)) FROM bound b WHERE b.holds GROUP BY b.oid
  UNION ALL
  SELECT t.run_as_oid, format('runs tool %s', string_agg(t.object, ', ' ORDER BY t.tool)) FROM tools t GROUP BY t.run_as_oid
), configured AS (
  SELECT s.setdatabase, s.setrole, split_part(c.setting, '=', 1) AS name, lower(split_part(c.setting, '=', 2)) AS value
    FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) c (setting)
  UNION ALL
  SELECT NULL, NULL, n.name, current_setting(n.name, true)
    FROM (VALUES ('workflow_orch.allow_superuser_tools'), ('workflow_orch.allow_direct_administration'), ('track_counts')) n (name)
), found (severity, finding, object, detail, remedy) AS (
  -- Roles.
  SELECT 'critical', 'administers_and_acts', l.name,
         format('Role %s has the capabilities %s: it can make the rules, and propose or execute by them.', l.name, array_to_string(l.capabilities, ', ')),
         'Let one role administer and others propose and execute: use revoke_capability, or take the role out of the roles that have these capabilities.'
    FROM held l WHERE 'administer' = ANY (l.capabilities) AND l.capabilities && ARRAY['propose', 'execute']
                  AND NOT (SELECT p.protected FROM policy_now p)
  UNION ALL
  SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'critical' ELSE 'warning' END, 'createrole', r.name,
         CASE WHEN current_setting('server_version_num')::int < 160000
              THEN format('Role %s has CREATEROLE: it can make itself a member of every role that is no superuser.', r.name)
              ELSE format('Role %s has CREATEROLE: it can create logins, and grant the roles that it has created or has ADMIN OPTION on.', r.name) END,
         format('ALTER ROLE %s NOCREATEROLE;', r.name)
    FROM role r WHERE r.rolcreaterole AND NOT r.rolsuper
  UNION ALL
  SELECT 'critical', 'member_of_unlimited', m.name,
         format('Role %s can take on role %s, which can switch off the triggers that guard the tables.', m.name, m.role),
         format('REVOKE %s FROM %s;', m.role, m.name)
    FROM member m JOIN role r ON r.oid = m.roleid AND r.unlimited WHERE m.takes_on
  UNION ALL
  SELECT 'warning', 'admin_option', m.name,
         format('Role %s has ADMIN OPTION on role %s, which %s: it can make others, or itself, a member.', m.name, m.role, w.what),
         format('REVOKE ADMIN OPTION FOR %s FROM %s;', m.role, m.name)
    FROM member m
    JOIN (SELECT l.oid, string_agg(l.what, ' and ' ORDER BY l.what) AS what FROM lent l GROUP BY l.oid) w ON w.oid = m.roleid
   WHERE m.admin
  UNION ALL
  SELECT 'warning', 'member_acts_as_actor', m.name,
         format('Role %s is a member of role %s, so its sessions can act as actor %s.', m.name, m.role, b.actors),
         format('REVOKE %s FROM %s;', m.role, m.name)
    FROM member m
    JOIN (SELECT a.oid, string_agg(format('%s (%s)', a.actor_id, a.actor), ', ' ORDER BY a.actor_id) AS actors
            FROM bound a WHERE a.holds GROUP BY a.oid) b ON b.oid = m.roleid
   WHERE m.takes_on
  UNION ALL
  SELECT CASE WHEN l.rolcanlogin THEN 'warning' ELSE 'notice' END, 'capable_role_has_members', l.name,
         format('Members of role %s can use its capabilities %s: %s.', l.name, array_to_string(l.capabilities, ', '), string_agg(m.name, ', ' ORDER BY m.name)),
         format('Check that each of them is meant. To take one out: REVOKE %s FROM %s;', l.name, min(m.name))
    FROM held l JOIN member m ON m.roleid = l.oid AND m.takes_on
   WHERE l.oid NOT IN (SELECT b.oid FROM bound b WHERE b.holds)
   GROUP BY l.oid, l.name, l.rolcanlogin, l.capabilities
  UNION ALL
  SELECT 'critical', 'gateway_takes_both_sides', g.name,
         format('Role %s holds or inherits gateway, propose and review: each of its sessions can propose as one actor and approve as another.', g.name),
         'Use one role to propose and another one to review, or make the role NOINHERIT and let it SET ROLE to these roles.'
    FROM gateway g WHERE g.capabilities @> ARRAY['propose', 'review']
  UNION ALL
  SELECT 'notice', 'gateway', g.name,
         format('Role %s may act for every actor: who is behind a call is what its application says.', g.name),
         format('If the application does not authenticate people: SELECT workflow_orch.revoke_capability(%s, %s);', quote_literal(g.name), quote_literal('gateway'))
    FROM gateway g WHERE NOT g.capabilities @> ARRAY['propose', 'review']

  -- Privileges.
  UNION ALL
  SELECT 'critical', 'granted_to_public', g.object,
         format('PUBLIC has %s on it, and so has every role.', string_agg(DISTINCT g.privilege_type, ', ')),
         format('REVOKE ALL ON %s %s FROM PUBLIC;', g.kind, g.object)
    FROM grants g WHERE g.grantee = 0 AND g.kind <> 'SCHEMA' GROUP BY g.kind, g.object
  UNION ALL
  SELECT 'critical', 'grant_option', g.object,
         format('Role %s can grant %s on it to others.', r.name, string_agg(DISTINCT g.privilege_type, ', ')),
         format('REVOKE GRANT OPTION FOR ALL ON %s %s FROM %s;', g.kind, g.object, r.name)
    FROM grants g JOIN role r ON r.oid = g.grantee AND NOT r.unlimited
   WHERE g.is_grantable GROUP BY g.kind, g.object, r.name
  UNION ALL
  SELECT 'critical', 'table_privilege', g.object,
         format('Role %s has %s on it. Only the extension writes its tables, and a trigger of somebody else runs as the caller of a function.',
                r.name, string_agg(DISTINCT g.privilege_type, ', ')),
         format('REVOKE %s ON %s %s FROM %s;', string_agg(DISTINCT g.privilege_type, ', '), g.kind, g.object, r.name)
    FROM grants g JOIN role r ON r.oid = g.grantee AND NOT r.unlimited
   WHERE g.kind IN ('TABLE', 'SEQUENCE') AND g.privilege_type <> 'SELECT' GROUP BY g.kind, g.object, r.name
  UNION ALL
  SELECT 'critical', 'schema_writable', g.object,
         format('%s may create objects in the schema, which could pass for the extension''s.', r.name),
         format('REVOKE CREATE ON SCHEMA %s FROM %s;', g.object, r.name)
    FROM grants g JOIN grantee r ON r.oid = g.grantee AND NOT r.unlimited
   WHERE g.kind = 'SCHEMA' AND g.privilege_type = 'CREATE'
  UNION ALL
  SELECT 'critical', 'foreign_object', o.object,
         format('It stands in the extension''s schema and does not belong to the extension. Its owner is %s.', r.name),
         format('DROP %s %s;', o.kind, o.object)
    FROM ours o JOIN role r ON r.oid = o.owner WHERE NOT o.is_member
  UNION ALL
  SELECT 'critical', 'foreign_owner', o.object,
         format('It belongs to the extension, and its owner is role %s, who may replace it.', r.name),
         format('ALTER %s %s OWNER TO %s;', o.kind, o.object, (SELECT e.name FROM here h JOIN role e ON e.oid = h.owner))
    FROM ours o JOIN role r ON r.oid = o.owner AND NOT r.unlimited WHERE o.is_member
  UNION ALL
  SELECT CASE WHEN p.parname IN ('session_replication_role', 'workflow_orch.allow_superuser_tools', 'workflow_orch.allow_direct_administration') THEN 'critical' ELSE 'warning' END,
         'setting_granted', p.parname,
         format('%s has %s on the setting.', r.name, string_agg(DISTINCT x.privilege_type, ', ')),
         format('REVOKE ALL ON PARAMETER %s FROM %s;', p.parname, r.name)
    FROM pg_catalog.pg_parameter_acl p
   CROSS JOIN LATERAL aclexplode(p.paracl) x
    JOIN grantee r ON r.oid = x.grantee AND NOT r.unlimited
   WHERE p.parname IN ('track_counts', 'session_replication_role') OR p.parname LIKE 'workflow\_orch.%'
   GROUP BY p.parname, r.name
  UNION ALL
  SELECT 'critical', 'guard_off', g.object,
         CASE WHEN g.is_there THEN format('Its trigger %s is not ENABLE ALWAYS: some writes do not fire it.', g.name)
              ELSE format('It has no trigger %s of the extension.', g.name) END,
         CASE WHEN g.is_there THEN format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %s;', g.object, g.name)
              ELSE format('Find out who has dropped it, verify the audit log, and create it again as it stands in sql/triggers.sql.') END
    FROM guard g WHERE NOT g.is_there OR g.tgenabled <> 'A'
  UNION ALL
  SELECT 'critical', 'row_security_off', o.object, 'Row security is off, so that a proposer reads the rows of others.',
         format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY;', o.object)
    FROM ours o JOIN pg_catalog.pg_class c ON c.oid = o.oid WHERE o.kind = 'TABLE' AND o.is_member AND NOT c.relrowsecurity
  UNION ALL
  SELECT 'critical', 'foreign_trigger', o.object,
         format('Its trigger %s is not the extension''s: it runs in the calls, as their caller.', quote_ident(t.tgname)),
         format('DROP TRIGGER %s ON %s;', quote_ident(t.tgname), o.object)
    FROM here h
    JOIN ours o ON o.kind = 'TABLE' AND o.is_member
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = o.oid AND NOT t.tgisinternal
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
   WHERE p.pronamespace <> h.schema OR p.proname NOT IN ('guard', 'record')

  -- Settings and the server.
  UNION ALL
  SELECT CASE c.name WHEN 'track_counts' THEN 'warning' ELSE 'critical' END, 'unsafe_setting', c.name,
         concat(CASE c.name WHEN 'track_counts' THEN 'It is off, so rows that calls change are not counted, and calls with a limit of rows are refused'
                            WHEN 'workflow_orch.allow_superuser_tools' THEN 'It is on, so tools may run as a superuser, who can switch off the triggers'
                            ELSE 'It is on, so a superuser changes protected rules alone' END,
                ': ' || nullif(concat_ws(' ', 'in database ' || quote_ident(d.datname), 'for role ' || r.name), ''), '.'),
         CASE WHEN c.setrole IS NULL THEN format('ALTER SYSTEM RESET %s; SELECT pg_reload_conf();', c.name)
              WHEN c.setrole = 0 THEN format('ALTER DATABASE %I RESET %s;', d.datname, c.name)
              ELSE format('ALTER ROLE %s %sRESET %s;', r.name, 'IN DATABASE ' || quote_ident(d.datname) || ' ', c.name) END
    FROM here h
   CROSS JOIN configured c
    LEFT JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase
    LEFT JOIN role r ON r.oid = c.setrole
   WHERE coalesce(c.setdatabase, 0) IN (0, h.database)
     AND (c.name IN ('workflow_orch.allow_superuser_tools', 'workflow_orch.allow_direct_administration') AND c.value IN ('on', 'true', 'yes', '1')
          OR c.name = 'track_counts' AND c.value IN ('off', 'false', 'no', '0'))
  UNION ALL
  SELECT 'warning', 'not_preloaded', 'shared_preload_libraries',
         'The library is not preloaded: there are no background workers, and nothing expires by itself.',
         'Add workflow_orch to shared_preload_libraries in postgresql.conf, and restart the server.'
   WHERE NOT has_workers()
  UNION ALL
  SELECT 'warning', 'few_worker_slots', 'max_worker_processes',
         format('The server has %s worker processes for everything. The extension and the server''s own launcher may need %s: workflow_orch.max_workers, and 4 more.',
                current_setting('max_worker_processes'), w.needed),
         format('Set max_worker_processes to at least %s, and more for parallel queries, and restart the server; or lower workflow_orch.max_workers.', w.needed)
    FROM (SELECT current_setting('workflow_orch.max_workers', true)::bigint + 4 AS needed) w
   WHERE has_workers() AND current_setting('max_worker_processes')::bigint < w.needed
  UNION ALL
  SELECT 'warning', 'redaction_in_files', quote_ident(h.datname),
         format('Values of %s redactions, the first of %s, may still be in the files of the tables.', r.count, r.first_at),
         'End transactions that began before, also prepared ones, and drop replication slots that nobody uses; the library must be preloaded.'
    FROM here h CROSS JOIN (SELECT count(*), min(redacted_at) AS first_at FROM redaction WHERE vacuumed_at IS NULL) r
   WHERE r.first_at < clock_timestamp() - interval '1 hour'
  UNION ALL
  SELECT 'critical', 'seal_lag', quote_ident(h.datname),
         format('Row %s of the audit log, of %s, is not sealed: somebody could still change it unnoticed.', u.audit_id, u.occurred_at),
         'SELECT workflow_orch.seal_audit_log(); its error says what keeps the sealer away.'
    FROM here h CROSS JOIN find_unsealed() u
   WHERE u.occurred_at < clock_timestamp() - nullif(coalesce(current_setting('workflow_orch.max_seal_lag', true)::interval, interval '1 min'), interval '0')
  UNION ALL
  SELECT 'warning', 'queue_held', quote_ident(h.datname),
         format('%s calls were queued in the original of this database, and are held here.', sum(q.held)),
         'If the original is no longer in use: SELECT workflow_orch.resume_queue();'
    FROM queue_status q, here h WHERE q.held > 0 GROUP BY h.datname

  -- Tools.
  UNION ALL
  SELECT 'critical', 'tool_superuser', t.object, format('%s, which is a superuser.', t.how),
         format('CREATE ROLE ... LOGIN; SELECT workflow_orch.update_tool(%s, run_as => ...);', t.object)
    FROM tool_role t WHERE t.rolsuper
  UNION ALL
  SELECT 'critical', 'tool_bypasses_row_security', t.object, format('%s, which bypasses row security.', t.how), format('ALTER ROLE %s NOBYPASSRLS;', t.name)
    FROM tool_role t WHERE t.rolbypassrls AND NOT t.rolsuper
  UNION ALL
  SELECT 'critical', 'tool_powerful_role', t.object,
         format('%s, which is a member of %s.', t.how, string_agg(p.name, ', ' ORDER BY p.name)),
         string_agg(format('REVOKE %s FROM %s;', p.name, t.name), ' ' ORDER BY p.name)
    FROM tool_role t
    JOIN role p ON p.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_write_all_data',
                                 'pg_read_all_data', 'pg_create_subscription', 'pg_maintain', 'pg_signal_backend')
               AND pg_has_role(t.oid, p.oid, 'MEMBER')
   WHERE NOT t.rolsuper GROUP BY t.tool, t.object, t.how, t.name
  UNION ALL
  SELECT 'warning', 'tool_function_replaceable', t.object,
         format('Function %s can be replaced by role %s, who is not the tool''s role %I.', t.signature, string_agg(t.name, ', ' ORDER BY t.name), t.run_as),
         format('ALTER FUNCTION %s OWNER TO %I; or give function and schema to a role that nobody is.', t.signature, t.run_as)
    FROM replacer t GROUP BY t.tool, t.object, t.signature, t.run_as
  UNION ALL
  SELECT 'warning', 'tool_path_writable', t.object,
         CASE WHEN w.writer IS NULL THEN format('Schema %I on its search_path is gone: somebody could create it anew.', w.schema)
              ELSE format('On its search_path is schema %I, in which %s may create objects that the tool would use instead of its own.', w.schema,
                          CASE w.writer WHEN 'PUBLIC' THEN 'every role' ELSE 'role ' || quote_ident(w.writer) END) END,
         CASE WHEN w.writer IS NULL
              THEN format('Register the function under a search_path of schemas that exist: SET search_path = ...; SELECT workflow_orch.update_tool(%s, function => ...);', t.object)
              ELSE format('REVOKE CREATE ON SCHEMA %I FROM %s;', w.schema, CASE w.writer WHEN 'PUBLIC' THEN 'PUBLIC' ELSE quote_ident(w.writer) END) END
    FROM tools t CROSS JOIN LATERAL list_path_writers(t.tool) w
  UNION ALL
  SELECT 'warning', 'tool_gone', t.object, t.problem,
         format('SELECT workflow_orch.update_tool(%1$s, function => ...); or SELECT workflow_orch.set_tool_enabled(%1$s, false);', t.object)
    FROM tools t WHERE t.status = 'gone'
  UNION ALL
  SELECT 'warning', 'tool_refused', t.object, t.problem,
         format('SELECT workflow_orch.update_tool(%s, run_as => ...); or GRANT EXECUTE on the function to the role.', t.object)
    FROM tools t WHERE t.status = 'refused'
  UNION ALL
  SELECT 'warning', 'tool_unconfirmed', t.object,
         format('The rules are protected, and the tool is not what was last confirmed (%s): its calls are refused.', tool_change(t.tool, t.definition)),
         format('Propose workflow_orch.update_tool with the params {"tool": %s}.', to_json(t.tool))
    FROM tools t, policy_now p
   WHERE p.protected AND t.status <> 'gone' AND t.definition IS NOT NULL AND tool_change(t.tool, t.definition) IS NOT NULL
  UNION ALL
  SELECT 'warning', 'tool_changed', t.object, format('%s open proposals are pinned to another definition of the tool.', t.stale_proposals),
         format('See what_changed in proposal_progress; then SELECT workflow_orch.accept_tool_definition(%s, ...); or have them edited.', t.object)
    FROM tools t WHERE t.stale_proposals > 0 AND t.status <> 'gone'

  -- Actors.
  UNION ALL
  SELECT 'notice', 'actors_share_role', b.name,
         format('Actors %s are bound to it: they count as one person, and calls of the role must name one.',
                string_agg(format('%s (%s)', b.actor_id, b.actor), ', ' ORDER BY b.actor_id)),
         'Bind each actor to a role of its own with update_actor(..., db_role => ...).'
    FROM bound b WHERE b.holds GROUP BY b.oid, b.name HAVING count(*) > 1
  UNION ALL
  SELECT 'warning', 'actor_role_gone', b.actor_id::text,
         CASE WHEN b.rolname IS NULL THEN format('Actor %s (%s) is bound to role %I, which is gone.', b.actor_id, b.actor, b.db_role)
              ELSE format('Actor %s (%s) is bound to role %I; the role with its OID is %s, perhaps another one.', b.actor_id, b.actor, b.db_role, b.name) END,
         format('SELECT workflow_orch.update_actor(%1$s, db_role => ...); or SELECT workflow_orch.update_actor(%1$s, active => false);', b.actor_id)
    FROM bound b WHERE NOT b.holds
  UNION ALL
  SELECT 'notice', 'actor_role_renamed', b.actor_id::text, format('Actor %s (%s) is bound to role %I, which is now %s.', b.actor_id, b.actor, b.db_role, b.name),
         format('SELECT workflow_orch.update_actor(%s, db_role => %s);', b.actor_id, quote_literal(b.name))
    FROM bound b WHERE b.holds AND b.rolname <> b.db_role
  UNION ALL
  SELECT 'warning', 'actor_is_superuser', b.actor_id::text,
         format('Actor %s (%s) is bound to role %s, which is a superuser: it can switch off the triggers and act for everybody.', b.actor_id, b.actor, b.name),
         format('SELECT workflow_orch.update_actor(%s, db_role => ...);', b.actor_id)
    FROM bound b WHERE b.holds AND b.rolsuper
  UNION ALL
  SELECT 'warning', 'actor_without_login', b.actor_id::text,
         format('Actor %s (%s) is active, and no login works for its role %s: NOLOGIN, expired, without connections, or without CONNECT on the database.', b.actor_id, b.actor, b.name),
         format('ALTER ROLE %s LOGIN; or SELECT workflow_orch.update_actor(%s, active => false);', b.name, b.actor_id)
    FROM bound b
   CROSS JOIN here h
   WHERE b.holds AND NOT b.logs_in
     AND NOT EXISTS (SELECT FROM below x JOIN role r ON r.oid = x.member AND r.logs_in
                      WHERE x.top = b.oid AND pg_has_role(x.member, b.oid, h.take_on))
     AND NOT EXISTS (SELECT FROM gateway)
  UNION ALL
  SELECT 'notice', 'actors_without_role', count(*)::text,
         format('Active actors without a database role: %s. Without a gateway, only a superuser acts for them.',
                string_agg(format('%s (%s)', a.actor_id, a.name), ', ' ORDER BY a.actor_id) FILTER (WHERE a.n <= 10) || CASE WHEN count(*) > 10 THEN ', ...' ELSE '' END),
         'Bind them with update_actor(..., db_role => ...), or grant the capability gateway to the role of the application.'
    FROM (SELECT x.actor_id, x.name, row_number() OVER (ORDER BY x.actor_id) AS n FROM actor x WHERE x.active AND x.db_role IS NULL) a
   WHERE NOT EXISTS (SELECT FROM gateway) HAVING count(*) > 0

  -- Rules, policy and proposals.
  UNION ALL
  SELECT CASE WHEN EXISTS (SELECT FROM held l WHERE 'administer' = ANY (l.capabilities)) THEN 'critical' ELSE 'warning' END,
         'rules_not_protected', 'protected', 'A role with administer changes alone what a review means: rules, tools, actors and capabilities.',
         'SELECT * FROM workflow_orch.set_policy(protected => true);'
    FROM policy_now p WHERE NOT p.protected
  UNION ALL
  SELECT 'warning', 'locked_out', 'protected',
         CASE WHEN a.people < a.needed THEN format('People who can propose and approve changes of protected rules: %s; needed: %s.', a.people, a.needed)
              ELSE 'Nobody can execute changes of protected rules.' END,
         'Register actors of kind human with logins that hold propose, review, administer and execute; a superuser can with workflow_orch.allow_direct_administration.'
    FROM (SELECT p.default_approvals + 1 AS needed, count_administrators(p.default_approvals + 1) AS people FROM policy_now p WHERE p.protected) a
   WHERE a.people < a.needed
      OR NOT EXISTS (SELECT FROM bound b LEFT JOIN held l ON l.oid = b.oid
                      WHERE b.holds AND b.logs_in AND (b.rolsuper OR 'execute' = ANY (l.capabilities)))
  UNION ALL
  SELECT 'notice', 'administrators_fixed', 'protected',
         format('People who can propose and approve changes of protected rules: %s. A grant of administer, gateway or break_glass needs one who proposes and two who approve, so that nobody can join them.', a.people),
         'Grant propose, review and administer to a third person; a superuser can with workflow_orch.allow_direct_administration.'
    FROM (SELECT p.default_approvals + 1 AS needed, count_administrators(3) AS people FROM policy_now p WHERE p.protected) a
   WHERE a.people >= a.needed AND a.people < 3
  UNION ALL
  SELECT 'notice', 'rule_outdated', r.rule_id::text,
         format('Rule %s approves nothing of tool %s any more, since the tool has changed.', r.rule_id, string_agg(quote_literal(d.tool), ', ' ORDER BY d.tool)),
         format('If the tool as it is now may be called without a review, remove the rule with remove_approval_rule(%s) and add it anew.', r.rule_id)
    FROM approval_rule r
   CROSS JOIN LATERAL jsonb_each_text(r.definition) d (tool, hash)
   WHERE r.removed_at IS NULL AND r.approvals = 0 AND tool_change(d.tool, decode(d.hash, 'hex')) IS NOT NULL
   GROUP BY r.rule_id
  UNION ALL
  SELECT 'critical', 'rule_approves_everything', r.rule_id::text, format('Rule %s has no tool and no condition, and approves whatever no other rule covers.', r.rule_id),
         format('SELECT workflow_orch.remove_approval_rule(%s);', r.rule_id)
    FROM approval_rule r WHERE r.removed_at IS NULL AND r.approvals = 0 AND r.tool IS NULL AND r.condition IS NULL
  UNION ALL
  SELECT 'warning', 'rule_unfillable', r.rule_id::text,
         format('Rule %s asks for %s approvals%s; active actors who could give one are %s people.', r.rule_id, r.approvals, ' by role ' || quote_literal(r.role), c.people),
         format('Register actors%s, or SELECT workflow_orch.remove_approval_rule(%s);', ' with role ' || quote_literal(r.role), r.rule_id)
    FROM approval_rule r CROSS JOIN LATERAL count_reviewers(r.role, r.approvals) c (people)
   WHERE r.removed_at IS NULL AND r.approvals > 0 AND c.people < r.approvals
  UNION ALL
  SELECT 'notice', 'approvals_never_expire', 'approval_ttl', 'An approved call may be executed at any time later, when what was approved no longer fits.',
         'SELECT * FROM workflow_orch.set_policy(approval_ttl => ''7 days'');'
   WHERE NOT EXISTS (SELECT FROM policy p WHERE p.approval_ttl > interval '0')
  UNION ALL
  SELECT 'notice', 'agents_may_review', 'agents_may_review', 'Actors of kind agent and service may approve.',
         'SELECT * FROM workflow_orch.set_policy(agents_may_review => false);'
    FROM policy p WHERE p.agents_may_review
  UNION ALL
  SELECT 'notice', 'dry_run', 'dry_run', 'Every execution is a dry run: nothing takes effect.', 'SELECT * FROM workflow_orch.set_policy(dry_run => false);'
    FROM policy p WHERE p.dry_run
  UNION ALL
  SELECT 'warning', 'break_glass_open', b.execution_id::text, format('Execution %s ran without its approvals %s, and nobody has looked at it.', b.execution_id, b.broken_at),
         format('SELECT workflow_orch.review_break_glass(%s, ..., ...);', b.execution_id)
    FROM break_glass b WHERE b.reviewed_at IS NULL
)
SELECT f.severity, f.finding, f.object, f.detail, f.remedy
  FROM found f
 ORDER BY array_position(ARRAY['critical', 'warning', 'notice'], f.severity), f.finding, f.object, f.detail;
END;
COMMENT ON FUNCTION check_setup IS
  'Lists what is dangerous or does not work in the setup, the worst first: severity (critical, warning or notice), finding, the object as it is written in SQL, a sentence about it, and what to do. No row: nothing was found. Nothing is changed. doc/administrator.md explains the findings.';
