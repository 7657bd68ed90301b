# What the tests of the background workers share: databases with tools of
# several roles, many calls at once, and what the workers are doing.
package WorkerPool;
use strict;
use warnings;
use Exporter 'import';
use WorkflowOrch;

our @EXPORT = qw(pool_node set_settings prepare tools calls enqueue parallel outcomes drained busy workers gone hold release);

# A server with room for workers; settings as for new_node.
sub pool_node
{
	my ($name, $settings, %param) = @_;
	return new_node($name, settings => "max_worker_processes = 16\nlog_min_messages = warning\nlog_line_prefix = '%m %p '\n" . ($settings // ''), %param);
}

# Changes settings, and has the server read them; processes that run already do
# so a moment later.
sub set_settings
{
	my ($node, %settings) = @_;
	while (my ($name, $value) = each %settings)
	{
		$node->safe_psql('postgres', "ALTER SYSTEM SET $name = '$value'");
	}
	$node->reload;
	select(undef, undef, undef, 0.3);
	return;
}

# The extension in a database, with actors 1 (proposes) and 2 (reviews),
# workflow 1 and the tools of tools() for each role; the roles must exist.
sub prepare
{
	my ($node, $database, @roles) = @_;
	$node->safe_psql($database, q{
		CREATE EXTENSION workflow_orch;
		SELECT workflow_orch.register_actor('dev', 'Developer');
		SELECT workflow_orch.register_actor('dba', 'DBA');
		SELECT workflow_orch.start_workflow('Work', 1);
		CREATE SCHEMA app;
		GRANT USAGE ON SCHEMA app TO PUBLIC;
		CREATE TABLE app.effect (id serial, n int, role name DEFAULT current_user, pid int DEFAULT pg_backend_pid());
		CREATE TABLE app.item (id int PRIMARY KEY, n int);
		INSERT INTO app.item SELECT i, 0 FROM generate_series(1, 20) i;
		GRANT SELECT, INSERT, UPDATE ON app.effect, app.item TO PUBLIC;
		GRANT USAGE ON SEQUENCE app.effect_id_seq TO PUBLIC;
		CREATE FUNCTION app.note(n int) RETURNS int LANGUAGE sql AS
			'INSERT INTO app.effect (n) VALUES (n); SELECT pg_backend_pid()';
		CREATE FUNCTION app.gate(key int) RETURNS int LANGUAGE sql AS
			'INSERT INTO app.effect (n) VALUES (key); SELECT pg_advisory_xact_lock_shared(key); SELECT pg_backend_pid()';
		CREATE FUNCTION app.nap(ms int) RETURNS int LANGUAGE sql AS
			'INSERT INTO app.effect (n) VALUES (ms); SELECT pg_sleep(ms / 1000.0); SELECT pg_backend_pid()';
		CREATE FUNCTION app.touch(a int, b int DEFAULT NULL, pause int DEFAULT 0) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			UPDATE app.item SET n = n + 1 WHERE id = a;
			PERFORM pg_sleep(pause / 1000.0);
			UPDATE app.item SET n = n + 1 WHERE id = b;
			RETURN a;
		END $$});
	tools($node, $database, $_) foreach @roles;
	return;
}

# The tools note_ROLE (writes to app.effect), gate_ROLE (waits until nobody holds
# the advisory lock key), nap_ROLE (sleeps) and touch_ROLE (updates rows a and b
# of app.item, with a pause in between).
sub tools
{
	my ($node, $database, $role) = @_;
	$node->safe_psql($database, join ';', map { "SELECT workflow_orch.register_tool('$$_[0]_$role', 'app.$$_[0]($$_[1])', run_as => '$role')" }
		[ 'note', 'int' ], [ 'gate', 'int' ], [ 'nap', 'int' ], [ 'touch', 'int, int, int' ]);
	return;
}

# Approved calls; returns the proposals' ids.
sub calls
{
	my ($node, $database, $tool, $params, $count) = @_;
	$count //= 1;
	my $ids = $node->safe_psql($database, qq{SELECT (workflow_orch.propose_action(1, 1, '$tool', '$params', 'reason')).proposal_id FROM generate_series(1, $count)});
	my @ids = split /\n/, $ids;
	$node->safe_psql($database, "SELECT count(workflow_orch.review_action(p, 2, 'approve')) FROM unnest(ARRAY[" . join(',', @ids) . ']) p');
	return @ids;
}

# Hands calls to the workers; returns the executions' ids.
sub enqueue
{
	my ($node, $database, @ids) = @_;
	return split /\n/, $node->safe_psql($database, 'SELECT workflow_orch.enqueue_action(p) FROM unnest(ARRAY[' . join(',', @ids) . ']) p');
}

# The call of execute_parallel for proposals, as SQL.
sub parallel
{
	my (@ids) = @_;
	return q{workflow_orch.execute_parallel('[} . join(',', map { qq({"proposal_id": $_}) } @ids) . q{]')};
}

# A query for what came of a batch: an output or SQLSTATE per call.
sub outcomes
{
	my (@ids) = @_;
	return q{SELECT string_agg(coalesce(r->>'output', r->'error'->>'sqlstate', 'null'), ' ' ORDER BY (r->>'call_index')::int) FROM jsonb_array_elements(} . parallel(@ids) . ') r';
}

# Waits until no call is queued any more.
sub drained
{
	my ($node, $database) = @_;
	wait_for($node, $database, 'SELECT count(*) = 0 FROM workflow_orch.queue');
	return;
}

# Waits until so many workers of a database run a call.
sub busy
{
	my ($node, $database, $count) = @_;
	wait_for($node, $database, "SELECT count(*) = $count FROM workflow_orch.worker_status WHERE database = '$database' AND execution_id IS NOT NULL");
	return;
}

# The processes of the workers of a database.
sub workers
{
	my ($node, $database) = @_;
	return split /\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND datname = '$database' ORDER BY 1");
}

# Waits until a database has no process of ours.
sub gone
{
	my ($node, $database) = @_;
	wait_for($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'workflow_orch %' AND datname = '$database'");
	return;
}

# Closes and opens the gate of a key, for a session of the database.
sub hold
{
	my ($session, $key) = @_;
	start_query($session, "SELECT 'held' FROM pg_advisory_lock($key)");
	answer($session) eq 'held' or die 'could not close the gate';
	return;
}

sub release
{
	my ($session, $key) = @_;
	start_query($session, "SELECT pg_advisory_unlock($key)");
	answer($session);
	return;
}

1;
