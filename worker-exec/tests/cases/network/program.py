import socket

def attack(family):
    return socket.socket(family, socket.SOCK_STREAM)
