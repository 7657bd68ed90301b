# The tree over the audit log: rows that commit in any order, sessions at once,
# tiles of several levels, a prepared transaction, a crash between rounds, a
# restore, a clone and a promotion.  Each tree is rebuilt here from its leaves, and
# each leaf from its row's entry.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use MIME::Base64;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch qw(:DEFAULT !sql);
use Workers;

my $node = new_node('seal', preload => 0, settings => "max_prepared_transactions = 4\n");
install($node, 'postgres');

sub sql
{
	my ($statement, $database) = @_;
	return $node->safe_psql($database // 'postgres', $statement);
}

# A leaf or the root of the leaves (RFC 6962, section 2.1).
sub leaf { return sha256("\0" . shift) }

sub root
{
	my @hashes = @_;
	return sha256('') if !@hashes;
	return $hashes[0] if @hashes == 1;
	my $left = 1;
	$left *= 2 while $left * 2 < @hashes;
	return sha256("\1" . root(@hashes[ 0 .. $left - 1 ]) . root(@hashes[ $left .. $#hashes ]));
}

# The leaves of the tree as the tables have them, in order: [audit_id, hash].
sub leaves
{
	my ($database) = @_;
	my @leaves = map { [ split /\|/ ] } split /\n/, sql(q{
		SELECT ('x' || encode(substr(t.audit_ids, 8 * i + 1, 8), 'hex'))::bit(64)::bigint, encode(substr(t.hashes, 32 * i + 1, 32), 'base64')
		  FROM workflow_orch.audit_tile t, generate_series(0, 255) i WHERE t.level = 0 ORDER BY t.tile, i}, $database);
	push @leaves, map { [ split /\|/ ] } split /\n/, sql(q{
		SELECT audit_id, encode(hash, 'base64') FROM workflow_orch.audit_leaf ORDER BY leaf_index}, $database);
	return map { [ $_->[0], decode_base64($_->[1]) ] } @leaves;
}

# The checkpoint is that of the leaves, and each row is one leaf, with its hash.
sub check_tree
{
	my ($name, $database) = @_;
	my @leaves = leaves($database);
	my ($origin, $size, $root) = split /\n/, sql('SELECT workflow_orch.audit_checkpoint()', $database);
	is($size, scalar @leaves, "$name: the size");
	is($root, encode_base64(root(map { $_->[1] } @leaves), ''), "$name: the root");
	is(sql(q{SELECT count(*) FROM workflow_orch.audit_log}, $database), scalar @leaves, "$name: each row is a leaf");
	my %of = map { $_->[0] => $_->[1] } @leaves;
	is(scalar keys %of, scalar @leaves, "$name: once");
	my %entry = map { split /\|/ } split /\n/,
		sql(q{SELECT audit_id, encode(workflow_orch.audit_entry(audit_id), 'hex') FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 300}, $database);
	is_deeply([ grep { leaf(pack 'H*', $entry{$_}) ne $of{$_} } sort keys %entry ], [], "$name: the entries have the leaves' hashes");
	return ($origin, $size, $root);
}

# Whether a proof of inclusion leads from a leaf to a root (RFC 9162, 2.1.3.2).
sub includes
{
	my ($proof, $root) = @_;
	my ($fn, $sn, $r) = ($proof->{leaf_index}, $proof->{size} - 1, decode_base64($proof->{leaf}));
	for my $p (map { decode_base64($_) } @{ $proof->{path} })
	{
		return 0 if $sn == 0;
		if ($fn & 1 || $fn == $sn)
		{
			$r = sha256("\1$p$r");
			($fn, $sn) = ($fn >> 1, $sn >> 1) while !($fn & 1) && $fn != 0;
		}
		else { $r = sha256("\1$r$p") }
		($fn, $sn) = ($fn >> 1, $sn >> 1);
	}
	return $sn == 0 && $r eq decode_base64($root);
}

my ($origin, $size, $root) = check_tree('sealed once') if sql('SELECT workflow_orch.seal_audit_log()') > 0;
like($origin, qr{^workflow_orch/\d+/\d+/1$}, 'the first origin names the place');
is(sql('SELECT workflow_orch.seal_audit_log()'), 0, 'there is nothing more to be sealed');

# Rows of a transaction that commits late, of one that is rolled back, and of a prepared one.
my $late = session($node, 'postgres');
start_query($late, q{BEGIN; SELECT workflow_orch.start_workflow('late', 1)});
answer($late);
my $prepared = sql(q{BEGIN; SELECT workflow_orch.start_workflow('prepared', 1); PREPARE TRANSACTION 'p'});
sql(q{BEGIN; SELECT workflow_orch.start_workflow('undone', 1); ROLLBACK});
sql(q{SELECT workflow_orch.start_workflow('early', 1)});
is(sql('SELECT workflow_orch.seal_audit_log()'), 1, 'what is committed is sealed, though lower ids are open');
is(sql('SELECT seen_id - settled_id FROM workflow_orch.audit_tree'), 4, 'the ids of the others are kept in mind');
is(sql('SELECT oldest_unsealed FROM workflow_orch.audit_status'), '', 'and none of them waits');
is(sql('SELECT workflow_orch.seal_audit_log()'), 0, 'a session that has not seen them finds them in the tree');
start_query($late, 'COMMIT');
answer($late);
end_session($late);
isnt(sql('SELECT oldest_unsealed FROM workflow_orch.audit_status'), '', 'a late row waits');
is(sql('SELECT workflow_orch.seal_audit_log()'), 1, 'and is sealed');
$node->stop('immediate');
$node->start;
is(sql('SELECT workflow_orch.seal_audit_log()'), 0, 'after a crash the prepared row still waits for its commit');
sql(q{COMMIT PREPARED 'p'});
is(sql('SELECT workflow_orch.seal_audit_log()'), 1, 'and is sealed then');
is(sql('SELECT settled_id = seen_id FROM workflow_orch.audit_tree'), 't', 'no gap is left');
check_tree('in another order');
is(sql('SELECT string_agg(DISTINCT flags::text, $$,$$) FROM workflow_orch.audit_leaf'), '1,9', 'the rows were inserted by those that they name, the first before there was a tree');

# Subtransactions, and a row that names another transaction.
sql(q{BEGIN; SAVEPOINT a; SELECT workflow_orch.start_workflow('sub', 1); COMMIT});
sql(q{INSERT INTO workflow_orch.audit_log (occurred_at, action, login, details, db_role, application_name, backend_pid, transaction_id)
      VALUES (now() - interval '2 hours', 'set_policy', 'x', '{}', 'x', '', 1, '100')});
is(sql('SELECT workflow_orch.seal_audit_log()'), 2, 'two more');
like(sql('SELECT flags FROM workflow_orch.audit_leaf ORDER BY leaf_index DESC LIMIT 1'), qr/^[46]$/, 'a backdated row of another transaction is marked');

$node->append_conf('postgresql.conf', "restart_after_crash = on\n");
$node->reload;

# A crash between any two tables that a round writes: the next one does all of it.
for my $table ('audit_leaf', 'audit_tile', 'audit_tree')
{
	sql(q{SELECT workflow_orch.start_workflow('crash', 1) FROM generate_series(1, 300)});
	crash_at($node, $table, 'SELECT workflow_orch.seal_audit_log()');
	is(sql('SELECT workflow_orch.seal_audit_log()'), 300, "killed when it wrote to $table: all rows are still to be sealed");
	check_tree("killed at $table");
}

# Many rows, of sessions at once: tiles, and a tile of tiles.
my @sessions = map { session($node, 'postgres') } 1 .. 3;
sql(q{CREATE FUNCTION many(n int) RETURNS void LANGUAGE sql AS $$ SELECT workflow_orch.start_workflow('m', 1) FROM generate_series(1, n) $$});
for my $i (1 .. 4)
{
	start_query($_, 'SELECT many(80)') for @sessions;
	sql('SELECT workflow_orch.seal_audit_log()');
	answer($_) for @sessions;
}
end_session($_) for @sessions;
sql('SELECT workflow_orch.seal_audit_log()');
my ($o2, $size2, $root2) = check_tree('many');
sql(q{INSERT INTO workflow_orch.audit_log (occurred_at, action, login, details, db_role, application_name, backend_pid, transaction_id)
      SELECT now(), 'test', 'x', '{}', 'x', '', 1, pg_current_xact_id() FROM generate_series(1, 66000)});
is(sql('SELECT workflow_orch.seal_audit_log()'), 66000, 'more rows than a round takes');
my ($o3, $size3, $root3) = check_tree('more');
is(sql('SELECT count(*) FROM workflow_orch.audit_tile WHERE level = 1'), 1, 'a tile of tiles');
for my $id (1, 5, 700, sql('SELECT max(audit_id) FROM workflow_orch.audit_log'))
{
	my $proof = sql("SELECT workflow_orch.audit_proof(min(audit_id)) FROM workflow_orch.audit_log WHERE audit_id >= $id");
	ok(includes(decode_json($proof), $root3), "row $id is in the tree");
}
my $old = decode_json(sql("SELECT workflow_orch.audit_proof(1, $size2)"));
ok(includes($old, $root2), 'a row is in an earlier tree');
ok(!includes($old, $root3), 'by a proof that is not one for the later tree');
is(root((map { $_->[1] } leaves())[ 0 .. $size2 - 1 ]), decode_base64($root2), 'the earlier tree is the beginning of the later one');
isnt(sql("SELECT jsonb_array_length(workflow_orch.audit_consistency($size2) -> 'path')"), 0, 'and there is a proof of that');

# A restore goes on under a new origin; a clone of the database too.
my $dump = "$PostgreSQL::Test::Utils::tmp_check/seal.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'its restore');
like(sql('SELECT workflow_orch.audit_checkpoint()', 'restored'), qr{^\Q$o3\E\n$size3\n\Q$root3\E$}, 'has the tree');
is(sql('SELECT workflow_orch.seal_audit_log()', 'restored'), 1, 'the tree goes on');
my ($o4, $size4) = check_tree('restored', 'restored');
isnt($o4, $o3, 'under another origin');
is(sql(q{SELECT details ->> 'from_origin' || ' ' || (details ->> 'size') || ' ' || (details ->> 'root') || ' ' || (details ->> 'origin')
           FROM workflow_orch.audit_log WHERE action = 'continue_audit_log'}, 'restored'), "$o3 $size3 $root3 $o4", 'and an audit row tells of it');
is(sql('SELECT workflow_orch.seal_audit_log()', 'restored'), 0, 'once');
sql('SELECT workflow_orch.start_workflow($$w$$, 1)', 'restored');
is(sql('SELECT workflow_orch.seal_audit_log()', 'restored'), 1, 'and it grows there');
is(sql('SELECT workflow_orch.seal_audit_log()'), 0, 'the first tree is where it was');

# The origin may be chosen, before the first seal.
sql(q{CREATE DATABASE chosen});
sql(q{CREATE EXTENSION workflow_orch; ALTER DATABASE chosen SET workflow_orch.audit_origin = 'example.com/log'}, 'chosen');
sql(q{SELECT workflow_orch.register_actor('a', 'b'); SELECT workflow_orch.seal_audit_log()}, 'chosen');
is((check_tree('chosen', 'chosen'))[0], 'example.com/log', 'the origin is the chosen one');
like(($node->psql('chosen', "SELECT workflow_orch.whoami(); SET workflow_orch.audit_origin = '$_->[0]'"))[2], qr/An origin is a URL without its scheme, of up to 200 printable/, "which has $_->[1]")
	for [ 'two words', 'no space' ], [ 'https://example.com/log', 'no scheme' ], [ 'x' x 201, 'a limit' ];

# The server forgets at a restart what a subtransaction belonged to.
sql(q{BEGIN; SELECT workflow_orch.start_workflow('w', 1); PREPARE TRANSACTION 'old'});
my $within = sql(q{BEGIN; SELECT pg_current_xact_id(); SAVEPOINT s; SELECT workflow_orch.start_workflow('w', 1); COMMIT; SELECT max(audit_id) FROM workflow_orch.audit_log});
$within =~ s/.*\n//s;
$node->restart;
sql('SELECT workflow_orch.seal_audit_log()');
is(sql("SELECT workflow_orch.audit_entry($within) IS NOT NULL"), 't', 'a row of a subtransaction is sealed after a restart');
is(sql("SELECT finding FROM workflow_orch.verify_audit_log() WHERE audit_id = $within"), '', 'and nobody says that another transaction inserted it');
sql(q{COMMIT PREPARED 'old'});

like(($node->psql('postgres', 'SELECT workflow_orch.start_workflow($$w$$, 1)', on_error_stop => 1), $node->psql('postgres', 'SELECT workflow_orch.seal_audit_log(), workflow_orch.audit_checkpoint()'))[-1],
	qr/not committed/, 'what a transaction has sealed has no checkpoint before its commit');
my ($code, $out, $error) = $node->psql('postgres', 'BEGIN; SELECT workflow_orch.seal_audit_log()');
like($error, qr/cannot run inside a transaction block/, 'a session that seals does so in a transaction of its own');
$node->stop;
done_testing();
