"""One house under one folder: prepare, start, wait until it is ready, stop. run.py is its command line."""
import fcntl
import hashlib
import json
import os
import pathlib
import pwd
import re
import resource
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import certificate
from building import Trouble, build_house
from nginxconf import HANDLERS, nginx_conf, render, routes_of
from supervise import Supervisor, Unreachable, supervisord_conf

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOCKET_PATH_BYTES = 100  # of the 107 that a unix socket may have
LOOK_AGAIN_S = 0.05
DATABASE_DEADLINE_S, READY_DEADLINE_S, STOP_DEADLINE_S = 120, 60, 120
SHOWN_LOG_LINES = 25
# The environment of whoever starts a house that is not for its processes.
NOT_FOR_PROCESSES = ("POSTHOUSE_VAR", "POSTHOUSE_NODE_DIR", "POSTHOUSE_DB_VIA", "POSTHOUSE_REDIS_VIA", "TLS")


def wait_for(what, deadline_s, condition, cancelled=lambda: False):
    """Asks until the condition holds; its value, or None if cancelled."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if cancelled():
            return None
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {deadline_s} s")
        time.sleep(LOOK_AGAIN_S)
    return value


def user_name():
    """Who this process is, whatever the environment says."""
    return pwd.getpwuid(os.getuid()).pw_name


def tail(path, lines=SHOWN_LOG_LINES):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def said_of_store(text):
    """What readyz says if the store of files is all that does not answer; else None."""
    try:
        answer = json.loads(text)
        return answer["detail"] if [error["field"] for error in answer["errors"]] == ["store"] else None
    except (ValueError, KeyError):
        return None


class House:
    def __init__(self, var, programs, mode="release"):
        self.var = pathlib.Path(var).resolve()
        if re.search(r"[^\w./+@~-]", str(self.var)):
            raise Trouble(f"{self.var}: a folder without spaces and special characters, please")
        self.bin, self.mode = pathlib.Path(programs).resolve(), mode
        self.run = self.var / "run"
        longest = len(str(self.run / "supervisor.sock.12345678"))
        if longest > SOCKET_PATH_BYTES:
            name = hashlib.sha256(str(self.var).encode()).hexdigest()[:12]
            self.run = pathlib.Path(f"/tmp/posthouse-{os.getuid()}-{name}")
        self.lock = self.supervisord = self.complaints = None

    # ---- what there is ---------------------------------------------------------------------------
    def control(self):
        return Supervisor(self.run)

    def environment(self):
        """For every process of the house. A test may stand between them and their servers (POSTHOUSE_…_VIA: its sockets)."""
        own = {name: value for name, value in os.environ.items() if name not in NOT_FOR_PROCESSES}
        own["PATH"] = own.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
        own["POSTHOUSE_RUN_DIR"] = str(self.run)
        own["POSTHOUSE_TOKEN_SECRET_FILE"] = str(self.var / "secret")
        own["POSTHOUSE_DB_SOCKET"] = os.environ.get("POSTHOUSE_DB_VIA") or str(self.run / "mysql.sock")
        own["POSTHOUSE_REDIS_SOCKET"] = os.environ.get("POSTHOUSE_REDIS_VIA") or str(self.run / "redis.sock")
        own["POSTHOUSE_DB_USER"] = own["POSTHOUSE_DB_NAME"] = "posthouse"
        if (self.var / "db_password").exists():
            own["POSTHOUSE_DB_PASSWORD"] = (self.var / "db_password").read_text().strip()
        config = self.config_file()
        if config:
            own["POSTHOUSE_CONFIG"] = str(config)
        # The folder's own, unless somebody says otherwise.
        if not config or not re.search(r"^\s*store_dir\s*=", config.read_text(encoding="utf-8"), re.M):
            own.setdefault("POSTHOUSE_STORE_DIR", str(self.var / "files"))
        return own

    def config_file(self):
        """POSTHOUSE_CONFIG, else the folder's own, else (for the default folder) the one beside the Makefile."""
        if os.environ.get("POSTHOUSE_CONFIG"):
            return pathlib.Path(os.environ["POSTHOUSE_CONFIG"]).resolve()
        beside = [self.var / "posthouse.conf"] + ([ROOT / "posthouse.conf"] if self.var == ROOT / "var" else [])
        return next((path for path in beside if path.exists()), None)

    def settings(self, environment):
        control = self.bin / "posthousectl"
        if not control.exists():
            raise Trouble(f"{control} is not there: `make MODE={self.mode} programs` first")
        answer = subprocess.run([control, "config", "--json"], env=environment, cwd=self.var if self.var.exists() else ROOT,
                                capture_output=True, text=True)
        if answer.returncode != 0:
            raise Trouble((answer.stderr or answer.stdout).strip())
        return json.loads(answer.stdout)

    # ---- before the start ------------------------------------------------------------------------
    def take(self):
        """The folder is ours until supervisord, which inherits the lock, is gone."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.var / "lock", "a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            where = self.described().get("url", "it is still starting or stopping")
            raise Trouble(f"already running under {self.var}: {where}") from None

    def described(self):
        try:
            return json.loads((self.var / "run.json").read_text())
        except (OSError, ValueError):
            return {}

    def folders(self):
        if self.run.exists() and self.run.stat().st_uid != os.getuid():
            raise Trouble(f"{self.run} belongs to somebody else")
        for folder in (self.run, self.var / "log", self.var / "nginx", self.var / "mysql", self.var / "redis"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_over in (*self.run.glob("*.sock"), *self.run.glob("*.counters")):
            left_over.unlink()
        for name in ("secret", "db_password"):
            if not (self.var / name).exists():
                with open(os.open(self.var / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_hex(32) + "\n")

    # ---- ports -----------------------------------------------------------------------------------
    def is_port_chosen(self):
        """Whether somebody named the port, so that another one would be a surprise."""
        if "POSTHOUSE_PORT" in os.environ:
            return True
        config = self.config_file()
        return bool(config and re.search(r"(?m)^\s*port\s*=", config.read_text()))

    @staticmethod
    def reserve(listen, port):
        """A bound socket that keeps the port from others until nginx has it, or None if it is taken."""
        family = socket.AF_INET6 if listen.startswith("[") else socket.AF_INET
        address = listen.strip("[]")
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return None
            port = probe.getsockname()[1]
        held = socket.socket(family, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, port))
        return held

    def choose_port(self, settings, wanted, say):
        port = settings["port"] if wanted is None else wanted
        held = self.reserve(settings["listen"], port)
        if held is None and (wanted or self.is_port_chosen()):
            raise Trouble(f"port {port} is taken; set another `port` in posthouse.conf, or POSTHOUSE_PORT")
        if held is None:
            held = self.reserve(settings["listen"], 0)
            say(f"port {port} is taken; using {held.getsockname()[1]}")
        return held

    # ---- the start -------------------------------------------------------------------------------
    def render_files(self, settings, port, tls, environment):
        """Every generated configuration; returns handler -> sockets."""
        nofile = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        root = os.getuid() == 0
        tables = {name: routes_of(self.bin / f"posthouse-{name}", environment) for name in HANDLERS}
        sockets = {name: [str(self.run / f"{name}.{n}.sock") for n in range(settings[f"pool_{name}"])]
                   for name in HANDLERS}
        place = {"user": "root" if root else "", "pid": self.run / "nginx.pid", "error_log": "stderr",
                 "refused_log": "/dev/stderr", "var": self.var, "static": ROOT / "frontend/dist", "nofile": nofile,
                 "store_dir": (self.var / settings["store_dir"]).resolve(),
                 "listen": f"{settings['listen']}:{port}", "tls": tls}
        (self.var / "nginx.conf").write_text(nginx_conf(settings, tables, sockets, place))

        values = {"run": self.run, "var": self.var, "user": "user=root" if root else "",
                  "durable": 1, "buffer_mib": 128, "log_mib": 96, "append": "yes"}
        for name in ("mariadb", "redis"):
            suffix = "cnf" if name == "mariadb" else "conf"
            data = self.var / ("mysql" if name == "mariadb" else name)
            text = (ROOT / f"deploy/{name}/posthouse.{suffix}.in").read_text()
            (self.var / f"{name}.{suffix}").write_text(render(text, {**values, "data": data}))
        commands = {"mariadb": f"mariadbd --defaults-file={self.var}/mariadb.cnf",
                    "redis": f"redis-server {self.var}/redis.conf",
                    "nginx": f"nginx -p {self.var} -e stderr -c {self.var}/nginx.conf -g 'daemon off;'",
                    "courier": self.bin / "posthouse-courier"}
        commands |= {name: f"{self.bin}/posthouse-{name} --socket {self.run}/{name}.%(process_num)d.sock"
                     for name in HANDLERS}
        pools = {name: len(paths) for name, paths in sockets.items()}
        (self.var / "supervisord.conf").write_text(supervisord_conf(values, commands, pools))
        return sockets

    def create_database(self, say):
        if (self.var / "mysql/mysql").exists():
            return
        say("creating the database ...")
        for unfinished in ("mysql", "mysql.new"):
            shutil.rmtree(self.var / unfinished, ignore_errors=True)
        # --force: whether this machine's name resolves is nothing to a database on a unix socket.
        made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.var}/mysql.new",
                               f"--tmpdir={self.run}",
                               f"--user={user_name()}", f"--auth-root-socket-user={user_name()}",
                               "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve", "--force"],
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise Trouble(f"mariadb-install-db:\n{(made.stdout + made.stderr)[-3000:]}")
        (self.var / "mysql.new").rename(self.var / "mysql")

    def sql(self, text, check=True):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.run}/mysql.sock", "--user", user_name()],
                              input=text, text=True, capture_output=True, check=check)

    def migrate(self, environment, cancelled):
        """The database answers, has its user, and has the newest schema."""
        wait_for("MariaDB", DATABASE_DEADLINE_S, lambda: self.alive("mariadb") and self.sql("SELECT 1", False).returncode == 0,
                 cancelled)
        if cancelled():
            return
        password = (self.var / "db_password").read_text().strip()
        self.sql("CREATE DATABASE IF NOT EXISTS posthouse CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
                 f"CREATE USER IF NOT EXISTS posthouse@localhost IDENTIFIED BY '{password}';\n"
                 "GRANT ALL ON posthouse.* TO posthouse@localhost;\n")
        migrated = subprocess.run([self.bin / "posthousectl", "migrate"], env=environment, cwd=self.var,
                                  capture_output=True, text=True)
        if migrated.returncode != 0:
            raise Trouble(f"posthousectl migrate:\n{(migrated.stdout + migrated.stderr)[-3000:]}")

    def alive(self, *names):
        """Raises with the log of a process that cannot start; true otherwise."""
        if self.supervisord.poll() is not None:
            complaints = os.pread(self.complaints, 4000, 0).decode(errors="replace")
            raise Trouble(f"supervisord ended:\n{tail(self.var / 'log/supervisord.out')}\n{complaints}")
        try:
            processes = self.control().processes()
        except Unreachable:
            return False
        for name, info in processes.items():
            if (not names or name in names) and info["state"] in ("BACKOFF", "FATAL"):
                raise Trouble(f"{name} does not start ({info['why']}); the end of {info['log']}:\n{tail(info['log'])}")
        return True

    def is_ready(self, url, context, last):
        """All answers; but for the store of files, without which the rest of a house is as good as ever."""
        self.alive()
        try:
            with urllib.request.urlopen(f"{url}/api/v1/readyz", timeout=2, context=context) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as problem:
            text = problem.read(2000).decode(errors="replace")
            last["answer"] = f"{problem.code} {text}"
            last["store"] = said_of_store(text)
            return bool(last["store"])
        except (urllib.error.URLError, OSError) as problem:
            last["answer"] = str(problem)
        return False

    def start(self, options, say, preexec=None, cancelled=lambda: False):
        """Everything up to "ready". The description that run.json has, or None if cancelled meanwhile."""
        self.take()
        if not options.no_build:
            subprocess.run([ROOT / "tools/deps.sh", "run"], check=True)
            build_house(self.mode, say)
        if cancelled():
            return None
        self.folders()
        environment = self.environment()
        settings = self.settings(environment)
        with_tls = os.environ.get("TLS") not in (None, "", "0")
        chain, key, ca = certificate.ensure(self.var / "tls") if with_tls else (None, None, None)
        held = self.choose_port(settings, options.port, say)
        port = held.getsockname()[1]
        environment["POSTHOUSE_PORT"] = str(port)
        sockets = self.render_files(settings, port, (chain, key) if with_tls else None, environment)
        self.create_database(say)
        if cancelled():
            return None
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # What supervisord says of a full disk goes to memory: written to that disk it would end it, and all with it.
        self.complaints = os.memfd_create("complaints")
        with open(self.var / "log/supervisord.out", "w") as output:
            self.supervisord = subprocess.Popen(
                ["supervisord", "-n", "-c", self.var / "supervisord.conf"], env=environment, cwd=self.var,
                stdin=subprocess.DEVNULL, stdout=output, stderr=self.complaints, start_new_session=True, preexec_fn=preexec,
                pass_fds=[self.lock.fileno()])
        try:
            return self.open_doors(settings, port, ca, sockets, environment, say, cancelled)
        except BaseException:
            self.stop()
            raise
        finally:
            held.close()

    def open_doors(self, settings, port, ca, sockets, environment, say, cancelled):
        say("starting ...")
        self.migrate(environment, cancelled)
        if cancelled():
            return None
        for group in ("courier", "handlers", "poll", "nginx"):
            self.control().start_group(group)
        scheme, listen = ("https" if ca else "http"), settings["listen"]
        everywhere = listen in ("0.0.0.0", "[::]")
        url = f"{scheme}://{'localhost' if everywhere else listen}:{port}"
        local = f"{scheme}://{'127.0.0.1' if everywhere else listen}:{port}"
        context = ssl.create_default_context(cafile=ca) if ca else None
        last = {}
        try:
            wait_for("readyz", READY_DEADLINE_S, lambda: self.is_ready(local, context, last), cancelled)
        except Trouble as problem:
            raise Trouble(f"{problem}\nthe last answer: {last.get('answer')}\n"
                          f"nginx's log ends:\n{tail(self.var / 'log/nginx.log', 8)}") from None
        if cancelled():
            return None
        if last.get("store"):
            say(f"files can be neither stored nor read: {last['store']}")
        return self.describe(url, local, ca, sockets, everywhere, scheme, port)

    def describe(self, url, local, ca, sockets, everywhere, scheme, port):
        processes = self.control().processes()
        described = {
            "url": url, "local_url": local, "port": port, "ca": ca, "var": str(self.var), "run_dir": str(self.run),
            "bin": str(self.bin),
            "lan_urls": [f"{scheme}://{address}:{port}" for address in certificate.lan_addresses()] if everywhere else [],
            "sockets": sockets, "db_socket": str(self.run / "mysql.sock"), "db_admin": user_name(),
            "db_name": "posthouse", "redis_socket": str(self.run / "redis.sock"),
            "supervisord_pid": self.supervisord.pid,
            "pids": {name: info["pid"] for name, info in processes.items()},
        }
        (self.var / "run.json").write_text(json.dumps(described, indent=1))
        return described

    # ---- the end ---------------------------------------------------------------------------------
    def stop(self):
        """In good order; false if nothing ran. Returns when no process is left."""
        try:
            self.control().shutdown()
        except Unreachable:
            if self.supervisord is None or self.supervisord.poll() is not None:
                return False
            self.supervisord.terminate()  # it has no socket yet, or no longer
        if self.supervisord is not None:
            self.supervisord.wait(STOP_DEADLINE_S)
        else:
            with open(self.var / "lock", "a+") as lock:
                wait_for("stopping", STOP_DEADLINE_S, lambda: self.try_lock(lock))
        (self.var / "run.json").unlink(missing_ok=True)
        if self.var not in self.run.parents:
            shutil.rmtree(self.run, ignore_errors=True)
        return True

    @staticmethod
    def try_lock(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False
