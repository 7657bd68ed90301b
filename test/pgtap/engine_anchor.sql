-- record_anchor: what a witness answered about a checkpoint of this tree.
\set file engine_anchor
\set without_sealer
\ir include/fixture.sql
\ir include/roles.sql
\ir include/sealed.sql
SELECT workflow_orch.audit_checkpoint() AS checkpoint \gset
CREATE FUNCTION t.checkpoint(origin text, size text, root text) RETURNS text LANGUAGE sql RETURN origin || E'\n' || size || E'\n' || root || E'\n';
SELECT split_part(:'checkpoint', E'\n', 3) AS root \gset

SELECT workflow_orch.record_anchor(:'checkpoint' || E'\n' || chr(8212) || ' witness c2ln' || E'\n', 'signature', 'proof') AS anchor \gset
SELECT is((SELECT to_jsonb(a) - 'recorded_at' - 'root' FROM workflow_orch.audit_anchor a WHERE anchor_id = :anchor),
  jsonb_build_object('anchor_id', :anchor, 'origin', 'example.com/log/moved', 'size', 1, 'kind', 'signature', 'proof', '\x70726f6f66', 'actor_id', NULL,
                     'checkpoint', :'checkpoint' || E'\n' || chr(8212) || ' witness c2ln' || E'\n'), 'an anchor is kept with the signatures of its checkpoint');
SELECT is((SELECT details FROM workflow_orch.audit_log WHERE action = 'record_anchor'),
  jsonb_build_object('anchor_id', :anchor, 'origin', 'example.com/log/moved', 'size', 1, 'kind', 'signature', 'root', :'root', 'proof_sha256', encode(sha256('proof'), 'hex')),
  'its audit row has size, root and the proof''s SHA-256');
SELECT is((SELECT anchored_size FROM workflow_orch.audit_status), 1::bigint, 'audit_status shows the last one');
SELECT workflow_orch.record_anchor(checkpoint('example.com/log', '1', :'root'), 'rfc3161', decode(repeat('00', 65536), 'hex')) \g /dev/null
SELECT is((SELECT count(*) FROM workflow_orch.audit_anchor), 2::bigint, 'a former origin is one of this tree, and a proof may have 64 kB');

CREATE FUNCTION t.refused(checkpoint text, kind text, proof bytea, expected jsonb, description text) RETURNS text LANGUAGE sql
RETURN raises(format('SELECT workflow_orch.record_anchor(%L, %L, %L)', checkpoint, kind, proof), expected, description);
SELECT refused('a' || E'\n' || '1' || E'\n', 'x', '', '{"sqlstate": "22023", "reason": "wfo_bad_checkpoint", "detail": "It has fewer than three lines%"}', 'two lines are no checkpoint');
SELECT refused(checkpoint('elsewhere', '1', :'root'), 'x', '', '{"sqlstate": "22023", "reason": "wfo_unknown_origin"}', 'nor is one of another origin this tree''s');
SELECT refused(checkpoint('example.com/log', '1', 'AAAA'), 'x', '', '{"sqlstate": "22023", "reason": "wfo_bad_checkpoint"}', 'a root has 32 bytes');
SELECT refused(checkpoint('example.com/log', '2', :'root'), 'x', '', '{"sqlstate": "22023", "reason": "wfo_not_a_size"}', 'a size is not larger than the tree');
SELECT refused(checkpoint('example.com/log', '9223372036854775807', :'root'), 'x', '', '{"sqlstate": "22023", "reason": "wfo_not_a_size"}', 'however large');
SELECT refused(checkpoint('example.com/log', '1', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='), 'x', '', '{"sqlstate": "22023", "reason": "wfo_other_tree"}', 'a root is the one that the tree had');
SELECT refused(:'checkpoint', ' ', '', '{"sqlstate": "22023", "reason": "wfo_argument_empty"}', 'a kind is not empty');
SELECT refused(:'checkpoint', 'x', decode(repeat('00', 65537), 'hex'), '{"sqlstate": "54000", "reason": "wfo_argument_too_long"}', 'a proof has at most 64 kB');
SELECT is((SELECT count(*) FROM workflow_orch.audit_anchor), 2::bigint, 'nothing was written');
\ir include/finish.sql
