# The server is stopped in every way with calls at work: that is no crash of
# theirs, and they run after the start.  A batch that it interrupts has done
# what it has done.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

# With max_crashes 1, a call that a crash is counted against has failed.
my $node = new_node('main', settings => "restart_after_crash = on\nmax_worker_processes = 16\nworkflow_orch.max_crashes = 1\nworkflow_orch.poll_interval = 1s\n");
install_workers($node, 'postgres');
my $n = 1;

my %ends = (
	'a fast shutdown' => sub { $node->stop('fast') },
	'a smart shutdown' => sub { end_session($_[0]); $node->stop('smart') },
	'an immediate shutdown' => sub { $node->stop('immediate') },
	'kill -9 of the whole server' => sub { $node->kill9 },
);
foreach my $end (sort keys %ends)
{
	my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	enqueue_many($node, 'postgres', 'gate', $n, $n + 2);
	wait_busy($node, 3);
	enqueue_many($node, 'postgres', 'quick', $n + 3, $n + 5, '1 s');
	$n += 6;
	$ends{$end}->($holder);
	end_session($holder);
	start_again($node);
	queue_is_empty($node, 'postgres', $end);
	is($node->safe_psql('postgres', 'SELECT count(*), max(e.attempt) FROM app.ran JOIN workflow_orch.execution e USING (execution_id)'), ($n - 1) . '|1', "$end: every call has run once, at its first attempt");
	is(crashes_noted($node), 0, "$end: none is suspected of a crash");
}

# A batch: two of its calls have committed, two run, and for two more there is no worker.
# A prepared transaction keeps the gate closed: a session that did would open it as it ends.
$node->append_conf('postgresql.conf', "workflow_orch.max_workers = 2\nmax_prepared_transactions = 1\n");
$node->restart;
my %interruptions = (
	'a fast shutdown' => sub { $node->stop('fast'); $node->start },
	'an immediate shutdown' => sub { $node->stop('immediate'); $node->start },
	'a crash' => sub { crash($node, $node->safe_psql('postgres', q{SELECT pid FROM workflow_orch.list_workers() WHERE state = 'busy' LIMIT 1})) },
);
foreach my $end (sort keys %interruptions)
{
	my @ids = map { approved_call($node, 'postgres', $_ < 2 ? 'quick' : 'gate', $n++) } 0 .. 5;
	my $calls = '[' . join(', ', map { qq({"proposal_id": $_}) } @ids) . ']';
	$node->safe_psql('postgres', q{BEGIN; SELECT pg_advisory_xact_lock(4711); PREPARE TRANSACTION 'gate'});
	my $caller = session($node, 'postgres');
	start_query($caller, "SELECT workflow_orch.execute_parallel('$calls', 1)");
	wait_for($node, 'postgres', "SELECT count(*) = 2 FROM workflow_orch.proposal WHERE status = 'executed' AND proposal_id IN (" . join(', ', @ids) . ')');
	wait_busy($node, 2);
	$interruptions{$end}->();
	eval { answer($caller) };
	like($caller->{out}, qr/server closed the connection|terminating connection|connection to server was lost/, "a batch and $end: its caller gets an error");
	end_session($caller);
	$node->safe_psql('postgres', q{ROLLBACK PREPARED 'gate'});
	my $states = $node->safe_psql('postgres', 'SELECT array_agg(status ORDER BY proposal_id) FROM workflow_orch.proposal WHERE proposal_id IN (' . join(', ', @ids) . ')');
	is($states, '{executed,executed,approved,approved,approved,approved}', "a batch and $end: what has committed is executed, the rest still approved");
	is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE n BETWEEN $n - 6 AND $n - 1"), 2, "a batch and $end: the rest has left nothing");
	agrees($node, 'postgres', "a batch and $end");
	$calls = '[' . join(', ', map { qq({"proposal_id": $_}) } @ids[ 2 .. 5 ]) . ']';
	is($node->safe_psql('postgres', qq{
		SELECT array_agg(r->>'success') FROM jsonb_array_elements(workflow_orch.execute_parallel('$calls', 1)) r}), '{true,true,true,true}', "a batch and $end: the rest runs in another batch");
	agrees($node, 'postgres', "a batch and $end, and the rest");
	is(crashes_noted($node), 0, "a batch and $end: no queued call is suspected");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM app.ran'), $n - 1, 'every call has run once');

done_testing();
