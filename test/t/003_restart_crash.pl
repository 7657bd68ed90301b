# The server or the session ends while a tool is at work: the call has not
# happened, its proposal is approved as before, and it then runs once.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "restart_after_crash = on\n");
install($node, 'postgres');
my $audit_rows = 'SELECT count(*) FROM workflow_orch.audit_log WHERE action = $$execute_action$$';

# A session in whose tool slow the given proposal waits for the gate.
sub at_work
{
	my ($id) = @_;
	my ($gate, $worker) = map { session($node, 'postgres') } 1 .. 2;
	start_query($gate, 'SELECT pg_advisory_lock(4711)');
	answer($gate);
	start_query($worker, "SELECT workflow_orch.execute_action($id, 3)");
	wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
	return ($gate, $worker, $pid);
}

my %ends = (
	'kill -9 of the backend' => sub { kill('KILL', $_[0]); wait_for_restart() },
	'an immediate shutdown' => sub { $node->stop('immediate'); $node->start },
	'a fast shutdown' => sub { $node->stop('fast'); $node->start },
	'pg_terminate_backend' => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0], 10000)") },
);

sub wait_for_restart
{
	foreach (1 .. 600)
	{
		my $log = slurp_file($node->logfile);
		my $crashes = () = $log =~ /terminating any other active server processes/g;
		my $ready = () = $log =~ /ready to accept connections/g;
		last if $crashes > 0 && $ready > $crashes && $node->psql('postgres', 'SELECT 1') == 0;
		select(undef, undef, undef, 0.1);
	}
}

foreach my $end (sort keys %ends)
{
	my $id = approved($node, 'postgres', 'slow', 7);
	my $before = $node->safe_psql('postgres', "SELECT count(*) FROM app.effect");
	my $rows = $node->safe_psql('postgres', $audit_rows);
	my ($gate, $worker, $pid) = at_work($id);
	$ends{$end}->($pid);
	end_session($_) for $gate, $worker;
	is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $id"), 'approved', "$end: the proposal is approved as before");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM app.effect'), $before, "$end: the tool has left no effect");
	is($node->safe_psql('postgres', $audit_rows), $rows, "$end: no execution is recorded");
	is($node->safe_psql('postgres', "SELECT count(*) FROM workflow_orch.execution WHERE proposal_id = $id"), '0', "$end: nor stored");
	is(execute($node, 'postgres', $id), '7', "$end: it runs afterwards");
	like(error_of($node, 'postgres', "SELECT workflow_orch.execute_action($id)"), qr/^55000/, "$end: and does not run twice");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM app.effect') - $before, 1, "$end: it has left its effect once");
	is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', "$end: the audit log agrees with the tables");
}

# A proposal is durable when its commit is acknowledged.
my $id = approved($node, 'postgres', 'add', 5);
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(default_approvals => 2)});
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $id"), 'approved', 'an approval outlives a crash');
is($node->safe_psql('postgres', 'SELECT default_approvals FROM workflow_orch.set_policy()'), '2', 'and so does the policy');
is(execute($node, 'postgres', $id), '2', 'and the call runs after it');

done_testing();
