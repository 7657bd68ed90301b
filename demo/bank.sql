-- The application of the demo: pgbench's tables, owned by bank_owner, and five
-- plain SQL functions that change them.  Nothing here knows of approvals.
-- Run by bank_owner, who is no superuser.

CREATE SCHEMA change;

CREATE FUNCTION change.add_column(rel regclass, col name, type regtype)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', rel, col, type);
  RETURN format('%s.%I is there', rel, col);
END
$$;

-- Bounded: it takes the first max_rows accounts that have no tier yet.
CREATE FUNCTION change.backfill_tier(max_rows integer)
RETURNS TABLE (filled bigint, still_empty bigint) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE pgbench_accounts SET tier = CASE WHEN bid <= 3 THEN 'gold' ELSE 'basic' END
   WHERE aid IN (SELECT aid FROM pgbench_accounts WHERE tier IS NULL ORDER BY aid LIMIT max_rows);
  GET DIAGNOSTICS filled = ROW_COUNT;
  SELECT count(*) INTO still_empty FROM pgbench_accounts WHERE tier IS NULL;
  RETURN NEXT;
END
$$;

CREATE FUNCTION change.fill_branch(branch integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  filled bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM pgbench_branches WHERE bid = branch) THEN
    RAISE EXCEPTION 'there is no branch %', branch USING ERRCODE = 'no_data_found';
  END IF;
  UPDATE pgbench_accounts SET tier = CASE WHEN bid <= 3 THEN 'gold' ELSE 'basic' END
   WHERE bid = branch AND tier IS NULL;
  GET DIAGNOSTICS filled = ROW_COUNT;
  RETURN filled;
END
$$;

CREATE FUNCTION change.create_index(rel regclass, col name)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE INDEX %I ON %s (%I)', rel || '_' || col, rel, col);
  RETURN format('index %I is there', rel || '_' || col);
END
$$;

CREATE FUNCTION change.drop_column(rel regclass, col name)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s DROP COLUMN %I', rel, col);
  RETURN format('%s.%I is gone', rel, col);
END
$$;

-- Nobody but the owner calls them, and so the tools.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA change FROM PUBLIC;
GRANT USAGE ON SCHEMA change TO ada, ben, cleo, mia;
GRANT SELECT ON pgbench_accounts TO ben;
