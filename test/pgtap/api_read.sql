-- The cost of reading follows from the number of rows that a role can read.
\set file api_read
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE api_read_dev LOGIN;
CREATE ROLE api_read_late LOGIN;
CREATE ROLE api_read_boss LOGIN;
SELECT workflow_orch.grant_capability(r, 'propose') FROM unnest(ARRAY['api_read_dev', 'api_read_late']::regrole[]) AS r;
SELECT workflow_orch.grant_capability('api_read_boss', 'review');
SELECT workflow_orch.register_actor('dev', 'Developer', 'api_read_dev') AS dev, workflow_orch.register_actor('late', 'Developer', 'api_read_late') AS late,
       workflow_orch.register_actor('boss', 'Manager', 'api_read_boss') AS boss \gset
CREATE FUNCTION app.noop(n int DEFAULT 0) RETURNS int LANGUAGE sql RETURN n;
CALL tool('noop(int)');

-- One of dev's with a row in each table, and 20000 of ann's as a restore makes them.
SELECT proposal_id AS own FROM workflow_orch.propose_action(:workflow, :dev, 'noop', '{}', 'r') \gset
SELECT workflow_orch.comment_proposal(:own, :dev, 'a');
SELECT status FROM workflow_orch.review_action(:own, :bob, 'approve') \gset
SELECT workflow_orch.revoke_approval(:own, :bob) \g /dev/null
SELECT workflow_orch.break_glass_execute(:own, :cyd, 'r') \g /dev/null
SELECT approved('noop') AS other \gset
SELECT proposal_id AS queued FROM workflow_orch.propose_action(:workflow, :dev, 'noop', '{}', 'r') \gset
SELECT workflow_orch.review_action(:queued, :bob, 'approve') \g /dev/null
SELECT workflow_orch.enqueue_action(:queued, run_at => '2099-01-01') \g /dev/null
CREATE TABLE t.copies AS
SELECT c.relname AS name, format('INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT %2$s FROM workflow_orch.%1$I t, generate_series(1, 20000) g WHERE t.proposal_id = %3$s AND (to_jsonb(t) ->> ''revision'' IS NULL OR to_jsonb(t) ->> ''revision'' = ''1'') LIMIT 20000',
    c.relname, string_agg(coalesce(own.value, 't.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum), CASE WHEN c.relname = 'queue' THEN :queued WHEN c.relname = 'proposal' THEN :other ELSE :own END) AS command
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN (VALUES ('proposal_id', '1000000 + g'), ('review_id', '1000000 + g'), ('execution_id', '1000000 + g'), ('comment_id', '1000000 + g'),
               ('actor_id', :'ann'), ('proposed_by', :'ann')) AS own(name, value) ON own.name = a.attname
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind = 'r'
   AND c.relname IN ('proposal', 'proposal_revision', 'proposal_comment', 'review', 'revocation', 'execution', 'queue', 'break_glass')
 GROUP BY c.relname;
SELECT command FROM copies \gexec
SELECT format('ANALYZE workflow_orch.%I', name) FROM copies \gexec
SELECT is((SELECT count(*) FROM copies), 8::bigint, 'eight tables hold rows of proposals');

CREATE FUNCTION t.blocks(plan jsonb) RETURNS int LANGUAGE sql RETURN (plan -> 'Shared Hit Blocks')::int + (plan -> 'Shared Read Blocks')::int;
CREATE FUNCTION t.cost(plan jsonb) RETURNS float LANGUAGE sql RETURN (plan -> 'Total Cost')::float;

SELECT cmp_ok(blocks(plan_as('api_read_dev', format('SELECT * FROM workflow_orch.%I', name))), '<', 100, format('a proposer reads their own rows of %s and no others', name)) FROM copies;
SELECT cmp_ok(blocks(plan_as('api_read_dev', format('SELECT * FROM workflow_orch.%I WHERE proposal_id = %s', name, :own))), '<', 40, format('and one of %s by its proposal', name))
  FROM copies WHERE name <> 'break_glass';
SELECT cmp_ok((plan_as('api_read_dev', format('SELECT * FROM workflow_orch.%I', name)) -> 'Plan Rows')::int, '<', 30, format('of which the planner knows how few there are in %s', name)) FROM copies;
SELECT is(value_as('api_read_dev', format('SELECT count(*) FROM workflow_orch.%I', name)), value_as('postgres', format('SELECT count(*) FROM workflow_orch.%I WHERE proposal_id IN (%s, %s)', name, :own, :queued)), format('all of which they have in %s', name)) FROM copies;
SELECT cmp_ok(blocks(plan_as('api_read_dev', format('SELECT * FROM workflow_orch.review_history WHERE proposal_id = %s', :own))), '<', 100, 'the history of one proposal is read by its id');
SELECT cmp_ok(cost(plan_as('api_read_boss', format('SELECT count(*) FROM workflow_orch.%I', name))) / cost(plan_as('postgres', format('SELECT count(*) FROM workflow_orch.%I', name))), '<', 1.3::float,
  format('who reads all of %s pays next to nothing for the policy', name)) FROM copies;
SELECT cmp_ok(cost(plan_as(login, 'SELECT * FROM workflow_orch.' || name || ' ORDER BY workflow_id DESC LIMIT 20')), '<', current_setting('jit_above_cost')::float, format('%s is no query that would be compiled for %s', name, login))
  FROM unnest(ARRAY['proposal_progress', 'workflow_summary', 'review_history']) AS name, unnest(ARRAY['api_read_boss', 'api_read_dev']) AS login;
SELECT cmp_ok(cost(plan_as('api_read_boss', 'SELECT * FROM workflow_orch.pending_review')), '<', current_setting('jit_above_cost')::float / 2, 'nor is pending_review');

-- A parallel query, and a plan that outlives what the planner was told.
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(value_as('api_read_boss', 'SELECT count(*) FROM workflow_orch.execution'), (SELECT count(*)::text FROM workflow_orch.execution), 'a parallel query reads all');
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(value_as('api_read_dev', 'SELECT count(*) FROM workflow_orch.review'), '2', 'or what is one''s own');
RESET enable_indexscan;
RESET enable_bitmapscan;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL SESSION AUTHORIZATION api_read_late;
PREPARE reviews AS SELECT count(*) AS n FROM workflow_orch.review;
EXECUTE reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 0, 'who has proposed nothing reads no review');
GRANT EXECUTE ON FUNCTION workflow_orch.review_action TO api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
EXECUTE reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT cmp_ok(:n, '>', 20000, 'who is granted a capability reads all, by the same statement');
REVOKE EXECUTE ON FUNCTION workflow_orch.review_action FROM api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
EXECUTE reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 0, 'and nothing when it is revoked');
GRANT api_read_boss TO api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
PREPARE all_reviews AS SELECT count(*) AS n FROM workflow_orch.review;
EXECUTE all_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT cmp_ok(:n, '>', 20000, 'a member of a reviewing role reads all');
REVOKE api_read_boss FROM api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
EXECUTE all_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 0, 'and not after it has lost it');
GRANT api_read_dev TO api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
PREPARE own_reviews AS SELECT count(*) AS n FROM workflow_orch.review;
EXECUTE own_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 2, 'a member of the proposer''s role reads what the proposer does');
SELECT workflow_orch.register_actor('dev too', 'Developer', 'api_read_late') AS dev_too \gset
SET LOCAL SESSION AUTHORIZATION api_read_late;
EXECUTE own_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 2, 'beside what is their own');
REVOKE api_read_dev FROM api_read_late;
SET LOCAL SESSION AUTHORIZATION api_read_late;
EXECUTE own_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 0, 'and only as long');
SET LOCAL SESSION AUTHORIZATION api_read_dev;
PREPARE devs_reviews AS SELECT count(*) AS n FROM workflow_orch.review;
EXECUTE devs_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 2, 'a proposer reads their own');
SELECT workflow_orch.update_actor(:dev, db_role => 'api_read_late');
SET LOCAL SESSION AUTHORIZATION api_read_dev;
EXECUTE devs_reviews \gset
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is(:n, 0, 'until the actor is bound to another role');
SELECT is(value_as('api_read_late', 'SELECT count(*) FROM workflow_orch.review'), '2', 'which reads it from then on');

\ir include/finish.sql
