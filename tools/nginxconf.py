"""nginx's configuration from deploy/nginx/posthouse.conf.in, the settings, and the handlers' route tables."""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "deploy/nginx/posthouse.conf.in"
HANDLERS = ("login", "friends", "groups", "messages", "history", "poll", "upload", "ai")
# A connection of each worker that waits idle for the next request; a parked poll holds its own.
KEPT = {"poll": 1000}
# Handlers whose processes each mostly own some conversations.
BY_CONVERSATION = ("messages",)
# A poll that comes back to its process is parked without asking anybody; any other process serves it as well.
BY_SESSION = ("poll",)

ANYTHING = "[^/]+"    # a parameter of a path, as a pattern

# What nginx itself answers: its status -> (status, code, title and detail in the words of the API, Retry-After).
PROBLEMS = {
    (400, 408, 414, 494, 501, 505): (400, "invalid_request", "The request is not valid",
                                          "The request line, a header or the time it took is not acceptable", None),
    (403, 404, 405): (404, "not_found", "There is no such thing", "No such path and method", None),
    (411,): (411, "length_required", "A Content-Length is required", "A Content-Length is required", None),
    (412,): (412, "invalid_request", "The request is not valid", "The file is another one than is meant", None),
    (416,): (416, "invalid_request", "The request is not valid", "The file has no such range", None),
    (413,): (413, "too_large", "The request is too large", "The body is larger than is accepted here", None),
    (429,): (429, "rate_limited", "Too many requests", "Too many requests from this address", 2),
    (500, 503): (503, "unavailable", "The service is not available", "Nothing was stored; try again soon", 2),
    (502, 504): (504, "outcome_unknown", "Whether this was stored is not known",
                 "The answer was lost; repeat the request with the same id", None),
}

# Headers of answers that pages of other sites may read.
EXPOSED = ("X-Request-Id", "Retry-After", "Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "ETag",
           "Content-Disposition")

# What a store says about itself: the headers of a file are the house's.
STORES_OWN = ("Content-Disposition", "Cache-Control", "Content-Security-Policy", "Referrer-Policy", "Set-Cookie",
              "Strict-Transport-Security", "Vary", "X-Content-Type-Options", "X-Frame-Options", "X-Xss-Protection",
              "X-Amz-Request-Id", "X-Amz-Id-2", "X-Amz-Version-Id", "X-Amz-Bucket-Region", "X-Amz-Server-Side-Encryption",
              "X-Amz-Storage-Class", "X-Amz-Replication-Status", "X-Amz-Expiration", "X-Ratelimit-Limit",
              "X-Ratelimit-Remaining", "X-Rgw-Object-Type")

APP_HEADERS = {
    "Content-Security-Policy":
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(self), payment=()",
}


class ConfigError(Exception):
    pass


def render(text, values):
    """The template with each @name@ replaced; a name that is not known is an error."""
    def value(match):
        if match[1] not in values:
            raise ConfigError(f"template: @{match[1]}@ is not known")
        return str(values[match[1]])
    lines = re.sub(r"@([a-z_]+)@", value, text).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def indent(depth, lines):
    return "\n".join(" " * depth + line for line in lines)


def routes_of(program, environment):
    """The route table that a handler prints: (method, path, whether it is a stream, whether it reads its body) of each."""
    answer = subprocess.run([program, "--routes"], env=environment, capture_output=True, text=True, timeout=10)
    if answer.returncode != 0:
        raise ConfigError(f"{program} --routes: {answer.stderr.strip()}")
    return [(route["method"], route["path"], route["stream"], route["body"]) for route in json.loads(answer.stdout)]


def may_meet(one, other):
    """Whether a request may fit two routes, given as lists of pieces. A literal path comes before all patterns."""
    return (len(one) == len(other) and (ANYTHING in one) == (ANYTHING in other)
            and all(a == b or ANYTHING in (a, b) for a, b in zip(one, other)))


