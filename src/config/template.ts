/** The file that `nightdrop init` writes: every key with its default, commented out, and what it means. */
export const TEMPLATE = `# nightdrop.toml: settings of this data folder. Every key is shown with its default.
#
# The server looks at this file at each login: a change counts from the next connection on. SIGHUP makes it look at once
# and say in its log whether the file is right. Only "listen" and [log] need a restart.
# A file with a mistake changes nothing; the log says where it is.

[server]
# Where rsync clients connect. The rsync protocol is not encrypted: on anything but a trusted network put TLS, ssh or a
# VPN in front. "[::]:8730" listens on all addresses; several places in a list: ["192.0.2.1:8730", "[::1]:8730"].
#listen = "127.0.0.1:8730"

# Connections at once, in all and from one address (one /64 network of IPv6).
#max_connections = 256
#max_connections_per_address = 32

# Pushes at once. Each is a process of its own and takes some 100 to 300 MB of memory.
#max_sessions = 32

# Seconds a client has from its connection until it has logged in and said what it wants.
#handshake_timeout = 60

# Seconds a client may be silent during a push before it is dropped; 0: for ever. What it had sent is kept.
#io_timeout = 600

# Seconds that pushes under way get when the server is asked to stop (SIGTERM). What is not done by then is cut short:
# it is kept as an incomplete snapshot, and the next push goes on from there.
#shutdown_grace = 10

# Whether "rsync rsync://HOST:PORT/" shows the names of the clients, to anyone.
#list_modules = false

# The weakest digest accepted at login: "sha512", "sha256", "sha1", "md5" or "md4". Clients choose the best both have:
# rsync 3.2.7 and later sha512, 3.0 to 3.2.6 md5, openrsync md4.
#weakest_digest = "md4"

# Whether a client's name is looked up where a rule of hosts_allow or hosts_deny needs one, and whether names that stand in
# such rules are.
#reverse_lookup = true
#forward_lookup = true

# Text that clients show before they log in.
#motd = ""

# Whether a proxy stands in front (HAProxy, nginx, a load balancer) and tells who connects to it, with a header of the PROXY
# protocol, version 2, before all else. Then only these proxies may connect, and each connection must begin with one.
#proxy_protocol = false
#trusted_proxies = []

# rsync over TLS, as the command rsync-ssl speaks it; its port is 874. docs/operating/tls.md has the whole recipe.
[tls]
# As above: one place or several. Beside it [server] may have none: listen = []
#listen = []

# PEM files: the certificate with those between it and the root, and its key (mode 0600). A name without a leading slash is one
# in this folder. They are looked at at each connection: a renewed pair counts from then on, a bad one leaves the old in use.
#certificate = ""
#key = ""

# Clients' certificates in place of secrets. "no": clients have secrets; "required": nobody gets in here without a certificate;
# "optional": who shows none has a secret. A certificate's common name is the client's name.
#client_certificates = "no"

# PEM files: the CA that signs them, and the list of those that it has withdrawn, if there is one.
#client_ca = ""
#client_crl = ""

# Processes that encrypt and decrypt: one more is started when all have a client, up to this number.
#processes = 2

# As above, for proxies that pass TLS on.
#proxy_protocol = false
#trusted_proxies = []

[log]
# "error", "warn", "info" or "debug".
#level = "info"

# "json": one object a line; "text"; "auto": text on a terminal, JSON elsewhere. The log goes to standard error.
#format = "auto"

[push]
# Threads of one push that hash, compress, encrypt and write.
#workers = 2

# Seconds a push waits while another one into the same vault, or a command, is at work.
#lease_wait = 30

# What every vault allows, unless it says otherwise itself.
[defaults]
# Who may push, by address, network or name, as in rsyncd.conf: ["192.0.2.0/24", "2001:db8::/32", "*.example.org"]. Whom
# hosts_allow matches may; whom hosts_deny matches may not; of the others all may, unless there is only hosts_allow.
#hosts_allow = []
#hosts_deny = []

# Pushes at once into one vault, those that wait for others included; 0: no limit but max_sessions.
#max_connections = 0

# Options of rsync that pushes must not use, in rsyncd.conf's words: names, letters, wildcards, exceptions with "!":
# ["delete", "c"], ["*", "!a", "!v"].
#refuse_options = []

# How many -v of a client the server answers over rsync:// and TLS, 0 or 1, and whether all deletions go on after I/O errors of the client, as with
# --ignore-errors: rsyncd.conf's "max verbosity" and "ignore errors".
#max_verbosity = 1
#ignore_errors = false

# "checksums": for files that are here already the client gets block checksums, and sends only what changed.
# "nothing": it learns only which files differ in size and time, and sends those whole.
#reveal = "checksums"

# Checksums of smaller files are never given: short content could be guessed from them. Bytes, or "4 KiB", "1M".
#reveal_floor = 1024

# No checksum covers less than this many bytes.
#minimum_block = 1024

# Whether deletions follow rules that stand in stored files: rsync's -F, -C and --filter=": NAME" together with --delete.
# A client can find out with them whether a stored file has a line that it guesses. Never with reveal = "nothing".
#merge_files = false

# Whether files are compared in parts with clients that compress with rsync's old zlib (-z before rsync 3.2), too; else such
# clients send changed files whole. With it a client with a program of its own can find out what is stored, byte by byte.
#zlib_deltas = false

# Whether the checksum of a whole file is computed again from what is stored, after a push that sent only changes: "auto"
# and "always": yes; "never": no, which is faster, and lets a client with a program of its own find out what is stored.
#verify_deltas = "auto"

# Owner of what is pushed without -o and -g, and the permission bits taken away from what is pushed without -p.
#default_uid = 0
#default_gid = 0
#umask = 0o022

# Character set that names are kept in where a client converts its own (--iconv). Without, names are kept as they are.
#charset = "utf-8"

# A single vault, by its name:
#[vaults.web1]
#reveal = "nothing"
`;
