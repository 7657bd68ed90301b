-- Which tables' rows a preview shows, how many, and as which JSON.
\set file engine_changed_rows
\ir include/fixture.sql
\ir include/roles.sql

CREATE TABLE app.item (id int PRIMARY KEY, v text);
INSERT INTO app.item SELECT n, 'a' FROM generate_series(1, 5) n;
CREATE FUNCTION app.work(statements text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE statements; RETURN 'done'; END $$;
CREATE FUNCTION app.deep(statements text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE statements; RETURN 'done'; END $$;
CREATE ROLE engine_changed_rows_deep BYPASSRLS IN ROLE pg_write_all_data, pg_read_all_data;
GRANT CREATE ON SCHEMA app TO :"tool_role";
ALTER FUNCTION app.deep(text) OWNER TO engine_changed_rows_deep;
GRANT USAGE ON SCHEMA app TO engine_changed_rows_deep;
GRANT ALL ON ALL TABLES IN SCHEMA app TO :"tool_role";
SELECT workflow_orch.register_tool('work', 'work(text)', tool_role(), preview => true, preview_rows => 3);

CREATE FUNCTION t.preview(statements text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT workflow_orch.preview_action(propose('work', jsonb_build_object('statements', statements)), bob())
$$;
-- The entry of the first table, without the numbers.
CREATE FUNCTION t.entry(statements text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT (preview(statements) #> '{tables,0}') - '{inserted,updated,deleted,truncated}'::text[]
$$;
CREATE FUNCTION t.hidden(name text) RETURNS jsonb LANGUAGE sql RETURN jsonb_build_object('table', name, 'rows_shown', false);
\set update '\'UPDATE item SET v = \'\'z\'\' WHERE id = 1\''

-- What is shown.
SELECT preview(:update) AS seen \gset
SELECT is(:'seen'::jsonb -> 'tables', '[{"table": "app.item", "inserted": 0, "updated": 1, "deleted": 0, "truncated": false,
    "rows": [{"old": {"id": 1, "v": "a"}, "new": {"id": 1, "v": "z"}}]}]', 'a preview shows rows beside the numbers');
SELECT is(entry('INSERT INTO item VALUES (9, NULL)') -> 'rows', '[{"old": null, "new": {"id": 9, "v": null}}]', 'a new row has no old one');
SELECT is(entry('DELETE FROM item WHERE id = 2') -> 'rows', '[{"old": {"id": 2, "v": "a"}, "new": null}]', 'nor a deleted one a new one');
SELECT is(entry('UPDATE item SET v = ''z'' WHERE id <= 3') ? 'rows_left_out', false, 'as many rows as the tool says are all of them');
SELECT is(entry('UPDATE item SET v = ''z'' WHERE id <= 4'), '{"table": "app.item", "rows_left_out": true, "rows": [{"old": {"id": 1, "v": "a"}, "new": {"id": 1, "v": "z"}},
    {"old": {"id": 2, "v": "a"}, "new": {"id": 2, "v": "z"}}, {"old": {"id": 3, "v": "a"}, "new": {"id": 3, "v": "z"}}]}', 'of more rows that many are shown, and the entry says so');
SELECT propose('work', jsonb_build_object('statements', :update)) AS p \gset
SELECT workflow_orch.update_tool('work', preview_rows => 0);
SELECT is(workflow_orch.preview_action(:p, :bob) #> '{tables,0}', '{"table": "app.item", "inserted": 0, "updated": 1, "deleted": 0, "truncated": false}', 'with preview_rows 0 there are none');
SELECT workflow_orch.update_tool('work', preview_rows => 1);
SELECT is(jsonb_array_length(workflow_orch.preview_action(:p, :bob) #> '{tables,0,rows}'), 1, 'a change of preview_rows is in force for proposals from before');
SELECT workflow_orch.update_tool('work', preview_rows => 1000);
SELECT is(jsonb_array_length(entry('INSERT INTO item SELECT generate_series(101, 1100)') -> 'rows'), 1000, 'up to 1000 rows are shown');
SELECT is(jsonb_array_length(entry('INSERT INTO item SELECT generate_series(101, 1101)') -> 'rows'), 1000, 'and no more');
SELECT workflow_orch.update_tool('work', preview_rows => 3);

-- Columns.
CREATE DOMAIN app.positive AS int CHECK (value > 0);
CREATE TABLE app.kinds (id int, gone text, twice int GENERATED ALWAYS AS (id * 2) STORED, at timestamptz, amount numeric, doc jsonb, list int[], pair app.item, p app.positive, "Odd ""name" text, raw bytea);
INSERT INTO app.kinds VALUES (1, 'secret');
ALTER TABLE app.kinds DROP gone, ADD later text DEFAULT 'd';
GRANT ALL ON app.kinds TO :"tool_role";
SELECT is(entry('UPDATE kinds SET id = 4, at = ''2026-01-02 03:04:05+06'', amount = 1.50, doc = ''{"a": [1, null]}'', list = ''{1,2}'', pair = ROW(1, ''x''), p = 3, "Odd ""name" = ''ü'', raw = ''\x00ff''') #> '{rows,0}',
  '{"old": {"id": 1, "twice": 2, "at": null, "amount": null, "doc": null, "list": null, "pair": null, "p": null, "Odd \"name": null, "raw": null, "later": "d"},
    "new": {"id": 4, "twice": 8, "at": "2026-01-01T21:04:05+00:00", "amount": 1.50, "doc": {"a": [1, null]}, "list": [1, 2], "pair": {"id": 1, "v": "x"}, "p": 3, "Odd \"name": "ü", "raw": "\\x00ff", "later": "d"}}',
  'columns are shown as to_jsonb has them: generated ones, and those added later, but not dropped ones');
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
CREATE TABLE app.virt (id int, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL);
INSERT INTO app.virt VALUES (1), (2);
GRANT ALL ON app.virt TO :"tool_role";
SELECT is(entry('UPDATE virt SET id = 4 WHERE id = 1; DELETE FROM virt WHERE id = 2') -> 'rows', '[{"old": {"id": 1, "twice": 2}, "new": {"id": 4, "twice": 8}}, {"old": {"id": 2, "twice": 4}, "new": null}]',
  'columns that are computed when they are read are shown, too');
\endif

-- Only what the tool's role may read.
SELECT workflow_orch.update_tool('work', function => 'deep(text)');
CREATE FUNCTION t.readable() RETURNS boolean LANGUAGE sql AS $$ SELECT entry('UPDATE item SET v = ''z'' WHERE id = 1') ? 'rows' $$;
SELECT is(readable(), true, 'a table that the tool''s role may read is shown');
REVOKE ALL ON app.item FROM :"tool_role";
SELECT is(entry(:update), hidden('app.item'), 'of a table that it may not read no rows are shown');
SELECT is(preview(:update) -> 'success', 'true', 'which fails nothing');
SELECT is(preview(:update) #> '{tables,0,updated}', '1', 'and the numbers are there');
GRANT INSERT, UPDATE, DELETE ON app.item TO :"tool_role";
SELECT is(readable(), false, 'the right to write is none to read');
GRANT SELECT (id) ON app.item TO :"tool_role";
SELECT is(readable(), false, 'some of the columns are not enough');
GRANT SELECT (v) ON app.item TO :"tool_role";
SELECT is(readable(), true, 'all of them are');
ALTER TABLE app.item ADD hidden int;
SELECT is(readable(), false, 'but not once there is another one');
ALTER TABLE app.item DROP hidden;
SELECT is(readable(), true, 'a dropped column needs no privilege');
REVOKE ALL ON app.item FROM :"tool_role";
GRANT SELECT ON app.item TO PUBLIC;
SELECT is(readable(), true, 'a grant to PUBLIC counts');
REVOKE USAGE ON SCHEMA app FROM PUBLIC, :"tool_role";
SELECT workflow_orch.update_tool('work', function => 'deep(text)');
SELECT is(readable(), false, 'without USAGE on the schema the role could not read either');
GRANT USAGE ON SCHEMA app TO PUBLIC;
REVOKE SELECT ON app.item FROM PUBLIC;
CREATE ROLE engine_changed_rows_group;
GRANT engine_changed_rows_group TO :"tool_role";
GRANT SELECT ON app.item TO engine_changed_rows_group;
ALTER TABLE app.item OWNER TO engine_changed_rows_deep;
SELECT is(readable(), true, 'a grant to a role that it is a member of counts');
SELECT is(entry('REVOKE SELECT ON app.item FROM engine_changed_rows_group; UPDATE item SET v = ''z'''), hidden('app.item'), 'the privileges at the end of the call count');
GRANT SELECT ON app.item TO :"tool_role";

-- Row security.
ALTER TABLE app.item ENABLE ROW LEVEL SECURITY;
SELECT is(entry(:update), hidden('app.item'), 'of a table with row security no rows are shown');
CREATE POLICY all_rows ON app.item USING (true);
SELECT is(readable(), false, 'whatever its policies allow');
ALTER ROLE :"tool_role" BYPASSRLS;
SELECT is(readable(), true, 'unless it does not apply to the role');
ALTER ROLE :"tool_role" NOBYPASSRLS;
ALTER TABLE app.item OWNER TO :"tool_role";
SELECT is(readable(), true, 'as it does not to the owner');
ALTER TABLE app.item FORCE ROW LEVEL SECURITY;
SELECT is(readable(), false, 'unless it is forced');
ALTER TABLE app.item NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- Partitions are read through their table.
CREATE TABLE app.part (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE app.part_low PARTITION OF app.part FOR VALUES FROM (0) TO (10);
CREATE TABLE app.part_high PARTITION OF app.part FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE app.part_higher PARTITION OF app.part_high FOR VALUES FROM (10) TO (20);
INSERT INTO app.part VALUES (1, 'a'), (11, 'b');
GRANT SELECT ON app.part_low, app.part_high, app.part_higher TO :"tool_role";
SELECT is(entry('UPDATE part SET v = ''z'' WHERE id = 1'), '{"table": "app.part", "partitions": ["app.part_low"], "rows_shown": false}', 'without SELECT on the table no rows of its partitions are shown');
REVOKE SELECT ON app.part_low, app.part_high, app.part_higher FROM :"tool_role";
GRANT SELECT ON app.part TO :"tool_role";
GRANT TRUNCATE ON app.part_low TO engine_changed_rows_deep;
SELECT is(jsonb_array_length(entry('UPDATE part SET v = ''z''') -> 'rows'), 2, 'with it they are, at all levels');
SELECT is(jsonb_array_length(entry('UPDATE part_higher SET v = ''z''') -> 'rows'), 1, 'even if a partition is named');
ALTER TABLE app.part_low ENABLE ROW LEVEL SECURITY;
SELECT is(entry('UPDATE part SET v = ''z''') ? 'rows', true, 'row security of a partition does not apply to who reads the table');
ALTER TABLE app.part ENABLE ROW LEVEL SECURITY;
SELECT is(entry('UPDATE part SET v = ''z''') ? 'rows', false, 'that of the table does');
ALTER TABLE app.part DISABLE ROW LEVEL SECURITY;
SELECT is((SELECT jsonb_agg(e -> 'rows_shown') FROM jsonb_array_elements(preview('UPDATE part SET v = ''z''; TRUNCATE part_low') -> 'tables') e), '[false]', 'if one partition was truncated, none is shown');
SELECT is(jsonb_array_length(entry('INSERT INTO part SELECT 1 FROM generate_series(1, 2); INSERT INTO part SELECT 11 FROM generate_series(1, 2)') -> 'rows'), 3, 'the number of rows is that of the table');

-- Never the extension's own tables.
SELECT workflow_orch.update_tool('work', function => 'work(text)');
SELECT workflow_orch.register_actor('tool', 'Tool', tool_role()) AS tool_actor \gset
SELECT workflow_orch.grant_capability(tool_role(), 'propose'), workflow_orch.grant_capability(tool_role(), 'audit'), workflow_orch.grant_capability(tool_role(), 'administer');
GRANT pg_read_all_data TO :"tool_role";
ALTER ROLE :"tool_role" BYPASSRLS;
SELECT is((SELECT jsonb_agg(DISTINCT e -> 'rows_shown') FROM jsonb_array_elements(
             preview(format('DO $d$ BEGIN PERFORM workflow_orch.propose_action(%s, %s, ''work'', ''{"statements": ""}'', ''r''); END $d$', :workflow, :tool_actor)) -> 'tables') e),
  '[false]', 'rows of the extension''s tables are not shown, whatever the role may read');
REVOKE pg_read_all_data FROM :"tool_role";
ALTER ROLE :"tool_role" NOBYPASSRLS;

-- Size.
GRANT ALL ON app.part TO :"tool_role";
SELECT is(entry(:update) ? 'rows', true, 'a small table is read');
SELECT pg_relation_size('app.item') / 1024 AS size \gset
SELECT set_config('workflow_orch.preview_scan_limit', :size || 'kB', true);
SELECT is(entry(:update) ? 'rows', true, 'and one as large as the limit');
SELECT set_config('workflow_orch.preview_scan_limit', (:size - 1) || 'kB', true);
SELECT is(entry(:update), hidden('app.item'), 'but no larger one');
SELECT set_config('workflow_orch.preview_scan_limit', 8 || 'kB', true);
SELECT is(entry('UPDATE part SET v = ''z''') ? 'rows', false, 'the partitions that have changed count together');
SELECT is(entry('UPDATE part SET v = ''z'' WHERE id = 1') ? 'rows', true, 'and only those');
SET LOCAL workflow_orch.preview_scan_limit = 0;
SELECT is(entry(:update), hidden('app.item'), 'with the limit 0 none is read');
RESET workflow_orch.preview_scan_limit;
SET LOCAL workflow_orch.max_result_size = '10kB';
CREATE FUNCTION t.sizes(statements text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_array(jsonb_array_length(e -> 'rows'), e ? 'rows_left_out')) FROM jsonb_array_elements(preview(statements) -> 'tables') e
$$;
SELECT is(sizes('UPDATE item SET v = repeat(''z'', 3000)'), '[[3, true]]', 'rows up to max_result_size are shown');
SELECT is(sizes('UPDATE item SET v = repeat(''z'', 4000)'), '[[2, true]]', 'fewer, if they are larger');
SELECT is(sizes('UPDATE item SET v = repeat(''z'', 1000000) WHERE id = 1'), '[[0, true]]', 'none, if the first is too large');
SELECT is(sizes('UPDATE item SET v = repeat(''z'', 4000); UPDATE part SET v = repeat(''z'', 3000)'), '[[2, true], [0, true]]', 'the rows of all tables count');
SELECT is(sizes('UPDATE item SET v = repeat(''z'', 4000); UPDATE part SET v = ''z'''), '[[2, true], [2, false]]', 'and smaller ones fit in where a larger one did not');
CREATE FUNCTION app.talk() RETURNS text LANGUAGE sql AS $$ UPDATE item SET v = repeat('z', 3000) WHERE id = 1; SELECT repeat('o', 8000) $$;
SELECT workflow_orch.register_tool('talk', 'talk()', tool_role(), preview => true, preview_rows => 3);
SELECT is((workflow_orch.preview_action(propose('talk'), :bob) #> '{tables,0}') - 'table', '{"inserted": 0, "updated": 1, "deleted": 0, "truncated": false, "rows": [], "rows_left_out": true}', 'so does what the tool returned');
CREATE TABLE app.dropped (id int, gone text);
INSERT INTO app.dropped VALUES (1, repeat('x', 20000));
ALTER TABLE app.dropped DROP gone;
GRANT ALL ON app.dropped TO :"tool_role";
SELECT is(sizes('UPDATE dropped SET id = 2'), '[[1, false]]', 'but no column that was dropped');
RESET workflow_orch.max_result_size;

-- Code of the types runs as the tool's role, read only, and its errors are not the call's.
CREATE TYPE app.mood AS ENUM ('calm', 'nosy', 'rude', 'writing', 'slow', 'stubborn', 'torn');
CREATE FUNCTION app.mood_json(m app.mood) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
  CASE m
    WHEN 'calm' THEN RETURN json_build_object('user', current_user, 'may', current_setting('transaction_read_only'), 'others', (SELECT count(*) FROM app.moods));
    WHEN 'nosy' THEN RETURN (SELECT to_json(x) FROM app.secret x);
    WHEN 'rude' THEN RAISE EXCEPTION 'none of your business' USING ERRCODE = 'P0099';
    WHEN 'writing' THEN INSERT INTO app.moods VALUES (9, 'calm');
    WHEN 'slow' THEN PERFORM pg_sleep(20);
    WHEN 'stubborn' THEN LOOP BEGIN PERFORM pg_sleep(20); EXCEPTION WHEN query_canceled THEN END; END LOOP;
    WHEN 'torn' THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001';
  END CASE;
  RETURN NULL;
END
$$;
CREATE CAST (app.mood AS json) WITH FUNCTION app.mood_json(app.mood);
CREATE TABLE app.secret AS SELECT 'secret' AS s;
CREATE TABLE app.moods (id int, m app.mood);
INSERT INTO app.moods VALUES (1, 'calm');
GRANT ALL ON app.moods TO :"tool_role";
CREATE FUNCTION t.as_mood(m text) RETURNS jsonb LANGUAGE sql AS $$ SELECT preview(format('INSERT INTO item VALUES (9, ''z''); UPDATE moods SET m = %L', m)) $$;
SELECT is(as_mood('calm') #> '{tables,1,rows,0,new,m}', jsonb_build_object('user', :'tool_role', 'may', 'on', 'others', 1), 'a cast to json is used, as the tool''s role and read only');
SELECT is(current_setting('transaction_read_only'), 'off', 'which is over afterwards');
SELECT is(as_mood('nosy') #>> '{tables,1,rows_error,sqlstate}', '42501', 'it reads no more than the role');
SELECT is(as_mood('writing') #>> '{tables,1,rows_error,sqlstate}', '25006', 'and writes nothing');
SELECT as_mood('rude') AS seen \gset
SELECT is(:'seen'::jsonb #> '{tables,1}' #- '{rows_error,context}', '{"table": "app.moods", "inserted": 0, "updated": 1, "deleted": 0, "truncated": false, "rows_shown": false,
    "rows_error": {"sqlstate": "P0099", "message": "none of your business", "detail": null, "hint": null}}', 'its error stands where the rows would');
SELECT is(:'seen'::jsonb @> '{"success": true, "output": "done"}', true, 'since the call has not failed');
SELECT is(jsonb_array_length(:'seen'::jsonb #> '{tables,0,rows}'), 1, 'and other tables'' rows are shown');
ALTER TABLE app.moods ADD v text;
SET LOCAL workflow_orch.max_result_size = '10kB';
SELECT is(sizes('INSERT INTO moods VALUES (2, ''calm'', repeat(''z'', 6000)), (3, ''rude'', NULL); UPDATE part SET v = repeat(''z'', 6000) WHERE id = 1'), '[[null, false], [1, false]]',
  'which have the room that it has left');
SELECT is(entry('UPDATE moods SET m = ''rude'', v = repeat(''z'', 100000)') - 'table', '{"rows": [], "rows_left_out": true}', 'no code runs for a row that is too large anyway');
RESET workflow_orch.max_result_size;
SELECT raises('SELECT as_mood(''torn'')', '{"sqlstate": "40001"}', 'a serialization failure is raised');
SELECT workflow_orch.update_tool('work', timeout => '100 ms');
SELECT clock_timestamp() AS since \gset
SELECT is(as_mood('slow') #>> '{error,reason}', 'wfo_timed_out', 'the timeout of the tool holds while rows are shown');
SELECT is(as_mood('stubborn') #>> '{error,reason}', 'wfo_timed_out', 'also for code that catches the cancel');
SELECT cmp_ok(clock_timestamp() - :'since', '<', interval '19 s', 'neither takes as long as it wants');
SELECT workflow_orch.update_tool('work', timeout => '0');
CREATE TABLE app.doc (j json);
GRANT ALL ON app.doc TO :"tool_role";
SELECT is(preview('INSERT INTO doc VALUES (''"\u0000"'')') @> '{"success": true, "tables": [{"rows_shown": false, "rows_error": {"sqlstate": "22P05"}}]}', true, 'what jsonb cannot hold fails no preview');
SELECT is(entry('INSERT INTO item VALUES (9, ''z''); CREATE FUNCTION app.nothing() RETURNS int LANGUAGE sql RETURN 1') ? 'rows', true, 'a change of the catalogs hides nothing');

-- Kept, audited, attached.
SELECT propose('work', jsonb_build_object('statements', 'UPDATE item SET v = ''needle'' WHERE id = 1')) AS p \gset
SELECT workflow_orch.preview_action(:p, :bob) AS seen \gset
SELECT (:'seen'::jsonb ->> 'preview_id')::bigint AS v \gset
SELECT is((SELECT preview FROM workflow_orch.preview WHERE preview_id = :v), :'seen'::jsonb, 'the rows are kept with the preview');
SELECT is((SELECT details -> 'tables' FROM workflow_orch.audit_log WHERE action = 'preview_action' ORDER BY audit_id DESC LIMIT 1),
  jsonb_build_array((:'seen'::jsonb #> '{tables,0}') - 'rows' || jsonb_build_object('rows_sha256', encode(sha256(convert_to(:'seen'::jsonb #>> '{tables,0,rows}', 'UTF8')), 'hex'))),
  'the audit log has the SHA-256 of their text');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log a WHERE to_jsonb(a) - 'query' ->> 'details' LIKE '%"old"%'), 0::bigint, 'and no row');
SELECT status FROM workflow_orch.review_action(:p, :bob, 'approve', preview_id => :v) \gset
SELECT is((SELECT preview #> '{tables,0,rows,0,new,v}' FROM workflow_orch.preview JOIN workflow_orch.review USING (preview_id) WHERE review.proposal_id = :p), '"needle"', 'what the reviewer saw stands with the decision');
SELECT propose('work', jsonb_build_object('statements', 'UPDATE item SET v = ''first'' WHERE id = 1')) AS p \gset
SELECT workflow_orch.revise_proposal(:p, :ann, jsonb_build_object('statements', 'UPDATE item SET v = ''second'' WHERE id = 1')) \g /dev/null
SELECT workflow_orch.preview_action(:p, :bob) AS seen \gset
SELECT is(:'seen'::jsonb @> '{"revision": 2, "tables": [{"rows": [{"new": {"v": "second"}}]}]}', true, 'the rows are those of the revision');
SELECT lives_ok(format('SELECT workflow_orch.review_action(%s, %s, ''approve'', expected_revision => 2, preview_id => %s)', :p, :bob, :'seen'::jsonb ->> 'preview_id'), 'and its preview is attached');

-- Dry runs that run.
SELECT workflow_orch.update_tool('work', dry_run_mode => 'rollback');
SELECT workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT execute(:p) AS r \gset
SELECT is(:'r'::jsonb #> '{tables,0,rows}', '[{"old": {"id": 1, "v": "a"}, "new": {"id": 1, "v": "second"}}]', 'a dry run that is rolled back shows the rows');
SELECT is((SELECT result -> 'tables' FROM workflow_orch.execution WHERE proposal_id = :p), :'r'::jsonb -> 'tables', 'which are kept with the execution');
SELECT is((SELECT details #>> '{tables,0,rows_sha256}' FROM workflow_orch.audit_log WHERE action = 'execute_action' ORDER BY audit_id DESC LIMIT 1),
  encode(sha256(convert_to(:'r'::jsonb #>> '{tables,0,rows}', 'UTF8')), 'hex'), 'its audit row has their hash');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');
ALTER TABLE workflow_orch.execution DISABLE TRIGGER ALL;
UPDATE workflow_orch.execution SET result = jsonb_set(result, '{tables,0,rows,0,new,v}', '"harmless"') WHERE proposal_id = :p;
SELECT is((SELECT array_agg(finding) FROM workflow_orch.verify_audit_log()), '{the changes are not those that were recorded}', 'rows of a dry run that somebody has changed are found');
UPDATE workflow_orch.execution SET result = jsonb_set(result, '{tables,0,rows,0,new,v}', '"second"') WHERE proposal_id = :p;
ALTER TABLE workflow_orch.execution ENABLE TRIGGER ALL;
SELECT workflow_orch.set_policy(dry_run => false) \g /dev/null
SELECT is(execute(:p) ? 'tables', false, 'a call in earnest shows none');

\ir include/finish.sql
