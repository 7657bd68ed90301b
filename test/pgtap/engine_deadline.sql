-- Timeouts of tools, and cancels of the caller.
\set file engine_deadline
\ir include/fixture.sql

CREATE TABLE app.ledger (entry text);
GRANT ALL ON app.ledger TO :"tool_role";
CREATE FUNCTION app.slow(seconds float8) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.ledger VALUES ('slow');
  PERFORM pg_sleep(seconds);
  RETURN 'slept';
END
$$;
CREATE FUNCTION app.stubborn() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO app.ledger VALUES ('stubborn');
  BEGIN
    PERFORM pg_sleep(60);
  EXCEPTION WHEN query_canceled THEN
    NULL;
  END;
  RETURN 'swallowed';
END
$$;
CREATE FUNCTION app.swallows_and_fails() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep(60);
EXCEPTION WHEN query_canceled THEN
  RAISE EXCEPTION 'something else' USING DETAIL = 'd', HINT = 'h';
END
$$;
CREATE FUNCTION app.busy() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    PERFORM 1;
  END LOOP;
END
$$;
CALL tool('slow(float8)', timeout => '30 ms');
CALL tool('slow(float8)', 'hasty', timeout => '1 us');
CALL tool('slow(float8)', 'patient', timeout => '1 hour');
CALL tool('slow(float8)', 'unlimited', timeout => '0');
CALL tool('slow(float8)', 'by policy');
CALL tool('slow(float8)', 'for ages', timeout => '100 years');
CALL tool('stubborn()', timeout => '30 ms');
CALL tool('swallows_and_fails()', timeout => '30 ms');
CALL tool('busy()', timeout => '30 ms');
CALL tool('stubborn()', 'stubborn for ages');
CREATE FUNCTION app.plays_cancelled() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'played' USING ERRCODE = 'query_canceled';
END
$$;
CALL tool('plays_cancelled()');

SELECT approved('slow', '{"seconds": 60}') AS p \gset
SELECT is_error(execute(:p) -> 'error', '{"sqlstate": "57014", "message": "%timeout of 30 ms%"}',
  'a tool that runs too long is cancelled, and the result says after what time');
SELECT is(status(:p), 'failed', 'the proposal of a tool that timed out is failed');
SELECT is_empty('SELECT * FROM app.ledger', 'the effects of a tool that timed out are undone');
SELECT is(output('busy') ->> 'sqlstate', '57014', 'a tool that only computes is cancelled too');
SELECT approved('stubborn') AS p \gset
SELECT is(execute(:p) #>> '{error,sqlstate}', '57014', 'a tool that swallows the cancel has timed out all the same');
SELECT is_empty('SELECT * FROM app.ledger', 'the effects of a tool that swallowed the cancel are undone');
SELECT is_error(output('swallows_and_fails'), '{"sqlstate": "57014", "message": "%timeout of 30 ms%"}',
  'a tool that turns the cancel into another error has timed out');
SELECT is(output('slow', '{"seconds": 0}'), '"slept"', 'a tool that is done in time is a success');
SELECT is(pg_sleep(0.05)::text, '', 'the timer of a tool that is done in time does not go off later');
SELECT is(output('patient', '{"seconds": 0.04}'), '"slept"', 'each tool has its own timeout');
SELECT is(output('hasty', '{"seconds": 60}') ->> 'sqlstate', '57014', 'a timeout of less than a timer''s unit is a timeout');
SELECT is(output('for ages', '{"seconds": 0}'), '"slept"', 'a timeout past the range of a timer is none');

SELECT default_timeout FROM workflow_orch.set_policy(default_timeout => '30 ms') \g /dev/null
SELECT is_error(output('by policy', '{"seconds": 60}'), '{"sqlstate": "57014", "message": "%timeout of 30 ms%"}',
  'a tool without a timeout of its own has the policy''s');
SELECT is(output('patient', '{"seconds": 0.04}'), '"slept"', 'a tool''s own timeout goes before the policy''s');
SELECT is(output('unlimited', '{"seconds": 0.04}'), '"slept"', 'a tool''s zero timeout means none, whatever the policy''s');
SELECT approved('by policy', '{"seconds": 0.04}') AS p \gset
SELECT default_timeout FROM workflow_orch.set_policy(default_timeout => '0') \g /dev/null
SELECT is(execute(:p) -> 'output', '"slept"', 'the policy''s timeout is the one in force when the tool runs, and is not pinned');

-- A tool that goes on after the cancel is cancelled again.  It counts in a
-- sequence, which no rollback sets back.
CREATE SEQUENCE app.catches;
GRANT USAGE ON SEQUENCE app.catches TO :"tool_role";
CREATE FUNCTION app.goes_on() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. 3 LOOP
    BEGIN
      PERFORM pg_sleep(8);
    EXCEPTION WHEN query_canceled THEN
      PERFORM nextval('app.catches');
    END;
  END LOOP;
END
$$;
CALL tool('goes_on()', timeout => '30 ms');
SELECT is_error(output('goes_on'), '{"sqlstate": "57014", "message": "%timeout of 30 ms%"}', 'a tool that goes on after the cancel has timed out');
SELECT cmp_ok((SELECT last_value FROM app.catches), '>', 1::bigint, 'and was cancelled more than once');
SELECT is(pg_sleep(0.3)::text, '', 'nothing is canceled afterwards');

-- A cancel of the caller is raised.  statement_timeout is armed when a
-- statement starts, so it is set by one and met by the next.
SELECT approved('patient', '{"seconds": 60}') AS p, approved('slow', '{"seconds": 0}') AS q \gset
SELECT format('SELECT execute(%s)', :p) AS statement \gset
SET statement_timeout = '100 ms';
SELECT raises(:'statement', '{"sqlstate": "57014", "message": "%statement timeout%"}', 'a cancel of the caller is raised');
SET statement_timeout = 0;
SELECT is(status(:p), 'approved', 'a call that the caller cancelled leaves the proposal approved');
SELECT is_empty(format('SELECT FROM workflow_orch.execution WHERE proposal_id = %s', :p), 'nothing of it is recorded');
SELECT is(execute(:q) -> 'output', '"slept"', 'the next call runs as ever');

SELECT approved('stubborn for ages') AS p \gset
SELECT format('SELECT execute(%s)', :p) AS statement \gset
SET statement_timeout = '100 ms';
SELECT raises(:'statement', '{"sqlstate": "57014"}', 'a cancel of the caller is raised though the tool swallows it');
SET statement_timeout = 0;
SELECT is(status(:p), 'approved', 'a call whose cancel the tool swallowed leaves the proposal approved');
SELECT is_empty('SELECT * FROM app.ledger WHERE entry = ''stubborn''',
  'the effects of a tool that swallowed the caller''s cancel are undone');
SELECT is_error(output('plays_cancelled'), '{"sqlstate": "57014", "message": "played"}',
  'an error 57014 that the tool raises by itself is a failure like any other');

\ir include/finish.sql
