#!/usr/bin/env python3
"""What worker-exec's seccomp profile forbids and allows, tried in a container that has it.

usage: seccomp.py IMAGE [PROFILE]   needs: the right to use Docker, Python in the image; x86-64 for the 32-bit entries
"""
import pathlib
import subprocess
import sys

PROFILE = pathlib.Path(__file__).parent.parent / "seccomp" / "worker-exec.json"

# Runs inside, alone: each line is one try in a process of its own. A filter answers with an error or a signal.
INSIDE = r"""
import ctypes, mmap, os, platform, signal, socket, struct

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

def native(number, *arguments):
    def call():
        return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments]) >= 0
    return call

def entry32(number, *arguments):
    # `int 0x80` from 64-bit code: the kernel takes the number for a 32-bit system call.
    def call():
        area = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)  # MAP_32BIT
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        first, second = (list(arguments) + [0, 0])[:2]
        if isinstance(second, bytes):
            area[4096:4096 + len(second)] = second
            second = start + 4096
        # push rbx; mov eax, number; mov ebx, first; mov ecx, second; int 0x80; pop rbx; ret
        code = b"\x53\xb8" + struct.pack("<I", number) + b"\xbb" + struct.pack("<I", first)
        code += b"\xb9" + struct.pack("<I", second) + b"\xcd\x80\x5b\xc3"
        area[:len(code)] = code
        return ctypes.CFUNCTYPE(ctypes.c_int)(start)() >= 0
    return call

def opened(family, kind, protocol=0):
    def call():
        socket.socket(family, kind, protocol).close()
        return True
    return call

def paired(family):
    def call():
        # The filter says EPERM; any other error comes from the kernel's own code, which must not be reached.
        pair = (ctypes.c_int * 2)()
        return libc.socketpair(family, socket.SOCK_STREAM, 0, pair) == 0 or ctypes.get_errno() != 1
    return call

PACKET, NETLINK, VSOCK = 17, 16, 40
TRIES = [
    ("allowed", "unshare of a user namespace", lambda: libc.unshare(0x10000000) == 0),
    ("allowed", "a Unix socket", opened(socket.AF_UNIX, socket.SOCK_STREAM)),
    ("allowed", "an IP socket", opened(socket.AF_INET, socket.SOCK_STREAM)),
    ("allowed", "a pair of Unix sockets", lambda: socket.socketpair() is not None),
    ("forbidden", "a pair of vsocks", paired(VSOCK)),
    ("forbidden", "a pair of netlink sockets", paired(NETLINK)),
    ("forbidden", "a netlink socket", opened(NETLINK, socket.SOCK_RAW)),
    ("forbidden", "a packet socket", opened(PACKET, socket.SOCK_RAW)),
    ("forbidden", "a vsock", opened(VSOCK, socket.SOCK_STREAM)),
]
if X86:
    TRIES += [
        ("forbidden", "ptrace", native(101, 0, 0, 0, 0)),
        ("forbidden", "io_uring_setup", native(425, 1, ctypes.addressof(ctypes.create_string_buffer(256)))),
        ("forbidden", "keyctl", native(250, 0, -3, 1)),
        ("forbidden", "bpf", native(321, 0, 0, 0)),
        ("forbidden", "userfaultfd", native(323, 1)),
        ("forbidden", "getpid by the 32-bit entry", entry32(20)),
        ("forbidden", "a netlink socket by the 32-bit entry", entry32(102, 1, struct.pack("<III", NETLINK, 3, 0))),
        ("forbidden", "a packet socket by the 32-bit entry", entry32(102, 1, struct.pack("<III", PACKET, 3, 0))),
        ("forbidden", "getpid by the x32 entry", native(0x40000000 | 39)),
    ]
for expected, what, call in TRIES:
    child = os.fork()
    if not child:
        try:
            os._exit(0 if call() else 1)
        except BaseException:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    print(expected, "allowed" if status == 0 else "forbidden", what, sep="\t")
"""

image, profile = sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else PROFILE
options = [f"seccomp={profile}", "no-new-privileges:true"] if str(profile) != "docker" else ["no-new-privileges:true"]
command = ["docker", "run", "--rm", "-i", "--network=none", "--cap-drop=ALL", "--user=10001:10001", "--entrypoint=python3"]
command += [part for option in options for part in ("--security-opt", option)]
ran = subprocess.run([*command, image, "-"], input=INSIDE, capture_output=True, text=True, check=False)
rows = [line.split("\t") for line in ran.stdout.splitlines()]
wrong = [f"{what}: {seen}, should be {expected}" for expected, seen, what in rows if seen != expected]
if ran.returncode or len(rows) < 6:
    wrong.append(f"the tries did not end: {ran.stderr}")
print(f"seccomp: {len(rows)} tries, {len(wrong)} wrong")
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
