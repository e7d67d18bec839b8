// Options: the command line as swift-argument-parser sees it. Values that have
// rules of their own stay text here; `Settings` judges them.
import ArgumentParser

struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memfisd",
        abstract: "A memcached and a filesystem over one store in memory.",
        discussion: """
            Files copied below a mount point are served under keys PREFIX/path, as nginx's memcached_pass asks \
            for them; every other key is an ordinary cache item. Letters mean what they mean to memcached; memfisd(8) \
            has the words of -o and the letters of memcached's that mean nothing here.
            """)

    @Argument(
        help:
            "Directories to mount the tree on; further ones show the same tree. Without any, only the port is served.",
        completion: .directory
    )
    var mountpoint: [String] = []

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "Memory and items") var memory: MemoryOptions
    @OptionGroup(title: "Files") var files: FileOptions
    @OptionGroup(title: "Process") var process: ProcessOptions
}

struct ListeningOptions: ParsableArguments {
    @Option(name: [.customShort("p"), .long], help: "TCP port; 0 for none, -1 for any free one. (default: 11211)")
    var port: String?
    @Option(
        name: [.customShort("s"), .long], help: "Path of a unix socket. Without -p or -l beside it there is no TCP.",
        completion: .file())
    var unixSocket: String?
    @Option(name: [.customShort("a"), .long], help: "Access mode of the unix socket, octal.")
    var unixMask = "0700"
    @Option(help: "Group of the unix socket, by name or number.", completion: .shellCommand("compgen -g"))
    var unixSocketGroup: String?
    @Option(
        name: [.customShort("l"), .long],
        help: "Addresses to listen on: HOST, HOST:PORT, [V6]:PORT; a comma list or repeated. (default: 127.0.0.1,::1)")
    var listen: [String] = []
    @Option(name: [.customShort("U"), .long], help: "UDP port; accepted, but UDP is not offered.")
    var udpPort: Int = 0
    @Option(name: [.customShort("c"), .long], help: "Most connections at one time.")
    var connLimit: Int = 1024
    @Option(name: [.customShort("t"), .long], help: "Worker threads, of which as many serve as the load needs.")
    var threads: Int = 4
    @Flag(help: "Serve with all worker threads at any time.")
    var allThreads = false
    @Option(name: [.customShort("b"), .long], help: "Length of the listen queue.")
    var listenBacklog: Int = 1024
    @Option(
        name: [.customShort("R"), .long],
        help: "Requests of one connection served before the next one's turn. (default: what one read brings)")
    var maxReqsPerEvent: Int?
    @Option(name: [.customShort("B"), .long], help: "Protocol: auto or ascii; there is no binary one.")
    var `protocol` = "auto"
    @Option(
        name: [.customShort("Y"), .long], help: "File of user:password lines; clients must authenticate.",
        completion: .file())
    var authFile: String?
    @Flag(name: [.customShort("A"), .long], help: "Allow the shutdown command.")
    var enableShutdown = false
    @Flag(name: [.customShort("F"), .long], help: "Refuse flush_all.")
    var disableFlushAll = false
    @Flag(name: [.customShort("X"), .long], help: "Refuse the commands that list keys.")
    var disableDumping = false
    @Flag(name: [.customShort("W"), .long], help: "Refuse the watch command.")
    var disableWatch = false
    @Option(name: [.customShort("D"), .long], help: "Collect statistics by key prefix up to this character.")
    var statsDelimiter: String?
}

