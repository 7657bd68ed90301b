-- purge_workflows: which workflows go, and what goes with them.  test/t/039_purge.pl has
-- what needs commits.
\set file engine_purge
\set without_sealer
\ir include/fixture.sql
\ir include/roles.sql
\ir include/effect.sql
\set tree_size 200
\ir include/sealed.sql
\ir include/seal_rows.sql
\ir include/standing.sql

CREATE ROLE engine_purge_admin;
CREATE ROLE engine_purge_auditor;
CREATE ROLE engine_purge_ann;
SELECT workflow_orch.grant_capability('engine_purge_auditor', 'audit'), workflow_orch.grant_capability('engine_purge_admin', 'administer'),
       workflow_orch.grant_capability('engine_purge_ann', 'administer') \g /dev/null
SELECT workflow_orch.register_actor('the administrator', 'Administrator', 'engine_purge_ann') AS administrator \gset
SET LOCAL workflow_orch.min_retention = 0;

-- A workflow with a number of calls that were executed; it has ended.
CREATE FUNCTION t.work(calls int DEFAULT 1, idempotency_key text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  w bigint := workflow_orch.start_workflow('some work', ann());
  p bigint;
BEGIN
  FOR i IN 1..calls LOOP
    p := (workflow_orch.propose_action(w, ann(), 'add', '{"n": 1}', 'r', idempotency_key)).proposal_id;
    PERFORM workflow_orch.review_action(p, bob(), 'approve'), execute(p);
  END LOOP;
  PERFORM workflow_orch.complete_workflow(w, ann());
  RETURN w;
END
$$;
CREATE PROCEDURE t.seal(workflow bigint) LANGUAGE sql AS $$ CALL seal_rows('workflow_id = ' || workflow) $$;
CREATE FUNCTION t.purge(batch bigint DEFAULT 1000) RETURNS bigint LANGUAGE sql AS $$
  SELECT workflow_orch.purge_workflows(clock_timestamp(), cyd(), 'retention is over', batch)
$$;
CREATE FUNCTION t.is_there(w bigint) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM workflow_orch.workflow WHERE workflow_id = w)';
-- Rows of all tables that refer to a row that is not there, by the comments of their columns.
CREATE FUNCTION t.orphans() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  c record;
  n bigint;
BEGIN
  FOR c IN SELECT r.relname, a.attname, substring(d.description FROM '\(refers to (\w+)\)$') AS parent
             FROM pg_class r JOIN pg_attribute a ON attrelid = r.oid JOIN pg_description d ON d.objoid = r.oid AND d.objsubid = attnum
            WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' AND d.description ~ '\(refers to \w+\)$' LOOP
    EXECUTE format('SELECT count(*) FROM workflow_orch.%I c WHERE %I IS NOT NULL AND NOT EXISTS (SELECT FROM workflow_orch.%I p WHERE p.%I = c.%I)',
      c.relname, c.attname, c.parent, (SELECT attname FROM pg_attribute WHERE attrelid = format('workflow_orch.%I', c.parent)::regclass AND attnum = 1), c.attname) INTO n;
    IF n > 0 THEN
      RETURN NEXT format('%s.%s: %s', c.relname, c.attname, n);
    END IF;
  END LOOP;
END
$$;

-- A workflow with rows in all tables.
SELECT workflow_orch.update_tool('add', preview => true) \g /dev/null
SELECT workflow_orch.start_workflow('all of it', :ann) AS w \gset
SELECT proposal_id AS p FROM workflow_orch.propose_action(:w, :ann, 'add', '{"n": 1}', 'r', 'my key') \gset
SELECT workflow_orch.comment_proposal(:p, :bob, 'c'), workflow_orch.preview_action(:p, :bob), workflow_orch.review_action(:p, :bob, 'approve') \g /dev/null
SELECT workflow_orch.revoke_approval(:p, :bob) \g /dev/null
SELECT workflow_orch.review_action(:p, :bob, 'edit', '{"n": 2}', expected_revision => 1) \g /dev/null
SELECT execute(:p) \g /dev/null
SELECT execution_id AS e FROM workflow_orch.execution WHERE proposal_id = :p \gset
INSERT INTO workflow_orch.cancel_request (execution_id, proposal_id, workflow_id, requested_at, login) VALUES (:e, :p, :w, now(), 'x');
INSERT INTO workflow_orch.break_glass (execution_id, proposal_id, workflow_id, revision, actor_id, broken_at, reason, reviewed_at, reviewer_id, comment)
  VALUES (:e, :p, :w, 2, :bob, now(), 'r', now(), :cyd, 'c');
