# The calls of administrators in the random walks (040_random_walk.pl): what they call
# with which arguments, and how they call it directly.
package WalkAdministrators;
use strict;
use warnings;
use Exporter 'import';
use WalkDraw;
use WalkModel;

our @EXPORT = qw(@conditions administrators_of fresh whoever login draw_call draw_arguments direct_call);

# Conditions, and what they say: true, false, or undef where they cannot judge.
our @conditions = (
	[ '$.params.p > 20', sub { defined $_[0]{params}{p} ? $_[0]{params}{p} > 20 ? 1 : 0 : undef } ],
	[ '$.params.p < 5', sub { defined $_[0]{params}{p} ? $_[0]{params}{p} < 5 ? 1 : 0 : undef } ],
	[ '$.params.q == 1', sub { defined $_[0]{params}{q} ? $_[0]{params}{q} == 1 ? 1 : 0 : undef } ],
	[ '$.actor.kind == "agent"', sub { $_[0]{actor}{kind} eq 'agent' ? 1 : 0 } ],
	[ '$.actor.role != "Developer"', sub { $_[0]{actor}{role} ne 'Developer' ? 1 : 0 } ],
	[ '$.tool == "note" && $.params.p > 10', sub { $_[0]{tool} eq 'note' && $_[0]{params}{p} > 10 ? 1 : 0 } ],
	[ '$.reason == "urgent"', sub { $_[0]{reason} eq 'urgent' ? 1 : 0 } ]);

my ($model, @actors);
my @roles = map { "\"$_\"" } qw(DBA Manager Developer);
my ($never, $soon) = ('"00:00:00"', '"00:00:00.000001"');

# The model, whose actors and whose things the arguments name.
sub administrators_of
{
	($model) = @_;
	@actors = sort { $a <=> $b } keys %{ $model->{actor} };
	$model->{condition} = { map { ($_->[0] =~ s/"/\\"/gr => $_->[1]) } @conditions };
	return;
}

# A name that has never stood for anything.
my $names = 0;
sub fresh { my ($kind) = @_; return substr($kind, 0, 1) . ++$names; }

sub whoever { return chance(1) ? 'nil' : pick(@actors); }
sub login { my ($actor) = @_; return $actor eq 'nil' ? undef : $model->{actor}{$actor}{login}; }
sub keys_of { my ($kind) = @_; return sort keys %{ $model->{$kind} }; }
sub some_tool { return '"' . pick(grep { !WalkModel::is_built_in($_) } keys_of('tool')) . '"'; }
sub actor_id { my ($actor) = @_; return $actor eq 'nil' ? '@nil' : $actor; }

# Something of this kind, which has been removed sometimes; undef: there is none.
sub some_of
{
	my ($kind) = @_;
	my @removed = sort keys %{ $model->{removed}{$kind} };
	my $name = chance(2) ? 'nil' : @removed && chance(4) ? pick(@removed) : pick(keys_of($kind));
	return defined $name ? "\@$name" : undef;
}

# Settings of the policy.  A protected policy is refused times to live that are too
# short to approve anything, so most of what is proposed has long ones.
sub policy_change
{
	my ($proposed) = @_;
	my %settings = (
		dry_run => bool(chance(10)),
		default_approvals => chance(2) ? 0 : pick(1, 1, 2, 3),
		edit_needs_approval => bool(chance(40)),
		agents_may_review => bool(chance(40)),
		map { $_ => chance(10) ? $soon : $proposed ? '"30 days"' : $never } qw(proposal_ttl approval_ttl));
	my %change = map { chance(40) ? ($_ => $settings{$_}) : () } sort keys %settings;
	%change = (%change, protected => 'true', chance(90) ? (proposal_ttl => $never, approval_ttl => $never) : ()) if chance($model->{policy}{protected} ? 3 : 12);
	$change{protected} = 'false' if chance($model->{policy}{protected} ? 20 : 2);
	return \%change;
}

sub new_rule
{
	my $automatic = chance(25);
	return if keys %{ $model->{rule} } >= 5;
	my %rule = (approvals => $automatic ? 0 : chance(2) ? -1 : pick(1, 1, 1, 2, 3));
	$rule{role} = pick(@roles) if !$automatic && chance(75);
	$rule{stage} = chance(2) ? 0 : pick(1, 2, 3) if !$automatic && chance(50);
	$rule{tool} = chance(1) ? '"nil"' : chance(15) ? '"workflow_orch.' . pick(qw(add_approval_rule update_actor update_tool standing_approval)) . '"' : some_tool() if chance(70);
	$rule{condition} = '"' . pick(@conditions)->[0] =~ s/"/\\"/gr . '"' if chance(60);
	$rule{agents} = 'true' if $automatic && chance(40);
	return \%rule;
}

