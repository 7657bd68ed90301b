# Many sessions that propose at once for one actor, in single and in long
# transactions, do not pass the limit of open proposals.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('open_limit', settings => "workflow_orch.max_open_proposals = 80\nmax_worker_processes = 8\nlog_min_messages = fatal\n");
install($node, 'postgres');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $propose = q{SELECT FROM workflow_orch.propose_action(1, :actor, 'add', '{"n": 1}', 'reason')} . ";\n";

foreach my $case ([ 2, 'in single transactions', $propose ], [ 3, 'in long transactions', "BEGIN;\n" . $propose x 4 . "COMMIT;\n" ])
{
	my ($actor, $name, $script) = @$case;
	append_to_file("$dir/$actor.sql", $script);
	# Each client ends with its first refusal.
	run_log([ $node->installed_command('pgbench'), '-n', '-c', '25', '-j', '2', '-t', '40', '-D', "actor=$actor", '-f', "$dir/$actor.sql", $node->connstr('postgres') ],
		'>', "$dir/out", '2>', "$dir/err");
	like(slurp_file("$dir/err"), qr/actor $actor has too many open proposals/, "$name, proposals beyond the limit are refused");
	# A long transaction that is refused takes its earlier proposals with it.
	my $open = $node->safe_psql('postgres', "SELECT count(*) FROM workflow_orch.proposal WHERE open AND actor_id = $actor");
	ok($actor == 2 ? $open == 80 : $open > 0 && $open <= 80, "$name, no more are made: $open");
}
done_testing();