def route_map(tables):
    """Rows of the map from "METHOD:path" to handler: literal paths by hash, the others by one pattern for each handler,
    since a request pays for every pattern that it does not fit. The handler that is asked most comes first."""
    literal, patterns, owners = [], [], []
    for handler in sorted(tables, key=lambda name: name not in BY_CONVERSATION):
        own = []
        for method, path, _, _ in tables[handler]:
            pieces = [method, *(ANYTHING if piece.startswith("{") else re.escape(piece) for piece in path.split("/")[1:])]
            for known, owner in owners:
                if known == pieces or (owner != handler and may_meet(known, pieces)):
                    raise ConfigError(f"{method} {path} is in the tables of {owner} and of {handler}")
            owners.append((pieces, handler))
            if ANYTHING in pieces:
                own.append(f"{method}:/{'/'.join(pieces[1:])}")
            else:
                literal.append(f'"{method}:{path}" {handler};')
        if own:
            patterns.append(f'"~^(?:{"|".join(sorted(own))})$" {handler};')
    return sorted(literal) + patterns


def streams(tables, gate, silence_s):
    """Locations of the routes that answer without end: each piece goes on as it comes."""
    for path in sorted(path for routes in tables.values() for _, path, stream, _ in routes if stream):
        yield f"location = {path} {{"
        yield from (f"    {line}" for line in gate)
        yield '    if ($handler = "") { return 404; }'
        yield "    gzip off;"
        yield "    fastcgi_buffering off;"
        yield "    fastcgi_pass_header X-Accel-Buffering;    # for a proxy before this one"
        yield f"    fastcgi_read_timeout {silence_s}s;"
        yield "    fastcgi_pass $handler;"
        yield "}"


def bodies(tables, gate, settings):
    """Locations of the routes that read their body: it goes on as it comes, and may take long. Behind a parameter nothing
    follows, so that its location is a prefix; whatever else that lets in is no route."""
    for path in sorted({path for routes in tables.values() for _, path, _, body in routes if body}):
        head, parameter, rest = path.partition("{")
        if "/" in rest:
            raise ConfigError(f"{path} reads its body, and has a piece behind its parameter")
        yield f"location {head} {{" if parameter else f"location = {path} {{"
        yield from (f"    {line}" for line in gate)
        if path.endswith("/uploads"):    # what may be done there, for whoever asks
            yield from ("    if ($request_method = OPTIONS) {", "        add_header Tus-Resumable 1.0.0;",
                        "        add_header Tus-Version 1.0.0;",
                        "        add_header Tus-Extension creation,creation-with-upload,termination,checksum,expiration;",
                        "        add_header Tus-Checksum-Algorithm sha1,sha256;",
                        f"        add_header Tus-Max-Size {settings['file_max_mib'] << 20};", "        return 204;", "    }")
        yield '    if ($handler = "") { return 404; }'
        yield f"    client_max_body_size {settings['file_max_mib']}m;"
        yield f"    client_body_timeout {settings['upload_stall_s']}s;"
        yield "    fastcgi_request_buffering off;"
        yield f"    fastcgi_send_timeout {settings['store_timeout_s'] + 20}s;"
        yield f"    fastcgi_read_timeout {4 * settings['store_timeout_s'] + settings['request_timeout_s'] + 20}s;"
        yield "    fastcgi_pass $handler;"
        yield "}"


def s3_place(settings):
    """(scheme, host and port, the host that is signed) of the S3 store."""
    match = re.fullmatch(r"(https?)://([A-Za-z0-9.\-\[\]:]+?)/*", settings["s3_endpoint"])
    if not match:
        raise ConfigError(f"s3_endpoint: {settings['s3_endpoint']!r} is no address, as in http://127.0.0.1:9000")
    scheme, host = match[1], match[2]
    signed = host if settings["s3_path_style"] == "yes" else f"{settings['s3_bucket']}.{host}"
    return scheme, host, signed


