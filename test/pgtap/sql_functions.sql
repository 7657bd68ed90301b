-- Functions that are written in SQL: the state machine as a diagram.
\set file sql_functions
\ir include/fixture.sql

CREATE TABLE t.line AS SELECT * FROM string_to_table(workflow_orch.transitions_mermaid(), E'\n') WITH ORDINALITY AS l(line, n);
SELECT is((SELECT line FROM line WHERE n = 1), 'stateDiagram-v2', 'it begins as Mermaid wants it');
SELECT is_empty($$SELECT * FROM workflow_orch.transitions() s
  WHERE (SELECT count(*) FROM line, regexp_match(line, '^    (\w+) --> (\w+) : (.*)$') m
          WHERE m[1] = object || '_' || from_status AND m[2] = object || '_' || to_status AND event = ANY (string_to_array(m[3], ', '))) <> 1$$,
  'each transition is in it, once');
SELECT is((SELECT sum(cardinality(string_to_array(m[3], ', '))) FROM line, regexp_match(line, '^    (\w+) --> (\w+) : (.*)$') m),
          (SELECT count(*) FROM workflow_orch.transitions()), 'and nothing else');
SELECT set_eq($$SELECT m[1] FROM line, regexp_match(line, '^    (\w+) --> \[\*\]$') m WHERE m IS NOT NULL$$,
  $$SELECT object || '_' || to_status FROM workflow_orch.transitions() EXCEPT SELECT object || '_' || from_status FROM workflow_orch.transitions()$$,
  'what nothing leads away from is final');
SELECT set_eq($$SELECT m[1] FROM line, regexp_match(line, '^    \[\*\] --> (\w+)$') m WHERE m IS NOT NULL$$,
  ARRAY['workflow_active', 'proposal_pending', 'execution_queued'], 'each object begins in one status');
SELECT is_empty($$SELECT line FROM line WHERE n > 1 AND line !~ '^  (state \w+ \{|\}|  (state "\w+" as \w+|(\w+|\[\*\]) --> (\w+|\[\*\])( : [\w, ]+)?))$'$$,
  'each line is a statement of a diagram');
SELECT is((SELECT count(*) FILTER (WHERE line LIKE '%{') - count(*) FILTER (WHERE line = '  }') FROM line), 0::bigint, 'what is opened is closed');

\ir include/finish.sql
