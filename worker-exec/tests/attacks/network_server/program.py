import socket

def attack():
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    server.accept()[0].send(b"reached")
    return client.recv(10)
