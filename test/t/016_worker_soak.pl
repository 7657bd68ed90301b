# Mixed load on the workers of two databases, with terminations at random:
# everything runs once, and the memory of launcher and workers stays bounded.
# SOAK_SECONDS says for how long (10); script/soak.sh runs it for longer.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WorkflowOrch;
use Workers;

my $seconds = $ENV{SOAK_SECONDS} || 10;
my $seed = $ENV{SOAK_SEED} || int(rand(2**31));
srand($seed);
diag("SOAK_SECONDS=$seconds SOAK_SEED=$seed");

my $node = new_node('main', settings => join "\n", 'max_worker_processes = 16', 'log_statement = none', 'workflow_orch.poll_interval = 1s', 'workflow_orch.retry_delay = 10ms',
	'workflow_orch.timeout_grace = 200ms', 'workflow_orch.max_crashes = 100', 'workflow_orch.worker_idle_timeout = 2s', 'workflow_orch.worker_max_calls = 2000', '');
my @databases = ('postgres', 'work');
$node->safe_psql('postgres', 'CREATE DATABASE work');
foreach my $database (@databases)
{
	install_workers($node, $database);
	$node->safe_psql($database, q{
		DO $$ BEGIN CREATE ROLE other LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
		GRANT SELECT, INSERT ON app.ran TO other;
		CREATE FUNCTION app.fails(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM app.note(n);
			IF random() < 0.5 THEN
				RAISE 'failed on purpose' USING errcode = CASE WHEN random() < 0.8 THEN '40001' ELSE '22012' END;
			END IF;
			RETURN n;
		END $$;
		CREATE FUNCTION app.stays(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM app.note(n);
			CREATE TEMP TABLE left_behind (n int);
			PERFORM pg_sleep(random() * 0.2);
			RETURN n;
		END $$;
		CREATE FUNCTION app.large(n int) RETURNS text LANGUAGE sql AS $$ SELECT repeat('x', 300000) FROM app.note(n) $$;
		SELECT workflow_orch.register_tool('fails', 'app.fails(int)', 'other', max_attempts => 5),
		       workflow_orch.register_tool('stays', 'app.stays(int)', 'other', timeout => '150 ms'),
		       workflow_orch.register_tool('large', 'app.large(int)', 'tool_runner'),
		       workflow_orch.register_tool('swallows', 'app.swallows(int)', 'tool_runner', timeout => '100 ms')});
}

# Memory of its own that each process of a type has, in kB.
sub memory
{
	my ($type) = @_;
	my @sizes;
	foreach my $pid (split /\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'workflow_orch $type'"))
	{
		open my $status, '<', "/proc/$pid/status" or next;
		push @sizes, map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$status>;
	}
	return sort { $b <=> $a } @sizes;
}

my $n = 1;
my %most = (early => 0, late => 0);
my %launcher;
my ($rounds, $batches, $terminated) = (0, 0, 0);
my $begin = time;
while ((my $elapsed = time - $begin) < $seconds)
{
	my $database = $databases[ rand @databases ];
	my %mix = (quick => 60, gate => 20, fails => 20, stays => 4, large => 5, swallows => rand() < 0.1 ? 1 : 0);
	foreach my $tool (sort keys %mix)
	{
		next if $mix{$tool} == 0;
		enqueue_many($node, $database, $tool, $n, $n + $mix{$tool} - 1, rand() < 0.3 ? '300 ms' : undef);
		$n += $mix{$tool};
	}
	if (rand() < 0.5)
	{
		my $last = $n + 29;
		my $ids = $node->safe_psql($database, qq{
			SELECT app.approved(CASE n % 3 WHEN 0 THEN 'fails' ELSE 'quick' END, jsonb_build_object('n', n)) FROM generate_series($n, $last) n}) =~ s/\n/}, {"proposal_id": /gr;
		my $results = $node->safe_psql($database, qq{SELECT jsonb_array_length(workflow_orch.execute_parallel('[{"proposal_id": $ids}]', 1))});
		is($results, 30, 'a batch has all its results') if $results != 30;
		$n += 30;
		$batches++;
	}
	if (rand() < 0.2)
	{
		# It may run and end meanwhile.
		my (undef, undef, $error) = $node->psql($database, q{SELECT workflow_orch.cancel_execution(execution_id, 1) FROM workflow_orch.queue WHERE due_at > now() LIMIT 1});
		is($error, '', 'a call is cancelled') if $error !~ /^(|.*ERROR:  execution \d+ has ended\n.*)$/s;
	}
	if (rand() < 0.3)
	{
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' ORDER BY random() LIMIT 2});
		$terminated++;
	}
	if ($elapsed < $seconds / 4 && rand() < 0.1)
	{
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type ~ 'workflow_orch (launcher|keeper)'});
	}
	wait_for($node, $database, 'SELECT count(*) < 500 FROM workflow_orch.queue');

	my $when = $elapsed < $seconds / 2 ? 'early' : 'late';
	my @workers = memory('worker');
	my @launchers = memory('launcher');
	$most{$when} = $workers[0] if @workers && $workers[0] > $most{$when};
	$launcher{$when} = $launchers[0] if @launchers && ($when eq 'late' || !defined $launcher{early});
	$rounds++;
}
foreach my $database (@databases)
{
	queue_is_empty($node, $database, $database);
	is($node->safe_psql($database, q{
		SELECT count(*) FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id)
		 WHERE tool IN ('quick', 'gate', 'large') AND e.status NOT IN ('succeeded', 'cancelled')}), 0, "$database: every call that can succeed has");
	is($node->safe_psql($database, q{
		SELECT count(*) FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id)
		 WHERE tool = 'swallows' AND e.status <> 'cancelled' AND result->'error'->>'sqlstate' IS DISTINCT FROM '57014'}), 0, "$database: every call that stays has timed out");
}
diag(sprintf '%d calls in %d rounds, %d batches, %d times workers terminated', $n - 1, $rounds, $batches, $terminated);
diag(sprintf 'launcher: %d kB at the start, %d kB at the end; largest worker: %d kB in the first half, %d kB in the second',
	$launcher{early} // 0, $launcher{late} // 0, $most{early}, $most{late});
cmp_ok($launcher{late} // 0, '<', ($launcher{early} // 0) + 4096, 'the launcher has not grown');
cmp_ok($most{late}, '<', 2 * $most{early} + 8192, 'nor have the workers');

done_testing();
