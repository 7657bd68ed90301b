-- The guard: writes that it refuses to everyone, superusers included.
\set file engine_guard
\set without_sealer
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.div(n int) RETURNS int LANGUAGE sql RETURN 1 / n;
CALL tool('div(int)');
SELECT workflow_orch.add_freeze('far off', '2099-01-01', '2099-01-02');
SELECT workflow_orch.enqueue_action(approved('div', '{"n": 1}'), run_at => '2099-01-03') \g /dev/null
SELECT workflow_orch.update_tool('div', preview => true) \g /dev/null
SELECT workflow_orch.preview_action(propose('div', '{"n": 1}'), :bob) \g /dev/null
SELECT workflow_orch.comment_proposal(min(proposal_id), :bob, 'c') FROM workflow_orch.proposal \g /dev/null
INSERT INTO workflow_orch.cancel_request (execution_id, proposal_id, workflow_id, requested_at, login)
  SELECT execution_id, proposal_id, workflow_id, now(), 'x' FROM workflow_orch.execution LIMIT 1;
\ir include/sealed.sql
SELECT workflow_orch.record_anchor(workflow_orch.audit_checkpoint(), 'x', 'x') \g /dev/null
INSERT INTO workflow_orch.audit_tile (level, tile, root, hashes, sealed_at)
  SELECT 7, 0, sha256('root'), decode(repeat('00', 8192), 'hex'), now();
INSERT INTO workflow_orch.workflow_hold (workflow_id, held_at, reason) VALUES (:workflow, now(), 'r');
INSERT INTO workflow_orch.redaction (audit_id, leaf_group, hash, object, object_id, redacted_at, trail)
  SELECT min(audit_id), 'who', sha256('who'), 'actor', :ann, now(), max(audit_id) FROM workflow_orch.audit_log;
INSERT INTO workflow_orch.audit_purge (purged_at, ended_before, workflows, proposals, leaves, leaves_sha256, trail)
  SELECT now(), now(), 1, 1, 1, sha256('leaves'), max(audit_id) FROM workflow_orch.audit_log;
INSERT INTO workflow_orch.purged_leaf SELECT 7, 7, max(purge_id) FROM workflow_orch.audit_purge;
INSERT INTO workflow_orch.purged_key SELECT sha256('key'), max(purge_id) FROM workflow_orch.audit_purge;
SET LOCAL client_min_messages = error;
SELECT workflow_orch.break_glass_execute(propose('div', '{"n": 1}'), :bob, 'r') \g /dev/null
RESET client_min_messages;

-- A proposal in each status, and a workflow and an execution likewise, by the
-- calls as far as they reach, by INSERT as a restore does for the rest.
CREATE TABLE t.proposals (status text PRIMARY KEY, id bigint NOT NULL);
CREATE PROCEDURE t.keep(status text, id bigint) LANGUAGE sql AS 'INSERT INTO t.proposals VALUES (status, id)';
CREATE FUNCTION t.expired() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
BEGIN
  PERFORM workflow_orch.set_policy(proposal_ttl => '1 microsecond');
  id := propose('div', '{"n": 1}');
  PERFORM workflow_orch.set_policy(proposal_ttl => '0');
  PERFORM pg_sleep(0.001);
  PERFORM workflow_orch.expire_proposals();
  RETURN id;
END
$$;
CREATE FUNCTION t.cancelled() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  w bigint := workflow_orch.start_workflow('to be cancelled', ann());
  id bigint := (workflow_orch.propose_action(w, ann(), 'div', '{"n": 1}', 'r')).proposal_id;
BEGIN
  PERFORM workflow_orch.cancel_workflow(w, ann());
  RETURN id;
