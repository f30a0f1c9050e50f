#!/usr/bin/env python3
"""Asks a real Slurm what it makes of trees of shares and usage.

Reads trees as JSON from the standard input and writes, as JSON, what `sshare` says of each:

    [{"name": "t1", "classic": false, "nodes": [{"path": ["a", "u1"], "user": true, "shares": 2, "usage": 60}, ...]}, ...]
    {"version": "slurm 22.05.8", "trees": [{"name": "t1", "rows": [{"Account": "a", "User": "u1", ...}, ...]}, ...]}

A path leaves out the root. Accounts come before what is below them, and are created in the order of the list. Slurm adds a
user `root` with one share below the root, which its rows show.

It starts a MariaDB server, slurmdbd, and for each tree a slurmctld with a cluster of its own, all on free ports and in a
temporary directory, and stops them by their process ids. Nothing on the machine is configured or left behind. Messages are
not authenticated (`auth/none`): the servers listen on the loopback interface only for as long as this runs.

Accounts, users and shares are made with `sacctmgr`. Usage goes into the file `assoc_usage`, where slurmctld keeps it
over a restart: a header and, by association, its id and usage in seconds as text. Half-life 0 means no decay: what was
written is what `sshare` shows.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

COLUMNS = ["Account", "User", "RawShares", "NormShares", "RawUsage", "NormUsage", "EffectvUsage", "FairShare", "LevelFS"]
ME = pwd.getpwuid(os.getuid()).pw_name
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Started:
    """Processes that this script started, and ends."""

    def __init__(self):
        self.processes = []

    def start(self, name, words, directory, environment=None):
        log = open(os.path.join(directory, name + ".log"), "ab")
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                   env={**os.environ, "PATH": PATH, **(environment or {})}, start_new_session=True)
        process.log = log.name
        self.processes.append(process)
        return process

    def end(self, process):
        """At once: what they keep is thrown away, and slurmctld takes two seconds to go when asked."""
        process.kill()
        process.wait()
        self.processes.remove(process)

    def end_all(self):
        for process in reversed(list(self.processes)):
            self.end(process)


def wait_for(what, process, ready, seconds=30):
    """Waits until ready() is true; fails with the process's log if it dies or takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if ready():
            return
        time.sleep(0.02)
    with open(process.log, errors="replace") as log:
        raise SystemExit(f"{what} did not come up:\n{log.read()[-4000:]}")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for it in sockets:
        it.bind(("127.0.0.1", 0))
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def run(words, environment, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PATH": PATH, **environment})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def start_mariadb(started, work, port):
    data = os.path.join(work, "mariadb")
    run(["mariadb-install-db", "--no-defaults", f"--user={ME}", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal"], {})
    # Without its own buffers and syncs a database that lives for a minute starts sooner.
    process = started.start("mariadbd", [
        "mariadbd", "--no-defaults", f"--user={ME}", f"--datadir={data}", f"--socket={work}/mariadb.sock",
        f"--pid-file={work}/mariadb.pid", "--bind-address=127.0.0.1", f"--port={port}",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900", "--skip-name-resolve",
    ], work)
    wait_for("MariaDB", process, lambda: os.path.exists(f"{work}/mariadb.sock") and answers(port))
    sql = "CREATE USER slurm@127.0.0.1 IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO slurm@127.0.0.1;"
    run(["mariadb", "--no-defaults", f"--socket={work}/mariadb.sock", "-u", "root"], {}, sql)


def start_slurmdbd(started, work, port, database_port):
    write(os.path.join(work, "slurmdbd.conf"), f"""AuthType=auth/none
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={ME}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
PidFile={work}/slurmdbd.pid
LogFile={work}/slurmdbd.log
""", 0o600)
    process = started.start("slurmdbd", ["slurmdbd", "-D"], work, {"SLURM_CONF": os.path.join(work, "slurm.conf")})
    wait_for("slurmdbd", process, lambda: answers(port), 60)


def become_administrator(environment):
    """Only whom Slurm knows may load a tree; root it knows."""
    if os.getuid() != 0:
        for words in [["cluster", "own"], ["account", "own", "cluster=own"],
                      ["user", ME, "account=own", "cluster=own", "adminlevel=Admin"]]:
            run(["sacctmgr", "-i", "add", *words], environment)


def configure(work, cluster, port, dbd_port, classic):
    home = os.path.join(work, cluster)
    os.makedirs(os.path.join(home, "state"), exist_ok=True)
    flags = "PriorityFlags=NO_FAIR_TREE" if classic else ""
    write(os.path.join(home, "slurm.conf"), f"""ClusterName={cluster}
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser={ME}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={home}/state
SlurmctldPidFile={home}/slurmctld.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmctldParameters=enable_configless
ProctrackType=proctrack/pgid
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStorageEnforce=associations
PriorityType=priority/multifactor
PriorityDecayHalfLife=0
PriorityUsageResetPeriod=NONE
PriorityCalcPeriod=1
PriorityWeightFairshare=1000
{flags}
NodeName=node1 NodeAddr=127.0.0.1
PartitionName=all Nodes=node1 Default=YES
""")
    return home, {"SLURM_CONF": os.path.join(home, "slurm.conf")}


def load_file(tree):
    """The tree in the form that `sacctmgr load` reads."""
    lines = [f"Cluster - '{tree['name']}'"]
    parents = {}
    for node in tree["nodes"]:
        parents.setdefault(tuple(node["path"][:-1]), []).append(node)
    for path, children in parents.items():
        lines.append(f"Parent - '{path[-1] if path else 'root'}'")
        if not path:
            lines.append("User - 'root':AdminLevel='Administrator'")
        for node in children:
            kind = "User" if node["user"] else "Account"
            lines.append(f"{kind} - '{node['path'][-1]}':Fairshare={node['shares']}")
    return "\n".join(lines) + "\n"


def make_accounts(home, environment, tree):
    file = os.path.join(home, "tree.cfg")
    write(file, load_file(tree))
    run(["sacctmgr", "-i", "load", f"file={file}"], environment)
    listed = run(["sacctmgr", "-nP", "show", "assoc", f"cluster={tree['name']}", "format=id,account,user"], environment)
    return {tuple(line.split("|")[1:]): int(line.split("|")[0]) for line in listed.splitlines()}


def packed(text):
    data = text.encode() + b"\0"
    return struct.pack(">I", len(data)) + data


def write_usage(home, ids, tree, version):
    """What slurmctld reads at its start: a protocol version and a time, then each association's own usage."""
    buffer = struct.pack(">HQ", version, int(time.time()))
    for node in tree["nodes"]:
        if node["user"]:
            account = node["path"][-2] if len(node["path"]) > 1 else "root"
            buffer += struct.pack(">I", ids[(account, node["path"][-1])])
            buffer += packed(f"{node['usage']}.000000") + packed("") + struct.pack(">I", 0)
    with open(os.path.join(home, "state", "assoc_usage"), "wb") as file:
        file.write(buffer)


def shown(environment):
    out = run(["sshare", "-l", "-a", "-P", "-o", ",".join(it + "%30" for it in COLUMNS)], environment)
    header, *lines = out.splitlines()
    names = header.split("|")
    assert names == COLUMNS, names
    return [dict(zip(names, line.split("|"))) for line in lines]


def ask(started, work, port, dbd_port, tree, version):
    home, environment = configure(work, tree["name"], port, dbd_port, tree["classic"])
    ids = make_accounts(home, environment, tree)
    write_usage(home, ids, tree, version)
    process = started.start("slurmctld", ["slurmctld", "-D", "-f", environment["SLURM_CONF"]], home, environment)
    # It writes this file when it has gone through the tree.
    ran = os.path.join(home, "state", "priority_last_decay_ran")
    wait_for("slurmctld", process, lambda: os.path.exists(ran) and answers(port))
    rows = shown(environment)
    started.end(process)
    return {"name": tree["name"], "rows": rows}


def protocol(version):
    """The number that Slurm's state files begin with: the releases count on from 22.05, which has 38."""
    names = ["20.11", "21.08", "22.05", "23.02", "23.11", "24.05", "24.11", "25.05", "25.11"]
    release = version.split()[1].rsplit(".", 1)[0]
    if release not in names:
        raise SystemExit(f"{version}: its protocol's number is not known here")
    return (36 + names.index(release)) << 8


def main():
    trees = json.load(sys.stdin)
    version = run(["slurmctld", "-V"], {}).strip()
    work = tempfile.mkdtemp(prefix="fairlease-slurm.")
    started = Started()

    def stop(*_):
        raise SystemExit("interrupted")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        database, dbd, *ports = free_ports(2 + len(trees))
        _, environment = configure(work, ".", dbd, dbd, False)
        start_mariadb(started, work, database)
        start_slurmdbd(started, work, dbd, database)
        become_administrator(environment)
        # Most of the time is waiting, for the database and for slurmctld's start.
        with ThreadPoolExecutor(8) as pool:
            try:
                answered = list(pool.map(lambda pair: ask(started, work, pair[0], dbd, pair[1], protocol(version)),
                                         zip(ports, trees)))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        json.dump({"version": version, "trees": answered}, sys.stdout)
    finally:
        started.end_all()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
