-- Helpers to call as somebody else: as a login, on demand after SET ROLE.
-- Included after fixture.sql.
GRANT USAGE ON SCHEMA t TO PUBLIC;

-- The error that a statement of a login ends with; null: none, and its effects stay.
CREATE FUNCTION t.error_as(login text, statement text, role text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  e jsonb;
BEGIN
  EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
  IF role IS NOT NULL THEN
    EXECUTE format('SET LOCAL ROLE %I', role);
  END IF;
  e := t.error_of(statement);
  SET LOCAL SESSION AUTHORIZATION DEFAULT;
  RETURN e;
END
$$;

-- The one value of a query of a login.
CREATE FUNCTION t.value_as(login text, query text, role text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
  IF role IS NOT NULL THEN
    EXECUTE format('SET LOCAL ROLE %I', role);
  END IF;
  EXECUTE query INTO result;
  SET LOCAL SESSION AUTHORIZATION DEFAULT;
  RETURN result;
END
$$;

-- The top node of the plan of a query of a login, which is run.
CREATE FUNCTION t.plan_as(login text, query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan;
  SET LOCAL SESSION AUTHORIZATION DEFAULT;
  RETURN plan -> 0 -> 'Plan';
END
$$;

CREATE FUNCTION t.refused_as(login text, statement text, expected jsonb, description text, role text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT is_error(error_as(login, statement, role), expected, description)
$$;

CREATE FUNCTION t.works_as(login text, statement text, description text, role text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT is(error_as(login, statement, role), NULL::jsonb, description)
$$;
