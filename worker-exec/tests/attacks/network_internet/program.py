import socket

def attack(family, kind):
    socket.socket(getattr(socket, family), getattr(socket, kind))
    return "opened"
