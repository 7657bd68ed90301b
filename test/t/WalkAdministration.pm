# The part of the model (WalkModel.pm) that is about the calls of administrators.
package WalkModel;
use strict;
use warnings;
use List::Util qw(any);

sub set_policy
{
	my ($m, %settings) = @_;
	$m->{policy}{$_} = $settings{$_} for keys %settings;
	$m->note(undef, 'set_policy') if %settings;
	return 'ok';
}

sub add_approval_rule
{
	my ($m, $name, %rule) = @_;
	my $refusal = refusal($rule{approvals} < 0 || $rule{stage} < 1, '22023', $m->unknown('tool', $rule{tool}), '42704');
	return $refusal if $refusal;
	$m->{rule}{$name} = { %rule, definitions => { map { $_ => $m->definition($_) } keys %{ $m->{tool} } } };
	$m->note(undef, 'add_approval_rule');
	return 'ok';
}

sub remove_approval_rule
{
	my ($m, $name) = @_;
	return '42704' unless delete $m->{rule}{$name};
	$m->note(undef, 'remove_approval_rule');
	return 'ok';
}

sub delegate_review
{
	my ($m, $name, $from, $to) = @_;
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
	return '22023' if $circle;
	return '42501' if $inactive;
	$m->{delegation}{$name} = { from => $from, to => $to };
	$m->note(undef, 'delegate_review');
	return 'ok';
}

sub end_delegation
{
	my ($m, $name) = @_;
	return '42704' unless delete $m->{delegation}{$name};
	$m->note(undef, 'end_delegation');
	return 'ok';
}

sub add_freeze
{
	my ($m, $name, $when, $tool) = @_;
	my $refusal = refusal($when eq 'never', '22023', $m->unknown('tool', $tool), '42704');
	return $refusal if $refusal;
	$m->{freeze}{$name} = { now => $when eq 'now', tool => $tool };
	$m->note(undef, 'add_freeze');
	return 'ok';
}

sub remove_freeze
{
	my ($m, $name) = @_;
	return '42704' unless delete $m->{freeze}{$name};
	$m->note(undef, 'remove_freeze');
	return 'ok';
}

sub update_actor
{
	my ($m, $name, %change) = @_;
	return '42704' if $m->unknown('actor', $name);
	$m->{actor}{$name} = { %{ $m->{actor}{$name} }, %change };
	$m->note(undef, 'update_actor');
	return 'ok';
}

sub update_tool
{
	my ($m, $name, $call, %change) = @_;
	my $refusal = refusal(($change{max_rows} // 0) < -1, '22023', $m->unknown('tool', $name), '42704');
	return $refusal if $refusal;
	my $old = $m->{tool}{$name};
	$change{max_rows} = undef if ($change{max_rows} // 0) == -1;
	$m->note(undef, $call) if $call eq 'update_tool' || $change{enabled} != $old->{enabled};
	$m->{tool}{$name} = { %$old, %change };
	return 'ok';
}

1;