struct MemoryOptions: ParsableArguments {
    @Option(
        name: [.customShort("m"), .long],
        help: "Memory limit in MiB. (default: 64; with a mount point half of the machine's)")
    var memoryLimit: Int?
    @Option(
        name: [.customShort("I"), .long],
        help: "Largest cache item, with suffix k or m. (default: 1m, or half of a smaller -m)")
    var maxItemSize: String?
    @Flag(name: [.customShort("M"), .long], help: "Answer an error when memory is full, evict nothing.")
    var disableEvictions = false
    @Flag(name: [.customShort("C"), .long], help: "No cas tokens.")
    var disableCas = false
    @Flag(name: [.customShort("k"), .long], help: "Lock all memory.")
    var lockMemory = false
    @Option(name: [.customShort("f"), .long], help: .init("Has no meaning here.", visibility: .hidden))
    var slabGrowthFactor: Double = 1.25
    @Option(name: [.customShort("n"), .long], help: .init("Has no meaning here.", visibility: .hidden))
    var slabMinSize: Int = 48
    @Option(name: [.customShort("N"), .long], help: .init("Has no meaning here.", visibility: .hidden))
    var napiIds: Int = 0
    @Flag(name: [.customShort("L"), .long], help: .init("Has no meaning here.", visibility: .hidden))
    var enableLargepages = false
    @Option(name: [.customShort("e"), .long], help: .init("Not offered.", visibility: .hidden))
    var memoryFile: String?
}

struct FileOptions: ParsableArguments {
    @Option(
        help: .init(
            "Keys that begin with PREFIX name the files below DIR. Repeatable. (default: memfis://HOSTNAME=/)",
            valueName: "PREFIX[=DIR]"))
    var prefix: [String] = []
    @Option(help: "Name tried when a key ends in a slash; repeatable; '' for none. (default: index.html)")
    var index: [String] = []
    @Flag(help: "Clients of the port may not write files.")
    var filesReadOnly = false
    @Option(help: "Bytes of the memory limit that files may take, with suffix k, m or g.")
    var filesMaxBytes: String?
    @Flag(help: "Evict files too when memory is full, oldest unused first.")
    var evictFiles = false
    @Option(help: "Seconds after which what is appended to an open O_APPEND file is served; 0 for only on close.")
    var publishInterval: Double = 1
    @Option(help: "Milliseconds that a storage command waits for the kernel's caches.")
    var coherenceTimeout: Int = 200
    @Option(help: "Threads that serve the mount.")
    var mountThreads: Int = 4
    @Option(help: "Microseconds that one of them waits awake for the mount's next request; 0 for never.")
    var mountSpin: Int = 50
    @Option(
        help: .init(
            "Copy the directory DIR of the host below PATH of the tree after the start, while serving. Repeatable.",
            valueName: "DIR[=PATH]"), completion: .directory)
    var preload: [String] = []
    @Flag(help: "Open the doors when all preloads are done.")
    var preloadFirst = false
    @Flag(help: "End when somebody else takes the mount away.")
    var exitOnUnmount = false
}

struct ProcessOptions: ParsableArguments {
    @Option(
        name: [.customShort("u"), .long], help: "User to serve as. (default when root: nobody)",
        completion: .shellCommand("compgen -u"))
    var user: String?
    @Flag(name: [.customShort("d"), .long], help: "Run in the background.")
    var daemon = false
    @Option(name: [.customShort("P"), .long], help: "File for the process number.", completion: .file())
    var pidfile: String?
    @Option(
        help: .init(
            "File for the log, opened again on SIGHUP. (default: standard error; with -d and without -v syslog)",
            valueName: "file"), completion: .file())
    var logFile: String?
    @Flag(name: [.customShort("r"), .long], help: "Allow core dumps as large as the system lets.")
    var enableCoredumps = false
    @Flag(
        name: [.customShort("v"), .long],
        help: "Log more: -v starts and stops, -vv connections too, -vvv requests with their keys too.")
    var verbose: Int
    @Option(
        name: [.customShort("o"), .long],
        help: "Comma list of further words: mount options (ro, noatime, uid=, gid=, umask=, fsname=) and memcached's.")
    var extended: [String] = []
    @Option(
        help: .init(
            "Configuration file; '' for none. (default: /etc/memfisd.conf if it is there)", valueName: "file"),
        completion: .file())
    var config: String?
    @Flag(help: "Show the settings that a start here and now would use, in the form of the configuration file.")
    var printConfig = false
    @Flag(help: "Mount, hand the device to systemd for the service that follows, and end.")
    var mountOnly = false
    @Flag(help: "Take the mounts away, and end.")
    var unmount = false
    @Flag(name: [.customShort("i"), .long], help: "Show the license.")
    var license = false
    @Flag(name: [.customShort("V"), .long], help: "Show the version.")
    var version = false
}
