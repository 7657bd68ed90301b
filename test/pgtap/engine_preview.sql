-- Previews: what a call would do, run and rolled back.
\set file engine_preview
\ir include/fixture.sql
\ir include/roles.sql

CREATE TABLE app.account (id int PRIMARY KEY, credit int);
CREATE TABLE app.log (at int GENERATED ALWAYS AS IDENTITY, what text);
CREATE TABLE app.part (id int) PARTITION BY RANGE (id);
CREATE TABLE app.part_low PARTITION OF app.part FOR VALUES FROM (0) TO (10);
CREATE TABLE app.part_high PARTITION OF app.part FOR VALUES FROM (10) TO (20);
CREATE TABLE app."Odd name" (id int);
INSERT INTO app.account SELECT n, 100 FROM generate_series(1, 10) n;
INSERT INTO app."Odd name" VALUES (1);
GRANT ALL ON ALL TABLES IN SCHEMA app TO :"tool_role";
GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO :"tool_role";
GRANT CREATE ON SCHEMA app TO :"tool_role";
CREATE FUNCTION app.give(id int, credit int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  UPDATE account a SET credit = a.credit + give.credit WHERE a.id <= give.id;
  DELETE FROM account a WHERE a.id = 10;
  INSERT INTO account VALUES (11, 0), (12, 0);
  INSERT INTO log (what) VALUES ('gave');
  BEGIN
    INSERT INTO log (what) SELECT 'undone' FROM generate_series(1, 50);
    PERFORM 1 / 0;
  EXCEPTION WHEN division_by_zero THEN
  END;
  BEGIN
    INSERT INTO log (what) VALUES ('stands');
  EXCEPTION WHEN division_by_zero THEN
  END;
  RETURN jsonb_build_object('proposal', current_setting('workflow_orch.proposal_id'), 'execution', current_setting('workflow_orch.execution_id'),
                            'user', current_user, 'actor', current_setting('workflow_orch.actor'));
END
$$;

-- Registers a plpgsql body as a tool without arguments, to be previewed.
CREATE PROCEDURE t.made(name text, body text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE FUNCTION app.%I() RETURNS text LANGUAGE plpgsql AS %L', name, format('BEGIN %s; RETURN ''done''; END', body));
  PERFORM workflow_orch.register_tool(name, format('app.%I()', name)::regprocedure, tool_role(), preview => true);
END
$$;
CREATE FUNCTION t.preview(proposal bigint, actor bigint DEFAULT bob()) RETURNS jsonb LANGUAGE sql RETURN workflow_orch.preview_action(proposal, actor);
CREATE FUNCTION t.tables(preview jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s%s +%s ~%s -%s%s', e ->> 'table', ' in ' || (e ->> 'partitions'), e ->> 'inserted', e ->> 'updated', e ->> 'deleted',
                           CASE WHEN (e -> 'truncated')::boolean THEN ' truncated' END), ', ' ORDER BY i)
    FROM jsonb_array_elements(preview -> 'tables') WITH ORDINALITY AS x(e, i)
$$;
CREATE FUNCTION t.app_contents() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(query_to_xml(format('SELECT * FROM app.%I x ORDER BY x::text', relname), true, true, '')::text, '' ORDER BY relname)
    FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')
$$;

SELECT workflow_orch.register_tool('give', 'give(int,int)', tool_role(), preview => true);
SELECT propose('give', '{"id": 3, "credit": 5}') AS p \gset
SELECT app_contents() AS before \gset

-- What it shows.
SELECT preview(:p) AS seen \gset
SELECT is(:'seen'::jsonb - '{output,tables,previewed_at,duration_ms}'::text[],
  jsonb_build_object('preview_id', (SELECT max(preview_id) FROM workflow_orch.preview), 'proposal_id', :p, 'revision', 1, 'success', true, 'tool', 'give',
                     'params', '{"id": 3, "credit": 5}'::jsonb, 'rows_changed', 8, 'catalogs_changed', false), 'a preview says what ran, and that it went well');
SELECT is(:'seen'::jsonb -> 'output', jsonb_build_object('proposal', :'p', 'execution', '', 'user', :'tool_role', 'actor', 'bob'),
  'it shows what the tool returned, which ran as its role and is told that this is no execution');
SELECT is(tables(:'seen'), 'app.account +2 ~3 -1, app.log +2 ~0 -0', 'and the rows inserted, updated and deleted, without those that the tool itself has undone');
SELECT cmp_ok((:'seen'::jsonb ->> 'duration_ms')::numeric, '>', 0::numeric, 'and how long it took');
SELECT is((:'seen'::jsonb ->> 'previewed_at')::timestamptz BETWEEN transaction_timestamp() AND clock_timestamp(), true, 'and when');
SELECT is(app_contents(), :'before', 'nothing of it stays');
SELECT is(status(:p), 'pending', 'nor does the proposal change');
SELECT is((SELECT count(*) FROM workflow_orch.execution), 0::bigint, 'nor is it an execution');
SELECT is(tables(preview(:p, :cyd)), 'app.account +2 ~3 -1, app.log +2 ~0 -0', 'the next preview shows the same, not the sum of both');
UPDATE app.account SET credit = 0;
SELECT is(tables(preview(:p)), 'app.account +2 ~3 -1, app.log +2 ~0 -0', 'what the caller has changed in the same transaction is not counted');
UPDATE app.account SET credit = 100;
SELECT is((SELECT to_jsonb(x) - 'previewed_at' FROM workflow_orch.preview x WHERE preview_id = (:'seen'::jsonb ->> 'preview_id')::bigint),
  jsonb_build_object('preview_id', :'seen'::jsonb -> 'preview_id', 'proposal_id', :p, 'workflow_id', :workflow, 'revision', 1, 'actor_id', :bob, 'preview', :'seen'::jsonb),
  'what was seen is kept');
SELECT is((SELECT jsonb_build_object('actor', actor_id, 'workflow', workflow_id, 'proposal', proposal_id, 'details', details - 'output_sha256' - 'duration_ms')
             FROM workflow_orch.audit_log WHERE action = 'preview_action' ORDER BY audit_id LIMIT 1),
  jsonb_build_object('actor', :bob, 'workflow', :workflow, 'proposal', :p, 'details', jsonb_build_object('preview_id', :'seen'::jsonb -> 'preview_id', 'revision', 1,
    'success', true, 'tool', 'give', 'rows_changed', 8, 'tables', :'seen'::jsonb -> 'tables', 'catalogs_changed', false)), 'and audited, the output as a hash');

-- Other kinds of changes.
CALL made('parts', 'INSERT INTO part SELECT generate_series(5, 14); UPDATE part SET id = 15 WHERE id = 5');
SELECT is(tables(preview(propose('parts'))), 'app.part in ["app.part_high", "app.part_low"] +11 ~0 -1', 'rows of partitions are shown under the name of their table, which they are partitions of');
CALL made('emptied', 'TRUNCATE account; INSERT INTO account VALUES (1, 1)');
SELECT is(tables(preview(propose('emptied'))), 'app.account +1 ~0 -0 truncated', 'a TRUNCATE is shown');
CALL made('odd', 'UPDATE "Odd name" SET id = 2');
SELECT is(tables(preview(propose('odd'))), 'app."Odd name" +0 ~1 -0', 'tables are named as SQL would have them');
CALL made('ddl', 'CREATE TABLE app.fresh AS SELECT generate_series(1, 7) AS n; DROP TABLE IF EXISTS app.none');
SELECT preview(propose('ddl')) AS seen \gset
SELECT is(:'seen'::jsonb -> 'catalogs_changed', 'true', 'DDL is shown as a change of the catalogs');
SELECT is(tables(:'seen'), 'app.fresh +7 ~0 -0', 'and a new table by its name');
SELECT is(to_regclass('app.fresh'), NULL, 'which is gone');
CALL made('quiet', 'PERFORM 1');
SELECT is(preview(propose('quiet')) -> 'tables', '[]', 'a call that changes nothing shows so');
CALL made('again', 'PERFORM workflow_orch.propose_action(t.workflow(), t.ann(), ''quiet'', ''{}'', ''r'')');
CALL made('noisy', 'NOTIFY workflow_orch_preview; PERFORM set_config(''work_mem'', ''1MB'', false); PERFORM pg_advisory_xact_lock(77)');
SELECT is(preview(propose('noisy')) -> 'success', 'true', 'NOTIFY, settings and locks of a transaction can be previewed');
SELECT isnt(current_setting('work_mem'), '1MB', 'and the setting is undone');
SELECT is_empty('SELECT * FROM pg_locks WHERE locktype = ''advisory'' AND objid = 77 AND objsubid IN (1, 2)', 'and the lock is gone');
CALL made('locks', 'LOCK TABLE account IN ACCESS EXCLUSIVE MODE');
SELECT is(preview(propose('locks')) -> 'success', 'true', 'a table''s lock can be taken');
CALL made('sequences', 'PERFORM nextval(''app.log_at_seq'')');
SELECT last_value AS at FROM app.log_at_seq \gset
SELECT is(preview(propose('sequences')) -> 'success', 'true', 'a sequence may be advanced');
SELECT is((SELECT last_value FROM app.log_at_seq), :at + 1::bigint, 'which is not undone, as the documents say');

-- What a rollback does not undo is refused.
SELECT pg_advisory_lock(99);
CREATE FUNCTION t.refused(name text, body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL made(name, body);
  RETURN is_error(preview(propose(name)) -> 'error', '{"sqlstate": "55000", "message": "function % cannot be called in a call that is rolled back", "hint": "%"}',
                  'in a preview is refused: ' || body);
END
$$;
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', oid::regprocedure, :'tool_role') FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND proname IN ('pg_reload_conf', 'pg_switch_wal', 'pg_create_restore_point', 'pg_promote', 'pg_stat_reset', 'pg_stat_reset_shared', 'pg_stat_reset_single_table_counters', 'pg_rotate_logfile') \gexec
SELECT refused('f' || n, body) FROM unnest(ARRAY[
  'PERFORM pg_advisory_lock(1)', 'PERFORM pg_try_advisory_lock(1, 2)', 'PERFORM pg_advisory_lock_shared(1)', 'PERFORM pg_advisory_unlock(99)', 'PERFORM pg_advisory_unlock_all()',
  'EXECUTE ''SELECT pg_advisory_lock(1)''', 'DECLARE b boolean; BEGIN b := pg_try_advisory_lock(1); END',
  'PERFORM setval(''app.log_at_seq'', 1)', 'PERFORM setval(''app.log_at_seq'', 1, false)', 'PERFORM pg_terminate_backend(0)', 'PERFORM pg_cancel_backend(0)',
  'BEGIN PERFORM pg_advisory_lock(1); END; PERFORM 1', 'PERFORM pg_logical_emit_message(false, ''p'', ''m'')', 'PERFORM pg_create_physical_replication_slot(''engine_preview'')',
  'PERFORM pg_drop_replication_slot(''engine_preview'')', 'PERFORM pg_reload_conf()', 'PERFORM pg_switch_wal()', 'PERFORM pg_create_restore_point(''r'')', 'PERFORM pg_promote()',
  'PERFORM pg_stat_reset()', 'PERFORM pg_stat_reset_shared(''bgwriter'')', 'PERFORM pg_stat_reset_single_table_counters(''app.log''::regclass)', 'PERFORM pg_rotate_logfile()']) WITH ORDINALITY AS v(body, n);
GRANT pg_write_server_files, pg_execute_server_program, pg_read_server_files TO :"tool_role";
CREATE FUNCTION t.refused_copy(name text, body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL made(name, body);
  RETURN is_error(preview(propose(name)) -> 'error', '{"sqlstate": "55000", "message": "COPY cannot write to a file or run a program %", "hint": "%"}', 'in a preview is refused: ' || body);
END
$$;
CREATE FUNCTION app.copy_out() RETURNS void LANGUAGE plpgsql AS $$BEGIN COPY (SELECT 1) TO '/tmp/engine_preview'; END$$;
SELECT refused_copy('c' || n, body) FROM unnest(ARRAY[
  'COPY account TO ''/tmp/engine_preview''', 'COPY account TO PROGRAM ''cat >/tmp/engine_preview''', 'COPY account FROM PROGRAM ''touch /tmp/engine_preview''',
  'EXECUTE ''DO $x$ BEGIN COPY (SELECT 1) TO ''''/tmp/engine_preview''''; END $x$''', 'PERFORM copy_out()']) WITH ORDINALITY AS v(body, n);
SELECT is(pg_stat_file('/tmp/engine_preview', true), NULL, 'and leaves no file');
CALL made('load', 'COPY log (what) FROM ''/dev/null''');
SELECT is(preview(propose('load')) -> 'success', 'true', 'a file may be read');
REVOKE pg_write_server_files, pg_execute_server_program, pg_read_server_files FROM :"tool_role";
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND objsubid IN (1, 2) AND pid = pg_backend_pid()), 0::bigint, 'and leaves no lock');
SELECT is(pg_advisory_unlock(99), true, 'a lock of the caller is still there');
SELECT is(run('f8') -> 'success', 'true', 'an execution may set a sequence');
SELECT is(nextval('app.log_at_seq'), 2::bigint, 'as the caller sees');

-- An error in the tool is what the preview shows.
CALL made('broken', 'UPDATE account SET credit = -1; RAISE EXCEPTION ''no'' USING ERRCODE = ''P0042'', DETAIL = ''d''');
SELECT preview(propose('broken')) AS seen \gset
SELECT is(:'seen'::jsonb @> '{"success": false, "error": {"sqlstate": "P0042", "message": "no", "detail": "d"}}', true, 'an error of the tool is shown');
SELECT is(:'seen'::jsonb ?| '{output,tables}', false, 'and nothing else');
CALL made('slow', 'PERFORM pg_sleep(10)');
SELECT workflow_orch.update_tool('slow', timeout => '50 ms');
SELECT is(preview(propose('slow')) #>> '{error,sqlstate}', '57014', 'a preview runs under the tool''s timeout');
CALL made('restless', 'RAISE EXCEPTION ''x'' USING ERRCODE = ''40001''');
SELECT raises('SELECT preview(propose(''restless''))', '{"sqlstate": "40001"}', 'a serialization failure is raised');
CALL made('caller', 'PERFORM workflow_orch.review_action(1, 1, ''approve'')');
SELECT is(preview(propose('caller')) #>> '{error,sqlstate}', '42501', 'in a preview no function of the extension can be called');
CALL made('temporary', 'CREATE TEMP TABLE leftover ()');
SELECT is(preview(propose('temporary')) #>> '{error,sqlstate}', '42501', 'it is confined as an execution is');
CALL made('asker', 'PERFORM workflow_orch.preview_action(1)');
SELECT is(preview(propose('asker')) #>> '{error,sqlstate}', '42501', 'and makes no previews itself');
SELECT is(app_contents(), :'before', 'after all these nothing has changed');

-- Deferred constraints: the call's own are checked, the caller's stay deferred.
CREATE TABLE app.child (id int REFERENCES app.account DEFERRABLE INITIALLY DEFERRED);
GRANT ALL ON app.child TO :"tool_role";
CALL made('orphan', 'INSERT INTO child VALUES (999)');
SELECT is(preview(propose('orphan')) #>> '{error,sqlstate}', '23503', 'a deferred constraint that the call violates is part of the preview');
SAVEPOINT deferred;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO app.child VALUES (13);
SELECT raises(format('SELECT preview(%s)', :p), '{"sqlstate": "23503"}', 'a deferred constraint that the caller violates is an error, as in an execution');
INSERT INTO app.account VALUES (13, 0);
SELECT is(preview(:p) -> 'success', 'true', 'once it holds the preview runs');
DELETE FROM app.account WHERE id = 13;
SELECT is((SELECT count(*) FROM app.child WHERE id = 13), 1::bigint, 'and the constraint is still deferred afterwards');
ROLLBACK TO deferred;

-- Which proposals.
CREATE FUNCTION app.plain() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('plain()');
SELECT raises('SELECT preview(propose(''plain''))', '{"sqlstate": "55000", "message": "calls of tool \"plain\" cannot be previewed", "hint": "%update_tool(%preview => true)%"}',
  'a tool that is not registered for it has no previews');
SELECT workflow_orch.update_tool('plain', preview => true);
SELECT is(preview(propose('plain')) -> 'output', '1', 'update_tool lets it');
SELECT workflow_orch.update_tool('plain', preview => false);
SELECT raises('SELECT preview(propose(''plain''))', '{"sqlstate": "55000"}', 'and not any more');
SELECT workflow_orch.update_tool('plain', preview => true, in_session => false);
SELECT raises('SELECT preview(propose(''plain''))', '{"sqlstate": "55000", "message": "%does not run in a session"}', 'a tool that is kept out of sessions has none');
SELECT workflow_orch.update_tool('plain', in_session => true);
SELECT is(preview(approved('plain')) -> 'success', 'true', 'an approved proposal can be previewed');
SELECT propose('plain') AS changed, propose('plain') AS done, propose('plain') AS kept \gset
SELECT workflow_orch.review_action(:done, :bob, 'reject');
SELECT raises(format('SELECT preview(%s)', :done), '{"sqlstate": "55000", "message": "proposal % is not pending or approved"}', 'a decided one not');
SELECT workflow_orch.set_tool_enabled('plain', false);
SELECT raises(format('SELECT preview(%s)', :kept), '{"sqlstate": "55000", "message": "tool \"plain\" is disabled"}', 'nor one of a disabled tool');
SELECT workflow_orch.set_tool_enabled('plain', true);
SELECT workflow_orch.add_freeze('f', now(), 'infinity', 'plain') AS f \gset
SELECT raises(format('SELECT preview(%s)', :kept), '{"sqlstate": "55000", "message": "tool \"plain\" is frozen"}', 'nor in a freeze');
SELECT workflow_orch.remove_freeze(:f);
CREATE OR REPLACE FUNCTION app.plain() RETURNS int LANGUAGE sql RETURN 2;
SELECT raises(format('SELECT preview(%s)', :changed), '{"sqlstate": "55000", "message": "tool \"plain\" has changed %"}', 'nor once the tool has changed');

-- Who.
SELECT raises(format('SELECT preview(%s, ann())', :p), '{"sqlstate": "42501", "message": "nobody may preview their own proposal %"}', 'nobody previews what they have proposed');
SELECT workflow_orch.register_actor('ann too', 'DBA', person => 'Ann') AS ann_too, workflow_orch.register_actor('robot', 'DBA', kind => 'agent') AS robot \gset
SELECT workflow_orch.update_actor(:ann, person => 'Ann');
SELECT raises(format('SELECT preview(%s, %s)', :p, :ann_too), '{"sqlstate": "42501", "detail": "%same person%"}', 'nor as another actor');
SELECT raises(format('SELECT preview(%s, %s)', :p, :robot), '{"sqlstate": "42501", "detail": "It is of kind agent."}', 'an agent previews no more than it reviews');
SELECT workflow_orch.add_approval_rule('Manager', tool => 'quiet') AS rule, workflow_orch.register_actor('dan', 'DBA') AS dan \gset
SELECT propose('quiet') AS managers \gset
SELECT raises(format('SELECT preview(%s, %s)', :managers, :dan), '{"sqlstate": "42501", "message": "actor % may not preview proposal %", "detail": "The actor has the role \"DBA\". The proposal asks for approvals: 1 by role \"Manager\".", "hint": "_%"}',
  'nobody previews what they have no say in');
SELECT is(preview(:managers, :cyd) -> 'success', 'true', 'who could approve it does');
SELECT workflow_orch.delegate_review(:cyd, :dan, '2099-01-01') AS delegation \gset
SELECT is(preview(:managers, :dan) -> 'success', 'true', 'and their delegate');
SELECT workflow_orch.end_delegation(:delegation);
SELECT workflow_orch.remove_approval_rule(:rule);
SELECT workflow_orch.add_approval_rule('DBA', tool => 'quiet') AS first, workflow_orch.add_approval_rule('Manager', tool => 'quiet', stage => 2) AS second \gset
SELECT is(preview(propose('quiet'), :cyd) -> 'success', 'true', 'in whichever stage');
SELECT workflow_orch.remove_approval_rule(r) FROM unnest(ARRAY[:first, :second]::bigint[]) AS r;
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'quiet') AS rule \gset
SELECT is(preview(propose('quiet'), :dan) -> 'success', 'true', 'what needs nobody''s approval is previewed by any reviewer');
SELECT workflow_orch.remove_approval_rule(:rule);
SELECT is(workflow_orch.preview_action(:p) -> 'success', 'true', 'a gateway may preview for nobody in particular');
CREATE ROLE engine_preview_one LOGIN;
CREATE ROLE engine_preview_two LOGIN;
SELECT workflow_orch.grant_capability(r, c) FROM unnest(ARRAY['engine_preview_one', 'engine_preview_two']::regrole[]) AS r, unnest(ARRAY['propose', 'review']) AS c;
SELECT refused_as('engine_preview_one', format('SELECT workflow_orch.preview_action(%s)', :p), '{"sqlstate": "22023", "message": "%\"actor_id\"%"}',
  'others preview as somebody');
SELECT workflow_orch.register_actor('one', 'DBA', 'engine_preview_one') AS one \gset
SELECT works_as('engine_preview_one', format('SELECT workflow_orch.preview_action(%s)', :p), 'a reviewer previews as the actor of their role');
SELECT refused_as('engine_preview_one', format('SELECT workflow_orch.preview_action(%s, %s)', :p, :bob), '{"sqlstate": "42501", "message": "%may not act for actor%"}',
  'and as nobody else');
SELECT workflow_orch.revoke_capability('engine_preview_two', 'review');
SELECT refused_as('engine_preview_two', format('SELECT workflow_orch.preview_action(%s)', :p), '{"sqlstate": "42501", "message": "permission denied%"}',
  'without the capability review there is no preview');
SELECT refused_as('engine_preview_two', 'SELECT * FROM workflow_orch.preview', '{"sqlstate": "42501"}', 'a proposer does not read what others have seen');
SELECT is(value_as('engine_preview_one', 'SELECT count(*) > 0 FROM workflow_orch.preview'), 'true', 'a reviewer does');

-- Attached to a review.
SELECT (preview(:p) ->> 'preview_id')::bigint AS v, (preview(:p, :cyd) ->> 'preview_id')::bigint AS cyds,
       (preview(propose('give', '{"id": 1, "credit": 1}')) ->> 'preview_id')::bigint AS others, (workflow_orch.preview_action(:p) ->> 'preview_id')::bigint AS nobodys \gset
CREATE FUNCTION t.approve_with(proposal bigint, preview bigint) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT workflow_orch.review_action(%s, bob(), ''approve'', expected_revision => %s, preview_id => %s)', proposal,
                (SELECT revision FROM workflow_orch.proposal p WHERE p.proposal_id = approve_with.proposal), preview)
$$;
SELECT raises(approve_with(:p, 0), '{"sqlstate": "42704", "message": "preview 0 does not exist"}', 'a preview that does not exist is not attached');
SELECT raises(approve_with(:p, :others), '{"sqlstate": "55000", "detail": "It shows revision 1 of proposal %"}', 'nor one of another proposal');
SELECT raises(approve_with(:p, :cyds), '{"sqlstate": "42501", "message": "preview % was not made by actor %"}', 'nor one of another reviewer');
SELECT raises(approve_with(:p, :nobodys), '{"sqlstate": "42501"}', 'nor nobody''s');
SELECT status FROM workflow_orch.review_action(:p, :cyd, 'edit', '{"credit": 6}', preview_id => :cyds) \gset
SELECT is((SELECT preview_id FROM workflow_orch.review WHERE proposal_id = :p), :cyds::bigint, 'an edit has the preview that it started from');
SELECT is((SELECT (details ->> 'preview_id')::bigint FROM workflow_orch.audit_log WHERE action = 'review_action' ORDER BY audit_id DESC LIMIT 1), :cyds::bigint, 'and so has its audit row');
SELECT propose('quiet') AS q \gset
SELECT (preview(:q) ->> 'preview_id')::bigint AS v \gset
SELECT lives_ok(approve_with(:q, :v), 'a review takes a preview with it');
SELECT is((SELECT row(preview_id, decision)::text FROM workflow_orch.review WHERE proposal_id = :q), format('(%s,approve)', :v), 'what the reviewer saw stands with the decision');
SELECT propose('give', '{"id": 3, "credit": 5}') AS r \gset
SELECT workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT (preview(:r) ->> 'preview_id')::bigint AS v \gset
SELECT workflow_orch.review_action(:r, :cyd, 'edit', '{"credit": 7}') \g /dev/null
SELECT raises(approve_with(:r, :v), '{"sqlstate": "55000", "message": "preview % does not show revision 2 of proposal %"}', 'a preview of an earlier revision is not attached');

-- Dry runs that run.
SELECT raises('SELECT workflow_orch.update_tool(''parts'', dry_run_mode => ''rollback'', preview => false)', '{"sqlstate": "22023", "message": "dry_run_mode rollback requires preview"}',
  'a dry run runs no tool that must not be previewed');
SELECT workflow_orch.update_tool('parts', dry_run_mode => 'rollback');
SELECT raises('SELECT workflow_orch.update_tool(''parts'', preview => false)', '{"sqlstate": "22023"}', 'nor does it stay so');
SELECT raises('SELECT workflow_orch.register_tool(''x'', ''plain()'', tool_role(), dry_run_mode => ''rollback'')', '{"sqlstate": "22023"}', 'nor is it registered so');
SELECT raises('SELECT workflow_orch.register_tool(''x'', ''plain()'', tool_role(), dry_run_mode => ''never'')', '{"sqlstate": "22023", "hint": "Modes are describe, rollback."}', 'an unknown mode is refused');
SELECT workflow_orch.set_policy(dry_run => true, edit_needs_approval => false) \g /dev/null
SELECT approved('parts') AS d \gset
SELECT execute(:d) AS r \gset
SELECT is(:'r'::jsonb @> '{"success": true, "dry_run": true, "output": "done"}' AND :'r'::jsonb ->> 'message' LIKE '[DRY RUN] Would execute parts with params: %', true,
  'with dry_run_mode rollback a dry run shows what the tool returned');
SELECT is(tables(:'r'), 'app.part in ["app.part_high", "app.part_low"] +11 ~0 -1', 'and what it changed');
SELECT is((SELECT count(*) FROM app.part), 0::bigint, 'and undoes it');
SELECT is(status(:d), 'approved', 'the proposal stays approved');
SELECT workflow_orch.update_tool('c5', dry_run_mode => 'rollback');
SELECT is(execute(approved('c5')) #>> '{error,sqlstate}', '55000', 'what a rollback does not undo is refused in it, too');
SELECT workflow_orch.update_tool('broken', dry_run_mode => 'rollback');
SELECT approved('broken') AS b \gset
SELECT is(execute(:b) @> '{"success": false, "dry_run": true, "error": {"sqlstate": "P0042"}}', true, 'a dry run shows the tool''s error');
SELECT is(status(:b), 'approved', 'which fails no proposal');
SELECT is((SELECT row(status, dry_run)::text FROM workflow_orch.execution WHERE proposal_id = :b), '(failed,t)', 'but the execution');
SELECT is(execute(approved('quiet')) ? 'output', false, 'without it a dry run only describes');
SELECT workflow_orch.set_policy(dry_run => false) \g /dev/null
SELECT is(execute(:d) @> '{"success": true, "dry_run": false, "output": "done"}', true, 'in earnest the call runs');
SELECT is((SELECT count(*) FROM app.part), 10::bigint, 'and stays');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');

\ir include/finish.sql