SELECT workflow_orch.hold_workflow(:w, NULL, 'r'), workflow_orch.release_hold(:w, NULL, 'r') \g /dev/null
SELECT workflow_orch.complete_workflow(:w, :ann) \g /dev/null
CALL seal(:w);
SELECT array_agg(leaf_index ORDER BY leaf_index) AS leaves, encode(sha256(string_agg(hash, '' ORDER BY leaf_index)), 'hex') AS leaves_sha256
  FROM workflow_orch.audit_leaf WHERE audit_id IN (SELECT audit_id FROM workflow_orch.audit_log WHERE workflow_id = :w) \gset
SELECT min(audit_id) AS first_row FROM workflow_orch.audit_log WHERE workflow_id = :w \gset
SELECT is_empty('SELECT orphans()', 'no row refers to a row that is not there');
CREATE VIEW t.counts AS
  SELECT relname::text, (xpath('//n/text()', query_to_xml(format('SELECT count(*) AS n FROM workflow_orch.%I', relname), false, true, '')))[1]::text::bigint AS n
    FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r';
CREATE TABLE t.before AS SELECT * FROM counts;
SELECT is(purge(), 1::bigint, 'purge_workflows returns the number of proposals');
SELECT is((SELECT jsonb_object_agg(relname, c.n - b.n) FROM counts c JOIN before b USING (relname) WHERE c.n <> b.n),
  '{"workflow": -1, "proposal": -1, "proposal_revision": -2, "proposal_comment": -1, "preview": -1, "review": -2, "revocation": -1, "execution": -1, "cancel_request": -1, "break_glass": -1,
    "workflow_hold": -1, "audit_log": -10, "audit_purge": 1, "purged_leaf": 1, "purged_key": 1}', 'all rows of the workflow are gone, and no others');
SELECT is_empty($$SELECT DISTINCT relname::text FROM pg_class r JOIN pg_description d ON d.objoid = r.oid
  WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' AND d.description ~ '\(refers to (workflow|proposal|execution)\)$' AND relname NOT IN ('queue', 'standing_approval')
  EXCEPT SELECT relname FROM counts c JOIN before b USING (relname) WHERE c.n < b.n$$, 'no table whose rows belong to a workflow was forgotten');
SELECT is_empty('SELECT orphans() EXCEPT SELECT format(''audit_leaf.audit_id: %s'', leaves) FROM workflow_orch.audit_purge', 'and no other row refers to one of them, but their leaves');
SELECT is((SELECT to_jsonb(x) - '{purged_at,ended_before,leaves_sha256,trail}'::text[] FROM workflow_orch.audit_purge x),
  jsonb_build_object('purge_id', (SELECT purge_id FROM workflow_orch.audit_purge), 'purged_by', :cyd, 'workflows', 1, 'proposals', 1, 'leaves', 11), 'a row tells of the purge');
SELECT is((SELECT jsonb_build_object('action', a.action, 'actor_id', a.actor_id, 'workflow_id', a.workflow_id, 'details', a.details - 'ended_before') FROM workflow_orch.audit_log a JOIN workflow_orch.audit_purge ON trail = audit_id),
  jsonb_build_object('action', 'purge_workflows', 'actor_id', :cyd, 'workflow_id', NULL, 'details', jsonb_build_object('purge_id', (SELECT purge_id FROM workflow_orch.audit_purge),
    'reason', 'retention is over', 'proposals', 1, 'count', 11, 'workflows', jsonb_build_array(:w), 'leaves', jsonb_build_array(jsonb_build_array((:'leaves'::bigint[])[1], (:'leaves'::bigint[])[11])),
    'leaves_sha256', :'leaves_sha256')), 'and an audit row names workflows and leaves');
