#!/usr/bin/env python3
"""What worker-exec's seccomp profile forbids and allows, tried in a container that has it.

usage: seccomp.py IMAGE [PROFILE]   needs: the right to use Docker, Python in the image; PROFILE may be `unconfined`
"""
import pathlib
import subprocess
import sys

PROFILE = pathlib.Path(__file__).parent.parent / "seccomp" / "worker-exec.json"

# Runs inside, alone: each line is one try in a process of its own. The filter answers with EPERM or a signal; what fails
# otherwise has reached the kernel's own code, which counts as allowed. Nothing is tried that the kernel itself answers with
# EPERM to a user like this one: it would pass without a filter.
INSIDE = r"""
import ctypes, mmap, os, platform, socket, struct

libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")

def native(number, *arguments):
    return lambda: checked(libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments]))

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
        result = ctypes.CFUNCTYPE(ctypes.c_int)(start)()
        if result < 0:
            raise OSError(-result, "")
    return call

def opened(family, kind=socket.SOCK_STREAM):
    return lambda: socket.socket(family, kind).close()

def paired(family):
    return lambda: checked(libc.socketpair(family, socket.SOCK_STREAM, 0, (ctypes.c_int * 2)()))

NETLINK, VSOCK = 16, 40
TRIES = [
    ("allowed", "unshare of a user namespace", lambda: checked(libc.unshare(0x10000000))),
    ("allowed", "a Unix socket", opened(socket.AF_UNIX)),
    ("allowed", "an IP socket", opened(socket.AF_INET)),
    ("allowed", "a pair of Unix sockets", paired(socket.AF_UNIX)),
    ("forbidden", "a pair of vsocks", paired(VSOCK)),
    ("forbidden", "a pair of netlink sockets", paired(NETLINK)),
    ("forbidden", "a netlink socket", opened(NETLINK, socket.SOCK_RAW)),
    ("forbidden", "a vsock", opened(VSOCK)),
]
if platform.machine() == "x86_64":
    TRIES += [
        ("forbidden", "ptrace", native(101, 0, 0, 0, 0)),
        ("forbidden", "process_vm_readv", native(310, os.getpid(), 0, 0, 0, 0, 0)),
        ("forbidden", "io_uring_setup", native(425, 1, 0)),
        ("forbidden", "keyctl", native(250, 0, -3, 1)),
        ("forbidden", "userfaultfd", native(323, 1)),
        ("forbidden", "getpid by the 32-bit entry", entry32(20)),
        ("forbidden", "a netlink socket by the 32-bit entry", entry32(102, 1, struct.pack("<III", NETLINK, 3, 0))),
        ("forbidden", "getpid by the x32 entry", native(0x40000000 | 39)),
    ]
for expected, what, call in TRIES:
    child = os.fork()
    if not child:
        try:
            call()
            os._exit(0)
        except OSError as error:
            os._exit(1 if error.errno == 1 else 2)
    status = os.waitpid(child, 0)[1]
    by_filter = os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 1
    fine = by_filter if expected == "forbidden" else status == 0
    print(expected, "forbidden" if by_filter else "allowed", what, status, fine, sep="\t")
print("done")
"""

image, profile = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else PROFILE
command = ["docker", "run", "--rm", "-i", "--network=none", "--cap-drop=ALL", "--user=10001:10001", "--entrypoint=python3",
           "--security-opt=no-new-privileges:true", f"--security-opt=seccomp={profile}", image, "-"]
ran = subprocess.run(command, input=INSIDE, capture_output=True, text=True, check=False)
*rows, last = ran.stdout.splitlines() or [""]
rows = [line.split("\t") for line in rows]
wrong = [f"{what}: {seen} (status {status}), should be {expected}" for expected, seen, what, status, fine in rows if fine != "True"]
if last != "done":
    wrong.append(f"the tries did not end: {ran.stderr}")
print(f"seccomp: {len(rows)} tries, {len(wrong)} wrong")
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