def store_upstream(settings):
    if settings["store"] == "s3":
        scheme, _, signed = s3_place(settings)
        port = "" if re.search(r":\d+$", signed) else ":443" if scheme == "https" else ":80"
        yield from ("upstream store {", f"    server {signed}{port} max_fails=0;", "    keepalive 64;", "}")


def store_location(settings, headers_of_all, place):
    """Where nginx takes the bytes of files from, when a handler says so."""
    if settings["store"] == "s3":
        scheme, _, signed = s3_place(settings)
        yield "location /-/s3/ {"
        yield f"    proxy_pass {scheme}://store/;"
        yield "    proxy_http_version 1.1;"
        yield "    proxy_pass_request_headers off;"
        yield "    proxy_pass_request_body off;"
        yield from (f"    proxy_set_header {name} {value};" for name, value in (
            ("Host", signed), ("Connection", '""'), ("Range", "$http_range"), ("If-Range", "$http_if_range"),
            ("If-None-Match", "$http_if_none_match"), ("If-Modified-Since", "$http_if_modified_since")))
        yield from (f"    proxy_hide_header {name};" for name in STORES_OWN)
        yield f"    proxy_read_timeout {settings['store_timeout_s']}s;"
        yield "    proxy_connect_timeout 3s;"
        yield "    proxy_max_temp_file_size 0;"
        yield "    proxy_intercept_errors on;"
        if scheme == "https":
            yield f"    proxy_ssl_server_name on;\n            proxy_ssl_name {signed.split(':')[0]};"
    else:
        yield "location /-/files/ {"
        yield f"    alias {place['store_dir']}/;"
    yield "    internal;"
    yield "    gzip off;"
    yield "    error_page 412 /-/problem/412;"
    yield "    error_page 416 /-/problem/416;"
    # What is allowed is not there, or cannot be had: that is the store's failure, whatever it says.
    yield "    error_page 301 302 303 307 308 400 401 403 404 405 500 502 503 504 =503 /-/problem/503;"
    yield f"    error_log {place['error_log']} crit;    # the rest would hold the query, and in it tokens and signatures"
    yield from (f"    {line}" for line in headers_of_all)
    yield '    add_header Cache-Control "private, no-cache" always;'
    yield """    add_header Content-Security-Policy "default-src 'none'; sandbox" always;"""
    yield "}"


def upstreams(sockets):
    for handler, paths in sockets.items():
        yield f"upstream {handler} {{"
        if handler in BY_CONVERSATION:
            yield "    hash $conversation consistent;"
        if handler in BY_SESSION:
            yield "    hash $http_authorization consistent;"
        # Without max_fails=0 one closed connection takes the process out for 10 s.
        yield from (f"    server unix:{path} max_fails=0;" for path in paths)
        yield f"    keepalive {KEPT.get(handler, 64)};"
        yield "    keepalive_requests 1000000;\n        keepalive_timeout 1h;"
        yield "}"


def limits(settings):
    """(zones, uses) of the rate limits; 0 is no limit."""
    zones, uses = [], []
    for name, key in (("address", "$binary_remote_addr"), ("login", "$login_address")):
        rate = settings[f"rate_{name}_per_s"]
        if rate:
            zones.append(f"limit_req_zone {key} zone={name}:10m rate={rate}r/s;")
            uses.append(f"limit_req zone={name} burst={settings[f'rate_{name}_burst']} nodelay;")
    return zones, uses


def headers(origins):
    lines = ["add_header X-Request-Id $request_id always;",
             "add_header X-Content-Type-Options nosniff always;",
             "add_header Referrer-Policy no-referrer always;"]
    if origins:
        lines += ["add_header Access-Control-Allow-Origin $cors_origin always;",
                  f'add_header Access-Control-Expose-Headers "{", ".join(EXPOSED)}" always;',
                  "add_header Vary Origin always;"]
    return lines