SELECT is((SELECT encode(leaves_sha256, 'hex') FROM workflow_orch.audit_purge), :'leaves_sha256', 'with the hash of their hashes');
SELECT is((SELECT array_agg(DISTINCT salts) FROM workflow_orch.audit_leaf WHERE leaf_index = ANY (:'leaves'::bigint[])), ARRAY[decode(repeat('00', 48), 'hex')], 'their salts are gone');
SELECT is((SELECT count(*) FROM workflow_orch.audit_leaf WHERE salts = decode(repeat('00', 48), 'hex')), 11::bigint, 'and no others');
SELECT raises(format('SELECT workflow_orch.audit_entry(%s)', :first_row), '{"sqlstate": "42704", "reason": "wfo_purged", "hint": "_%"}', 'the entry of a purged row is not there any more');
SELECT is(workflow_orch.audit_proof(:first_row) -> 'leaf_index', to_jsonb((:'leaves'::bigint[])[1]), 'the proof of its leaf is');
SELECT raises(format('SELECT workflow_orch.propose_action(%s, %s, ''add'', ''{"n": 1}'', ''r'', ''my key'')', :workflow, :ann), '{"sqlstate": "42710", "reason": "wfo_key_spent"}', 'its key is not used again');
SELECT raises(format('SELECT workflow_orch.hold_workflow(%s, NULL, ''r'')', :w), '{"sqlstate": "42704"}', 'the workflow does not exist any more');
SELECT is(purge(), 0::bigint, 'nothing is purged twice');
SELECT is((SELECT count(*) FROM workflow_orch.audit_purge), 1::bigint, 'and what purges nothing writes nothing');

-- Batches: the oldest end first, a workflow always whole.
SELECT work(2) AS w1, work(2) AS w2, work(0) AS w3, work(5) AS w4, work(1) AS w5 \gset
CALL seal_rows('workflow_id >= ' || :w1);
SELECT is(purge(3), 2::bigint, 'a workflow that is too much for the batch waits');
SELECT is(ARRAY[is_there(:w1), is_there(:w2), is_there(:w3)], '{f,t,t}', 'the one that ended first goes first');
SELECT is(purge(3), 2::bigint, 'then the next ones');
SELECT is(ARRAY[is_there(:w2), is_there(:w3), is_there(:w4)], '{f,f,t}', 'of which one has no proposal');
SELECT is(purge(3), 5::bigint, 'a workflow that is larger than the batch goes alone');
SELECT is(ARRAY[is_there(:w4), is_there(:w5)], '{f,t}', 'and no other with it');
SELECT work(0) AS w6, work(0) AS w7, work(1) AS w8 \gset
CALL seal_rows('workflow_id >= ' || :w6);
SELECT is(purge(1), 1::bigint, 'a batch of one');
SELECT is(purge(1), 1::bigint, 'does not end with workflows that have no proposals');
SELECT is(purge(9223372036854775807), 0::bigint, 'and then nothing is left, however large the batch');
SELECT is((SELECT array_agg(status::text) FROM workflow_orch.workflow), '{active}', 'but what has not ended');
SELECT is_empty('SELECT * FROM orphans() o WHERE o !~ ''^audit_leaf\.''', 'nothing refers to what has gone');

