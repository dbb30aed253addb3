"""Loads a directory and tells how much it does a second, and for how much of the processor.

    bench-directory.py updates  HOST PID SECONDS ZONE KEY SECRET     signed by a shared key
    bench-directory.py search   HOST PID SECONDS NAME PASSWORD BASE  by SPN, simple bind
    bench-directory.py tickets  HOST PID SECONDS RECORD              an AS and a TGS exchange
    bench-directory.py record   HOST PORT RECORD                     a relay that keeps requests
    bench-directory.py dns      HOST PID SECONDS FILE                dnsperf's queries
    bench-directory.py memory   HOST PID 0                           nothing but the memory

PID is the server's process; its children count with it. What is sent was made before the clock
starts. Prints: per second, microseconds of processor for one, mebibytes in memory at most.
"""

import os
import socket
import struct
import subprocess
import sys
import threading
import time

CLIENTS = 4


def family(root):
    """The process and its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass  # It has just ended.
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def processor(root):
    """Seconds of processor that a server has used."""
    ticks = 0
    for pid in family(root):
        try:
            with open("/proc/%d/stat" % pid) as file:
                fields = file.read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(root):
    """Mebibytes that only this server has."""
    kib = 0
    for pid in family(root):
        try:
            with open("/proc/%d/smaps_rollup" % pid) as file:
                for line in file:
                    if line.startswith(("Private_Clean:", "Private_Dirty:")):
                        kib += int(line.split()[1])
        except OSError:
            pass
    return kib / 1024


def measure(pid, seconds, work):
    """Lets CLIENTS threads work until the time is over; `work` returns a function that does one."""
    ones = [work(number) for number in range(CLIENTS)]
    counts = [0] * CLIENTS
    until = time.monotonic() + seconds

    def client(number):
        while time.monotonic() < until and ones[number]():
            counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    used, began = processor(pid), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    report(sum(counts), took, processor(pid) - used, memory(pid))


def report(count, took, used, mib):
    each = used / count * 1e6 if count else 0
    print("%.0f %.0f %.1f" % (count / took, each, mib))


def updates(host, zone, key, secret, seconds):
    """Adds of records, each signed; more than can be sent."""
    import dns.tsig
    import dns.tsigkeyring
    import dns.update

    keyring = dns.tsigkeyring.from_text({key: secret})

    def work(number):
        made = []
        for count in range(int(seconds * 1500)):
            update = dns.update.Update(
                zone, keyring=keyring, keyalgorithm=dns.tsig.HMAC_SHA256
            )
            address = "10.%d.%d.%d" % (number, count // 250, count % 250 + 1)
            update.replace("u%d-%d" % (number, count), 300, "A", address)
            made.append(update.to_wire())
        made.reverse()
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(5)
        peer.connect((host, 53))

        def one():
            if not made:
                return False
            peer.send(made.pop())
            answer = peer.recv(4096)
            if answer[3] & 15:
                raise SystemExit("an update was refused with %d" % (answer[3] & 15))
            return True

        return one

    return work


def element(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(size)]) + size + body


def exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise SystemExit("the server has closed the connection")
        data += piece
    return data


def ldap_message(stream):
    """Reads one message; its protocol operation's tag."""
    length = exactly(stream, 2)[1]
    if length & 128:
        length = int.from_bytes(exactly(stream, length & 127), "big")
    body = exactly(stream, length)
    return body[2 + body[1]]


def search(host, name, password, base):
    def text(value, tag=4):
        return element(tag, value.encode())

    def integer(value, tag=2):
        return element(tag, bytes([value]))

    def work(number):
        stream = socket.create_connection((host, 389), 10)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bind = element(0x60, integer(3), text(name), text(password, 0x80))
        stream.sendall(element(0x30, integer(1), bind))
        assert ldap_message(stream) == 0x61
        state = [number * 250]

        def one():
            state[0] = (state[0] + 7) % 1000
            wanted = text("servicePrincipalName"), text("HOST/pc%d.corp.example" % state[0])
            request = element(
                0x63, text(base), integer(2, 10), integer(0, 10), integer(0), integer(0),
                element(1, b"\0"), element(0xA3, *wanted), element(0x30, text("cn")),
            )
            stream.sendall(element(0x30, integer(2), request))
            entries = 0
            while True:
                tag = ldap_message(stream)
                if tag == 0x65:
                    break
                entries += tag == 0x64
            if entries != 1:
                raise SystemExit("%d computers have HOST/pc%d" % (entries, state[0]))
            return True

        return one

    return work


def frame(stream):
    return exactly(stream, struct.unpack(">I", exactly(stream, 4))[0])


def relay(host, port, record):
    """Carries Kerberos over TCP to a server and keeps every request."""
    listener = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        try:
            request = frame(client)
            with open(record, "ab") as file:
                file.write(struct.pack(">I", len(request)) + request)
            server = socket.create_connection((host, 88), 10)
            server.sendall(struct.pack(">I", len(request)) + request)
            answer = frame(server)
            client.sendall(struct.pack(">I", len(answer)) + answer)
        except SystemExit:
            pass  # Whoever has hung up wants nothing more.
        client.close()


def tickets(host, record):
    """The last AS request, which proves a password, and the last TGS request, again and again."""
    kept = {}
    with open(record, "rb") as file:
        while head := file.read(4):
            request = file.read(struct.unpack(">I", head)[0])
            kept[request[0]] = head + request
    wanted = [(kept[0x6A], 0x6B), (kept[0x6C], 0x6D)]

    def work(number):
        stream = socket.create_connection((host, 88), 10)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def one():
            for request, tag in wanted:
                stream.sendall(request)
                answer = frame(stream)
                if answer[0] != tag:
                    raise SystemExit("an answer of kind %#x instead of %#x" % (answer[0], tag))
            return True

        return one

    return work


def dnsperf(host, pid, seconds, queries):
    used = processor(pid)
    command = ["dnsperf", "-s", host, "-d", queries, "-l", str(seconds), "-q", "64", "-c", "4"]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    found = dict(line.strip().split(":", 1) for line in said.splitlines() if ":" in line)
    count = int(found["Queries completed"].split()[0])
    report(count, float(found["Run time (s)"]), processor(pid) - used, memory(pid))


def main(what, host, *rest):
    if what == "record":
        return relay(host, int(rest[0]), rest[1])
    pid, seconds, rest = int(rest[0]), float(rest[1]), rest[2:]
    if what == "memory":
        return print("%.1f" % memory(pid))
    if what == "dns":
        return dnsperf(host, pid, int(seconds), *rest)
    if what == "updates":
        return measure(pid, seconds, updates(host, *rest, seconds))
    work = {"search": search, "tickets": tickets}[what]
    return measure(pid, seconds, work(host, *rest))


main(*sys.argv[1:])
