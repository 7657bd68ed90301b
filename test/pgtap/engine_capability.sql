-- Capabilities: plain grants on functions and tables, and nothing else.
\set file engine_capability
\ir include/fixture.sql
\ir include/roles.sql

CREATE ROLE engine_capability_user LOGIN;
CREATE ROLE engine_capability_admin LOGIN;
SELECT workflow_orch.grant_capability('engine_capability_admin', 'administer');

CREATE VIEW t.functions AS
  SELECT p.oid, p.proname AS name FROM pg_proc p WHERE p.pronamespace = 'workflow_orch'::regnamespace;
CREATE VIEW t.relations AS
  SELECT c.oid, c.relname AS name, c.relkind FROM pg_class c
   WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind IN ('r', 'S', 'v', 'm', 'p', 'f');

-- What a role was granted, itself.
CREATE FUNCTION t.granted_functions(role regrole) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(f.name, ' ' ORDER BY f.name) FROM t.functions f
   WHERE EXISTS (SELECT FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid = f.oid AND a.grantee = role AND a.privilege_type = 'EXECUTE')
$$;
CREATE FUNCTION t.granted_tables(role regrole) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(r.name || ':' || privileges, ' ' ORDER BY r.name)
    FROM t.relations r JOIN pg_class c USING (oid),
         LATERAL (SELECT string_agg(lower(a.privilege_type), ',' ORDER BY a.privilege_type) AS privileges
                    FROM aclexplode(c.relacl) a WHERE a.grantee = role) a
   WHERE privileges IS NOT NULL
$$;

-- Nothing for PUBLIC, and nothing without a grant.
SELECT is((SELECT count(*) > 20 FROM functions), true, 'there are functions to look at');
SELECT is_empty($$SELECT name FROM functions WHERE has_function_privilege('public', oid, 'EXECUTE')$$,
  'PUBLIC may execute no function');
SELECT is_empty($$SELECT name FROM relations WHERE relkind <> 'S'
                    AND has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')$$,
  'PUBLIC has no privilege on a table');
SELECT is_empty($$SELECT r.name, attname FROM relations r JOIN pg_attribute a ON attrelid = r.oid WHERE attacl IS NOT NULL$$,
  'there are no privileges on columns');
SELECT is_empty($$SELECT name FROM relations WHERE CASE WHEN relkind = 'S' THEN has_sequence_privilege('public', oid, 'USAGE, SELECT, UPDATE') END$$,
  'PUBLIC has no privilege on a sequence');
SELECT is(has_schema_privilege('public', 'workflow_orch', 'USAGE, CREATE'), false, 'PUBLIC has no privilege on the schema');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'workflow_orch'::regnamespace AND typtype = 'e'
                    AND NOT has_type_privilege('public', oid, 'USAGE')$$, 'the labels'' types are for everybody to name');
GRANT USAGE ON SCHEMA workflow_orch TO engine_capability_user;
SELECT refused_as('engine_capability_user', format('SELECT workflow_orch.%I(%s)', f.name, args), '{"sqlstate": "42501"}',
  format('without a grant nobody calls %s', f.name))
  FROM functions f JOIN pg_proc USING (oid),
       LATERAL (SELECT string_agg(CASE WHEN provariadic <> 0 THEN 'VARIADIC ' ELSE '' END || 'NULL::' || format_type(t, NULL), ', ') AS args FROM unnest(proargtypes) t) a
 WHERE prorettype NOT IN ('trigger'::regtype, 'internal'::regtype) ORDER BY f.name;
REVOKE USAGE ON SCHEMA workflow_orch FROM engine_capability_user;

-- Each capability by itself.  Which functions and tables it has is what public_surface shows; here, that they are granted and
-- revoked, and that no function is left out.
CREATE TABLE t.expected AS
SELECT capability, (SELECT string_agg(call, ' ' ORDER BY call) FROM unnest(calls) call) AS functions, NULL::text AS tables FROM workflow_orch.list_capabilities();
SELECT is_empty($$SELECT name FROM functions JOIN pg_proc USING (oid) WHERE prorettype <> 'trigger'::regtype AND name NOT IN ('run_sql', 'may_read', 'may_read_support')
                  EXCEPT SELECT unnest(calls) FROM workflow_orch.list_capabilities()$$,
  'every function belongs to a capability (src/model/capability.c), but run_sql and what the policies ask');
