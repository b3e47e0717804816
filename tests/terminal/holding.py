# SPDX-License-Identifier: Apache-2.0
"""Holds the process PID as a debugger does, until it is killed: no other signal reaches it."""
import ctypes
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid):
    if libc.ptrace(request, pid, None, None) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))


pid = int(sys.argv[1])
ptrace(PTRACE_SEIZE, pid)
ptrace(PTRACE_INTERRUPT, pid)
_, status = os.waitpid(pid, 0)
if not os.WIFSTOPPED(status):
    sys.exit("it has ended already")
print("held", flush=True)
while os.WIFSTOPPED(status):
    _, status = os.waitpid(pid, 0)
