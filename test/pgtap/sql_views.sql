-- Reports look up what they show: the blocks that they touch, with 20000
-- finished and 20000 pending proposals.
\set file sql_views
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE sql_views_boss LOGIN;
SELECT workflow_orch.grant_capability('sql_views_boss', c) FROM unnest(ARRAY['review', 'audit']) c;
SELECT workflow_orch.register_actor('boss', 'Manager', 'sql_views_boss') AS boss, workflow_orch.register_actor('rare', 'Manager') AS rare \gset
CREATE FUNCTION app.noop(n int DEFAULT 0) RETURNS int LANGUAGE sql RETURN n;
CALL tool('noop(int)');
SELECT workflow_orch.start_workflow('Large', :ann) AS large, approved('noop') AS done, propose('noop') AS pending, approved('noop') AS approved \gset
SELECT execute(:done) ->> 'success' AS done_ok \gset
SELECT min(w) AS small FROM (SELECT workflow_orch.start_workflow('Small', :rare) AS w FROM generate_series(1, 30)) s \gset
SELECT workflow_orch.start_workflow('Empty', :rare) AS empty \gset
SELECT proposal_id AS open FROM workflow_orch.propose_action(:large, :rare, 'noop', '{"n": 1}', 'r') \gset

-- As a restore makes them: of each model 20000, three quarters in the large workflow.
CREATE TABLE t.models (model bigint, first bigint);
INSERT INTO t.models VALUES (:done, 100000), (:approved, 200000), (:pending, 300000);
SELECT format('INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT %2$s FROM workflow_orch.%1$I t JOIN models m ON m.model = t.proposal_id, generate_series(1, 20000) g',
    c.relname, string_agg(coalesce(own.value, 't.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN (VALUES ('proposal_id', 'm.first + g'), ('review_id', 'm.first + g'), ('execution_id', 'CASE WHEN t.execution_id IS NOT NULL THEN m.first + g END'),
               ('audit_id', 't.audit_id + 10 * (m.first + g)'), ('workflow_id', format('CASE WHEN g <= 15000 THEN %s ELSE %s + (g - 15001) / 167 END', :large, :small)), ('params', 'jsonb_build_object(''n'', g)'),
               ('revised_at', 'now() - (40000 - g) * interval ''1 min'''), ('finished_at', 'now() - (40000 - g) * interval ''1 min'''), ('occurred_at', 'now() - (40000 - g) * interval ''1 min''')) AS own(name, value)
    ON own.name = a.attname
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relname IN ('proposal', 'proposal_revision', 'review', 'execution', 'audit_log')
 GROUP BY c.relname \gexec
ANALYZE workflow_orch.proposal, workflow_orch.proposal_revision, workflow_orch.review, workflow_orch.execution, workflow_orch.audit_log, workflow_orch.workflow;

-- As VACUUM does.
SELECT brin_summarize_new_values(i) FROM unnest(ARRAY['workflow_orch.audit_log_search_idx', 'workflow_orch.execution_finished_at_idx']::regclass[]) i \g /dev/null

-- The blocks that a query of a login touches, planning not counted.
CREATE FUNCTION t.blocks(login text, query text) RETURNS int LANGUAGE sql AS $$
  SELECT (p ->> 'Shared Hit Blocks')::int + (p ->> 'Shared Read Blocks')::int FROM plan_as(login, query) p
$$;
SELECT is((SELECT count(*) FROM workflow_orch.proposal WHERE status = 'pending')::int, 20002, 'there are many');
SELECT cmp_ok(blocks('sql_views_boss', query), '<', most, format('%s touches less than %s blocks', query, most))
  FROM (VALUES ('SELECT * FROM workflow_orch.pending_review LIMIT 20', 1500),
               ('SELECT * FROM workflow_orch.pending_review ORDER BY waiting_since LIMIT 20', 1500),
               (format('SELECT * FROM workflow_orch.pending_review WHERE proposal_id = %s', :open), 150),
               ('SELECT * FROM workflow_orch.workflow_summary ORDER BY workflow_id DESC LIMIT 20', 4000),
               (format('SELECT * FROM workflow_orch.proposal_progress WHERE proposal_id = %s', :open), 100),
               ('SELECT * FROM workflow_orch.list_execution_stats(now() - interval ''1 hour'')', 400),
               (format('SELECT * FROM workflow_orch.audit_log WHERE actor_id = %s', :rare), 50),
               (format('SELECT * FROM workflow_orch.audit_log WHERE actor_id = %s ORDER BY audit_id DESC LIMIT 20', :rare), 50),
               ('SELECT * FROM workflow_orch.audit_log WHERE action = ''register_tool''', 400),
               ('SELECT * FROM workflow_orch.audit_log WHERE occurred_at BETWEEN now() - interval ''30 days'' AND now() - interval ''30 days'' + interval ''1 hour''', 1000)) v(query, most);
SELECT cmp_ok(blocks('postgres', format('SELECT t.error_of($q$SELECT workflow_orch.complete_workflow(%s)$q$)', :large)), '<', 400, 'a workflow that is not complete is refused at once');
SELECT is(error_of(format('SELECT workflow_orch.complete_workflow(%s)', :large)) ->> 'sqlstate', '55000', 'for its open proposals');
CREATE FUNCTION t.raw(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT error_of(format($q$SELECT workflow_orch.execute_parallel('[{"tool": "noop", "params": {"n": %s}}]')$q$, n)) $$;
SELECT cmp_ok(blocks('postgres', 'SELECT raw(7777)'), '<', 400, 'a call by tool and params is found by both');
SELECT is_error(raw(7777), '{"sqlstate": "55000", "message": "the approval of proposal 207777 is not committed yet"}', 'which this transaction has not committed');
SELECT is_error(raw(-1), '{"sqlstate": "55000", "hint": "Approved for tool \"noop\": %, and more."}', 'what is not approved is refused, with the first of what is');

-- The views still say the same.
SELECT is((SELECT row(proposals, pending, approved, executed, expired, break_glass)::text FROM workflow_orch.workflow_summary WHERE workflow_id = :large), '(45001,15001,15000,15000,0,0)', 'a summary counts all');
SELECT is((SELECT row(proposals, pending, last_change_at IS NULL)::text FROM workflow_orch.workflow_summary ORDER BY workflow_id DESC LIMIT 1), '(0,0,t)', 'or nothing');
SELECT is((SELECT array_agg(s.count ORDER BY s.tool) FROM workflow_orch.list_execution_stats(now() - interval '40000 min' + interval '10 min', now() - interval '40000 min' + interval '30 min') s), ARRAY[20]::bigint[], 'executions are counted in a window of time');
SELECT is((SELECT count FROM workflow_orch.list_execution_stats() WHERE tool = 'noop'), (SELECT count FROM workflow_orch.execution_stats WHERE tool = 'noop'), 'or all of them, as the view does');
SELECT is(value_as('sql_views_boss', 'SELECT array_agg(proposal_id) FROM (SELECT proposal_id FROM workflow_orch.pending_review LIMIT 3) p'), '{300001,300002,300003}', 'the inbox begins with what has waited longest');
SELECT set_eq('SELECT proposal_id, stage, role, on_behalf_of, approvable FROM workflow_orch.pending_review', 'SELECT proposal_id, stage, role, on_behalf_of, approvable FROM workflow_orch.list_pending_reviews()', 'and has all that list_pending_reviews has');

\ir include/finish.sql
