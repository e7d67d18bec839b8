"""A round of all commands through one of Debian's memcached clients.

usage: clients.py pymemcache|pylibmc|memcache PORT
"""
import sys

library, port = sys.argv[1], int(sys.argv[2])
checks = 0


def check(what, got, expected):
    global checks
    checks += 1
    if got != expected:
        sys.exit("%s: %s gave %r, expected %r" % (library, what, got, expected))


def round_of_pymemcache():
    from pymemcache.client.base import Client
    client = Client(("127.0.0.1", port), no_delay=True, default_noreply=False)
    check("flush_all", client.flush_all(), True)
    check("set", client.set("a", b"one", flags=7), True)
    check("get", client.get("a"), b"one")
    check("get miss", client.get("nothing"), None)
    check("add", client.add("a", b"x"), False)
    check("add new", client.add("b", b"two"), True)
    check("replace", client.replace("b", b"three"), True)
    check("replace miss", client.replace("nothing", b"x"), False)
    check("append", client.append("b", b"!"), True)
    check("prepend", client.prepend("b", b"<"), True)
    check("joined", client.get("b"), b"<three!")
    value, cas = client.gets("a")
    check("gets", value, b"one")
    check("cas", client.cas("a", b"four", cas), True)
    check("cas again", client.cas("a", b"five", cas), False)
    check("cas miss", client.cas("nothing", b"x", cas), None)
    check("set_many", client.set_many({"m%d" % i: b"v%d" % i for i in range(50)}), [])
    check("get_many", client.get_many(["m%d" % i for i in range(60)]), {"m%d" % i: b"v%d" % i for i in range(50)})
    check("gets_many", {k: v for k, (v, _) in client.gets_many(["m1", "m2"]).items()}, {"m1": b"v1", "m2": b"v2"})
    check("set number", client.set("n", b"10"), True)
    check("incr", client.incr("n", 5), 15)
    check("decr", client.decr("n", 20), 0)
    check("incr miss", client.incr("nothing", 1), None)
    check("touch", client.touch("a", 100), True)
    check("touch miss", client.touch("nothing", 100), False)
    check("delete", client.delete("a"), True)
    check("delete miss", client.delete("a"), False)
    check("noreply", client.set("q", b"quiet", noreply=True), True)
    check("after noreply", client.get("q"), b"quiet")
    check("large", client.set("large", b"x" * 900_000), True)
    check("large get", client.get("large"), b"x" * 900_000)
    check("expired", client.set("e", b"x", expire=-1), True)
    check("expired get", client.get("e"), None)
    check("stats", client.stats()[b"curr_connections"] > 0, True)
    check("version", len(client.version()) > 0, True)
    check("delete_many", client.delete_many(["m1", "m2"]), True)
    client.quit()


def round_of_pylibmc():
    import pylibmc
    for behaviors in ({}, {"tcp_nodelay": True, "cas": True, "no_block": True}):
        client = pylibmc.Client(["127.0.0.1:%d" % port], behaviors=dict(behaviors, cas=True))
        check("flush_all", client.flush_all(), True)
        check("set", client.set("a", "one"), True)
        check("get", client.get("a"), "one")
        check("get miss", client.get("nothing"), None)
        check("add", client.add("a", "x"), False)
        check("add new", client.add("b", "two"), True)
        check("replace", client.replace("b", "three"), True)
        check("replace miss", client.replace("nothing", "x"), False)
        check("append", client.append("b", "!"), True)
        check("prepend", client.prepend("b", "<"), True)
        check("joined", client.get("b"), "<three!")
        value, cas = client.gets("a")
        check("gets", value, "one")
        check("cas", client.cas("a", "four", cas), True)
        check("cas again", client.cas("a", "five", cas), False)
        check("set_multi", client.set_multi({"m%d" % i: i for i in range(50)}), [])
        check("get_multi", client.get_multi(["m%d" % i for i in range(60)]), {"m%d" % i: i for i in range(50)})
        check("set number", client.set("n", 10), True)
        check("incr", client.incr("n", 5), 15)
        check("decr", client.decr("n", 20), 0)
        check("touch", client.touch("a", 100), True)
        check("object", client.set("o", {"list": [1, 2.5, None]}), True)
        check("object get", client.get("o"), {"list": [1, 2.5, None]})
        check("large", client.set("large", "x" * 900_000), True)
        check("large get", client.get("large"), "x" * 900_000)
        check("delete", client.delete("a"), True)
        check("delete miss", client.delete("a"), False)
        check("delete_multi", client.delete_multi(["m1", "m2"]), True)
        check("stats", len(client.get_stats()), 1)
        client.disconnect_all()


def round_of_memcache():
    import memcache
    client = memcache.Client(["127.0.0.1:%d" % port], cache_cas=True)
    client.flush_all()
    check("set", bool(client.set("a", "one")), True)
    check("get", client.get("a"), "one")
    check("get miss", client.get("nothing"), None)
    check("add", bool(client.add("a", "x")), False)
    check("add new", bool(client.add("b", "two")), True)
    check("replace", bool(client.replace("b", "three")), True)
    check("replace miss", bool(client.replace("nothing", "x")), False)
    check("append", bool(client.append("b", "!")), True)
    check("prepend", bool(client.prepend("b", "<")), True)
    check("joined", client.get("b"), "<three!")
    check("gets", client.gets("a"), "one")
    check("cas", bool(client.cas("a", "four")), True)
    check("cas again", bool(client.cas("a", "five")), False)
    check("set_multi", client.set_multi({"m%d" % i: i for i in range(50)}), [])
    check("get_multi", client.get_multi(["m%d" % i for i in range(60)]), {"m%d" % i: i for i in range(50)})
    check("set number", bool(client.set("n", 10)), True)
    check("incr", client.incr("n", 5), 15)
    check("decr", client.decr("n", 20), 0)
    check("touch", client.touch("a", 100), 1)
    check("object", bool(client.set("o", {"list": [1, 2.5, None]})), True)
    check("object get", client.get("o"), {"list": [1, 2.5, None]})
    check("delete", client.delete("a"), 1)
    check("delete_multi", client.delete_multi(["m1", "m2"]), 1)
    check("stats", len(client.get_stats()), 1)
    client.disconnect_all()


{"pymemcache": round_of_pymemcache, "pylibmc": round_of_pylibmc, "memcache": round_of_memcache}[library]()
print("%s: %d checks passed" % (library, checks))
