# Prints what a server says: address, port. Fails if nothing comes in two seconds.
import socket, sys

server = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)
server.settimeout(2)
text = server.recv(1000).decode()
assert text
print(text)
