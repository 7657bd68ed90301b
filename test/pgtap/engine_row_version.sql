-- Which rows a preview shows as changed, and what they were and became.
\set file engine_row_version
\ir include/fixture.sql

CREATE TABLE app.item (id int PRIMARY KEY, v text);
INSERT INTO app.item VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE TABLE app.part (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE app.part_low PARTITION OF app.part FOR VALUES FROM (0) TO (10);
CREATE TABLE app.part_high (v text, gone int, id int);
ALTER TABLE app.part_high DROP COLUMN gone;
ALTER TABLE app.part ATTACH PARTITION app.part_high FOR VALUES FROM (10) TO (20);
INSERT INTO app.part VALUES (1, 'a'), (11, 'b');
CREATE TABLE app.child (id int, of int REFERENCES app.item ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE app.heir () INHERITS (app.item);
INSERT INTO app.heir VALUES (21, 'h');
CREATE TABLE app.traced (id int, v text);
CREATE TABLE app.trace (id int GENERATED ALWAYS AS IDENTITY, v text);
INSERT INTO app.traced VALUES (1, 'a');
CREATE FUNCTION app.shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := upper(NEW.v); RETURN NEW; END $$;
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.trace (v) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON app.traced FOR EACH ROW EXECUTE FUNCTION app.shout();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON app.traced FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE TABLE app.wide (id int, v text) WITH (fillfactor = 100);
ALTER TABLE app.wide ALTER v SET STORAGE PLAIN;
INSERT INTO app.wide SELECT n, repeat('x', 1500) FROM generate_series(1, 10) n;
CREATE TABLE app.long (id int, v text);
ALTER TABLE app.long ALTER v SET STORAGE EXTERNAL;
INSERT INTO app.long VALUES (1, repeat('x', 9000)), (2, repeat('y', 9000));
CREATE TABLE app.owned (id int, v text);
INSERT INTO app.owned VALUES (1, 'a'), (2, 'b');
GRANT ALL ON ALL TABLES IN SCHEMA app TO :"tool_role";
GRANT CREATE ON SCHEMA app TO :"tool_role";
ALTER TABLE app.owned OWNER TO :"tool_role";
SELECT format('COPY (VALUES (7, ''f''), (8, ''g'')) TO %L', current_setting('data_directory') || '/engine_row_version') \gexec
GRANT pg_read_server_files TO :"tool_role";

CREATE FUNCTION app.work(statements text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statements; END $$;
SELECT workflow_orch.register_tool('work', 'work(text)', tool_role(), preview => true, preview_rows => 10);

-- A row as its values in the order of its columns' names, shortened; no row as "-".
CREATE FUNCTION t.brief(r jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(CASE WHEN length(value) > 20 THEN left(value, 1) || '*' || length(value) ELSE coalesce(value, 'null') END, ',' ORDER BY key), '-')
    FROM jsonb_each_text(CASE WHEN r <> 'null' THEN r END)
$$;
-- What a preview of statements shows, as TABLE: OLD>NEW OLD>NEW; TABLE: ...
CREATE FUNCTION t.shown(statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p jsonb := workflow_orch.preview_action(propose('work', jsonb_build_object('statements', statements)), bob());
BEGIN
  RETURN coalesce((SELECT string_agg((e ->> 'table') || ': ' || coalesce((SELECT string_agg(brief(r -> 'old') || '>' || brief(r -> 'new'), ' ' ORDER BY n)
                                                      FROM jsonb_array_elements(e -> 'rows') WITH ORDINALITY x (r, n)),
                                                    CASE WHEN e ? 'rows' THEN 'none' WHEN e -> 'rows_shown' = 'false' THEN 'not shown' END, 'absent'), '; ' ORDER BY i)
                     FROM jsonb_array_elements(p -> 'tables') WITH ORDINALITY y (e, i)), p #>> '{error,message}', 'no table');
END
$$;
-- Statements of which the first is undone by the tool itself, then others.
CREATE FUNCTION t.undone(statements text) RETURNS text LANGUAGE sql AS $$
  SELECT format('DO $d$ BEGIN BEGIN %s; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN END; END $d$', statements)
$$;
CREATE FUNCTION t.kept(statements text) RETURNS text LANGUAGE sql AS $$
  SELECT format('DO $d$ BEGIN BEGIN %s; EXCEPTION WHEN division_by_zero THEN END; END $d$', statements)
$$;

-- One table.
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 2'), 'app.item: 2,b>2,z', 'an update shows what the row was and is');
SELECT is(shown('UPDATE item SET v = v WHERE id = 2'), 'app.item: 2,b>2,b', 'an update to the same shows both');
SELECT is(shown('UPDATE item SET v = ''y'' WHERE id = 2; UPDATE item SET v = ''z'' WHERE id = 2; UPDATE item SET id = 9 WHERE id = 2'), 'app.item: 2,b>9,z',
  'a row that is updated again shows what it was at first and is at last');
SELECT is(shown('INSERT INTO item VALUES (4, NULL)'), 'app.item: ->4,null', 'an insert shows the new row');
SELECT is(shown('INSERT INTO item VALUES (4, ''d''); UPDATE item SET v = ''e'' WHERE id = 4'), 'app.item: ->4,e', 'a row that is inserted and updated is one insert');
SELECT is(shown('INSERT INTO item VALUES (4, ''d''); DELETE FROM item WHERE id = 4'), 'app.item: none', 'a row that is inserted and deleted is not shown');
SELECT is(shown('INSERT INTO item VALUES (4, ''d''); UPDATE item SET v = ''e'' WHERE id = 4; DELETE FROM item WHERE id = 4'), 'app.item: none', 'nor one that is updated in between');
SELECT is(shown('DELETE FROM item WHERE id = 3'), 'app.item: 3,c>-', 'a delete shows the old row');
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 3; DELETE FROM item WHERE id = 3'), 'app.item: 3,c>-', 'a row that is updated and deleted shows what it was');
SELECT is(shown('DELETE FROM item WHERE id = 3; INSERT INTO item VALUES (3, ''c'')'), 'app.item: 3,c>- ->3,c', 'a row that is deleted and inserted again is shown twice');
SELECT is(shown('UPDATE item SET v = v || ''!''; DELETE FROM item WHERE id = 1; INSERT INTO item VALUES (4, ''d'')'),
  'app.heir: 21,h>21,h!; app.item: 1,a>- 2,b>2,b! 3,c>3,c! ->4,d', 'several rows are shown, and a table that inherits by its own name');
SELECT is(shown('SELECT * FROM item FOR UPDATE'), 'no table', 'a lock is no change');
SELECT is(shown('SELECT * FROM item FOR UPDATE; UPDATE item SET v = ''z'' WHERE id = 1'), 'app.item: 1,a>1,z', 'nor is it of the rows that are not updated');
SELECT is(shown('SELECT * FROM item WHERE id = 1 FOR KEY SHARE; ' || kept('UPDATE item SET v = ''z'' WHERE id = 1')), 'app.item: 1,a>1,z', 'a row that is locked and then updated at another level is shown');
SELECT is(shown('WITH w AS (UPDATE item SET v = ''z'' WHERE id = 1 RETURNING *) INSERT INTO traced SELECT * FROM w'),
  'app.item: 1,a>1,z; app.trace: ->1,INSERT; app.traced: ->1,Z', 'all tables of a statement are shown');

-- What the tool itself undoes.
SELECT is(shown(undone('UPDATE item SET v = ''x'' WHERE id = 1')), 'no table', 'an update that the tool undoes is not shown');
SELECT is(shown(undone('UPDATE item SET v = ''x'' WHERE id = 1') || '; UPDATE item SET v = ''z'' WHERE id = 1'), 'app.item: 1,a>1,z', 'nor as part of a later one');
SELECT is(shown('UPDATE item SET v = ''y'' WHERE id = 1; ' || undone('UPDATE item SET v = ''x'' WHERE id = 1')), 'app.item: 1,a>1,y', 'nor of an earlier one');
SELECT is(shown('UPDATE item SET v = ''y'' WHERE id = 1; ' || undone('DELETE FROM item') || '; UPDATE item SET v = ''z'' WHERE id = 1'), 'app.item: 1,a>1,z', 'nor in between');
SELECT is(shown(undone('INSERT INTO item VALUES (4, ''d''); DELETE FROM item WHERE id = 2') || '; INSERT INTO item VALUES (5, ''e'')'), 'app.item: ->5,e', 'nor is a row that comes or goes');
SELECT is(shown(kept('UPDATE item SET v = ''y'' WHERE id = 1; ' || replace(undone('UPDATE item SET v = ''x'' WHERE id = 1'), '$d$', '$e$')) || '; UPDATE item SET v = ''z'' WHERE id = 1'),
  'app.item: 1,a>1,z', 'blocks in blocks');
SELECT is(shown(kept('INSERT INTO item VALUES (4, ''d'')') || ';' || kept('UPDATE item SET v = ''e'' WHERE id = 4')), 'app.item: ->4,e', 'blocks that stand are one change');

-- Partitions.
SELECT is(shown('UPDATE part SET v = ''z'''), 'app.part: 11,b>11,z 1,a>1,z', 'rows of partitions are shown under their table, whatever the order of the columns');
SELECT is(shown('UPDATE part SET id = 12 WHERE id = 1'), 'app.part: ->12,a 1,a>-', 'a row that moves is one that goes and one that comes');
SELECT is(shown('UPDATE part SET id = 12 WHERE id = 1; UPDATE part SET id = 2 WHERE id = 12'), 'app.part: 1,a>- ->2,a', 'a row that moves back also');
SELECT is(shown('UPDATE part SET v = ''y'' WHERE id = 1; UPDATE part SET id = 12 WHERE id = 1; UPDATE part SET v = ''z'' WHERE id = 12'), 'app.part: ->12,z 1,a>-',
  'and one that is updated before and after');
SELECT is(shown('INSERT INTO part VALUES (3, ''n''), (13, ''m'')'), 'app.part: ->13,m ->3,n', 'inserts are routed');

-- Ways to write.
SELECT is(shown(format('COPY item FROM %L', current_setting('data_directory') || '/engine_row_version')), 'app.item: ->7,f ->8,g', 'COPY');
SELECT is(shown(format('COPY part FROM %L', current_setting('data_directory') || '/engine_row_version')), 'app.part: ->7,f ->8,g', 'COPY to partitions');
SELECT is(shown('INSERT INTO item VALUES (1, ''z''), (4, ''d'') ON CONFLICT (id) DO UPDATE SET v = item.v || excluded.v'), 'app.item: 1,a>1,az ->4,d', 'ON CONFLICT DO UPDATE');
SELECT is(shown('INSERT INTO item VALUES (1, ''z''), (4, ''d'') ON CONFLICT DO NOTHING'), 'app.item: ->4,d', 'ON CONFLICT DO NOTHING');
SELECT is(shown('MERGE INTO item i USING (VALUES (1, ''z''), (2, ''-''), (4, ''d'')) AS s (id, v) ON i.id = s.id
    WHEN MATCHED AND s.v = ''-'' THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)'),
  'app.item: 1,a>1,z 2,b>- ->4,d', 'MERGE');
SAVEPOINT children;
INSERT INTO app.child VALUES (1, 1), (2, 2);
SELECT is(shown('DELETE FROM item WHERE id = 1'), 'app.child: 1,1>-; app.item: 1,a>-', 'a cascade is shown');
SELECT is(shown('UPDATE item SET id = 9 WHERE id = 2'), 'app.child: 2,2>2,9; app.item: 2,b>9,b', 'of an update, too');
ROLLBACK TO children;
SELECT is(shown('INSERT INTO traced VALUES (2, ''b''); UPDATE traced SET v = ''c'' WHERE id = 1; DELETE FROM traced WHERE id = 2'),
  'app.trace: ->2,INSERT ->3,UPDATE ->4,DELETE; app.traced: 1,a>1,C', 'what triggers make of a row and write elsewhere is shown');

-- Pages and toasted values.
SELECT is(shown('UPDATE wide SET v = ''s'' WHERE id IN (1, 10); UPDATE wide SET v = repeat(''t'', 4000) WHERE id = 10; UPDATE wide SET v = repeat(''u'', 4000) WHERE id = 10'),
  'app.wide: 1,x*1500>1,s 10,x*1500>10,u*4000', 'versions on other pages are found');
SELECT is(shown('UPDATE long SET id = 3 WHERE id = 1; UPDATE long SET v = repeat(''z'', 9000) WHERE id = 2'), 'app.long: 1,x*9000>3,x*9000 2,y*9000>2,z*9000', 'values that are stored elsewhere are shown');
SELECT is(shown('DELETE FROM long'), 'app.long: 1,x*9000>- 2,y*9000>-', 'those of deleted rows, too');

-- Tables that the call makes or rewrites.
SELECT is(shown('TRUNCATE item CASCADE'), 'app.child: not shown; app.heir: not shown; app.item: not shown', 'of a table that was truncated no rows are shown');
SELECT is(shown('TRUNCATE traced; INSERT INTO traced VALUES (5, ''e'')'), 'app.trace: ->5,INSERT; app.traced: not shown', 'nor what was inserted afterwards');
SELECT is(shown('UPDATE owned SET v = ''1''; ALTER TABLE owned ALTER v TYPE int USING v::int'), 'app.owned: not shown', 'nor of one that was rewritten');
SELECT is(shown('ALTER TABLE owned ALTER v TYPE int USING 1; UPDATE owned SET v = 2'), 'app.owned: not shown', 'whenever that was');
SELECT is(shown('ALTER TABLE owned ALTER id TYPE bigint; ' || undone('ALTER TABLE owned ALTER id TYPE int') || '; UPDATE owned SET v = 2'), 'app.owned: not shown', 'even if the server has forgotten it');
SELECT is(shown(undone('ALTER TABLE owned ALTER id TYPE bigint') || '; UPDATE owned SET v = ''z'' WHERE id = 1'), 'app.owned: 1,a>1,z', 'a rewrite that the tool undoes hides nothing');
SELECT is(shown('ALTER TABLE owned ADD c int DEFAULT 5; UPDATE owned SET v = ''z'' WHERE id = 1'), 'app.owned: 5,1,a>5,1,z', 'a new column has its default in the old row');
SELECT is(shown('UPDATE owned SET v = ''z'' WHERE id = 1; ALTER TABLE owned DROP v'), 'app.owned: 1>1', 'a dropped column is gone from both');
SELECT is(shown('CREATE TABLE fresh AS SELECT 1 AS id; INSERT INTO fresh VALUES (2), (3); UPDATE fresh SET id = 4 WHERE id = 1; DELETE FROM fresh WHERE id = 2'), 'app.fresh: ->4 ->3', 'the rows of a new table are new');
SELECT is(shown(format('CREATE TABLE fresh (id int, v text); COPY fresh FROM %L (FREEZE)', current_setting('data_directory') || '/engine_row_version')), 'app.fresh: ->7,f ->8,g', 'frozen ones, too');
SELECT is(shown('CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1); DROP TABLE fresh'), 'no table', 'a table that is gone has no rows');
SELECT is(shown('CREATE MATERIALIZED VIEW fresh AS SELECT 1 AS id'), 'app.fresh: not shown', 'a materialized view is not shown');

-- The caller's own changes in the same transaction.
SAVEPOINT before;
UPDATE app.item SET v = 'caller''s' WHERE id = 1;
INSERT INTO app.item VALUES (4, 'new');
DELETE FROM app.item WHERE id = 3;
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id IN (1, 3)'), 'app.item: 1,caller''s>1,z', 'what the caller has changed before is what a row was');
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 4'), 'app.item: 4,new>4,z', 'what the caller has inserted is not new');
SELECT is(shown('DELETE FROM item'), 'app.heir: 21,h>-; app.item: 2,b>- 1,caller''s>- 4,new>-', 'what it has deleted is not shown');
SAVEPOINT again;
UPDATE app.item SET v = 'caller again' WHERE id = 1;
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 1'), 'app.item: 1,caller again>1,z', 'nor earlier versions of it');
ROLLBACK TO again;
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 1'), 'app.item: 1,caller''s>1,z', 'nor what it has undone');
RELEASE again;
ALTER TABLE app.owned ALTER id TYPE bigint;
SELECT is(shown('UPDATE owned SET v = ''z'' WHERE id = 1'), 'app.owned: 1,a>1,z', 'a table that the caller has rewritten is shown');
SELECT is(shown(undone('ALTER TABLE owned ALTER id TYPE int') || '; UPDATE owned SET v = ''z'' WHERE id = 1'), 'app.owned: not shown', 'but not if the server cannot tell who has');
ROLLBACK TO before;
SELECT is(shown('UPDATE item SET v = ''z'' WHERE id = 1') || shown('UPDATE item SET v = ''y'' WHERE id = 1'), 'app.item: 1,a>1,zapp.item: 1,a>1,y', 'an earlier preview is no change');
SELECT is((SELECT string_agg(v, '' ORDER BY id) FROM ONLY app.item), 'abc', 'nothing of it stays');

\ir include/finish.sql
