-- Indexes and checks that an administrator adds to a table of the extension.
\set file store_table_index
\ir include/fixture.sql

CREATE FUNCTION app.work() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('work()', 'early');
CREATE INDEX tool_idx ON workflow_orch.audit_log ((details ->> 'tool'));
CREATE INDEX of_proposals_idx ON workflow_orch.audit_log (action) WHERE proposal_id IS NOT NULL;
CREATE INDEX status_idx ON workflow_orch.proposal (status);
SELECT isnt(run('early'), NULL, 'calls work with an index on an expression and a partial one');
CALL tool('work()', 'late');
SELECT run('early'), run('late') \g /dev/null
SELECT workflow_orch.start_workflow('Without a proposal') \g /dev/null

-- The number of rows of a condition, by an index and by looking at all.
CREATE FUNCTION t.counts(condition text, index text, name text DEFAULT 'audit_log') RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  query text := format('SELECT count(t) FROM workflow_orch.%I t WHERE %s', name, condition);
  plan json;
  by_all bigint;
  by_index bigint;
BEGIN
  PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_indexonlyscan', 'off', true);
  EXECUTE query INTO by_all;
  PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'off', true);
  EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
  IF position(index IN plan::text) = 0 THEN
    RAISE 'the index % is not used: %', index, plan;
  END IF;
  EXECUTE query INTO by_index;
  PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexonlyscan', 'on', true);
  RETURN ARRAY[by_index, by_all];
END
$$;
SELECT is(counts($$details ->> 'tool' = 'early'$$, 'tool_idx'), '{5,5}', 'the index on an expression has what the calls wrote');
SELECT is(counts($$details ->> 'tool' = 'late'$$, 'tool_idx'), '{3,3}', 'under each of its values');
SELECT is(counts($$action = 'propose_action' AND proposal_id IS NOT NULL$$, 'of_proposals_idx'), '{3,3}', 'the partial index has the rows of its condition');
SELECT is(counts($$action = 'start_workflow' AND proposal_id IS NOT NULL$$, 'of_proposals_idx'), '{0,0}', 'and no others');

-- Rows that calls change.
SELECT run('early') \g /dev/null
SELECT is(counts($$status = 'executed'$$, 'status_idx', 'proposal'), '{4,4}', 'an index on what changes has the new versions');
SELECT is(counts($$status IN ('pending', 'approved')$$, 'status_idx', 'proposal'), '{0,0}', 'and no others');
SELECT workflow_orch.register_actor('first', 'Developer') AS first, workflow_orch.register_actor('second', 'Developer') AS second \gset
ALTER TABLE workflow_orch.actor ADD CONSTRAINT one_person UNIQUE (person) DEFERRABLE INITIALLY DEFERRED;
SET CONSTRAINTS ALL DEFERRED;
SELECT lives_ok(format('SELECT workflow_orch.update_actor(%s, person => %L)', id, 'somebody'), 'an added constraint that is deferred does not end the call')
  FROM (VALUES (:first), (:second)) v(id);
SELECT raises('SET CONSTRAINTS ALL IMMEDIATE', '{"sqlstate": "23505", "message": "%one_person%"}', 'and is checked when it is due');
SELECT workflow_orch.update_actor(:second, person => 'somebody else') \g /dev/null
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'which it passes when it holds by then');

ALTER TABLE workflow_orch.audit_log ADD CONSTRAINT no_more CHECK (action <> 'start_workflow') NOT VALID;
SELECT raises($$SELECT workflow_orch.start_workflow('One more')$$, '{"sqlstate": "23514", "message": "%no_more%"}', 'an added CHECK is enforced');
SELECT lives_ok('SELECT run(''late'')', 'where it is met, calls work');

\ir include/finish.sql