CREATE FUNCTION t.grant_alone(capability text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tables text;
BEGIN
  PERFORM workflow_orch.grant_capability('engine_capability_user', capability);
  tables := granted_tables('engine_capability_user');
  PERFORM workflow_orch.revoke_capability('engine_capability_user', capability);
  RETURN tables;
END
$$;
UPDATE expected SET tables = grant_alone(capability);
SELECT is_empty($$SELECT capability, tables FROM expected WHERE tables ~ ':(?!select( |$))'$$, 'no capability grants more than reading');
CREATE FUNCTION t.each_capability() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  e record;
BEGIN
  FOR e IN SELECT * FROM expected LOOP
    PERFORM workflow_orch.grant_capability('engine_capability_user', e.capability);
    RETURN NEXT is(granted_functions('engine_capability_user'), e.functions, e.capability || ' grants its functions and no other');
    RETURN NEXT is(granted_tables('engine_capability_user'), e.tables, e.capability || ' grants reading its tables, each time');
    RETURN NEXT is(has_schema_privilege('engine_capability_user', 'workflow_orch', 'USAGE'), true, e.capability || ' grants the schema''s use');
    PERFORM workflow_orch.grant_capability('engine_capability_user', e.capability);
    PERFORM workflow_orch.revoke_capability('engine_capability_user', e.capability);
    RETURN NEXT is(concat(granted_functions('engine_capability_user'), granted_tables('engine_capability_user'),
                          has_schema_privilege('engine_capability_user', 'workflow_orch', 'USAGE')), 'f',
                   e.capability || ' revoked leaves nothing');
  END LOOP;
END
$$;
SELECT each_capability();

-- Two capabilities share objects.
CREATE FUNCTION t.each_pair() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  e record;
BEGIN
  FOR e IN SELECT a.*, b.capability AS other FROM expected a, expected b WHERE a.capability <> b.capability LOOP
    PERFORM workflow_orch.grant_capability('engine_capability_user', e.capability);
    PERFORM workflow_orch.grant_capability('engine_capability_user', e.other);
    PERFORM workflow_orch.revoke_capability('engine_capability_user', e.other);
    RETURN NEXT is(format('%s|%s|%s', granted_functions('engine_capability_user'), granted_tables('engine_capability_user'),
                          has_schema_privilege('engine_capability_user', 'workflow_orch', 'USAGE')),
                   format('%s|%s|t', e.functions, e.tables),
                   format('revoking %s leaves all of %s and no more', e.other, e.capability));
    PERFORM workflow_orch.revoke_capability('engine_capability_user', e.capability);
  END LOOP;
END
$$;
SELECT each_pair();

-- Who may grant.
SELECT refused_as('engine_capability_admin', format('SELECT workflow_orch.%s(''engine_capability_user'', %L)', call, capability),
  format('{"sqlstate": "42501", "message": "capability \"%s\" is not yours%%", "hint": "%%superuser%%"}', capability)::jsonb,
  format('an administrator may not %s of %s', call, capability))
  FROM unnest(ARRAY['administer', 'gateway', 'break_glass']) AS capability, unnest(ARRAY['grant_capability', 'revoke_capability']) AS call;
SELECT is(granted_functions('engine_capability_user'), NULL, 'and nothing was granted');
SELECT works_as('engine_capability_admin', format('SELECT workflow_orch.grant_capability(''engine_capability_user'', %L)', capability),
  'an administrator grants ' || capability) FROM unnest(ARRAY['propose', 'review', 'execute', 'audit']) AS capability;
SELECT is(value_as('engine_capability_user', 'SELECT capabilities FROM workflow_orch.whoami()'), '{propose,review,execute,audit}',
  'whoami shows what was granted');
SELECT is((SELECT array_agg(DISTINCT a.grantor::regrole::text) FROM pg_proc p JOIN functions f USING (oid), aclexplode(p.proacl) a
            WHERE a.grantee = 'engine_capability_user'::regrole), ARRAY[current_user]::text[],
  'the grants are the owner''s, not the administrator''s');
SELECT is_empty($$SELECT f.name FROM pg_proc p JOIN functions f USING (oid), aclexplode(p.proacl) a
                   WHERE a.grantee = 'engine_capability_user'::regrole AND a.is_grantable$$, 'and cannot be passed on');
SELECT works_as('engine_capability_admin', format('SELECT workflow_orch.revoke_capability(''engine_capability_user'', %L)', capability),
  'an administrator revokes ' || capability) FROM unnest(ARRAY['propose', 'review', 'execute', 'audit']) AS capability;
SELECT is(granted_functions('engine_capability_user'), NULL, 'and all is gone');
SELECT is((SELECT array_agg(row(action, details ->> 'db_role', details ->> 'capability', login)::text ORDER BY audit_id)
             FROM (SELECT * FROM workflow_orch.audit_log WHERE details ->> 'capability' = 'audit' ORDER BY audit_id DESC LIMIT 2) l),
  ARRAY['(grant_capability,engine_capability_user,audit,engine_capability_admin)',
        '(revoke_capability,engine_capability_user,audit,engine_capability_admin)'],
  'grants and revokes are in the audit log, with who made them');

-- What is no capability, and no role.
SELECT raises(format('SELECT workflow_orch.%s(''engine_capability_user'', %L)', call, name),
  '{"sqlstate": "22023", "hint": "%propose, review, execute, audit, administer, gateway, break_glass%"}',
  format('%s of "%s" is refused, and the hint lists what there is', call, name))
  FROM unnest(ARRAY['grant_capability', 'revoke_capability']) AS call, unnest(ARRAY['fly', 'PROPOSE', ' propose']) AS name;
SELECT raises('SELECT workflow_orch.grant_capability(4294967295::oid::regrole, ''propose'')', '{"sqlstate": "42704", "message": "%4294967295%"}',
  'a role that does not exist is refused');
SELECT raises('SELECT workflow_orch.grant_capability(0::oid::regrole, ''propose'')', '{"sqlstate": "42704"}', 'PUBLIC is no role');

-- Grants by hand count as much, and so does membership.
GRANT USAGE ON SCHEMA workflow_orch TO engine_capability_user;
GRANT EXECUTE ON FUNCTION workflow_orch.whoami, workflow_orch.review_action TO engine_capability_user;
SELECT is(value_as('engine_capability_user', 'SELECT capabilities FROM workflow_orch.whoami()'), '{review}',
  'EXECUTE granted by hand is the capability');
REVOKE EXECUTE ON FUNCTION workflow_orch.whoami, workflow_orch.review_action FROM engine_capability_user;
REVOKE USAGE ON SCHEMA workflow_orch FROM engine_capability_user;
CREATE ROLE engine_capability_team;
SELECT workflow_orch.grant_capability('engine_capability_team', 'review');
GRANT engine_capability_team TO engine_capability_user;
SELECT is(value_as('engine_capability_user', 'SELECT capabilities FROM workflow_orch.whoami()'), '{review}',
  'a member of a role has its capabilities');
SELECT workflow_orch.revoke_capability('engine_capability_user', 'review');
SELECT is(value_as('engine_capability_user', 'SELECT capabilities FROM workflow_orch.whoami()'), '{review}',
  'and keeps them while it is a member');
REVOKE engine_capability_team FROM engine_capability_user;

-- No capability follows from a table privilege.
CREATE FUNCTION app.noop() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('noop()');
SELECT approved('noop') AS one, execute(approved('noop')) ->> 'success' AS done \gset
CREATE ROLE engine_capability_writer LOGIN;
CREATE ROLE engine_capability_all_data LOGIN IN ROLE pg_write_all_data, pg_read_all_data;
GRANT USAGE ON SCHEMA workflow_orch TO engine_capability_writer;
GRANT ALL ON ALL TABLES IN SCHEMA workflow_orch TO engine_capability_writer;
GRANT ALL ON ALL SEQUENCES IN SCHEMA workflow_orch TO engine_capability_writer;
SELECT is(value_as(role, format('SELECT count(*) FROM workflow_orch.%I', name)),
  CASE WHEN name = 'tool' THEN (SELECT count(*)::text FROM workflow_orch.tool) ELSE '0' END, format('%s reads nothing of %s but the list of tools', role, name))
  FROM unnest(ARRAY['engine_capability_writer', 'engine_capability_all_data']) AS role, relations WHERE relkind = 'r' ORDER BY role, name;
SELECT refused_as(role, format(statement, name), '{"sqlstate": "42501"}', format('%s is refused for %s', format(statement, name), role))
  FROM unnest(ARRAY['engine_capability_writer', 'engine_capability_all_data']) AS role, relations,
       unnest(ARRAY['INSERT INTO workflow_orch.%I DEFAULT VALUES', 'INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT * FROM workflow_orch.%1$I UNION ALL SELECT (NULL::workflow_orch.%1$I).*']) AS statement
 WHERE relkind = 'r' ORDER BY role, name;
SELECT refused_as('engine_capability_writer', format('TRUNCATE workflow_orch.%I CASCADE', name), '{"sqlstate": "42501"}',
  'TRUNCATE is refused for who has the privilege on ' || name) FROM relations WHERE relkind = 'r' ORDER BY name;
CREATE FUNCTION t.contents() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(query_to_xml(format('SELECT * FROM workflow_orch.%I x ORDER BY x::text', name), true, true, '')::text, '' ORDER BY name))
    FROM relations WHERE relkind = 'r'
