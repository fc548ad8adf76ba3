"""A house's supervisord: its configuration, and talking to it over its socket."""
import http.client
import os
import pathlib
import socket
import time
import xmlrpc.client

from nginxconf import render

TEMPLATE = pathlib.Path(__file__).resolve().parent.parent / "deploy/supervisor/supervisord.conf.in"
# Started in any order (whoever needs another waits for it), stopped from the highest to the lowest.
PRIORITY = {"mariadb": 10, "redis": 20, "courier": 30, "handlers": 40, "nginx": 50, "poll": 60}
LISTENS_DEADLINE_S, LOOK_AGAIN_S = 60, 0.05
# A process ends with its supervisor, however that ended.
LAUNCH = "setpriv --pdeathsig TERM -- "


def _newest_log(stdout_log):
    """A program of ours writes its own .log; the .out beside it has what came before it could."""
    logs = [path for path in (stdout_log, stdout_log.removesuffix(".out") + ".log") if os.path.exists(path)]
    return max(logs, key=os.path.getmtime, default=stdout_log)


class Unreachable(Exception):
    """No supervisord answers there."""


class NotListening(Exception):
    """A process was started and takes no requests."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return _Connection(self.path)


def _listens(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


class Supervisor:
    def __init__(self, run_dir):
        self._run_dir = run_dir
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(f"{run_dir}/supervisor.sock"))
        self._rpc = proxy.supervisor

    def _call(self, method, *arguments):
        try:
            return getattr(self._rpc, method)(*arguments)
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(str(problem)) from problem

    def processes(self):
        """name -> {"pid", "state", "group", "log", "why"} of every process."""
        return {info["name"]: {"pid": info["pid"], "state": info["statename"], "group": info["group"],
                               "log": _newest_log(info["stdout_logfile"]), "why": info["spawnerr"] or info["description"]}
                for info in self._call("getAllProcessInfo")}

    def start_group(self, group):
        self._call("startProcessGroup", group, False)

    def matching(self, name):
        """The full names of a process ("login.0") or of all of a program ("login")."""
        return [f"{info['group']}:{process}" for process, info in self.processes().items()
                if name in (process, process.rsplit(".", 1)[0])]

    def restart(self, name):
        """Stop and start a process or a program's processes, one after the other, each when the one before it takes
        requests again: so a pool of two is never without one. Returns how many."""
        names = self.matching(name)
        for full in names:
            if self._call("getProcessInfo", full)["statename"] in ("RUNNING", "STARTING", "BACKOFF"):
                self._call("stopProcess", full, True)
            self._call("startProcess", full, True)
            self._await_requests(full)
        return len(names)

    def _await_requests(self, full):
        """Until a handler's process listens; what is no handler has no such socket."""
        group, process = full.split(":")
        if group not in ("handlers", "poll"):
            return
        path, end = f"{self._run_dir}/{process}.sock", time.monotonic() + LISTENS_DEADLINE_S
        while not _listens(path):
            if time.monotonic() > end:
                raise NotListening(f"{process} does not listen {LISTENS_DEADLINE_S} s after its start; "
                                   "the others were left alone")
            time.sleep(LOOK_AGAIN_S)

    def stop(self, name):
        names = self.matching(name)
        for full in names:
            self._call("stopProcess", full, True)
        return len(names)

    def shutdown(self):
        self._call("shutdown")


def _program(name, command, group, autostart, stop_signal="TERM", stop_wait_s=15, count=1):
    lines = [f"[program:{name}]", f"command={LAUNCH}{command}",
             f"priority={PRIORITY[group]}", f"autostart={'true' if autostart else 'false'}",
             "autorestart=true", "startsecs=1", "startretries=1000000",
             f"stopsignal={stop_signal}", f"stopwaitsecs={stop_wait_s}", "killasgroup=true",
             "redirect_stderr=true", "stdout_logfile_maxbytes=20MB", "stdout_logfile_backups=4"]
    log = f"@var@/log/{name}" + (".%(process_num)d" if count else "")
    if count:
        lines += [f"numprocs={count}", "process_name=%(program_name)s.%(process_num)d"]
    if group in ("handlers", "poll", "courier"):
        # Every line of a busy handler through supervisord would cost more than answering the request.
        lines += [f'environment=POSTHOUSE_LOG_FILE="{log}.log"', f"stdout_logfile={log}.out"]
    else:
        lines.append(f"stdout_logfile={log}.log")
    return "\n".join(lines + ["directory=@var@", ""])


def supervisord_conf(values, commands, pools):
    """`commands`: name -> command line; `pools`: handler -> number of processes. `values` fill the template."""
    programs = [
        _program("mariadb", commands["mariadb"], "mariadb", True, stop_wait_s=60, count=0),
        _program("redis", commands["redis"], "redis", True, stop_wait_s=30, count=0),
        _program("nginx", commands["nginx"], "nginx", False, stop_signal="QUIT", stop_wait_s=5, count=0),
        _program("courier", commands["courier"], "courier", False, count=0),
    ]
    grouped = [name for name in pools if name != "poll"]
    for name, count in pools.items():
        programs.append(_program(name, commands[name], "poll" if name == "poll" else "handlers", False, count=count))
    programs.append(f"[group:handlers]\nprograms={','.join(grouped)}\npriority={PRIORITY['handlers']}\n")
    filled = render("\n".join(programs), values)
    return render(TEMPLATE.read_text(encoding="utf-8"), {**values, "programs": filled})
