# Where the tree is at home: a promotion after a failover that lost a tail, the old
# primary that comes back beside it, and pg_upgrade.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;
use Workers;

my $old = new_node('old', preload => 0, allows_streaming => 1);
install($old, 'postgres');

sub add_rows
{
	my ($node, $count) = @_;
	$node->safe_psql('postgres', q{SELECT workflow_orch.start_workflow('w', 1)}) for 1 .. $count;
	$node->safe_psql('postgres', 'SELECT workflow_orch.seal_audit_log()');
	return $node->safe_psql('postgres', 'SELECT workflow_orch.audit_checkpoint()') . "\n";
}

# What verify_audit_log says of a tree, a line each, beside a checkpoint.
sub findings
{
	my ($node, $checkpoint) = @_;
	return $node->safe_psql('postgres', sprintf q{SELECT finding FROM workflow_orch.verify_audit_log(checkpoint => %s) WHERE finding !~ '^unwitnessed'},
		defined $checkpoint ? "'$checkpoint'" : 'NULL');
}

sub size_of { return (split /\n/, shift)[1] }
sub origin_of { return (split /\n/, shift)[0] }

# What is found of a tree beside a checkpoint that it does not reach, or that is not its own.
sub shorter { return 'the tree has size ' . size_of($_[0]) . ', which is shorter than the checkpoint of size ' . size_of($_[1]) }
sub forked { return 'the tree does not extend the checkpoint of size ' . size_of($_[0]) . ': its root at that size is another' }

sub changes
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{SELECT action || ' ' || (details ->> 'from_origin' = details ->> 'origin') || ' ' || (details ->> 'size')
		FROM workflow_orch.audit_log WHERE action IN ('continue_audit_log', 'adopt_origin', 'new_origin') ORDER BY audit_id});
}

# A failover that loses what the primary had sealed last.
my $shared = add_rows($old, 3);
$old->backup('copy');
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init_from_backup($old, 'copy', has_streaming => 1);
$new->start;
is(findings($new, $shared), '', 'a standby has the tree, and its rows agree with it');
is($new->safe_psql('postgres', 'SELECT workflow_orch.audit_checkpoint()') . "\n", $shared, 'under its checkpoint');
$new->stop;
my $lost = add_rows($old, 4);
$old->kill9;
$new->start;
$new->promote;
$new->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
my $promoted = add_rows($new, 1);
is(changes($new), 'continue_audit_log true ' . size_of($shared), 'a promotion is a row under the same origin');
is(size_of($promoted), size_of($shared) + 2, 'beside what was written there');
is(findings($new, $shared), '', 'the promoted tree extends what was sealed before');
like($new->safe_psql('postgres', 'SELECT workflow_orch.audit_consistency(' . size_of($shared) . ')'), qr/"path"/, 'and proves it');
is(findings($new, $lost), shorter($promoted, $lost), 'a checkpoint of the lost tail shows that it was lost');
$promoted = add_rows($new, 6);
is(findings($new, $lost), forked($lost), 'also when the tree has grown past it');

# The old primary comes back beside the new one.
start_again($old);
my $back = add_rows($old, 1);
is(changes($old), '', 'who was the primary all the time notices nothing');
is(origin_of($back), origin_of($promoted), 'and goes on under the same origin');
is(findings($new, $back), forked($back), 'a checkpoint of either is refused by the other');
is(findings($old, $promoted), shorter($back, $promoted), 'and the other way round');

# The copy that goes on takes a name of its own.
my $name = $new->safe_psql('postgres', q{SELECT workflow_orch.new_origin('the tail was lost')});
$promoted = add_rows($new, 1);
is(origin_of($promoted), $name, 'new_origin gives it another name');
isnt($name, origin_of($shared), 'which no other tree has');
is(findings($new, $promoted), '', 'and its rows agree with it');
is(findings($new, $shared), '', 'what was sealed before the fork is in it');
is(findings($new, $lost), forked($lost), 'what was lost is not');
$new->stop;

# pg_upgrade moves the database to another system.
my $before = add_rows($old, 2);
$old->stop;
my $upgraded = PostgreSQL::Test::Cluster->new('upgraded');
$upgraded->init(extra => [ '--no-sync', '-E', 'UTF8', '--no-locale' ]);
$upgraded->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = log\n");
my $bin = $old->config_data('--bindir');
chdir PostgreSQL::Test::Utils::tempdir;
command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $upgraded->data_dir, '-b', $bin, '-B', $bin, '-p', $old->port, '-P', $upgraded->port, '-s', $old->host ], 'pg_upgrade');
$upgraded->start;
is(findings($upgraded, $before), '', 'after pg_upgrade the rows agree with the tree');
my $after = add_rows($upgraded, 1);
isnt(origin_of($after), origin_of($before), 'which goes on under another origin');
is(changes($upgraded), 'continue_audit_log false ' . size_of($before), 'with a row that tells of it');
is($upgraded->safe_psql('postgres', q{SELECT workflow_orch.adopt_origin('it is the same database')}), origin_of($before), 'the old origin can be taken back');
$after = add_rows($upgraded, 1);
is(origin_of($after), origin_of($before), 'and is in force');
is(findings($upgraded, $_), '', 'the tree extends the one from before') foreach $before, $after;
done_testing();
