import os

def attack():
    fd = os.memfd_create("program", 0)
    os.write(fd, b"#!/bin/sh\necho; echo RESULT a shell runs\n")
    os.execve(fd, ["program"], {})
