-- A tool's function that is another one while it runs, and the approved one
-- again at the end, is found out.
\set file engine_execute_swap
\ir include/fixture.sql

CREATE TABLE app.ledger (entry text);
GRANT ALL ON app.ledger TO :"tool_role";

-- Gives a function a body; it runs as its owner, whoever calls it.
CREATE FUNCTION app.give(header text, body text) RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS text LANGUAGE plpgsql AS %L', header, body);
  RETURN 1;
END
$$;
CREATE FUNCTION app.give_good(header text) RETURNS int LANGUAGE sql AS $$
  SELECT app.give(header, 'BEGIN INSERT INTO app.ledger VALUES (''approved''); RETURN ''done''; END')
$$;
CREATE FUNCTION app.give_bad(header text) RETURNS int LANGUAGE sql AS $$
  SELECT app.give(header, format('BEGIN INSERT INTO app.ledger VALUES (''not approved''); PERFORM app.give_good(%L); RETURN ''done''; END', header))
$$;

-- Executes an approved proposal, and asserts that it is refused.
CREATE FUNCTION t.refuses(proposal bigint, how text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN NEXT raises(format('SELECT execute(%s)', proposal), '{"sqlstate": "55000", "message": "%changed%"}',
    how || ' is refused though it has put the approved one back');
  RETURN NEXT is(status(proposal), 'approved', 'the proposal is still approved');
  RETURN NEXT is_empty('SELECT * FROM app.ledger', 'what was not approved has left nothing');
  RETURN NEXT is((SELECT count(*) FROM workflow_orch.execution), 0::bigint, 'and no execution is recorded');
END
$$;

-- From a trigger that the caller has deferred.
SELECT give_good('app.plain()') \g /dev/null
CALL tool('plain()');
CREATE FUNCTION app.swap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM app.give_bad('app.plain()');
  RETURN NULL;
END
$$;
CREATE TABLE app.watched (id int);
CREATE CONSTRAINT TRIGGER swap AFTER INSERT ON app.watched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.swap();
SELECT approved('plain') AS p \gset
SAVEPOINT deferred;
INSERT INTO app.watched VALUES (1);
SELECT refuses(:p, 'a function that the caller''s deferred trigger has swapped');
ROLLBACK TO deferred;

-- From a default, which is pinned; what it calls is not.
CREATE FUNCTION app.one() RETURNS int LANGUAGE sql RETURN 1;
SELECT give_good('app.defaulted(n int DEFAULT app.one())') \g /dev/null
CALL tool('defaulted(int)');
SELECT approved('defaulted') AS q \gset
SAVEPOINT defaulted;
CREATE OR REPLACE FUNCTION app.one() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RETURN app.give_bad('app.defaulted(n int DEFAULT app.one())');
END
$$;
SELECT refuses(:q, 'a function that one of its defaults has swapped');
ROLLBACK TO defaulted;

SELECT is(execute(:p) -> 'success', 'true', 'left alone, the first runs');
SELECT is(execute(:q) -> 'success', 'true', 'left alone, the second runs');
SELECT results_eq('SELECT entry FROM app.ledger', ARRAY['approved', 'approved'], 'as they were approved');

\ir include/finish.sql
