import socket

def attack():
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0left")
    return "bound"
