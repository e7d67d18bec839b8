# A round of commands through Debian's Cache::Memcached::Fast.
#
# usage: perl client.pl PORT
use strict;
use warnings;
use Cache::Memcached::Fast;

my $checks = 0;

sub check {
    my ($what, $got, $expected) = @_;
    $checks++;
    $got      = defined $got      ? $got      : 'undef';
    $expected = defined $expected ? $expected : 'undef';
    die "$what gave '$got', expected '$expected'\n" if $got ne $expected;
}

my $client = Cache::Memcached::Fast->new({
    servers => ["127.0.0.1:$ARGV[0]"], utf8 => 1, compress_threshold => -1, io_timeout => 10,
});
check('flush_all', $client->flush_all->{"127.0.0.1:$ARGV[0]"}, 1);
check('set', $client->set('a', 'one'), 1);
check('get', $client->get('a'), 'one');
check('get miss', $client->get('nothing'), undef);
check('add', $client->add('a', 'x'), '');
check('add new', $client->add('b', 'two'), 1);
check('replace', $client->replace('b', 'three'), 1);
check('replace miss', $client->replace('nothing', 'x'), '');
check('append', $client->append('b', '!'), 1);
check('prepend', $client->prepend('b', '<'), 1);
check('joined', $client->get('b'), '<three!');
my $found = $client->gets('a');
check('gets', $found->[1], 'one');
check('cas', $client->cas('a', $found->[0], 'four'), 1);
check('cas again', $client->cas('a', $found->[0], 'five'), '');
check('set_multi', scalar(grep { $_ } $client->set_multi(map { ["m$_", "v$_"] } 1 .. 50)), 50);
my $many = $client->get_multi(map { "m$_" } 1 .. 60);
check('get_multi', scalar(keys %$many), 50);
check('get_multi value', $many->{m17}, 'v17');
check('gets_multi', scalar(keys %{ $client->gets_multi('m1', 'm2') }), 2);
check('set number', $client->set('n', 10), 1);
check('incr', $client->incr('n', 5), 15);
check('decr', 0 + $client->decr('n', 20), 0);
check('incr miss', $client->incr('nothing', 1), '');
check('touch', $client->touch('a', 100), 1);
check('gat', $client->gat(100, 'a'), 'four');
check('structure', $client->set('s', { list => [1, 2, 3] }), 1);
check('structure get', $client->get('s')->{list}[2], 3);
check('utf8', $client->set('u', "\x{43a}\x{43b}\x{44e}\x{447}"), 1);
check('utf8 get', $client->get('u'), "\x{43a}\x{43b}\x{44e}\x{447}");
check('large', $client->set('large', 'x' x 900_000), 1);
check('large get', length $client->get('large'), 900_000);
check('delete', $client->delete('a'), 1);
check('delete miss', $client->delete('a'), '');
$client->set('quiet', 'x');
$client->nowait_push;
check('after nowait', $client->get('quiet'), 'x');
check('version', scalar(keys %{ $client->server_versions }), 1);
print "Cache::Memcached::Fast: $checks checks passed\n";
