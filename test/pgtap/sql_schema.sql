-- Where the extension is created: in a schema of its own, and in nobody's trap.
\set file sql_schema
\ir include/fixture.sql
\ir include/roles.sql

SELECT is(obj_description('workflow_orch'::regnamespace) LIKE 'Proposal-based approval%', true, 'the schema says what it is for');
SELECT raises('ALTER EXTENSION workflow_orch SET SCHEMA app', '{"sqlstate": "0A000"}', 'the extension stays in its schema');
SELECT raises('CREATE EXTENSION workflow_orch SCHEMA app', '{"sqlstate": "%"}', 'and is created in no other');

CREATE ROLE sql_schema_squatter LOGIN;
SAVEPOINT here;
DROP EXTENSION workflow_orch;
DROP SCHEMA IF EXISTS workflow_orch;
CREATE SCHEMA workflow_orch AUTHORIZATION sql_schema_squatter;
SELECT raises('CREATE EXTENSION workflow_orch', '{"sqlstate": "42501", "message": "schema \"workflow_orch\" %", "hint": "_%"}',
  'the extension is not created in a schema that belongs to somebody else');
SET LOCAL ROLE sql_schema_squatter;
CREATE FUNCTION workflow_orch.set_policy(trap int) RETURNS int LANGUAGE sql RETURN trap;
RESET ROLE;
ALTER SCHEMA workflow_orch OWNER TO CURRENT_USER;
SELECT raises('CREATE EXTENSION workflow_orch', '{"sqlstate": "42501", "message": "schema \"workflow_orch\" %", "hint": "_%"}',
  'nor beside what somebody else has left in it');
DROP FUNCTION workflow_orch.set_policy;
SELECT lives_ok('CREATE EXTENSION workflow_orch', 'an empty schema of a superuser''s is as good as none, as a restore makes it');
ROLLBACK TO here;
SELECT lives_ok('SELECT workflow_orch.whoami()', 'and the extension is there again when its end is undone');

\ir include/finish.sql
