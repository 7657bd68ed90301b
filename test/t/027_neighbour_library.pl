# A library of somebody else that is preloaded before or after this one, and whose
# symbols bear names that ours has, too.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main');
my $library = $node->config_data('--pkglibdir') . '/workflow_orch.so';
my ($symbols, $errors) = run_command([ 'nm', '-D', '--defined-only', $library ]);
is($errors, '', 'nm reads the library');
my @exported = map { (split)[-1] } split /\n/, $symbols;
is(join(' ', grep { !/^(wfo_|pg_finfo_wfo_)/ } sort @exported), 'Pg_magic_func _PG_init', 'the library exports its entry points and nothing else');
my $entries = $node->safe_psql('template1', q{CREATE EXTENSION workflow_orch; SELECT string_agg(DISTINCT prosrc, ' ') FROM pg_proc WHERE pronamespace = 'workflow_orch'::regnamespace; DROP EXTENSION workflow_orch});
my %exported = map { $_ => 1 } @exported;
is(join(' ', grep { !$exported{$_} || !$exported{"pg_finfo_$_"} } split / /, $entries), '', 'all of its entry points, that is');
my $mains = join ' ', grep { /^wfo_.*_main$/ } sort @exported;
is($mains, 'wfo_keeper_main wfo_launcher_main wfo_worker_main', 'and the processes');

# Each of the symbols is a function or a variable of the library here; the
# neighbour sees that it gets its own.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/neighbour.c", q{
#include "postgres.h"
#include "fmgr.h"
PG_MODULE_MAGIC;
extern void _PG_init(void);
extern int execute(void), review(void), invoke(void), withdraw(void), settings_define(void);
extern int pool, writing;
int pool = 1, writing = 2;
int execute(void) { return 3; }
int review(void) { return 4; }
int invoke(void) { return 5; }
int withdraw(void) { return 6; }
int settings_define(void) { return 7; }
void
_PG_init(void)
{
	if (pool != 1 || writing != 2 || execute() != 3 || review() != 4 || invoke() != 5 || withdraw() != 6 || settings_define() != 7)
		elog(FATAL, "somebody else's functions answer");
	pool = 0;
}
});
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', "$dir/neighbour.so", "$dir/neighbour.c" ]) or die 'could not compile the neighbour';

install($node, 'postgres');
foreach my $order ("$dir/neighbour, workflow_orch", "workflow_orch, $dir/neighbour")
{
	my $name = $order =~ /^workflow_orch/ ? 'preloaded after it' : 'preloaded before it';
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$order'\n");
	$node->stop;
	is($node->start(fail_ok => 1), 1, "a neighbour $name: the server starts") or next;
	is(execute($node, 'postgres', approved($node, 'postgres', 'add', 5)), '2', 'a call is proposed, reviewed and executed');
	my $queued = approved($node, 'postgres', 'add', 2);
	my $execution = $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($queued, 3)");
	is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'output'"), '5', 'one runs in a worker');
	my $withdrawn = propose($node, 'postgres', 'add', 1);
	is($node->safe_psql('postgres', "SELECT workflow_orch.withdraw_proposal($withdrawn, 1)"), 'withdrawn', 'one is withdrawn');
}
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no process crashed');
done_testing();
