-- Rows that a dry run in a background worker shows: what was there is committed, and tables may be temporary.
\set file changed_rows
\ir include/fixture.sql
CREATE TABLE app.item (id int PRIMARY KEY, v text);
CREATE TABLE app.secret (id int);
CREATE TABLE app.late (id int, v text);
INSERT INTO app.item SELECT n, 'a' FROM generate_series(1, 3) n;
INSERT INTO app.secret VALUES (1);
CREATE FUNCTION app.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE app.late SET v = upper(v) WHERE id = NEW.id AND v <> upper(v); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER shout AFTER INSERT ON app.late INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.shout();
GRANT ALL ON app.item, app.late TO :tool_role;
GRANT UPDATE ON app.secret TO :tool_role;
CREATE FUNCTION app.do_it(statements text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE statements; RETURN 'done'; END $$;
SELECT workflow_orch.register_tool('do_it', 'do_it(text)', :'tool_role', in_session => false, preview => true, dry_run_mode => 'rollback', preview_rows => 2);
SELECT workflow_orch.set_policy(dry_run => true) \g /dev/null
\ir include/workers.sql
CREATE TABLE t.tried (n int GENERATED ALWAYS AS IDENTITY, what text, expected jsonb, proposal bigint, execution bigint, statements text);
INSERT INTO t.tried (what, statements, expected) VALUES
  ('the rows that the tool''s role may read', 'UPDATE item SET v = ''z'' WHERE id = 2; UPDATE secret SET id = 2',
   '[["app.item", [{"old": {"id": 2, "v": "a"}, "new": {"id": 2, "v": "z"}}], false], ["app.secret", false, false]]'),
  ('up to their number', 'UPDATE item SET v = ''z''', '[["app.item", [{"old": {"id": 1, "v": "a"}, "new": {"id": 1, "v": "z"}}, {"old": {"id": 2, "v": "a"}, "new": {"id": 2, "v": "z"}}], true]]'),
  ('as deferred triggers leave them', 'INSERT INTO late VALUES (1, ''a'')', '[["app.late", [{"old": null, "new": {"id": 1, "v": "A"}}], false]]'),
  ('of temporary tables, too', 'CREATE TEMP TABLE mine AS SELECT 1 AS id; UPDATE mine SET id = 2', '[["pg_temp.mine", [{"old": null, "new": {"id": 2}}], false]]');
UPDATE t.tried SET proposal = approved('do_it', jsonb_build_object('statements', statements));
UPDATE t.tried SET execution = enqueued(proposal);
SELECT is((SELECT jsonb_agg(jsonb_build_array(regexp_replace(e ->> 'table', '^pg_temp_\d+', 'pg_temp'), coalesce(e -> 'rows', e -> 'rows_shown'), e ? 'rows_left_out'))
             FROM jsonb_array_elements(outcome(execution) -> 'tables') e), expected, 'a dry run in a worker shows rows: ' || what)
  FROM t.tried ORDER BY n;
SELECT is((SELECT string_agg(v, '') FROM app.item) || (SELECT count(*) FROM app.late), 'aaa0', 'nothing of it stays');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');
\ir include/finish_workers.sql
