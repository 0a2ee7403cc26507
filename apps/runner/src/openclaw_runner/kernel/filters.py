"""Which system calls the supervisor and the sealed code may make.

What is not listed fails: docs/decisions/0013 says why a list of the allowed.

`EPERM` is the answer to what is not listed, so that a program goes on with an error it knows. `ENOSYS` is the answer
where the C library has an older way to do the same.
"""

import ctypes
import errno as codes

from openclaw_runner.kernel.bpf import ALLOW, Argument, Rule, assemble, errno, packed_program
from openclaw_runner.kernel.calls import (
    PR_GET_DUMPABLE,
    PR_GET_NAME,
    PR_GET_NO_NEW_PRIVS,
    PR_SET_NAME,
    PR_SET_PDEATHSIG,
    PR_SET_VMA,
    machine,
    syscall,
)

REFUSED = errno(codes.EPERM)
MISSING = errno(codes.ENOSYS)
IGNORED = errno(0)

MEMORY = "brk mmap munmap mprotect mremap madvise mincore membarrier"
DESCRIPTORS = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3 fcntl flock fsync
    fdatasync ftruncate fallocate fadvise64 sendfile copy_file_range getdents getdents64 fstat fstatfs pipe pipe2"""
# Which paths these may be used on is Landlock's to say.
PATHS = """open openat openat2 creat stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir mkdir mkdirat
    rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat truncate statfs umask"""
WAITING = """poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 nanosleep
    clock_nanosleep pause"""
TIME = "clock_gettime clock_getres gettimeofday time times getitimer setitimer alarm"
PROCESS = """exit exit_group wait4 waitid set_tid_address set_robust_list get_robust_list rseq futex futex_waitv sched_yield sched_getaffinity
    sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min arch_prctl getrlimit getrusage sysinfo uname getcpu
    getrandom getpriority gettid getpid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getresuid getresgid getgroups capget"""
# To whom a signal may go is Landlock's to say: to processes of the same seal.
SIGNALS = "kill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait sigaltstack restart_syscall"
STARTING = "execve fork vfork"

# Landlock knows no right to change modes, owners and times: as the same user, code could close the supervisor's own
# files. They answer "done" and do nothing, since programs that copy or unpack files set them in passing, and in a
# folder of one's own they mean nothing.
ATTRIBUTES = "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat"
EXTENDED_ATTRIBUTES = "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"

NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWNS."""
CLONE_THREAD = 0x00010000
AF_UNIX, SOCK_STREAM, SOCKET_TYPE = 1, 1, 0xF
FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, TIOCGPGRP = (
    0x541B, 0x5421, 0x5451, 0x5450, 0x5401, 0x5413, 0x540F,
)  # fmt: skip

OWN_PROCESS = Argument(0, (0,))

SHARED = (
    # clone3 passes its flags behind a pointer, where no filter sees them.
    Rule("clone3", MISSING),
    # 0 is the caller itself.
    Rule("sched_setaffinity", tests=(OWN_PROCESS,)),
    Rule(
        "ioctl",
        tests=(Argument(1, (FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, TIOCGPGRP), low_only=True),),
        otherwise=errno(codes.ENOTTY),
    ),
    # asyncio wakes its own loop by a connected pair. No address can be given to one: a datagram could be sent to any socket's path.
    Rule("socketpair", tests=(Argument(0, (AF_UNIX,)), Argument(1, (SOCK_STREAM,), mask=SOCKET_TYPE, low_only=True))),
    Rule("sendto", tests=(Argument(4, (0,)),)),
    *(Rule(call, errno(codes.ENOTSUP)) for call in EXTENDED_ATTRIBUTES.split()),
)


def _allowed(*groups: str) -> tuple[Rule, ...]:
    return tuple(Rule(call) for group in groups for call in group.split())


_COMMON = (*_allowed(MEMORY, DESCRIPTORS, PATHS, WAITING, TIME, PROCESS, SIGNALS, "recvfrom shutdown"), *SHARED)
_OWN_PRCTL = Rule(
    "prctl",
    tests=(
        Argument(
            0,
            (PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_SET_VMA),
            low_only=True,
        ),
    ),
)

# Its own limits may be asked for and not changed: who runs as root could raise them.
_OWN_LIMITS = Rule("prlimit64", tests=(OWN_PROCESS, Argument(2, (0,))))

CODE = (
    *_COMMON,
    _OWN_LIMITS,
    *_allowed(STARTING),
    *(Rule(call, IGNORED) for call in ATTRIBUTES.split()),
    # `setsid` and `setpgid` are not listed: all that a run starts stays in one process group, which is killed as a whole.
    Rule("clone", tests=(Argument(0, (0,), mask=NEW_NAMESPACES, low_only=True),)),
    _OWN_PRCTL,
)
"""What code that a model wrote may call: Python with numpy and threads, pytest, bash and the programs of the image."""

READER = (
    *_COMMON,
    _OWN_LIMITS,
    *(Rule(call, IGNORED) for call in ATTRIBUTES.split()),
    Rule("clone", tests=(Argument(0, (CLONE_THREAD,), mask=NEW_NAMESPACES | CLONE_THREAD, low_only=True),)),
    _OWN_PRCTL,
)
"""What the readers of documents may call: threads, but no other process and no other program."""


def supervisor(listener: int) -> tuple[Rule, ...]:
    """What the supervisor and its handlers may call: what code may (filters add up), to seal and end a child, and to
    accept from *listener*.
    """
    return (
        *_COMMON,
        *_allowed(STARTING, ATTRIBUTES),
        Rule("clone", tests=(Argument(0, (0,), mask=NEW_NAMESPACES, low_only=True),)),
        Rule("prlimit64", tests=(OWN_PROCESS,)),
        Rule("accept4", tests=(Argument(0, (listener,)),)),
        *_allowed("setsid setpgid setpriority seccomp prctl pidfd_open"),
        *_allowed("landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


SECCOMP_SET_MODE_FILTER = 1


def install(rules: tuple[Rule, ...]) -> None:
    """Put *rules* on this process and all that it starts, for good. It must have no other thread. Raises OSError."""
    instructions = assemble(rules, machine=machine(), default=REFUSED)
    code = ctypes.create_string_buffer(packed_program(instructions))
    program = _Program(len(instructions), ctypes.cast(code, ctypes.c_void_p))
    syscall("seccomp", SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(program))


__all__ = ["ALLOW", "CODE", "IGNORED", "MISSING", "READER", "REFUSED", "install", "supervisor"]
