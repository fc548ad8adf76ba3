"""The programs and the web app, made when their sources changed. A part of run.py."""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Trouble(Exception):
    """What a person is told; the house does not start, or ends."""


def build_house(mode, say):
    """Programs of a mode and pages. Houses that start together build one after the other."""
    (ROOT / "build").mkdir(exist_ok=True)
    # Without the flags of a make that called us: -n or a job server are not ours.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    make = ["make", "-s", "-C", ROOT, f"-j{os.cpu_count()}", f"MODE={mode}", "programs"]
    with open(ROOT / "build/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if subprocess.run([*make, "-q"], env=environment, capture_output=True).returncode:
            say("building the programs ...")
            subprocess.run(make, env=environment, check=True, stdout=subprocess.DEVNULL)
        build_pages(say)


def digest_of_pages():
    """Of everything that the web app is made of, by content."""
    listed = subprocess.run(["find", "frontend", "openapi.yaml", "(", "-name", "node_modules", "-o", "-name", "dist*",
                             "-o", "-name", "*.gen.ts", "-o", "-name", "*.tsbuildinfo", ")", "-prune", "-o",
                             "-type", "f", "-print"], cwd=ROOT, capture_output=True, text=True).stdout
    digest = hashlib.sha256()
    for name in sorted(filter(None, listed.split("\n"))):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def build_pages(say):
    frontend, dist, old = ROOT / "frontend", ROOT / "frontend/dist", ROOT / "frontend/dist.old"
    stamp, sources = dist / ".sources", digest_of_pages()
    if stamp.exists() and stamp.read_text() == sources:
        return
    say("building the web app ...")
    built = subprocess.run([ROOT / "tools/node.sh", "npm", "run", "--silent", "build", "--",
                            "--outDir", "dist.new", "--emptyOutDir"], cwd=frontend, capture_output=True, text=True)
    if built.returncode != 0:
        raise Trouble(f"the web app does not build:\n{(built.stdout + built.stderr)[-4000:]}")
    (frontend / "dist.new/.sources").write_text(sources)
    # Swapped at once: a running house serves the old pages or the new ones.
    shutil.rmtree(old, ignore_errors=True)
    if dist.exists():
        dist.rename(old)
    (frontend / "dist.new").rename(dist)
    shutil.rmtree(old, ignore_errors=True)
