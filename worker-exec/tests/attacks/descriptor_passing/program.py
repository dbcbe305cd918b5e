import socket

def attack():
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [1])
    return "passed"
