# Prints the address of a name: server, name.
import socket, struct, sys

question = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[2].split(".")) + b"\0"
query = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", 1, 1)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
for _ in range(5):
    client.sendto(query, (sys.argv[1], 53))
    try:
        answer = client.recv(1000)
        break
    except TimeoutError:
        pass
number, flags, _, answers = struct.unpack("!4H", answer[:8])
assert number == 0x1234 and flags & 0x8000 and answers == 1, answer
print(socket.inet_ntoa(answer[-4:]))
