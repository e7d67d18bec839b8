"""A round of all commands through a memcached client for Python; meta_memcache is the one that speaks meta commands.

usage: clients.py pymemcache|pylibmc|memcache|meta_memcache PORT
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


def round_of_meta_memcache():
    import meta_memcache as mm
    server = mm.ServerAddress("127.0.0.1", port)
    pool = mm.connection_pool_factory_builder()(server)
    router = mm.DefaultRouter(
        pool_provider=mm.HostConnectionPoolProvider(server, pool),
        executor=mm.DefaultExecutor(serializer=mm.MixedSerializer()))
    client = mm.CacheClient(router=router)
    check("set", client.set("a", "one", ttl=100), True)
    check("get", client.get("a"), "one")
    check("get miss", client.get("nothing"), None)
    check("get touching", client.get("a", touch_ttl=200), "one")
    check("add", client.set("a", "x", ttl=100, set_mode=mm.SetMode.ADD), False)
    check("replace", client.set("a", "two", ttl=100, set_mode=mm.SetMode.REPLACE), True)
    check("append", client.set("a", "!", ttl=100, set_mode=mm.SetMode.APPEND), True)
    check("prepend", client.set("a", "<", ttl=100, set_mode=mm.SetMode.PREPEND), True)
    value, cas = client.get_cas("a")
    check("joined", value, "<two!")
    check("cas", client.set("a", "three", ttl=100, cas_token=cas), True)
    check("cas again", client.set("a", "four", ttl=100, cas_token=cas), False)
    for i in range(20):
        check("set m", client.set("mm%d" % i, i, ttl=100), True)
    got = client.multi_get(["mm%d" % i for i in range(25)])
    check("multi_get", {k.key: v for k, v in got.items() if v is not None}, {"mm%d" % i: i for i in range(20)})
    check("binary key", client.set(mm.Key("\u043a\u043b\u044e\u0447 mit Leerraum"), "b", ttl=100), True)
    check("binary key get", client.get(mm.Key("\u043a\u043b\u044e\u0447 mit Leerraum")), "b")
    check("delta", client.delta_initialize("delta", delta=5, initial_value=10, initial_ttl=100), True)
    check("delta and get", client.delta_and_get("delta", delta=5), 15)
    check("delta down", client.delta_and_get("delta", delta=-20), 0)
    lease = mm.LeasePolicy(ttl=30, miss_retries=1)
    check("lease won", client.get_or_lease("l", lease_policy=lease), None)
    check("lease filled", client.set("l", "value", ttl=100), True)
    check("lease over", client.get_or_lease("l", lease_policy=lease), "value")
    recache = mm.RecachePolicy(ttl=1000)
    check("recache wins once", client.get("l", recache_policy=recache), None)
    check("recache for others", client.get("l", recache_policy=recache), "value")
    stale = mm.StalePolicy(mark_stale_on_deletion_ttl=30)
    check("invalidate", client.invalidate("a", stale_policy=stale), True)
    check("stale", client.get("a"), None)
    check("touch", client.touch("mm1", ttl=50), True)
    check("touch miss", client.touch("nothing", ttl=50), False)
    check("large", client.set("large", b"x" * 900_000, ttl=100), True)
    check("large get", client.get("large"), b"x" * 900_000)
    check("delete", client.delete("mm1"), True)
    check("delete miss", client.delete("mm1"), False)
    check("quiet", client.set("q", "x", ttl=100, no_reply=True), True)
    check("after quiet", client.get("q"), "x")


rounds = {
    "pymemcache": round_of_pymemcache, "pylibmc": round_of_pylibmc, "memcache": round_of_memcache,
    "meta_memcache": round_of_meta_memcache}
rounds[library]()
print("%s: %d checks passed" % (library, checks))
