"""Runs in the virtual environment: load the code once, wait for what it needs, fork the services.

Loading Nova takes seconds of CPU, and conductor, scheduler and every fake host load the same code.
Here it is loaded once, while the services that it needs come up, and each service is a fork. Called with
one argument, a JSON object:

    load      modules to import
    patch     {"module.NAME": value}, set after the import
    wait      ports that must answer HTTP first
    rabbitmq  the port of RabbitMQ, which must take connections first
    steps     [[queue, {name: [module, argument, ...]}], ...]: when the queue exists (or is null),
              module.main() runs with these arguments
    logs      directory for NAME.log
"""

import functools
import gc
import http.client
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable

import amqp


def main() -> int:
    task = json.loads(sys.argv[1])
    # Nova reads its concurrency mode from the command line while it is imported.
    sys.argv = sys.argv[:1]
    for module in task["load"]:
        importlib.import_module(module)
    for target, value in task["patch"].items():
        module, _, name = target.rpartition(".")
        setattr(sys.modules[module], name, value)
    _serve_in_this_process()
    print("loaded, waiting for HTTP on", task["wait"], flush=True)
    for port in task["wait"]:
        _await(lambda: _http_answers(port))
    # What the collector never looks at again stays shared between the forks.
    gc.collect()
    gc.freeze()
    pids: dict[int, str] = {}
    signal.signal(signal.SIGTERM, lambda *_: _end(pids))
    for queue, children in task["steps"]:
        print(f"waiting for RabbitMQ, queue {queue}", flush=True)
        _await(lambda: _queue_exists(task["rabbitmq"], queue))
        for name, call in children.items():
            pids[_fork(name, call, task["logs"])] = name
    pid, status = os.wait()
    print(f"{pids[pid]} has ended with status {status}, see its log", flush=True)
    _end(pids)
    return 1


def _serve_in_this_process() -> None:
    """oslo.service would fork a worker from each service: one process is enough here.

    And Swift would leave the session by which the bed finds its processes.
    """
    from oslo_service import service

    for name in ("launch", "ProcessLauncher"):
        setattr(service, name, functools.partial(getattr(service, name), no_fork=True))
    os.setsid = lambda: None


def _await(condition: Callable[[], bool]) -> None:
    """Without a limit: `bed up` watches and has one."""
    while not condition():
        time.sleep(0.1)


def _http_answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _queue_exists(port: int, queue: str | None) -> bool:
    """Without a queue: RabbitMQ takes connections."""
    try:
        with amqp.Connection(f"127.0.0.1:{port}", connect_timeout=5) as connection:
            if queue:
                connection.channel().queue_declare(queue, passive=True)
    except (OSError, amqp.exceptions.AMQPError):
        return False
    return True


def _fork(name: str, call: list[str], logs: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    module, *arguments = call
    log = os.open(os.path.join(logs, f"{name}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [name, *arguments]
    code = 1
    try:
        code = sys.modules[module].main() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end(pids: dict[int, str]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
