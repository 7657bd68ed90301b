-- Which rows a role reads, by its capabilities.
\set file sql_privileges
\ir include/fixture.sql
\ir include/roles.sql

CREATE ROLE sql_privileges_one LOGIN;
CREATE ROLE sql_privileges_two LOGIN;
SELECT workflow_orch.grant_capability(r, 'propose') FROM unnest(ARRAY['sql_privileges_one', 'sql_privileges_two']::regrole[]) AS r;
SELECT workflow_orch.register_actor('One', 'Developer', 'sql_privileges_one') AS one,
       workflow_orch.register_actor('Two', 'Developer', 'sql_privileges_two') AS two \gset
CREATE FUNCTION app.noop(n int DEFAULT 0) RETURNS int LANGUAGE sql RETURN n;
CALL tool('noop(int)');

-- One and Two have a workflow each; Two proposes in both, and One's call has run.
SELECT value_as('sql_privileges_one', 'SELECT workflow_orch.start_workflow(''One''''s'')') AS wf_one,
       value_as('sql_privileges_two', 'SELECT workflow_orch.start_workflow(''Two''''s'')') AS wf_two \gset
SELECT value_as('sql_privileges_one', format($$SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, 'noop', '{}', 'a')$$, :wf_one)) AS p_one,
       value_as('sql_privileges_two', format($$SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, 'noop', '{}', 'b')$$, :wf_two)) AS p_two,
       value_as('sql_privileges_two', format($$SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, 'noop', '{}', 'c')$$, :wf_one)) AS p_guest \gset
SELECT status FROM workflow_orch.review_action(:p_one, bob(), 'edit', '{"n": 1}');
SELECT status FROM workflow_orch.review_action(:p_two, bob(), 'approve');
SELECT execution_id FROM workflow_orch.execute_action(:p_one, bob()) \gset
SELECT execution_id FROM workflow_orch.execute_action(:p_two, bob()) \gset
SELECT workflow_orch.comment_proposal(:p_one, bob(), 'a'), workflow_orch.comment_proposal(:p_two, bob(), 'b');
SELECT workflow_orch.set_policy(dry_run => false);

SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' AND NOT relrowsecurity$$,
  'every table has row security');

CREATE FUNCTION t.count_as(role text, name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN value_as(role, format('SELECT count(*) FROM workflow_orch.%I', name));
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'denied';
END
$$;

-- The proposer reads what is their own.
SELECT is(count_as('sql_privileges_one', name), expected, format('a proposer reads of %s: %s', name, expected))
  FROM (VALUES ('actor', '1'), ('workflow', '1'), ('proposal', '1'), ('proposal_revision', '2'), ('proposal_comment', '1'), ('review', '1'), ('execution', '1'),
               ('tool', (SELECT count(*)::text FROM workflow_orch.tool)), ('tool_definition', 'denied'), ('policy', 'denied'), ('freeze_window', 'denied'), ('preview', 'denied'), ('break_glass', '0'), ('audit_log', 'denied')) AS v(name, expected);
SELECT is(value_as('sql_privileges_one', 'SELECT array_agg(proposal_id) FROM workflow_orch.proposal'), format('{%s}', :p_one),
  'a proposer does not read what others propose, in their own workflow either');
SELECT is(value_as('sql_privileges_two', 'SELECT array_agg(proposal_id ORDER BY proposal_id) FROM workflow_orch.proposal'), format('{%s,%s}', :p_two, :p_guest),
  'a proposer reads their own proposals in somebody else''s workflow');
SELECT is(value_as('sql_privileges_two', 'SELECT array_agg(workflow_id) FROM workflow_orch.workflow'), format('{%s}', :wf_two),
  'but not that workflow');
SELECT isnt(value_as('sql_privileges_one', format('SELECT count(*) FROM workflow_orch.get_audit_log(%s)', :wf_one)), '0',
  'who started a workflow reads its audit log');
SELECT refused_as('sql_privileges_one', 'SELECT workflow_orch.get_audit_log(NULL)', '{"sqlstate": "42501", "reason": "wfo_not_yours"}', 'nor what belongs to no workflow');
SELECT refused_as('sql_privileges_one', format('SELECT workflow_orch.get_audit_log(%s)', :wf_two),
  format('{"sqlstate": "42501", "message": "the audit log of workflow %s is not yours to read", "hint": "%%audit%%"}', :wf_two)::jsonb,
  'who did not start it does not');
CREATE FUNCTION app.peek(title text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
  IF title = 'Two''s' THEN RAISE 'seen'; END IF;
  RETURN true;
END
$$;
SELECT works_as('sql_privileges_one', 'SELECT FROM workflow_orch.workflow WHERE app.peek(title)',
  'a function in a query sees no more rows than the query');

-- Members and roles that are not the same any more.
CREATE ROLE sql_privileges_member LOGIN IN ROLE sql_privileges_one;
SELECT is(count_as('sql_privileges_member', 'proposal'), '1', 'a member of a role reads what the role''s actor has');
ALTER ROLE sql_privileges_one RENAME TO sql_privileges_uno;
SELECT is(count_as('sql_privileges_uno', 'proposal'), '1', 'and a role that was renamed, too');
ALTER ROLE sql_privileges_uno RENAME TO sql_privileges_one;

-- The others.
CREATE ROLE sql_privileges_reader LOGIN;
CREATE FUNCTION t.each_capability() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  c text;
  r record;
  wanted text;
BEGIN
  FOREACH c IN ARRAY ARRAY['review', 'execute', 'audit', 'administer', 'gateway'] LOOP
    PERFORM workflow_orch.grant_capability('sql_privileges_reader', c);
    FOR r IN SELECT relname AS name FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
      EXECUTE format('SELECT count(*) FROM workflow_orch.%I', r.name) INTO wanted;
      IF c = 'gateway' OR ((r.name LIKE 'audit%' OR r.name IN ('redaction', 'purged_leaf', 'purged_key')) AND c IN ('review', 'execute')) THEN
        wanted := 'denied';
      END IF;
      RETURN NEXT is(count_as('sql_privileges_reader', r.name), wanted, format('%s reads of %s: %s', c, r.name, wanted));
    END LOOP;
    RETURN NEXT is(error_as('sql_privileges_reader', 'SELECT workflow_orch.get_audit_log(workflow())') ->> 'sqlstate',
                   CASE WHEN c IN ('audit', 'administer') THEN NULL ELSE '42501' END,
                   format('%s %s any workflow''s audit log', c, CASE WHEN c IN ('audit', 'administer') THEN 'reads' ELSE 'does not read' END));
    PERFORM workflow_orch.revoke_capability('sql_privileges_reader', c);
  END LOOP;
END
$$;
SELECT each_capability();

SELECT workflow_orch.grant_capability('sql_privileges_reader', c) FROM unnest(ARRAY['propose', 'gateway']) AS c;
SELECT is(count_as('sql_privileges_reader', 'proposal'), (SELECT count(*)::text FROM workflow_orch.proposal),
  'a gateway that proposes reads every proposal: it acts for all');
SELECT is(count_as('sql_privileges_reader', 'audit_log'), 'denied', 'but not the audit log');

\ir include/finish.sql
