"""The project's own rules of code: layers, sizes, words. Each returns its complaints as text, empty when there are none."""
import pathlib
import re

# An include points to the same layer or to the left.
LAYERS = ["base", "ext", "model", "web"]
# Each third-party header, by pattern, and the one file (its .c; its .h stays clean) that may include it.
THIRD_PARTY = {
    r"mysql.*|mariadb.*|errmsg\.h|ma_\w+\.h": "lib/ext/db.c",
    r"hiredis/.*": "lib/ext/redis.c",
    r"json-c/.*|json\.h": "lib/ext/json.c",
    r"curl/(?!multi\.h).*": "lib/ext/http.c",
    r"curl/multi\.h": "lib/ext/stream.c",  # its other interface: many requests of one thread
    r"magic\.h": "lib/ext/magic.c",
    r"vips/.*": "lib/ext/vips.c",
    r"sodium.*": "lib/ext/crypt.c",
    r"utf8proc.*": "lib/ext/unicode.c",
    r"fcgi.*": "lib/ext/fcgi.c",
    r"CUnit/.*": "tests/",
    r"fuse3/.*": "tests/power/forgetful.c",
    r"openssl/sha\.h": "lib/ext/digest.c",
    r"openssl/(?!sha\.h).*": "tests/bench/client.c",
}
# What the C library and Linux bring; anything else in <> is third-party and has to stand above.
LIBC = (r"(assert|complex|ctype|errno|fcntl|fenv|float|grp|inttypes|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|"
        r"semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|"
        r"strings|syslog|termios|threads|time|unistd|wchar|getopt|libgen|fnmatch|glob|dirent)\.h"
        r"|(sys|arpa|net|netinet|linux|sanitizer)/.*")

# Generated headers and the lowest layer that may include them.
GENERATED = {"scripts.h": "ext", "queries.h": "model", "migrations.h": "model", "words.h": "model"}

FILE_LINES, FUNCTION_LINES = 400, 60
ALLOWED_SIZES = pathlib.Path(__file__).with_name("sizes.txt")

# What has no place in a file of the project. The patterns are spelled so that they do not match themselves.
WORDS = {
    r"\b(TO[D]O|FIX[M]E|XX[X])\b": "unfinished work: finish it or write it down elsewhere",
    r"NO[L]INT|no[l]int|eslint-dis[a]ble|ts-ig[n]ore|ts-no[c]heck|type: ig[n]ore": "a check that is switched off in place",
    r"\.sk[i]p\(|\bx[f]ail\b|\bt\.to[d]o\b": "a test that is passed over",
    r"registry\.np[m]js|pypi\.or[g]|\bverdac[c]io\b": "the host of a registry",
    r"/wor[k]/|/hom[e]/[a-z]|/roo[t]/|/User[s]/": "a path of one machine",
    r"\.\./shar[e]d\b": "a path outside the project",
    r"\bsleep\([0-9.]+\)|\busleep\(|setTimeout\(r(esolve)?, [0-9]{3,}\)": "waiting for time instead of a condition",
    r"-----BEGIN [A-Z ]*PRIVATE KEY": "a private key",
}
# Where such a word is right: file and pattern of the line, with the reason.
ALLOWED_WORDS = pathlib.Path(__file__).with_name("words.txt")


def allowed(path):
    """First word -> reason of each line of a list; a line without a reason is an error of its own."""
    rows = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(" ")
                if not reason.strip():
                    raise ValueError(f"{path.name}: {name} has no reason")
                rows[name] = reason.strip()
    return rows


def layer_of(name):
    """(layer's rank, whether it is a program) of a file; None for what has no layer, as tests."""
    match = re.match(r"lib/(\w+)/", name)
    if match:
        return LAYERS.index(match[1]) if match[1] in LAYERS else None
    return len(LAYERS) if name.startswith(("handlers/", "daemons/", "tools/")) else None


def include_problem(name, kind, what):
    """What is wrong with one #include, or None."""
    if kind == "<":
        if re.fullmatch(LIBC, what):
            return None
        for pattern, owner in THIRD_PARTY.items():
            if re.fullmatch(pattern, what):
                return None if name == owner or (owner.endswith("/") and name.startswith(owner)) else \
                    f"<{what}> belongs to {owner} alone"
        return f"<{what}> is not listed in tests/lint/rules.py"
    rank, folder = layer_of(name), what.split("/")[0]
    if rank is None:
        return None
    if folder in LAYERS:
        return f'"{what}" is in a layer to the right' if LAYERS.index(folder) > rank else None
    if what in GENERATED:
        return f'"{what}" is in a layer to the right' if rank < LAYERS.index(GENERATED[what]) else None
    if what.startswith(("handlers/", "daemons/")) or (rank == len(LAYERS) and "/" not in what):
        return f'"{what}": programs do not include each other'
    return f'"{what}" should name its layer, as in "base/err.h"' if "/" not in what else None


def layers(root, names):
    complaints = []
    for name in names:
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            problem = match and include_problem(name, match[1], match[2])
            if problem:
                complaints.append(f"{name}:{number}: {problem}")
    return "\n".join(complaints)


def functions(text):
    """(name, line, length) of each function of a C file in our format: a brace alone in the first column opens it."""
    lines, start = text.splitlines(), None
    for number, line in enumerate(lines, 1):
        if line == "{":
            head = number - 1
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#", " */", "/*", "//")):
                head -= 1
            start = head + 1
            named = re.search(r"(\w+)\s*\(", " ".join(lines[head:number - 1]))
            name = named[1] if named else "?"
        elif line.startswith("}") and start:
            yield name, start, number - start + 1
            start = None


def sizes(root, names):
    complaints, listed = [], allowed(ALLOWED_SIZES)
    used = set()

    def too_long(key, what):
        used.add(key)
        if key not in listed:
            complaints.append(f"{what}; shorten it, or list {key} with a reason in tests/lint/sizes.txt")

    for name in names:
        if not name.endswith((".c", ".h")):
            continue
        text = (root / name).read_text(encoding="utf-8")
        if (lines := text.count("\n")) > FILE_LINES:
            too_long(name, f"{name}: {lines} lines, more than {FILE_LINES}")
        for function, line, length in functions(text):
            if length > FUNCTION_LINES:
                too_long(f"{name}:{function}", f"{name}:{line}: {function} has {length} lines, more than {FUNCTION_LINES}")
    complaints += [f"tests/lint/sizes.txt: {key} is listed and need not be" for key in listed if key not in used]
    return "\n".join(complaints)


def words(root, names):
    complaints, listed = [], allowed(ALLOWED_WORDS)
    for name in names:
        if name.endswith((".lock", "package-lock.json", ".png", ".jpg", ".ico", ".woff2")):
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, why in WORDS.items():
                match = re.search(pattern, line)
                if match and name not in listed:
                    complaints.append(f"{name}:{number}: {match[0]!r}: {why}")
    return "\n".join(complaints)