END
$$;
CREATE FUNCTION t.ran(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := approved('div', jsonb_build_object('n', n));
BEGIN
  PERFORM execute(id);
  RETURN id;
END
$$;
CREATE FUNCTION t.decided(decision text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := propose('div', '{"n": 1}');
BEGIN
  PERFORM workflow_orch.review_action(id, bob(), decision);
  RETURN id;
END
$$;
CREATE FUNCTION t.withdrawn() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  id bigint := propose('div', '{"n": 1}');
BEGIN
  PERFORM workflow_orch.withdraw_proposal(id, ann());
  RETURN id;
END
$$;
CALL keep('pending', propose('div', '{"n": 1}'));
CALL keep('approved', decided('approve'));
CALL keep('rejected', decided('reject'));
CALL keep('withdrawn', withdrawn());
CALL keep('expired', expired());
CALL keep('executed', ran(1));
CALL keep('failed', ran(0));
CALL keep('cancelled', cancelled());
SELECT is((SELECT array_agg(p.status::text ORDER BY p.status) FROM proposals k JOIN workflow_orch.proposal p ON p.proposal_id = k.id AND p.status::text = k.status),
  enum_range(NULL::workflow_orch.proposal_status)::text[], 'the calls reach every status of a proposal');

CREATE TABLE t.workflows (status text PRIMARY KEY, id bigint NOT NULL);
INSERT INTO t.workflows SELECT 'active', workflow_orch.start_workflow('a', ann());
INSERT INTO t.workflows SELECT 'completed', w FROM workflow_orch.start_workflow('b', ann()) w, workflow_orch.complete_workflow(w, ann());
INSERT INTO t.workflows SELECT 'cancelled', w FROM workflow_orch.start_workflow('c', ann()) w, workflow_orch.cancel_workflow(w, ann());
SELECT is((SELECT array_agg(w.status::text ORDER BY w.status) FROM workflows k JOIN workflow_orch.workflow w ON w.workflow_id = k.id AND w.status::text = k.status),
  enum_range(NULL::workflow_orch.workflow_status)::text[], 'the calls reach every status of a workflow');

-- Executions are only succeeded and failed so far; a restore may bring the rest.
CREATE TABLE t.executions (status text PRIMARY KEY, id bigint NOT NULL);
WITH new AS (
  INSERT INTO workflow_orch.execution (proposal_id, workflow_id, revision, status, dry_run, attempt)
  SELECT (SELECT id FROM proposals WHERE status = 'failed'), workflow(), 1, s, false, 1
    FROM unnest(enum_range(NULL::workflow_orch.execution_status)) s
  RETURNING status, execution_id)
INSERT INTO t.executions SELECT * FROM new;

-- Every pair of statuses, by a superuser's own UPDATE.
CREATE FUNCTION t.each_pair(object text, known regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  p record;
  e jsonb;
  legal boolean;
BEGIN
  FOR p IN EXECUTE format('SELECT k.status AS old, k.id, s::text AS new FROM %s k, unnest(enum_range(NULL::workflow_orch.%I)) s ORDER BY 2, 3',
                          known, object || '_status') LOOP
    CONTINUE WHEN p.old = p.new;
    legal := EXISTS (SELECT FROM workflow_orch.transitions() x WHERE x.object = each_pair.object AND from_status = p.old AND to_status = p.new);
    e := error_of(format('UPDATE workflow_orch.%I SET status = %L WHERE %I = %s', object, p.new, object || '_id', p.id));
    IF legal THEN
      RETURN NEXT is_error(e, '{"sqlstate": "42501", "hint": "%Call the function%"}',
        format('%s: %s to %s is a call''s to make, not an UPDATE''s', object, p.old, p.new));
    ELSE
      RETURN NEXT is_error(e, jsonb_build_object('sqlstate', '55000', 'message', format('%s %s cannot go from %s to %s', object, p.id, p.old, p.new), 'hint', '%transitions()%'),
        format('%s: %s to %s does not exist', object, p.old, p.new));
    END IF;
  END LOOP;
END
$$;
SELECT each_pair('proposal', 'proposals');
SELECT each_pair('workflow', 'workflows');
SELECT each_pair('execution', 'executions');

-- The table itself, whose edges test/unit/transition.c and public_surface hold to the contract.
SELECT is_empty($$
  WITH RECURSIVE start(object, status) AS (VALUES ('proposal', 'pending'), ('workflow', 'active'), ('execution', 'queued')),
  reached(object, status) AS (
    SELECT * FROM start UNION
    SELECT x.object, x.to_status FROM reached r JOIN workflow_orch.transitions() x ON x.object = r.object AND x.from_status = r.status)
  SELECT 'proposal', s::text FROM unnest(enum_range(NULL::workflow_orch.proposal_status)) s UNION ALL
  SELECT 'workflow', s::text FROM unnest(enum_range(NULL::workflow_orch.workflow_status)) s UNION ALL
  SELECT 'execution', s::text FROM unnest(enum_range(NULL::workflow_orch.execution_status)) s
  EXCEPT SELECT * FROM reached$$, 'transitions() leads to every status');

-- What is final does not change in any other column either.
SELECT raises(format('UPDATE workflow_orch.proposal SET status_reason = ''x'' WHERE proposal_id = %s', id), '{"sqlstate": "55000", "message": "proposal % cannot be changed"}',
  format('a proposal that is %s does not change', status))
  FROM proposals WHERE status IN ('rejected', 'withdrawn', 'expired', 'executed', 'cancelled') ORDER BY status;
SELECT raises(format('UPDATE workflow_orch.execution SET result = ''{}'' WHERE execution_id = %s', id), '{"sqlstate": "55000"}',
  format('an execution that is %s does not change', status)) FROM executions WHERE status IN ('succeeded', 'failed', 'cancelled') ORDER BY status;
SELECT raises(format('UPDATE workflow_orch.workflow SET end_reason = ''x'' WHERE workflow_id = %s', id), '{"sqlstate": "55000"}',
  format('a workflow that is %s does not change', status)) FROM workflows WHERE status <> 'active' ORDER BY status;

-- Every column of every table, by a superuser.
\ir include/standing.sql
SELECT standing('div') AS stands \gset
SELECT workflow_orch.add_approval_rule('DBA', tool => 'div', condition => '$.params.n > 100', description => 'large') AS rule \gset
SELECT workflow_orch.add_approval_rule() AS removed \gset
SELECT workflow_orch.remove_approval_rule(:removed);
SELECT workflow_orch.delegate_review(:bob, :cyd, '2099-01-01') AS delegation, workflow_orch.delegate_review(:bob, :cyd, '2099-01-01') AS ended \gset
SELECT workflow_orch.end_delegation(:ended, :bob);

SELECT approved('div', '{"n": 1}') AS revoked \gset
SELECT workflow_orch.revoke_approval(:revoked, :bob);
SELECT workflow_orch.set_policy(notify => false);
CREATE FUNCTION t.each_column() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  c record;
  e jsonb;
BEGIN
  FOR c IN SELECT relname, attname, attnum FROM pg_class r JOIN pg_attribute a ON attrelid = r.oid
            WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' AND attnum > 0 AND attidentity = '' ORDER BY relname, attnum LOOP
    e := error_of(format('UPDATE workflow_orch.%I SET %2$I = (SELECT %2$I FROM workflow_orch.%1$I WHERE %2$I IS NOT NULL LIMIT 1)', c.relname, c.attname));
    RETURN NEXT ok(e ->> 'sqlstate' IN ('42501', '55000'), format('an UPDATE of %s.%s is refused', c.relname, c.attname));
  END LOOP;
END
$$;
SELECT each_column();
SELECT raises(format('UPDATE workflow_orch.%s', assignment), '{"sqlstate": "55000", "message": "column % cannot be changed"}',
  format('not even the extension could: %s', assignment))
  FROM unnest(ARRAY['proposal SET actor_id = 2 WHERE status = ''pending''', 'proposal SET reason = ''x'' WHERE status = ''pending''',
                    'proposal SET tool = ''x'' WHERE status = ''pending''', 'proposal SET params = ''{"n": 2}'' WHERE status = ''approved''',
                    'proposal SET required_approvals = 0 WHERE status = ''pending''', 'proposal SET definition = ''\x00'' WHERE status = ''approved''',
                    'proposal SET person = ''x'' WHERE status = ''pending''', 'actor SET kind = ''agent''',
                    'workflow SET title = ''x''', 'workflow SET dry_run = true', 'workflow SET actor_id = NULL',
                    'execution SET dry_run = true', 'tool SET tool = ''x''',
                    'approval_rule SET approvals = 0', 'approval_rule SET role = NULL', 'approval_rule SET condition = NULL',
                    'delegation SET to_actor = 1', 'delegation SET ends_at = ''2098-01-01''',
                    'proposal SET requirements = ''[]'' WHERE status = ''pending''', 'proposal SET rule_id = 1 WHERE status = ''pending''']) AS assignment;
SELECT raises('UPDATE workflow_orch.proposal SET revision = revision + 2 WHERE status = ''pending''', '{"sqlstate": "55000", "message": "%from revision 1 to 3"}',
  'revisions follow one another');

-- Nothing is deleted, nothing that is written once is changed.
CREATE FUNCTION t.contents() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(query_to_xml(format('SELECT * FROM workflow_orch.%I x ORDER BY x::text', relname), true, true, '')::text, '' ORDER BY relname))
    FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r'
$$;
SELECT contents() AS before \gset
SELECT raises(format(statement, relname), '{"sqlstate": "42501", "message": "% is refused"}', format(statement, relname) || ' is refused')
  FROM pg_class, unnest(ARRAY['DELETE FROM workflow_orch.%I', 'TRUNCATE workflow_orch.%I CASCADE']) AS statement
 WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' ORDER BY relname, statement;
SELECT raises(format('UPDATE workflow_orch.%I SET %I = DEFAULT', relname, col), '{"sqlstate": "42501"}', format('UPDATE of %s is refused', relname))
  FROM (VALUES ('audit_log', 'query'), ('review', 'comment'), ('proposal_revision', 'person'), ('tool_definition', 'tool')) AS v(relname, col);
CREATE FUNCTION t.under_replica() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL session_replication_role = replica;
  RETURN QUERY SELECT raises(statement, '{"sqlstate": "42501"}', 'session_replication_role = replica does not help: ' || statement)
    FROM unnest(ARRAY['UPDATE workflow_orch.proposal SET status = ''approved'' WHERE status = ''pending''',
                      'DELETE FROM workflow_orch.audit_log', 'TRUNCATE workflow_orch.audit_log',
                      'UPDATE workflow_orch.audit_log SET action = ''nothing''', 'DELETE FROM workflow_orch.review',
                      'UPDATE workflow_orch.tool SET enabled = false']) AS statement;
  SET LOCAL session_replication_role = origin;
END
$$;
SELECT under_replica();
SELECT raises(statement, '{"sqlstate": "42501"}', 'refused as well: ' || statement)
  FROM unnest(ARRAY[
    'WITH gone AS (DELETE FROM workflow_orch.review RETURNING 1) SELECT count(*) FROM gone',
    'WITH done AS (UPDATE workflow_orch.proposal SET status = ''approved'' WHERE status = ''pending'' RETURNING 1) SELECT count(*) FROM done',
    'MERGE INTO workflow_orch.proposal p USING proposals k ON p.proposal_id = k.id AND k.status = ''pending'' WHEN MATCHED THEN UPDATE SET status = ''approved''',
    'MERGE INTO workflow_orch.review r USING proposals k ON r.proposal_id = k.id WHEN MATCHED THEN DELETE',
    'INSERT INTO workflow_orch.tool SELECT * FROM workflow_orch.tool ON CONFLICT (tool) DO UPDATE SET enabled = false',
    'INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE SELECT * FROM workflow_orch.proposal WHERE status = ''pending'' ON CONFLICT (proposal_id) DO UPDATE SET status = ''approved''',
    'DO $x$ DECLARE c CURSOR FOR SELECT * FROM workflow_orch.proposal WHERE status = ''pending'' FOR UPDATE; r record; BEGIN OPEN c; FETCH c INTO r; UPDATE workflow_orch.proposal SET status = ''approved'' WHERE CURRENT OF c; END $x$'
  ]) AS statement;
SELECT lives_ok('CREATE VIEW app.guarded AS SELECT * FROM workflow_orch.proposal', 'a view of a table may be made');
SELECT raises('UPDATE app.guarded SET status = ''approved'' WHERE status = ''pending''', '{"sqlstate": "42501"}', 'and is no way round');
SELECT is(contents(), :'before', 'and not a row is another');

-- Who may insert: a restore by a superuser or the extension's owner, nobody else.
CREATE ROLE engine_guard_writer LOGIN BYPASSRLS IN ROLE pg_write_all_data, pg_read_all_data;
GRANT USAGE ON SCHEMA workflow_orch TO engine_guard_writer;
SELECT refused_as('engine_guard_writer', format('INSERT INTO workflow_orch.%1$I %2$s SELECT * FROM workflow_orch.%1$I', relname,
    CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attidentity <> '') THEN 'OVERRIDING SYSTEM VALUE' END),
  format('{"sqlstate": "42501", "message": "INSERT on table \"workflow_orch.%s\" is refused"}', relname)::jsonb,
  format('pg_write_all_data and BYPASSRLS are not enough to insert into %s', relname))
  FROM pg_class c WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' ORDER BY relname;
SELECT refused_as('engine_guard_writer', statement, '{"sqlstate": "42501"}', 'nor for: ' || statement)
  FROM unnest(ARRAY['UPDATE workflow_orch.proposal SET status = ''approved'' WHERE status = ''pending''', 'DELETE FROM workflow_orch.audit_log',
                    'ALTER TABLE workflow_orch.proposal DISABLE TRIGGER ALL', 'DROP TRIGGER guard_row ON workflow_orch.proposal',
                    'CREATE TRIGGER mine BEFORE UPDATE ON workflow_orch.proposal FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
                    'CREATE RULE mine AS ON UPDATE TO workflow_orch.proposal DO INSTEAD NOTHING', 'CREATE TABLE app.child () INHERITS (workflow_orch.proposal)',
                    'ALTER SEQUENCE workflow_orch.proposal_proposal_id_seq RESTART', 'CREATE FUNCTION workflow_orch.mine() RETURNS int LANGUAGE sql RETURN 1']) AS statement;
GRANT pg_execute_server_program TO engine_guard_writer;
SELECT refused_as('engine_guard_writer', $$COPY workflow_orch.actor (name, role, kind, active, registered_at) FROM PROGRAM 'printf "x\tr\thuman\tt\tnow\n"'$$,
  '{"sqlstate": "42501", "message": "INSERT on table \"workflow_orch.actor\" is refused"}', 'COPY FROM is an insert as another');
SELECT count(*) AS audit_rows FROM workflow_orch.audit_log \gset
SELECT lives_ok('INSERT INTO workflow_orch.actor (name, role, kind, active, registered_at) VALUES (''Restored'', ''r'', ''human'', true, now())',
  'a superuser inserts, as a restore does');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log), :audit_rows::bigint, 'and no audit row is written of it');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log() WHERE proposal_id NOT IN (SELECT id FROM proposals WHERE status = ''failed'') AND finding NOT LIKE ''no audit row tells of cancel_request %''',
  'the audit log agrees with what the calls made');
SELECT isnt_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'and shows what was inserted past it');

-- Columns that somebody has added.
SAVEPOINT wider;
SELECT 'ALTER TABLE workflow_orch.proposal ' || string_agg(format('ADD extra_%s int DEFAULT 7', n), ', ') FROM generate_series(1, 200) n \gexec
SELECT isnt(error_of('UPDATE workflow_orch.proposal SET reason = ''x'''), NULL, 'an UPDATE of a table with many columns more is refused');
SELECT isnt(error_of('UPDATE workflow_orch.proposal SET extra_200 = 1'), NULL, 'so is one of such a column');
ROLLBACK TO wider;

-- The triggers cannot be called, and cover every table.
SELECT raises('SELECT workflow_orch.guard()', '{"message": "%trigger function"}', 'the guard is no function to call');
SELECT is_empty($$SELECT relname FROM pg_class c WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r'
  AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'workflow_orch.guard'::regproc AND tgenabled = 'A') <> 2$$,
  'every table has the guard, always enabled');

SELECT raises(statement, jsonb_build_object('sqlstate', '42501', 'hint', format('Call the function %s instead.', call)), statement || ' is refused with the call in its place')
  FROM (VALUES ('DELETE FROM workflow_orch.actor', 'update_actor(..., active => false)'), ('UPDATE workflow_orch.actor SET active = false', 'update_actor'),
               ('UPDATE workflow_orch.tool SET enabled = NOT enabled', 'update_tool'), ('UPDATE workflow_orch.policy SET dry_run = true', 'set_policy'),
               ('TRUNCATE workflow_orch.queue', 'cancel_execution')) v (statement, call);

\ir include/finish.sql