$$;
SELECT contents() AS before \gset
SELECT is(error_as(role, format(statement, name)) ->> 'sqlstate', NULL, format('%s finds nothing for %s', format(statement, name), role))
  FROM unnest(ARRAY['engine_capability_writer', 'engine_capability_all_data']) AS role, relations,
       unnest(ARRAY['DELETE FROM workflow_orch.%I']) AS statement
 WHERE relkind = 'r' AND name <> 'tool' ORDER BY role, name;
SELECT is(contents(), :'before', 'and no row is changed');
CREATE POLICY all_of_it ON workflow_orch.proposal FOR ALL TO engine_capability_writer USING (true) WITH CHECK (true);
SELECT refused_as('engine_capability_writer', statement, '{"sqlstate": "42501", "message": "% on table \"workflow_orch.proposal\" is refused", "hint": "Call the function%"}',
  'even where a row security policy lets it, the guard refuses: ' || statement)
  FROM unnest(ARRAY['UPDATE workflow_orch.proposal SET status_reason = ''x'' WHERE status = ''approved''', 'DELETE FROM workflow_orch.proposal',
                    'INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE SELECT * FROM workflow_orch.proposal']) AS statement;
SELECT refused_as('engine_capability_writer', format('SELECT workflow_orch.execute_action(%s)', :one), '{"sqlstate": "42501", "message": "permission denied%"}',
  'no call follows from privileges on the tables');

\ir include/finish.sql
