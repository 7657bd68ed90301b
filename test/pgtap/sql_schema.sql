-- Where the extension is created: in a schema of its own, and in nobody's trap.
\set file sql_schema
\ir include/fixture.sql
\ir include/roles.sql

SELECT is(obj_description('workflow_orch'::regnamespace) LIKE 'Proposal-based approval%', true, 'the schema says what it is for');
SELECT raises('ALTER EXTENSION workflow_orch SET SCHEMA app', '{"sqlstate": "0A000"}', 'the extension stays in its schema');
SELECT raises('CREATE EXTENSION workflow_orch SCHEMA app', '{"sqlstate": "%"}', 'and is created in no other');

CREATE ROLE sql_schema_reader;
SELECT workflow_orch.grant_capability('sql_schema_reader', 'audit');
SAVEPOINT here;
DROP EXTENSION workflow_orch;
SELECT is(to_regnamespace('workflow_orch'), NULL, 'the schema goes with the extension');
SELECT lives_ok('DROP ROLE sql_schema_reader', 'and with it all grants, so that a role that had a capability can be dropped');
CREATE SCHEMA workflow_orch;
SELECT raises('CREATE EXTENSION workflow_orch', '{"sqlstate": "42P06", "message": "schema \"workflow_orch\" %", "hint": "_%"}',
  'a schema that is there already is not taken over: its owner could replace what is in it');
ROLLBACK TO here;
SELECT lives_ok('SELECT workflow_orch.whoami()', 'and the extension is there again when its end is undone');

\ir include/finish.sql
