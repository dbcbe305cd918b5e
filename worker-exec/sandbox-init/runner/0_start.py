# What the rest needs to be small: a child of this process compiles it, so that the memory which that takes is not copied
# by every fork that comes. `argv` holds the source, then the options.
import marshal
import posix
import sys

reader, writer = posix.pipe()
if posix.fork() == 0:
    code = marshal.dumps(compile(sys.argv[1], "runner", "exec"))
    while code:
        code = code[posix.write(writer, code) :]
    posix._exit(0)
posix.close(writer)
code = b""
while True:
    part = posix.read(reader, 1 << 16)
    if not part:
        break
    code += part
posix.close(reader)
posix.wait()
code = marshal.loads(code)
del sys.argv[1], part
exec(code)
