"""A vsftpd of its own: clients on threads of their own list large folders, store, fetch, rename and delete files.

Prints what the clients have seen, which depends on its argument alone.
"""
import ftplib
import hashlib
import io
import os
import pathlib
import socket
import sys

import server

SCALE = int(sys.argv[1])
CLIENTS, ROUNDS, FILES = 6, 4 * SCALE, 1500
DOWNLOAD = 3000000
SETTINGS = {"listen": "YES", "listen_ipv6": "NO", "listen_address": "127.0.0.1", "background": "NO", "anonymous_enable": "YES",
            "local_enable": "NO", "write_enable": "YES", "anon_upload_enable": "YES", "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES", "anon_umask": "022", "no_anon_password": "YES", "anon_world_readable_only": "NO",
            "xferlog_enable": "YES", "log_ftp_protocol": "YES", "ls_recurse_enable": "YES", "max_per_ip": "50",
            "use_localtime": "NO", "isolate_network": "NO", "ftpd_banner": "ready"}


def make_folders(root):
    """What clients find: folders with many files, a large file, a folder to write into."""
    for folder in range(3):
        place = root / f"many{folder}"
        place.mkdir(parents=True)
        for number in range(FILES):
            path = place / f"file{number:05}-{'n' * (number * 31 % 120)}.txt"
            path.write_bytes(b"x" * (number % 50))
            os.utime(path, (1700000000 + number, 1700000000 + number))
    (root / "large").write_bytes(bytes(i * i >> 3 & 255 for i in range(1000)) * (DOWNLOAD // 1000))
    incoming = root / "incoming"
    incoming.mkdir()
    incoming.chmod(0o777)
    root.chmod(0o555)  # vsftpd refuses a root that its users may write into


def settings(root, port):
    """The configuration: as root, processes with fewer rights in a root of their own; else one for the user alone."""
    empty = pathlib.Path("empty").resolve()
    empty.mkdir()
    own = {"listen_port": port, "anon_root": root, "secure_chroot_dir": empty, "vsftpd_log_file": root.with_name("vsftpd.log"),
           "xferlog_file": root.with_name("transfers.log")}
    if os.geteuid() != 0:
        own["run_as_launching_user"] = "YES"
    path = pathlib.Path("vsftpd.conf")
    path.write_text("".join(f"{name}={value}\n" for name, value in {**SETTINGS, **own}.items()), encoding="ascii")
    path.chmod(0o600)
    return path.resolve()


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def entered(port):
    client = ftplib.FTP()
    client.connect("127.0.0.1", port, timeout=server.WAIT_SECONDS)
    client.login()
    return client


def content(own, number):
    return hashlib.sha256(f"{own} {number}".encode()).digest() * (1000 + (own * 37 + number * 1013) % 9000)


def stored_and_fetched(client, own, number, digest):
    """A file's life: stored, continued, renamed, fetched from the middle, deleted."""
    data, name = content(own, number), f"incoming/of{own}/file{number}"
    client.storbinary(f"STOR {name}", io.BytesIO(data[:-1000]))
    client.storbinary(f"APPE {name}", io.BytesIO(data[-1000:]))
    client.rename(name, name + ".new")
    parts = []
    client.retrbinary(f"RETR {name}.new", parts.append, rest=500)
    digest.update(str((client.size(name + ".new"), b"".join(parts) == data[500:])).encode())
    if number % 2:
        client.delete(name + ".new")


def session(port, own):
    """All that one client does. \return hashes of what it has seen"""
    client, digest, lines = entered(port), hashlib.sha256(), []
    client.mkd(f"incoming/of{own}")
    for number in range(ROUNDS):
        digest.update("\n".join(sorted(client.nlst(f"many{number % 3}"))).encode())
        client.retrlines(f"LIST many{(number + own) % 3}", lines.append)
        stored_and_fetched(client, own, number, digest)
        if number % 4 == 3:
            client.quit()
            client = entered(port)
    digest.update("\n".join(sorted(line[:10] + line[20:] for line in lines)).encode())
    client.retrlines("LIST -R many0", lines.append)
    client.retrbinary("RETR large", digest.update)
    refused = []
    for order in ("DELE large", "RETR ../../etc/passwd", "SITE " + "x" * 3000, "MKD x", "CWD " + "y/" * 1000):
        try:
            refused.append(client.sendcmd(order))
        except ftplib.Error as error:
            refused.append(str(error))
    client.quit()
    return len(lines), digest.hexdigest()[:16], hashlib.sha256(repr(refused).encode()).hexdigest()[:16]


def main():
    root = pathlib.Path("root").resolve()
    make_folders(root)
    port = server.free_port()
    with server.Server(["vsftpd", str(settings(root, port))], lambda: accepts(port), "server.log") as running:
        for own, result in enumerate(server.at_once(CLIENTS, lambda own: session(port, own))):
            print("client", own, *result)
        print("still running:", running.process.poll() is None)
        running.stop()
        print("said:", running.said().strip())
    kept = sorted(path for path in (root / "incoming").rglob("*") if path.is_file())
    print("kept:", len(kept), hashlib.sha256(b"".join(path.read_bytes() for path in kept)).hexdigest()[:16])
    log = root.with_name("vsftpd.log").read_text(encoding="utf-8", errors="replace")
    print("log:", log.count("OK UPLOAD"), log.count("OK DOWNLOAD"), log.count("OK LOGIN"))
    root.chmod(0o755)  # so that it can be removed


if __name__ == "__main__":
    main()
