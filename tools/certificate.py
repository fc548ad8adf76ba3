"""A local authority and a server certificate, so that phones on the LAN get a secure context."""
import ipaddress
import os
import pathlib
import socket
import subprocess

DAYS_OF_AUTHORITY, DAYS_OF_SERVER = 3650, 820  # phones refuse servers' certificates of more than 825 days
RENEW_BEFORE_S = 30 * 86400


def lan_addresses():
    """This machine's own IPv4 addresses, without loopback."""
    try:
        words = subprocess.run(["hostname", "-I"], capture_output=True, text=True, timeout=5).stdout.split()
    except OSError:
        return []
    return [word for word in words if ipaddress.ip_address(word).version == 4]


def _openssl(*arguments, **options):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def _names():
    host = socket.gethostname()
    return ([f"DNS:{name}" for name in dict.fromkeys(["localhost", host, f"{host.split('.')[0]}.local"])]
            + [f"IP:{address}" for address in dict.fromkeys(["127.0.0.1", "::1", *lan_addresses()])])


def _authority(folder):
    key, certificate = folder / "ca.key", folder / "ca.crt"
    if not certificate.exists():
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256",
                 "-days", str(DAYS_OF_AUTHORITY), "-subj", f"/CN=Posthouse local authority ({socket.gethostname()})",
                 "-addext", "basicConstraints=critical,CA:true,pathlen:0",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", str(key), "-out", str(certificate))
    return key, certificate


def ensure(folder):
    """(server certificate with its chain, its key, the authority's certificate); made once, renewed in time or
    when the machine's names change."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mask = os.umask(0o077)
    try:
        ca_key, ca = _authority(folder)
        chain, key, names_file = folder / "server.crt", folder / "server.key", folder / "names"
        names = ",".join(_names())
        fresh = chain.exists() and names_file.exists() and names_file.read_text() == names and subprocess.run(
            ["openssl", "x509", "-checkend", str(RENEW_BEFORE_S), "-noout", "-in", str(chain)],
            stdout=subprocess.DEVNULL).returncode == 0
        if not fresh:
            request, one = folder / "server.csr", folder / "one.crt"
            extensions = folder / "server.ext"
            extensions.write_text(f"subjectAltName={names}\nbasicConstraints=critical,CA:false\n"
                                  "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
            _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", "/CN=Posthouse", "-keyout", str(key), "-out", str(request))
            _openssl("x509", "-req", "-sha256", "-days", str(DAYS_OF_SERVER), "-in", str(request), "-CA", str(ca),
                     "-CAkey", str(ca_key), "-CAcreateserial", "-extfile", str(extensions), "-out", str(one))
            chain.write_bytes(one.read_bytes() + ca.read_bytes())
            names_file.write_text(names)
        return str(chain), str(key), str(ca)
    finally:
        os.umask(mask)
