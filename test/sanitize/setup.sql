-- What random_calls.pl calls: roles, people, tools of all kinds, and functions
-- that find something to call.
CREATE EXTENSION workflow_orch;
CREATE ROLE walker_1 LOGIN;
CREATE ROLE walker_2 LOGIN;
CREATE ROLE walker_3 LOGIN;
CREATE ROLE walker_4 LOGIN;
CREATE ROLE walker_tool LOGIN;
CREATE ROLE walker_other LOGIN;
CREATE ROLE walker_gone LOGIN;
SELECT count(workflow_orch.grant_capability(r::regrole, c))
  FROM unnest('{walker_1,walker_2,walker_3}'::text[]) r, unnest('{propose,review,execute,audit}'::text[]) c;
SELECT workflow_orch.grant_capability('walker_3', 'administer');

CREATE SCHEMA app;
GRANT ALL ON SCHEMA app TO PUBLIC;
CREATE TABLE app.effect (n int, t text);
CREATE TABLE app.parent (n int PRIMARY KEY);
CREATE TABLE app.child (n int REFERENCES app.parent DEFERRABLE INITIALLY DEFERRED);
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN app.small AS int CHECK (VALUE < 1000);
CREATE TYPE app.pair AS (a app.small, b numeric(10,2), c text[]);
CREATE SEQUENCE app.counter;
GRANT ALL ON ALL TABLES IN SCHEMA app TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO PUBLIC;

CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.effect VALUES (n); RETURN 100 / n; END $$;
CREATE FUNCTION app.fails(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no %', repeat('x', n) USING errcode = (ARRAY['40001', '40P01', '57014', '22012', 'P0001', '08007', '54000'])[1 + abs(n) % 7];
END $$;
CREATE FUNCTION app.nap(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(abs(n) / 100.0); RETURN n; END $$;
CREATE FUNCTION app.types(n int, m app.mood DEFAULT 'ok', s app.small DEFAULT 7, p app.pair DEFAULT NULL, r int4range DEFAULT '[1,2)', j jsonb DEFAULT '{}', c regclass DEFAULT NULL)
	RETURNS SETOF app.pair LANGUAGE sql AS $$ SELECT (s, n, ARRAY[m::text, r::text, j::text, c::text])::app.pair FROM generate_series(1, n % 50) $$;
CREATE FUNCTION app.lists(VARIADIC n int[]) RETURNS int[] LANGUAGE sql AS $$ SELECT $1 || $1 $$;
CREATE FUNCTION app.records(n int, OUT a int, OUT b text) LANGUAGE sql BEGIN ATOMIC SELECT n, repeat('y', n); END;
CREATE FUNCTION app.refcur(n refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN OPEN n FOR SELECT * FROM app.effect; FETCH n INTO r; RETURN n; END $$;
CREATE FUNCTION app.ddl(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE IF NOT EXISTS app.made_%s (n int)', abs(n) % 5);
	EXECUTE format('ALTER TABLE app.made_%s ADD COLUMN IF NOT EXISTS m int', abs(n) % 5);
	IF n % 3 = 0 THEN EXECUTE format('DROP TABLE app.made_%s', abs(n) % 5); END IF;
	RETURN n;
END $$;
CREATE FUNCTION app.temp(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE t (n int) ON COMMIT DROP;
	INSERT INTO t VALUES (n);
	IF n % 2 = 0 THEN DROP TABLE t; END IF;
	RETURN n;
END $$;
CREATE FUNCTION app.nested(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	BEGIN
		CASE abs(n) % 6
			WHEN 0 THEN SELECT r::text INTO answer FROM workflow_orch.propose_action(1, 1, 'add', '{"n": 1}', 'nested') r;
			WHEN 1 THEN SELECT r::text INTO answer FROM workflow_orch.execute_action(n, 2) r;
			WHEN 2 THEN SELECT r::text INTO answer FROM workflow_orch.wait_execution(n, '10 ms') r;
			WHEN 3 THEN SELECT r::text INTO answer FROM workflow_orch.preview_action(n, 2) r;
			WHEN 4 THEN SELECT r::text INTO answer FROM workflow_orch.enqueue_action(n, 2) r;
			ELSE SELECT r::text INTO answer FROM workflow_orch.review_action(n, 2, 'approve') r;
		END CASE;
	EXCEPTION WHEN OTHERS THEN
		answer := SQLERRM;
	END;
	RETURN answer;
END $$;
CREATE FUNCTION app.notify(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	NOTIFY app;
	LISTEN app;
	PERFORM pg_advisory_lock(n % 3);
	PERFORM setseed(0.5), nextval('app.counter'), set_config('app.n', n::text, false);
	PREPARE p AS SELECT 1;
	RETURN n;
END $$;
CREATE FUNCTION app.big(n int) RETURNS text LANGUAGE sql AS $$ SELECT repeat('z', abs(n) * 3000) $$;
CREATE FUNCTION app.swallows(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 20 LOOP
		BEGIN
			PERFORM pg_sleep(0.05);
		EXCEPTION WHEN query_canceled THEN
		END;
	END LOOP;
	RETURN n;
END $$;
CREATE FUNCTION app.deferred(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO app.child VALUES (n);
	IF n % 2 = 0 THEN INSERT INTO app.parent VALUES (n) ON CONFLICT DO NOTHING; END IF;
	RETURN n;
END $$;
CREATE FUNCTION app.lo(n int) RETURNS oid LANGUAGE plpgsql AS $$ DECLARE o oid := lo_create(0); BEGIN PERFORM lo_open(o, 131072); RETURN o; END $$;
CREATE FUNCTION app.ends_itself(n int) RETURNS bool LANGUAGE sql AS $$ SELECT pg_terminate_backend(pg_backend_pid()) $$;
CREATE FUNCTION app.deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN app.deep(n + 1); END $$;
CREATE FUNCTION app.fires() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM workflow_orch.execute_action(NEW.n, 2);
	RETURN NEW;
END $$;
CREATE TABLE app.fired (n int);
CREATE TRIGGER fires BEFORE INSERT ON app.fired FOR EACH ROW EXECUTE FUNCTION app.fires();
GRANT ALL ON app.fired TO PUBLIC;

SELECT workflow_orch.register_actor('dev', 'Developer', kind => 'agent'), workflow_orch.register_actor('dba', 'DBA'), workflow_orch.register_actor('ops', 'Manager'),
       workflow_orch.register_actor('one', 'Developer', db_role => 'walker_1'), workflow_orch.register_actor('two', 'DBA', db_role => 'walker_2'),
       workflow_orch.register_actor('three', 'Manager', db_role => 'walker_3');
SELECT count(workflow_orch.register_tool(p.proname, p.oid::regprocedure, run_as => 'walker_tool', timeout => '300 ms', preview => p.oid::int % 2 = 0, preview_rows => p.oid::int % 5, max_attempts => 1 + p.oid::int % 3))
  FROM pg_proc p WHERE p.pronamespace = 'app'::regnamespace AND p.prorettype <> 'trigger'::regtype;
SELECT workflow_orch.register_tool('once', 'app.nap(int)', run_as => 'walker_tool', timeout => '300 ms', in_session => false, rerun => false),
       workflow_orch.register_tool('run_sql', 'workflow_orch.run_sql(text)', run_as => 'walker_tool', timeout => '1 s', preview => true, preview_rows => 100);
SELECT workflow_orch.start_workflow('Work', 1);

CREATE SCHEMA walk;
GRANT USAGE ON SCHEMA walk TO PUBLIC;
-- One of the youngest rows of a table by its id.
CREATE FUNCTION walk.some(what text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = workflow_orch, pg_temp AS $$
DECLARE
	id bigint;
BEGIN
	EXECUTE format('SELECT %1$s_id FROM %2$I ORDER BY 1 DESC OFFSET floor(random() * %3$s) LIMIT 1', split_part(what, '_', 1), what,
		CASE what WHEN 'workflow' THEN 3 WHEN 'actor' THEN 8 ELSE 12 END) INTO id;
	RETURN coalesce(id, 1);
END $$;
-- An execution that has not ended, if there is one.
CREATE FUNCTION walk.execution() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = workflow_orch, pg_temp AS $$
	SELECT coalesce((SELECT execution_id FROM execution WHERE status IN ('queued', 'running') ORDER BY random() LIMIT 1), walk.some('execution')) $$;
-- A proposal with this status, if there is one.
CREATE FUNCTION walk.proposal(wanted text) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = workflow_orch, pg_temp AS $$
	SELECT coalesce((SELECT proposal_id FROM proposal WHERE status::text = wanted ORDER BY proposal_id DESC OFFSET floor(random() * 6) LIMIT 1), walk.some('proposal')) $$;
-- A backend to be cancelled or ended: a client's or a worker.
CREATE FUNCTION walk.victim() RETURNS int LANGUAGE sql AS $$
	SELECT pid FROM pg_stat_activity
	 WHERE pid <> pg_backend_pid() AND application_name <> 'beside' AND (backend_type = 'client backend' OR backend_type LIKE 'workflow_orch%')
	 ORDER BY random() LIMIT 1 $$;
