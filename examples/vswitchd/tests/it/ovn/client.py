# Prints what a server says: address, port, seconds. Fails if nothing comes in that time.
import socket, sys

limit = float(sys.argv[3])
server = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=limit)
server.settimeout(limit)
text = server.recv(1000).decode()
assert text
print(text)
