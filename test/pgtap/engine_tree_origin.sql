-- adopt_origin and new_origin: names of a tree that has moved.
\set file engine_tree_origin
\set without_sealer
\ir include/fixture.sql
\ir include/sealed.sql
CREATE FUNCTION t.origin() RETURNS text LANGUAGE sql RETURN (SELECT origin FROM workflow_orch.audit_origin ORDER BY origin_id DESC LIMIT 1);
CREATE FUNCTION t.last_change() RETURNS jsonb LANGUAGE sql
RETURN (SELECT details - 'root' || jsonb_build_object('action', action) FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1);

SELECT is(split_part(workflow_orch.audit_checkpoint(), E'\n', 1), 'example.com/log/moved', 'a tree that has moved has an origin of its own');
SELECT is(workflow_orch.adopt_origin('the old server is gone'), 'example.com/log', 'which may take the former one back');
SELECT is(origin(), 'example.com/log', 'and then has it');
SELECT is(last_change() - 'direct', '{"action": "adopt_origin", "from_origin": "example.com/log/moved", "origin": "example.com/log", "size": 1, "reason": "the old server is gone"}', 'an audit row tells of it');
SELECT raises('SELECT workflow_orch.adopt_origin($$again$$)', '{"sqlstate": "55000", "reason": "wfo_not_moved", "detail": "Its origin is \"example.com/log\"."}', 'once');
SELECT workflow_orch.new_origin('the standby had lost rows') AS renewed \gset
SELECT alike(:'renewed'::text, 'workflow_orch/%/4', 'a new origin names the place and its number');
SELECT is(origin(), :'renewed', 'and is in force');
SELECT is(last_change(), jsonb_build_object('action', 'new_origin', 'from_origin', 'example.com/log', 'origin', :'renewed', 'size', 1, 'reason', 'the standby had lost rows'), 'an audit row tells of it');
SELECT raises('SELECT workflow_orch.adopt_origin($$back$$)', '{"sqlstate": "55000", "reason": "wfo_not_moved"}', 'an origin that was given is not undone by adopting');
SELECT raises('SELECT workflow_orch.new_origin($$ $$)', '{"sqlstate": "22023"}', 'a reason is needed');
SELECT is((SELECT array_agg(origin_id || ' ' || origin ORDER BY origin_id) FROM workflow_orch.audit_origin),
  ARRAY['1 example.com/log', '2 example.com/log/moved', '3 example.com/log', '4 ' || :'renewed'], 'the names stay on record');
SELECT raises('SELECT workflow_orch.audit_checkpoint()', '{"sqlstate": "55000", "reason": "wfo_uncommitted_tree"}', 'what is not committed has no checkpoint');
\ir include/finish.sql
