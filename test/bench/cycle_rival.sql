\set a random(1, 10)
\set h random(1, 10)
\set w random(1, 5)
SELECT wf.propose('agent' || :a, 'flow' || :w, '{"n": 1}') AS id \gset
SELECT wf.review('human' || :h, :id, 'approve');
SELECT wf.execute('agent' || :a, :id);