# An actor's new role, or whether it is active.  Those who are left can still change a
# protected policy.
sub actor_change
{
	my ($proposed) = @_;
	my $actor = whoever();
	return { actor_id => actor_id($actor), role => pick(@roles) } if chance(60);
	my $stays = $proposed || chance(70) || $model->{policy}{protected} && $model->administrators($actor) <= $model->{policy}{default_approvals};
	return { actor_id => actor_id($actor), active => bool($stays) };
}

# Each call: how often it is made directly, how often by a built-in tool, and its
# arguments, or nothing where there is nothing to call it with.
my %calls = (
	set_policy => [ 6, 3, \&policy_change ],
	add_approval_rule => [ 8, 4, \&new_rule ],
	remove_approval_rule => [ 7, 4, sub { my $rule = some_of('rule') // return; return { rule_id => $rule }; } ],
	register_tool => [ 0.1, 0.2, sub { return { tool => pick('"extra"', '"mark"'), function => '"app.mark(integer,integer)"', run_as => '"tool_runner"' }; } ],
	update_tool => [ 7, 4, sub {
		my $tool = chance(2) ? pick('"nil"', '"workflow_orch.set_policy"') : some_tool();
		return { tool => $tool, chance(40) ? (timeout => pick('"00:01:00"', '"00:02:00"')) : (), chance(50) ? (max_rows => chance(50) ? -1 : pick(-2, 0, 1, 1, 1, 2, 2, 3)) : () };
	} ],
	set_tool_enabled => [ 2, 2, sub { return { tool => chance(2) ? '"workflow_orch.set_policy"' : some_tool(), enabled => bool(chance(85)) }; } ],
	register_actor => [ 0.2, 0.2, sub { return { name => '"a2"', role => '"DBA"' }; } ],
	update_actor => [ 4, 3, \&actor_change ],
	grant_capability => [ 0.2, 0.3, sub { my ($proposed) = @_; return { db_role => pick('"w1"', '"w8"'), capability => $proposed && chance(30) ? '"administer"' : '"audit"' }; } ],
	revoke_capability => [ 0.2, 0.2, sub { return { db_role => pick('"w1"', '"w8"'), capability => '"audit"' }; } ],
	remove_freeze => [ 4, 2, sub { my $freeze = some_of('freeze') // return; return { freeze_id => $freeze }; } ],
	delegate_review => [ 5, 2, sub {
		my ($from, $to) = (whoever(), whoever());
		return if keys %{ $model->{delegation} } >= 4;
		# Of two that could lend their role which one does is left open.
		return if grep { $_->{to} eq $to } values %{ $model->{delegation} };
		return { from_actor => actor_id($from), to_actor => actor_id($to), ends_at => '"infinity"' };
	} ],
	resume_queue => [ 0.1, 0.1, sub { return {}; } ]);

sub weighted
{
	my ($which) = @_;
	my $sum = 0;
	$sum += $_->[$which] for values %calls;
	my $left = rand $sum;
	for my $call (sort keys %calls)
	{
		return $call if ($left -= $calls{$call}[$which]) < 0;
	}
	return 'set_policy';
}

# Arguments for a call by a built-in tool, some of which do not fit.
sub draw_arguments
{
	my ($call) = @_;
	my $arguments = $calls{$call}[2]->(1) // return;
	$arguments->{unknown} = 1 if chance(2);
	delete $arguments->{ pick(sort keys %$arguments) } if chance(2) && %$arguments;
	return $arguments;
}

# A call by a built-in tool and its arguments, or nothing.  What a protected policy
# keeps from coming back by itself is brought back.
sub draw_call
{
	my @gone = grep { !$model->{actor}{$_}{active} } @actors;
	my @disabled = grep { !$model->{tool}{$_}{enabled} } keys_of('tool');
	return ('update_actor', { actor_id => pick(@gone), active => 'true' }) if @gone && chance(30);
	return ('set_tool_enabled', { tool => '"' . pick(@disabled) . '"', enabled => 'true' }) if @disabled && chance(50);
	my $call = weighted(1);
	my $arguments = draw_arguments($call) // return;
	return ($call, $arguments);
}

# A direct call, this one or any, by a superuser or in the session of an actor: its
# SQL, what it gives and in whose session.
sub direct_call
{
	my ($call) = @_;
	$call //= weighted(0);
	my $arguments = $calls{$call}[2]->(0) // return;
	my $by = $call ne 'delegate_review' ? pick(@actors) : $arguments->{from_actor} =~ s/^\@//r;
	$by = undef unless $by ne 'nil' && login($by) && $model->{actor}{$by}{active} && chance($call eq 'delegate_review' ? 40 : 5);
	my $kind = WalkModel::makes($call);
	my $name = $kind ? fresh($kind) : undef;
	return (sprintf(q{%s FROM workflow_orch.%s(%s) x}, $kind ? "CASE WHEN app.is('$name', x) > 0 THEN 'ok' END" : q{'ok'}, $call, join ', ', map { "$_ => " . sql_value($arguments->{$_}) } sort keys %$arguments),
		$model->administer($call, $arguments, $name, $by), defined $by ? login($by) : ());
}

1;
