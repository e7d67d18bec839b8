<?php
// A round of commands through Debian's memcached extension for PHP.
//
// usage: php client.php PORT
$checks = 0;

function check($what, $got, $expected) {
    global $checks;
    $checks++;
    if ($got !== $expected) {
        fwrite(STDERR, "$what gave " . var_export($got, true) . ", expected " . var_export($expected, true) . "\n");
        exit(1);
    }
}

$client = new Memcached();
$client->setOption(Memcached::OPT_BINARY_PROTOCOL, false);
$client->setOption(Memcached::OPT_COMPRESSION, false);
$client->addServer('127.0.0.1', (int) $argv[1]);
check('flush', $client->flush(), true);
check('set', $client->set('a', 'one'), true);
check('get', $client->get('a'), 'one');
check('get miss', $client->get('nothing'), false);
check('get miss code', $client->getResultCode(), Memcached::RES_NOTFOUND);
check('add', $client->add('a', 'x'), false);
check('add code', $client->getResultCode(), Memcached::RES_NOTSTORED);
check('add new', $client->add('b', 'two'), true);
check('replace', $client->replace('b', 'three'), true);
check('replace miss', $client->replace('nothing', 'x'), false);
check('append', $client->append('b', '!'), true);
check('prepend', $client->prepend('b', '<'), true);
check('joined', $client->get('b'), '<three!');
$found = $client->get('a', null, Memcached::GET_EXTENDED);
check('cas', $client->cas($found['cas'], 'a', 'four'), true);
check('cas again', $client->cas($found['cas'], 'a', 'five'), false);
check('cas code', $client->getResultCode(), Memcached::RES_DATA_EXISTS);
$many = [];
for ($i = 0; $i < 50; $i++) $many["m$i"] = "v$i";
check('setMulti', $client->setMulti($many), true);
check('getMulti', $client->getMulti(array_keys($many)), $many);
check('set number', $client->set('n', 10), true);
check('increment', $client->increment('n', 5), 15);
check('decrement', $client->decrement('n', 20), 0);
check('touch', $client->touch('a', 100), true);
check('array', $client->set('o', ['list' => [1, 2.5, null]]), true);
check('array get', $client->get('o'), ['list' => [1, 2.5, null]]);
check('large', $client->set('large', str_repeat('x', 900000)), true);
check('large get', strlen($client->get('large')), 900000);
check('too large', $client->set('larger', str_repeat('x', 1100000)), false);
check('expired', $client->set('e', 'x', -1), true);
check('expired get', $client->get('e'), false);
check('delete', $client->delete('a'), true);
check('delete miss', $client->delete('a'), false);
check('deleteMulti', $client->deleteMulti(['m1', 'm2']), ['m1' => true, 'm2' => true]);
check('stats', count($client->getStats()), 1);
check('version', count($client->getVersion()), 1);
print "PHP memcached: $checks checks passed\n";
