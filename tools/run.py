#!/usr/bin/env python3
"""Run a whole house on this machine: MariaDB, Redis, nginx, the handlers and the courier, all private under var/.

    run.py run                        everything, until Ctrl-C (this is `make run`; TLS=1 for HTTPS)
    run.py up   --var DIR [--port 0]  start and return; DIR/run.json says where everything is
    run.py down --var DIR             stop in good order
    run.py build                      only the programs and the web app, when their sources changed
    run.py status|restart NAME|stop NAME|start NAME --var DIR
    run.py restart --rolling --var DIR    every handler and the courier, one process after the other: nobody is sent away
    run.py nginx ...                  only print nginx's configuration, for a host with its own services

Houses in different folders run side by side. Data stays in the folder; two runs of one folder exclude each other.
Settings: posthouse.conf (beside the Makefile, or in DIR) and POSTHOUSE_*; see `posthousectl config`.
"""
import argparse
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

from building import Trouble, build_house
from house import House
from nginxconf import HANDLERS, ConfigError, nginx_conf, routes_of
from supervise import NotListening, Unreachable

ROOT = pathlib.Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1


def say(text):
    print(text, flush=True)


def announce(run):
    say(f"\n  Posthouse is open:  {run['url']}")
    for address in run["lan_urls"]:
        say(f"  on this network:    {address}")
    if run["ca"]:
        say(f"  phones trust it after installing  {run['ca']}")
    say(f"  logs: {run['var']}/log   stop: Ctrl-C\n")


def die_with_parent():
    """In the child: TERM when run.py is gone, however it went."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run(house, options):
    """In the foreground, until a signal or until supervisord is gone."""
    wanted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: wanted.set())
    started = house.start(options, say, preexec=die_with_parent, cancelled=wanted.is_set)
    if started:
        announce(started)
        while not wanted.wait(0.2):
            if house.supervisord.poll() is not None:
                raise Trouble(f"supervisord ended by itself; see {house.var}/log/supervisord.log")
    say("closing ...")
    house.stop()
    say("closed")


def up(house, options):
    """In the background: returns when the house is ready."""
    started = house.start(options, (lambda text: print(text, file=sys.stderr, flush=True)))
    say(json.dumps(started, indent=1) if options.json else started["url"])


def build(_house, options):
    """Programs and pages, when their sources changed."""
    build_house(options.mode, say)


def down(house, _options):
    """Stop in good order; returns when nothing is left."""
    if not house.stop():
        say("not running")


def status(house, options):
    """Every process and how it is."""
    processes = house.control().processes()
    if options.json:
        say(json.dumps(processes, indent=1))
        return
    for name, info in processes.items():
        say(f"{name:12} {info['state']:9} {info['why']}")


def restart(house, options):
    """Stop and start a process, or a program's processes one after the other."""
    if bool(options.name) == options.rolling:
        raise Trouble("restart: a name, or --rolling")
    for name in (*HANDLERS, "courier") if options.rolling else (options.name,):
        if not house.control().restart(name):
            raise Trouble(f"{name}: no such process; `status` lists them")


def start(house, options):
    """Start a process, or a program's processes; one that runs is stopped before."""
    if not house.control().restart(options.name):
        raise Trouble(f"{options.name}: no such process; `status` lists them")


def stop(house, options):
    """Stop a process until it is started again."""
    if not house.control().stop(options.name):
        raise Trouble(f"{options.name}: no such process; `status` lists them")


def print_nginx(house, options):
    """For hosts whose services are systemd's: sockets <run-dir>/<handler>.<n>.sock, as the units name them."""
    environment = house.environment()
    settings = house.settings(environment)
    tables = {name: routes_of(house.bin / f"posthouse-{name}", environment) for name in HANDLERS}
    sockets = {name: [f"{options.run_dir}/{name}.{n}.sock" for n in range(settings[f"pool_{name}"])]
               for name in HANDLERS}
    place = {"user": options.user, "pid": "/run/nginx.pid", "error_log": "/var/log/nginx/error.log",
             "refused_log": "/var/log/nginx/refused.log", "var": options.cache_dir, "static": options.static,
             "store_dir": settings["store_dir"], "nofile": 65536, "listen": f"{settings['listen']}:{settings['port']}",
             "tls": (options.certificate, options.key) if options.certificate else None}
    say(nginx_conf(settings, tables, sockets, place))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for function in (run, up, build, down, status, start, stop, restart):
        command = commands.add_parser(function.__name__, help=function.__doc__)
        command.set_defaults(function=function)
        command.add_argument("--var", default=os.environ.get("POSTHOUSE_VAR") or str(ROOT / "var"))
        command.add_argument("--mode", default="release", help="which build: build/<mode>/bin")
        command.add_argument("--bin", help="a folder with the programs instead")
        if function in (start, stop, restart):
            command.add_argument("name", nargs="?" if function is restart else None,
                                 help="a process (login.0) or all of a program (login)")
        if function is restart:
            command.add_argument("--rolling", action="store_true", help="all handlers and the courier")
        if function in (up, status):
            command.add_argument("--json", action="store_true")
        if function in (run, up):
            command.add_argument("--port", type=int, help="0: any free one")
            command.add_argument("--no-build", action="store_true", help="take the programs and pages as they are")

    command = commands.add_parser("nginx")
    command.set_defaults(function=print_nginx, var=str(ROOT / "var"))
    command.add_argument("--mode", default="release")
    command.add_argument("--bin", help="a folder with the programs")
    command.add_argument("--run-dir", default="/run/posthouse")
    command.add_argument("--cache-dir", default="/var/cache/posthouse")
    command.add_argument("--static", default="/usr/share/posthouse/web")
    command.add_argument("--user", default="www-data")
    command.add_argument("--certificate", default="")
    command.add_argument("--key", default="")
    return parser.parse_args()


def main():
    options = arguments()
    house = House(options.var, options.bin or ROOT / "build" / options.mode / "bin", options.mode)
    try:
        options.function(house, options)
    except Unreachable:
        sys.exit(f"posthouse: not running under {house.var}")
    except (Trouble, ConfigError, NotListening) as problem:
        sys.exit(f"posthouse: {problem}")
    except subprocess.CalledProcessError as problem:
        sys.exit(f"posthouse: {' '.join(map(str, problem.cmd))} ended with {problem.returncode}")


main()
