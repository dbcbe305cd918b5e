import socket

def attack():
    return socket.getaddrinfo("localhost", 80)
