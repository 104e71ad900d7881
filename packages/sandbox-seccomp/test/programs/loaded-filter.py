"""Prints the one seccomp filter that the kernel holds of the process whose pid is the argument, in base64. Needs CAP_SYS_ADMIN."""
import base64
import ctypes
import os
import sys

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SECCOMP_GET_FILTER = 16, 17, 0x420C

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
pid = int(sys.argv[1])


def ptrace(request, address=None, data=None):
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"ptrace {request:#x}")
    return result


ptrace(PTRACE_ATTACH)
os.waitpid(pid, 0)
instructions = ctypes.create_string_buffer(ptrace(PTRACE_SECCOMP_GET_FILTER, 0) * 8)
ptrace(PTRACE_SECCOMP_GET_FILTER, 0, ctypes.cast(instructions, ctypes.c_void_p))
ptrace(PTRACE_DETACH)
print(base64.b64encode(instructions.raw).decode())
