"""Real sockets for live captures: servers that answer, and clients that ask, each within the namespace it runs in.

  traffic.py serve PROTO:PORT...        echoes until it is ended; prints `ready` first
  traffic.py ask                        reads a line a question from stdin, all of them at once if --together
Questions: tcp HOST PORT BYTES [SOURCE] | udp HOST PORT BYTES [SOURCE] | ping HOST COUNT
"""
import os, select, socket, struct, sys, threading, time

TIMEOUT = 0.25


def serve(ports):
    sockets = []
    for port in ports:
        proto, number = port.split(':')
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('0.0.0.0', int(number)))
        if proto == 'tcp':
            s.listen(64)
            threading.Thread(target=accept, args=(s,), daemon=True).start()
        else:
            threading.Thread(target=echo_udp, args=(s,), daemon=True).start()
        sockets.append(s)
    print('ready', flush=True)
    threading.Event().wait()


def accept(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo_tcp, args=(c,), daemon=True).start()


def echo_tcp(c):
    try:
        while data := c.recv(65536):
            c.sendall(data)
    except OSError:
        pass
    c.close()


def echo_udp(s):
    while True:
        data, peer = s.recvfrom(65536)
        try:
            s.sendto(data, peer)
        except OSError:
            pass


def tcp(host, port, size, source=''):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT)
    if source:
        s.bind((source, 0))
    s.connect((host, int(port)))
    left = int(size)
    s.sendall(os.urandom(left))
    while left > 0:
        data = s.recv(65536)
        if not data:
            break
        left -= len(data)
    s.close()


def udp(host, port, size, source=''):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    if source:
        s.bind((source, 0))
    s.connect((host, int(port)))
    for _ in range(2):
        s.send(os.urandom(int(size)))
        s.recv(65536)
    s.close()


def ping(host, count):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.settimeout(TIMEOUT)
    ident = os.getpid() & 0xffff ^ threading.get_native_id() & 0xffff
    for sequence in range(int(count)):
        body = struct.pack('!BBHHH', 8, 0, 0, ident, sequence) + os.urandom(40)
        total = sum(struct.unpack('!24H', body))
        total = (total & 0xffff) + (total >> 16)
        total = (total & 0xffff) + (total >> 16)
        s.sendto(body[:2] + struct.pack('!H', ~total & 0xffff) + body[4:], (host, 0))
        try:
            s.recv(4096)
        except OSError:
            pass
    s.close()


def ask(line):
    kind, *words = line.split()
    try:
        {'tcp': tcp, 'udp': udp, 'ping': ping}[kind](*words)
    except OSError:
        pass


if sys.argv[1] == 'serve':
    serve(sys.argv[2:])
else:
    lines = [line for line in sys.stdin.read().split('\n') if line]
    if '--together' in sys.argv:
        threads = [threading.Thread(target=ask, args=(line,)) for line in lines]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    else:
        for line in lines:
            ask(line)
