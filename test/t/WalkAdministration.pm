# The part of the model (WalkModel.pm) that is about the calls of administrators,
# which they make directly or by a built-in tool.  Arguments are given by name, as
# JSON.
package WalkModel;
use strict;
use warnings;
use List::Util qw(any);

# JSON as the model keeps it: true and false as 1 and 0, "@name" as the name.
sub plain
{
	my (%json) = @_;
	my %value = (true => 1, false => 0, null => undef);
	return map { my $v = $json{$_}; $_ => exists $value{$v} ? $value{$v} : $v =~ /^\@(.*)/ ? $1 : $v =~ /^"(.*)"$/ ? $1 : $v } keys %json;
}

# Whether there was such a thing once, which has been removed.
sub removed { my ($m, $kind, $name) = @_; return $m->{removed}{$kind}{ $name // '' }; }

sub remove
{
	my ($m, $kind, $name) = @_;
	delete $m->{$kind}{$name};
	$m->{removed}{$kind}{$name} = 1;
	return;
}

# Why one actor cannot delegate to another.
sub delegation_refused
{
	my ($m, $from, $to) = @_;
	return '22023' if $from eq $to;
	return '42704' if $m->unknown('actor', $from) || $m->unknown('actor', $to);
	# Whom the delegate has delegated to, and so on.
	my @chain = ($to);
	for my $next (@chain)
	{
		for my $d (values %{ $m->{delegation} })
		{
			push @chain, $d->{to} if $d->{from} eq $next && !any { $d->{to} eq $_ } @chain;
		}
	}
	my $circle = $m->same_person($from, $to) || any { $_ eq $from } @chain;
	my $inactive = $m->inactive($from) || $m->inactive($to);
	return '22023|42501' if $circle && $inactive;
	return $circle ? '22023' : $inactive ? '42501' : undef;
}

# Whether an administrator, or a superuser (undef), lacks the role that tools run as.
sub cannot_set_role { my ($m, $by) = @_; return defined $by && !$m->{member}{ $m->{actor}{$by}{login} }; }

# The definition that a tool has with these arguments of update_tool.
sub updated_tool
{
	my ($m, %a) = @_;
	my %tool = (%{ $m->{tool}{ $a{tool} } }, map { exists $a{$_} ? ($_ => $a{$_}) : () } qw(timeout max_rows));
	$tool{max_rows} = undef if ($tool{max_rows} // 0) == -1;
	return \%tool;
}

# Each call: its arguments (* must be given), the kind of what it makes, pairs for
# refusal(), whether it says to change nothing, whether it only tightens, and what it
# does.  $by is the actor whose session calls, or as whom a built-in tool runs.
my %calls = (
	set_policy => {
		arguments => [qw(dry_run default_approvals edit_needs_approval agents_may_review proposal_ttl approval_ttl protected)],
		refused => sub {
			my ($m, $by, %a) = @_;
			my %after = (%{ $m->{policy} }, %a);
			my $asks = $after{protected} && (defined $a{protected} || defined $a{default_approvals} || defined $a{proposal_ttl} || defined $a{approval_ttl});
			my $short = grep { $after{$_} eq '1' || $after{$_} eq '00:00:00.000001' } 'proposal_ttl', 'approval_ttl';
			return (($a{default_approvals} // 1) < 1, '22023', $asks && ($short || $m->administrators <= $after{default_approvals}), '55000 wfo_lock_out',
				$after{protected} && !$m->{policy}{protected} && $m->has_unfillable_rule, '55000 wfo_lock_out');
		},
		nothing => sub { my ($m, %a) = @_; return !%a; },
		does => sub {
			my ($m, $by, $name, %a) = @_;
			$m->{policy}{$_} = /ttl/ ? $a{$_} eq '00:00:00.000001' ? 1 : 0 : $a{$_} for keys %a;
			$m->{policy_changes}++;
			return 1;
		} },
	add_approval_rule => {
		arguments => [qw(role approvals stage tool condition agents)],
		makes => 'rule',
		refused => sub {
			my ($m, $by, %a) = @_;
			my $approvals = $a{approvals} // 1;
			my $built_in = defined $a{tool} && is_built_in($a{tool});
			return ($approvals < 0 || ($a{stage} // 1) < 1 || $approvals == 0 && (defined $a{role} || ($a{stage} // 1) != 1) || $approvals > 0 && $a{agents}, '22023', $m->unknown('tool', $a{tool}), '42704',
				$built_in && $approvals == 0, '22023', $built_in && $m->reviewers($a{role}) <= $approvals, '55000 wfo_lock_out', defined $a{tool} && $approvals == 0 && $m->unconfirmed($a{tool}), '55000 wfo_tool_unconfirmed');
		},
		does => sub {
			my ($m, $by, $name, %a) = @_;
			$m->{rule}{$name} = { approvals => 1, stage => 1, agents => 0, %a, holds => $m->{condition}{ $a{condition} // '' },
				definitions => { map { $_ => $m->definition($_) } grep { !$m->unconfirmed($_) } keys %{ $m->{tool} } } };
			return 1;
		} },
	remove_approval_rule => {
		arguments => [qw(*rule_id)],
		refused => sub { my ($m, $by, %a) = @_; return ($m->removed('rule', $a{rule_id}), '55000', $m->unknown('rule', $a{rule_id}), '42704'); },
		does => sub { my ($m, $by, $name, %a) = @_; $m->remove('rule', $a{rule_id}); return 1; } },
	register_tool => {
		arguments => [qw(*tool *function run_as)],
		refused => sub { my ($m, $by, %a) = @_; return ($m->cannot_set_role($by), '42501', defined $m->{tool}{ $a{tool} }, '42710'); },
		does => sub {
			my ($m, $by, $name, %a) = @_;
			$m->{tool}{ $a{tool} } = { enabled => 1, timeout => '', by => $by // '' };
			$m->confirm($a{tool});
			return 1;
		} },
	update_tool => {
		arguments => [qw(*tool timeout max_rows)],
		refused => sub {
			my ($m, $by, %a) = @_;
			return (($a{max_rows} // 0) < -1, '22023', is_built_in($a{tool}), '42501 wfo_built_in', $m->unknown('tool', $a{tool}), '42704', (keys %a > 1 || !$m->is_confirmed($a{tool})) && $m->cannot_set_role($by), '42501');
		},
		nothing => sub { my ($m, %a) = @_; return keys %a == 1 && !$m->unknown('tool', $a{tool}) && $m->is_confirmed($a{tool}); },
		does => sub {
			my ($m, $by, $name, %a) = @_;
			$m->{tool}{ $a{tool} } = { %{ $m->updated_tool(%a) }, by => $by // '' };
			$m->confirm($a{tool});
			return 1;
		} },
	set_tool_enabled => {
		arguments => [qw(*tool *enabled)],
		refused => sub { my ($m, $by, %a) = @_; return (is_built_in($a{tool}), '42501 wfo_built_in', $m->unknown('tool', $a{tool}), '42704', $a{enabled} && $m->cannot_set_role($by), '42501'); },
		tightens => sub { my (%a) = @_; return !$a{enabled}; },
		does => sub {
			my ($m, $by, $name, %a) = @_;
			my $tool = $m->{tool}{ $a{tool} };
			return if $tool->{enabled} == $a{enabled};
			$m->{tool}{ $a{tool} } = { %$tool, enabled => $a{enabled}, by => $by // '' };
			return 1;
		} },
	register_actor => {
		arguments => [qw(*name *role)],
		# The walks give only names that are taken.
		refused => sub { return (1, '42710'); } },
	update_actor => {
		arguments => [qw(*actor_id role active)],
		refused => sub { my ($m, $by, %a) = @_; return ($m->unknown('actor', $a{actor_id}), '42704'); },
		nothing => sub { my ($m, %a) = @_; return keys %a == 1; },
		tightens => sub { my (%a) = @_; return defined $a{active} && !$a{active} && keys %a == 2; },
		does => sub {
			my ($m, $by, $name, %a) = @_;
			my $actor = delete $a{actor_id};
			$m->{actor}{$actor} = { %{ $m->{actor}{$actor} }, %a, by => $by // '' };
			return 1;
		} },
	(map { $_ => {
		arguments => [qw(*db_role *capability)],
		refused => sub { my ($m, $by, %a) = @_; return (defined $by && $a{capability} =~ /^(administer|gateway|break_glass)$/, '42501 wfo_capability_restricted'); },
		does => sub { return 1; } } } qw(grant_capability revoke_capability)),
	remove_freeze => {
		arguments => [qw(*freeze_id)],
		refused => sub { my ($m, $by, %a) = @_; return ($m->removed('freeze', $a{freeze_id}), '55000', $m->unknown('freeze', $a{freeze_id}), '42704'); },
		does => sub { my ($m, $by, $name, %a) = @_; $m->remove('freeze', $a{freeze_id}); return 1; } },
	delegate_review => {
		arguments => [qw(*from_actor *to_actor *ends_at)],
		makes => 'delegation',
		refused => sub { my ($m, $by, %a) = @_; my $refused = $m->delegation_refused(@a{qw(from_actor to_actor)}); return (defined $refused, $refused); },
		does => sub { my ($m, $by, $name, %a) = @_; $m->{delegation}{$name} = { from => $a{from_actor}, to => $a{to_actor} }; return 1; } },
	resume_queue => {
		arguments => [],
		# The walks have no workers.
		refused => sub { return (1, '55000'); } });

sub call_named { my ($call) = @_; return $calls{$call}; }

# What a call makes that has a name of its own: a rule, a delegation or nothing.
sub makes { my ($call) = @_; return $calls{$call}{makes}; }

sub refused { my ($m, $call, $by, %a) = @_; return refusal($calls{$call}{refused}->($m, $by, %a)); }

# Makes the call, which nothing refuses.
sub make_call
{
	my ($m, $call, $by, $name, %a) = @_;
	my $nothing = $calls{$call}{nothing};
	return if $nothing && $nothing->($m, %a) || !$calls{$call}{does}->($m, $by, $name, %a);
	$m->note(undef, $call);
	return;
}

# A direct call, by a superuser (undef) or in the session of an actor.
sub administer
{
	my ($m, $call, $params, $name, $by) = @_;
	my %a = plain(%$params);
	my ($nothing, $tightens) = @{ $calls{$call} }{qw(nothing tightens)};
	my $own = $call eq 'delegate_review' && defined $by && $by eq $a{from_actor};
	return '42501' if defined $by && !$own && !$m->{administers}{ $m->{actor}{$by}{login} };
	my $refused = $m->refused($call, $by, %a);
	return join '|', '42501 wfo_protected', $refused // () if $m->{policy}{protected} && !$own && !($nothing && $nothing->($m, %a)) && !($tightens && $tightens->(%a));
	return $refused if defined $refused;
	$m->make_call($call, $by, $name, %a);
	return 'ok';
}

sub end_delegation
{
	my ($m, $name) = @_;
	return '55000' if $m->removed('delegation', $name);
	return '42704' if $m->unknown('delegation', $name);
	$m->remove('delegation', $name);
	$m->note(undef, 'end_delegation');
	return 'ok';
}

sub add_freeze
{
	my ($m, $name, $when, $tool) = @_;
	my $refusal = refusal($when eq 'never', '22023', defined $tool && is_built_in($tool), '42501 wfo_built_in', $m->unknown('tool', $tool), '42704');
	return $refusal if $refusal;
	$m->{freeze}{$name} = { now => $when eq 'now', tool => $tool };
	$m->note(undef, 'add_freeze');
	return 'ok';
}

1;