def cors_origins(settings):
    origins = [origin.strip() for origin in settings["cors_origins"].split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"\*|https?://[A-Za-z0-9.\-\[\]:]+|[a-z][a-z0-9+.\-]*://[A-Za-z0-9.\-]*", origin):
            raise ConfigError(f"cors_origins: {origin!r} is not an origin, as in https://chat.example.org")
    rows = [f'"{origin}" $http_origin;' for origin in origins if origin != "*"]
    if "*" in origins:
        rows.append('"~." "*";')
    return origins, rows


def problems(origins, log, store):
    for statuses, (status, code, title, detail, retry) in PROBLEMS.items():
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code,
                           "request_id": "$request_id", "errors": []}, separators=(",", ":"))
        yield f"error_page {' '.join(map(str, statuses))} ={status} /-/problem/{status};"
        yield f"location = /-/problem/{status} {{"
        yield "    internal;"
        yield "    client_max_body_size 0;    # of whatever request it is the answer to"
        yield "    default_type application/problem+json;"
        yield f"    access_log {log} refused;"
        # nginx notices that a file has no such range when it has added them already.
        if status != 416 or store != "file":
            yield from ("    " + line for line in headers(origins))
            yield "    add_header Cache-Control no-store always;"
        else:
            yield '    add_header X-Request-Id "";'  # none, and so none of the server's
        if retry:
            yield f"    add_header Retry-After {retry} always;"
        yield f"    return {status} '{body}';"
        yield "}"


def nginx_conf(settings, tables, sockets, place):
    """The whole file. `place` says where: user, pid, error_log, refused_log, var, static, store_dir, listen, nofile,
    tls (certificate, key) or None."""
    origins, origin_rows = cors_origins(settings)
    zones, gate = limits(settings)
    if origins:
        gate.append("if ($cors_preflight) { rewrite ^ /-/preflight last; }")
    tls = []
    if place["tls"]:
        certificate, key = place["tls"]
        tls = [f"ssl_certificate {certificate};", f"ssl_certificate_key {key};", "ssl_protocols TLSv1.2 TLSv1.3;",
               "ssl_session_cache shared:tls:10m;", "ssl_session_timeout 1d;", "ssl_session_tickets off;",
               "ssl_prefer_server_ciphers off;",
               "error_page 497 =308 https://$http_host$request_uri;"]
    values = {
        "user": f"user {place['user']};" if place["user"] else "# runs as whoever starts it",
        "pid": place["pid"], "error_log": place["error_log"], "var": place["var"], "static": place["static"],
        "nofile": place["nofile"], "connections": max(512, min(place["nofile"] - 128, 100000)),
        "listen": place["listen"],
        "listen_options": " ".join((["ssl http2"] if tls else [])
                                   + (["ipv6only=off"] if place["listen"].startswith("[") else [])),
        "tls": indent(8, tls),
        "routes": indent(8, route_map(tables)),
        "upstreams": indent(4, [*upstreams(sockets), *store_upstream(settings)]),
        "bodies": indent(8, bodies(tables, gate, settings)),
        "store": indent(8, store_location(settings, headers(origins), place)),
        # Twice the pause after which a handler says something.
        "streams": indent(8, streams(tables, gate, 2 * settings["stream_beat_s"] + 20)),
        "limit_zones": indent(4, zones), "gate": indent(12, gate),
        "cors_origins": indent(8, origin_rows),
        "headers": indent(8, headers(origins)),
        "app_headers": indent(12, [f'add_header {name} "{value}" always;' for name, value in APP_HEADERS.items()]),
        "request_timeout": settings["request_timeout_s"] + 20,
        "poll_timeout": settings["poll_max_s"] + 20,
        "problems": indent(8, problems(origins, place["refused_log"], settings["store"])),
    }
    text = render(TEMPLATE.read_text(encoding="utf-8"), values)
    return re.sub(r"\n{3,}", "\n\n", text)


if __name__ == "__main__":
    sys.exit("nginxconf.py is a part of run.py: see `run.py nginx --help`")
