-- :rules approval rules, each with a condition over the params of a proposal of
-- the benchmark: of three, two match, for different roles and stages.
SELECT workflow_orch.register_actor('manager' || g, 'Manager') FROM generate_series(1, 2) g;
SELECT workflow_orch.add_approval_rule(
         CASE WHEN i % 3 = 1 THEN 'Manager' ELSE 'DBA' END, stage => 1 + i % 3 % 2,
         condition => format('$.params.a.n > %s', CASE WHEN i % 3 = 2 THEN 1000 ELSE 0 END)::jsonpath)
  FROM generate_series(1, :rules) i;
