"""A server of FTP (RFC 959, RFC 2428) and TFTP (RFC 1350) that has one file, for tests."""

import socket
import sys
import threading

HOST, CONTENT = sys.argv[1], b"through the tracker\n" * 1000
V6 = ":" in HOST


def serve(control):
    """One FTP session."""
    lines = control.makefile("rb")
    passive, active = None, None

    def say(text):
        control.sendall((text + "\r\n").encode())

    def data():
        if passive:
            return passive.accept()[0]
        return socket.create_connection(active, timeout=5)

    say("220 ready")
    for line in lines:
        verb, _, arg = line.decode().strip().partition(" ")
        verb = verb.upper()
        if verb == "USER":
            say("331 password")
        elif verb == "PASS":
            say("230 in")
        elif verb == "PWD":
            say('257 "/"')
        elif verb in ("PASV", "EPSV"):
            passive = socket.socket(socket.AF_INET6 if V6 else socket.AF_INET)
            passive.settimeout(5)
            passive.bind((HOST, 0))
            passive.listen(1)
            port = passive.getsockname()[1]
            if verb == "EPSV":
                say(f"229 Entering Extended Passive Mode (|||{port}|)")
            else:
                say(f"227 Entering Passive Mode ({HOST.replace('.', ',')},{port >> 8},{port & 255}).")
        elif verb == "PORT":
            numbers = arg.split(",")
            active = (".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))
            say("200 fine")
        elif verb == "EPRT":
            _, _, address, port, _ = arg.split(arg[0])
            active = (address, int(port))
            say("200 fine")
        elif verb == "RETR":
            say("150 coming")
            with data() as connection:
                connection.sendall(CONTENT)
            say("226 done")
        elif verb == "QUIT":
            say("221 bye")
            return
        elif verb == "TYPE":
            say("200 fine")
        else:
            say("502 no")


def tftp():
    """Answers requests to read, each from a port of its own."""
    requests = socket.socket(socket.AF_INET6 if V6 else socket.AF_INET, socket.SOCK_DGRAM)
    requests.bind((HOST, 69))
    while True:
        _, client = requests.recvfrom(2048)
        answers = socket.socket(requests.family, socket.SOCK_DGRAM)
        answers.settimeout(5)
        answers.bind((HOST, 0))
        for block in range(len(CONTENT) // 512 + 1):
            part = CONTENT[block * 512 : block * 512 + 512]
            answers.sendto(b"\0\3" + (block + 1).to_bytes(2, "big") + part, client)
            answers.recvfrom(2048)


threading.Thread(target=tftp, daemon=True).start()
listener = socket.socket(socket.AF_INET6 if V6 else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((HOST, 21))
listener.listen(8)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
