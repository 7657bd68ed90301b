# The part of the model (WalkModel.pm) that is about built-in tools and standing
# approvals.
package WalkModel;
use strict;
use warnings;
use List::Util qw(all any first max);

my $standing_tool = 'workflow_orch.standing_approval';

sub is_standing { my ($p) = @_; return $p->{tool} eq $standing_tool; }

sub is_built_in { my ($tool) = @_; return $tool =~ /^workflow_orch\./ ? 1 : 0; }

# The tool and the holder that the params of a standing approval name.
sub subject_of { my ($params) = @_; return (($params->{tool} // '') =~ s/"//gr, ($params->{actor_id} // '') =~ s/"//gr); }

# The params of a call as they are stored, or the SQLSTATE of what they are refused with.
sub stored_params
{
	my ($m, $tool, $params, $proposer) = @_;
	return convert($params) // '22023' unless is_built_in($tool);
	return $m->administrative_params($tool, $params, $proposer) if defined administrative_call($tool);
	return '22023' if ref $params ne 'HASH' || any { !defined $params->{$_} || $params->{$_} eq 'null' } qw(tool actor_id uses ends_at);
	my ($subject, $holder) = subject_of($params);
	my $refusal = refusal($params->{uses} < 1 || $params->{uses} > 10000 || ($params->{max_rows} // 0) < 0, '22023', $m->unknown('tool', $subject), '42704', is_built_in($subject), '42501',
		$m->unknown('actor', $holder), '42704');
	$refusal //= refusal($m->inactive($holder), '42501', !$m->{actor}{$holder}{login}, '22023', !$m->{tool}{$subject}{enabled} || $m->unconfirmed($subject), '55000');
	return $refusal // {%$params};
}

# What the call of a built-in tool rests on besides its arguments, as it is now: the
# definition that a tool will have, and rows.
sub basis
{
	my ($m, $tool, $params) = @_;
	return '' unless is_built_in($tool);
	my $call = administrative_call($tool);
	return join '|', $m->definition_after($call, plain(%$params)), $m->rows_of($call, plain(%$params)) if defined $call;
	my ($subject) = subject_of($params);
	return join '|', $m->full_definition($subject), $m->rows_of('standing_approval', plain(%$params));
}

# Whether somebody is the person who would hold the standing approval.
sub would_hold
{
	my ($m, $p, $params, $actor) = @_;
	return 0 unless is_standing($p);
	my (undef, $holder) = subject_of($params);
	return $m->same_person($actor, $holder);
}

# All that any call of its tool could need, and no less than the policy's number.
sub requirements_of_standing
{
	my ($m, $params) = @_;
	my ($tool) = subject_of($params);
	my %number = ('1/' => $m->{policy}{default_approvals});
	for my $rule (grep { !defined $_->{tool} || $_->{tool} eq $tool || $_->{tool} eq $standing_tool } values %{ $m->{rule} })
	{
		my $slot = "$rule->{stage}/" . ($rule->{role} // '');
		$number{$slot} = max($number{$slot} // 0, $rule->{approvals}) if $rule->{approvals} > 0;
	}
	return slots_of(%number);
}

# Whether there are as many slots of each kind.
sub covers
{
	my ($given, $needed) = @_;
	my %left;
	$left{"@$_"}++ for @$given;
	return all { ($left{"@$_"} // 0) > 0 && $left{"@$_"}-- } @$needed;
}

# The oldest standing approval that is for a call of the holder.
sub standing_for
{
	my ($m, $p) = @_;
	return first {
		$_->{tool} eq $p->{tool} && $_->{holder} eq $p->{actor} && !$_->{ended} && $_->{used} < $_->{uses} && $_->{definition} eq $m->definition($p->{tool})
			&& (!$_->{holds} || $_->{holds}->({ params => $p->{params} })) && covers($_->{slots}, $p->{slots})
	} sort { $a->{number} <=> $b->{number} } values %{ $m->{standing} };
}

# A standing approval begins, which is named by the caller.
sub run_standing
{
	my ($m, $p, $standing) = @_;
	my ($tool, $holder) = subject_of($p->{params});
	return '55000' if $m->{tool}{$tool}{enabled} && !$m->unconfirmed($tool) && $p->{basis} ne $m->basis($p->{tool}, $p->{params});
	$m->note($p->{workflow}, 'execute_action');
	$p->{status} = $m->{tool}{$tool}{enabled} && !$m->unconfirmed($tool) ? 'executed' : 'failed';
	return 'false false 55000' if $p->{status} eq 'failed';
	$m->{standing}{$standing} = { tool => $tool, holder => $holder, uses => $p->{params}{uses}, used => 0, max_rows => $p->{params}{max_rows}, definition => $m->definition($tool), slots => $p->{slots}, holds => $m->{condition}{ ($p->{params}{condition} // '') =~ s/"//gr },
		number => ++$m->{standings} };
	$m->note(undef, 'standing_approval');
	return 'true false 0 ok';
}

sub end_standing_approval
{
	my ($m, $name, $actor) = @_;
	return '42704' if $m->unknown('standing', $name) || $m->unknown('actor', $actor);
	my $standing = $m->{standing}{$name};
	my $refusal = refusal($standing->{ended}, '55000', $m->inactive($actor), '42501');
	return $refusal if $refusal;
	$standing->{ended} = 1;
	$m->note(undef, 'end_standing_approval');
	for my $p (grep { $_->{standing} && $_->{standing} == $standing && $m->status($_) eq 'approved' } values %{ $m->{proposal} })
	{
		@$p{qw(status standing)} = ('pending', undef);
		$m->note($p->{workflow}, 'end_standing_approval');
	}
	return 'ok';
}

# Calls of built-in tools are cancelled with their workflow by who proposed them or
# started the workflow.
sub may_cancel
{
	my ($workflow, $p, $actor) = @_;
	return !is_built_in($p->{tool}) || defined $actor && any { $_ eq $actor } $p->{actor}, $workflow->{actor};
}

1;
