# Greets each client with a name, and prints its address: port, name.
import socket, sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", int(sys.argv[1])))
listener.listen(64)
print("listening")
while True:
    client, address = listener.accept()
    print("from", address[0])
    client.sendall(sys.argv[2].encode())
    client.close()
