import subprocess

def attack():
    return subprocess.run(["/bin/sh", "-c", "echo a shell runs"], capture_output=True).stdout