-- What is left, reason by reason.
CREATE FUNCTION t.leaves(w bigint) RETURNS boolean LANGUAGE sql AS 'SELECT purge() = 0 AND is_there(w)';
SET LOCAL client_min_messages = warning;
SELECT work() AS w \gset
SELECT ok(leaves(:w), 'what is not sealed is left');
CALL seal(:w);
SELECT workflow_orch.hold_workflow(:w, NULL, 'a court') \g /dev/null
CALL seal(:w);
SELECT ok(leaves(:w), 'what is held is left');
SELECT workflow_orch.release_hold(:w, NULL, 'closed') \g /dev/null
SELECT ok(leaves(:w), 'and what has one row that is not sealed');
CALL seal(:w);
SELECT proposal_id AS p, execution_id AS e FROM workflow_orch.execution WHERE workflow_id = :w \gset
SAVEPOINT changed;
INSERT INTO workflow_orch.break_glass (execution_id, proposal_id, workflow_id, revision, actor_id, broken_at, reason) VALUES (:e, :p, :w, 1, :bob, now(), 'r');
SELECT ok(leaves(:w), 'what has a break glass that nobody has reviewed is left');
ROLLBACK TO changed;
INSERT INTO workflow_orch.queue (proposal_id, execution_id, run_as_oid, priority, due_at, attempts, crashes, home_system, home_database, tool) VALUES (:p, :e, 1, 0, now(), 0, 0, 0, 0, 'add');
SELECT ok(leaves(:w), 'what has a queued call is left');
ROLLBACK TO changed;
INSERT INTO workflow_orch.proposal OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(x, '{"proposal_id": -1, "status": "pending", "open": true, "idempotency_key": null}')).* FROM workflow_orch.proposal x WHERE proposal_id = :p;
SELECT ok(leaves(:w), 'what has an open proposal is left');
ROLLBACK TO changed;
ALTER TABLE workflow_orch.execution DISABLE TRIGGER ALL;
UPDATE workflow_orch.execution SET result = '{}' WHERE execution_id = :e;
SELECT ok(leaves(:w), 'what is not as it was sealed is left');
ROLLBACK TO changed;
ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER ALL;
DELETE FROM workflow_orch.audit_log WHERE workflow_id = :w;
SELECT ok(leaves(:w), 'what has no audit row is left');
ROLLBACK TO changed;
SELECT is(purge(), 1::bigint, 'and without all that it is purged');
-- The standing approval, whose proposal is in the fixture's workflow.
SELECT standing('add') AS stands \gset
SELECT workflow_orch.complete_workflow(:workflow, :ann) \g /dev/null
CALL seal(:workflow);
SELECT ok(leaves(:workflow), 'what a standing approval in force rests on is left');
SELECT workflow_orch.end_standing_approval(:stands, :bob, 'enough') \g /dev/null
SELECT is(purge(), 1::bigint, 'and when it has ended, it is purged');
SELECT is((SELECT ended_at IS NOT NULL FROM workflow_orch.standing_approval WHERE standing_id = :stands), true, 'the standing approval stays');
RESET client_min_messages;

-- Bad input.
SELECT raises(format('SELECT workflow_orch.purge_workflows(%s)', arguments), jsonb_build_object('sqlstate', sqlstate, 'reason', reason), arguments || ': ' || sqlstate)
  FROM (VALUES ('clock_timestamp() + interval ''1 s'', NULL, ''r''', '22023', 'wfo_not_past'), ('''infinity'', NULL, ''r''', '22023', 'wfo_not_past'), ('''-infinity'', NULL, ''r''', '22023', 'wfo_not_past'),
               ('now(), NULL, ''r'', 0', '22023', 'wfo_batch_too_small'), ('now(), NULL, ''r'', -9223372036854775808', '22023', 'wfo_batch_too_small'), ('now(), -1, ''r''', '42704', 'wfo_unknown_actor')) AS v (arguments, sqlstate, reason);
SET LOCAL workflow_orch.min_retention = '1h';
SELECT raises('SELECT workflow_orch.purge_workflows(clock_timestamp() - interval ''59 min'', NULL, ''r'')', '{"sqlstate": "55000", "reason": "wfo_retention", "detail": "%1h%", "hint": "_%"}', 'what is younger than workflow_orch.min_retention is not purged');
SELECT lives_ok('SELECT workflow_orch.purge_workflows(clock_timestamp() - interval ''61 min'', NULL, ''r'')', 'what is older is');
SELECT refused_as('engine_purge_admin', 'SET workflow_orch.min_retention = 0', '{"sqlstate": "42501"}', 'only a superuser sets it');

-- Who may.
SELECT works_as('engine_purge_admin', 'SELECT workflow_orch.purge_workflows(''2001-01-01'', NULL, ''r'')', 'an administrator purges, without an actor');
SELECT works_as('engine_purge_ann', format('SELECT workflow_orch.purge_workflows(''2001-01-01'', %s, ''r'')', :administrator), 'an actor purges');
SELECT refused_as('engine_purge_ann', format('SELECT workflow_orch.purge_workflows(''2001-01-01'', %s, ''r'')', :bob), '{"sqlstate": "42501", "reason": "wfo_not_that_actor"}', 'in no other name than their own');
SELECT refused_as('engine_purge_auditor', 'SELECT workflow_orch.purge_workflows(''2001-01-01'', NULL, ''r'')', '{"sqlstate": "42501"}', 'an auditor does not');
\ir include/finish.sql
