import os, subprocess

def attack():
    with open("program", "w") as file:
        file.write("#!/bin/sh\necho a shell runs\n")
    os.chmod("program", 0o4755)
    return subprocess.run(["./program"], capture_output=True).stdout
