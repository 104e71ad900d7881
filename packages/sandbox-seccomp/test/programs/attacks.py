"""Asks the kernel for what a seccomp filter should refuse. Prints one JSON object: name of the attempt -> "works" or the errno's name.

Goes through libc's own functions where there are some, so that their numbers are not ours.
"""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import pty
import resource
import signal
import termios

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

SIGCHLD, CLONE_NEWUSER, CLONE_NEWNET = 17, 0x10000000, 0x40000000
AT_FDCWD = -100
GARBAGE = 0xDEADBEEF << 32


def outcome(result):
    return "works" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def syscall(number, *arguments):
    converted = (ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value % 2**64) for value in arguments)
    return libc.syscall(ctypes.c_long(number), *converted)


def in_child(attempt):
    """Runs the attempt in a forked child, whose state may be spoilt by it; a child that is killed says by what."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, outcome(attempt()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else text


def clone_with(flags):
    child = syscall(CLONE, flags | SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    return child


def read_own_memory():
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    source, target = ctypes.create_string_buffer(b"secret", 6), ctypes.create_string_buffer(6)
    local = Iovec(ctypes.addressof(target), 6)
    remote = Iovec(ctypes.addressof(source), 6)
    return libc.process_vm_readv(os.getpid(), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)


def steal_descriptor():
    return syscall(438, os.pidfd_open(os.getpid()), 0, 0)


def ask_terminal(request, argument=b"x"):
    """An ioctl on the process's controlling terminal."""
    _, terminal = pty.openpty()
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    return syscall(IOCTL, terminal, request, argument)


def limit(pid):
    """Sets a limit of the process to what it is."""
    try:
        resource.prlimit(pid, resource.RLIMIT_CPU, resource.prlimit(pid, resource.RLIMIT_CPU))
    except OSError as error:
        ctypes.set_errno(error.errno)
        return -1
    return 0


def call_as_32_bit():
    """getpid through the 32-bit entry of x86: other numbers, which a filter that checks no architecture would misread."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


machine = os.uname().machine
IOCTL, CLONE, SOCKET = {"x86_64": (16, 56, 41), "aarch64": (29, 220, 198)}[machine]

outcomes = {
    "be traced": in_child(lambda: libc.ptrace(0, 0, 0, 0)),
    "read memory": outcome(read_own_memory()),
    "steal a descriptor": outcome(steal_descriptor()),
    "open a tree of mounts": outcome(syscall(428, AT_FDCWD, b"/", 0)),
    "leave a namespace": in_child(lambda: libc.unshare(CLONE_NEWUSER)),
    "clone into a namespace": outcome(clone_with(CLONE_NEWUSER)),
    "clone into a namespace, with garbage": outcome(clone_with(CLONE_NEWUSER | CLONE_NEWNET | GARBAGE)),
    "clone": outcome(clone_with(0)),
    "clone3": outcome(syscall(435, 0, 0)),
    "limit its parent": in_child(lambda: limit(os.getppid())),
    "limit itself": in_child(lambda: limit(0)),
    "TIOCSTI": in_child(lambda: ask_terminal(0x5412)),
    "TIOCSTI, with garbage": in_child(lambda: ask_terminal(0x5412 | GARBAGE)),
    "TIOCLINUX, with garbage": in_child(lambda: ask_terminal(0x541C | GARBAGE)),
    "TIOCGWINSZ, with garbage": in_child(lambda: ask_terminal(0x5413 | GARBAGE, bytes(8))),
    "socket of no family": outcome(syscall(SOCKET, 0, 1, 0)),
    "socket of family vsock": outcome(syscall(SOCKET, 40, 1, 0)),
    "socket of family 45, with garbage": outcome(syscall(SOCKET, 45 | GARBAGE, 1, 0)),
    "socket of family unix, with garbage": outcome(syscall(SOCKET, 1 | GARBAGE, 1, 0)),
}
if machine == "x86_64":
    outcomes["call as 32 bit"] = in_child(call_as_32_bit)
print(json.dumps(outcomes))
