-- Tools that leave a row in app.effect: add, which fails for 0, and hold, which
-- returns when nobody holds the advisory lock 4711.  Included after fixture.sql.
CREATE TABLE app.effect (n int);
GRANT INSERT ON app.effect TO :"tool_role";
CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  RETURN n * n / n;
END $$;
CREATE FUNCTION app.hold(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effect VALUES (n);
  PERFORM pg_advisory_xact_lock_shared(4711);
  RETURN n;
END $$;
CALL t.tool('app.add(int)');
CALL t.tool('app.hold(int)');
