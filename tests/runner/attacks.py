"""The attacks on the sealed runner: a name, the code, and the parts of the sealing without which it succeeds.

An attack prints GOT when it has succeeded. Those that are measured from outside (a process that lives on, a stolen file) name a measure.
Each is bounded: without the seal it must do no harm to the machine that tests it.
"""

from dataclasses import dataclass

from openclaw_core.sealed import ProgramLanguage, RunnerCause
from openclaw_runner.seals import SealPart

LANDLOCK = frozenset({SealPart.FILES, SealPart.NETWORK, SealPart.SCOPE})
"""Any rule of Landlock forbids to look into processes outside the seal: all have to be left out together."""
ANOTHER = LANDLOCK | {SealPart.FILTER, SealPart.PRIVILEGES}
FILES, FILTER, SCOPE, WATCH, LIMITS = (
    {part} for part in (SealPart.FILES, SealPart.FILTER, SealPart.SCOPE, SealPart.WATCH, SealPart.LIMITS)
)

NUMBERS = {
    # x86_64, aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "prlimit64": (302, 261),
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "unshare": (272, 97),
    "setns": (308, 268),
    "clone": (56, 220),
    "clone3": (435, 435),
    "mount": (165, 40),
    "fsopen": (430, 430),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "shmctl": (31, 195),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "syslog": (103, 116),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264),
    "rt_sigqueueinfo": (129, 138),
    "setpriority": (141, 140),
}

HEADER = """
import ctypes, errno, os, platform, signal, socket, subprocess, sys, time, resource, threading
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = {numbers!r}
def call(name, *arguments):
    n = _numbers[name][platform.machine() == "aarch64"]
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    got = _libc.syscall(ctypes.c_long(n), *passed)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return got
PARENT = os.getppid()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """*without* is empty where no part can be left out: the handler itself holds these.

    *root*: it is one of root's, and must be tried as root.
    """

    name: str
    code: str
    refused_by: str
    without: frozenset[SealPart] = frozenset()
    cause: RunnerCause | None = None  # with which the run is ended
    or_fails: bool = False  # or it meets a limit of the kernel before that is seen, and fails by itself
    measure: str = ""
    root: bool = False
    breaks: bool = False  # the supervisor itself, if it succeeds
    language: ProgramLanguage = ProgramLanguage.PYTHON
    seconds: float = 30.0

    def program(self, *, seen_s: float) -> str:
        """The whole code. What the watch is to see lasts for *seen_s*."""
        if self.language is not ProgramLanguage.PYTHON:
            return self.code
        return f"{HEADER.format(numbers=NUMBERS)}SEEN_S = {seen_s}\n{self.code}"


def attack(
    name: str, code: str, refused_by: str, without: set[SealPart] | frozenset[SealPart] = frozenset(), **more: object
) -> Attack:
    return Attack(name=name, code=code, refused_by=refused_by, without=frozenset(without), **more)  # type: ignore[arg-type]


OTHER_PROCESSES = [
    attack(
        "the parent's environment",
        "print('GOT', open(f'/proc/{PARENT}/environ').read())",
        "Landlock, not dumpable",
        LANDLOCK | {SealPart.PRIVILEGES},
    ),
    attack(
        "the parent's memory",
        "f = open(f'/proc/{PARENT}/mem', 'rb'); print('GOT')",
        "Landlock, not dumpable",
        LANDLOCK | {SealPart.PRIVILEGES},
    ),
    attack(
        "the parent's open files",
        "print('GOT', os.listdir(f'/proc/{PARENT}/fd'))",
        "Landlock, not dumpable",
        LANDLOCK | {SealPart.PRIVILEGES},
    ),
    attack(
        "the command line of another process", "print('GOT', open(f'/proc/{VICTIM}/cmdline').read())", "Landlock", FILES
    ),
    attack(
        "its own environment in /proc",
        "print('GOT', open('/proc/self/environ').read())",
        "Landlock, not dumpable",
        FILES | {SealPart.PRIVILEGES},
    ),
    attack(
        "another process's root", "print('GOT', os.listdir(f'/proc/{VICTIM}/root'))", "Landlock", LANDLOCK, root=True
    ),
    attack("a signal to the parent", "os.kill(PARENT, 0); print('GOT')", "Landlock", SCOPE),
    attack("a signal to another process", "os.kill(VICTIM, 0); print('GOT')", "Landlock", SCOPE, root=True),
    attack(
        "a queued signal to the parent",
        "call('rt_sigqueueinfo', PARENT, 0, ctypes.create_string_buffer(b'\\0' * 8 + b'\\xff' * 4 + bytes(200))); print('GOT')",
        "seccomp, Landlock",
        FILTER | SCOPE,
    ),
    attack("ptrace", "call('ptrace', 0x4206, PARENT, 0, 0); print('GOT')", "seccomp, Landlock, not dumpable", ANOTHER),
    attack(
        "process_vm_readv",
        """
class Vector(ctypes.Structure): _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
there = ctypes.create_string_buffer(8)  # forked: the parent has something at most of our addresses
here = ctypes.create_string_buffer(8)
address = id(os)  # an old object
local, remote = Vector(ctypes.addressof(here), 8), Vector(address, 8)
call("process_vm_readv", PARENT, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0); print("GOT", here.raw)
""",
        "seccomp, Landlock, not dumpable",
        ANOTHER,
    ),
    attack(
        "a descriptor of the parent by pidfd",
        "call('pidfd_getfd', call('pidfd_open', PARENT, 0), 0, 0); print('GOT')",
        "seccomp, Landlock, not dumpable",
        ANOTHER,
    ),
    attack(
        "the parent's limits",
        "call('prlimit64', PARENT, 7, None, ctypes.create_string_buffer(16)); print('GOT')",
        "seccomp, not dumpable",
        FILTER | {SealPart.PRIVILEGES},
    ),
    attack("its own limits", "resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)); print('GOT')", "seccomp", FILTER),
    attack("the parent's priority", "call('setpriority', 0, PARENT, 3); print('GOT')", "seccomp", FILTER),
]

FILE_SYSTEM = [
    attack("a secret in another folder", "print('GOT', open(SECRET).read())", "Landlock", FILES),
    attack("/etc/passwd", "print('GOT', open('/etc/passwd').read())", "Landlock", FILES),
    attack("the folders of other runs", "print('GOT', os.listdir('..'))", "Landlock", FILES),
    attack("writing elsewhere", "open(OUTSIDE + '/new', 'w').write('x'); print('GOT')", "Landlock", FILES),
    attack("emptying a file elsewhere", "os.truncate(OUTSIDE + '/full', 0); print('GOT')", "Landlock", FILES),
    attack("moving a file from elsewhere", "os.rename(OUTSIDE + '/full', 'here'); print('GOT')", "Landlock", FILES),
    attack("removing the supervisor's socket", "os.unlink(RUNNER); print('GOT')", "Landlock", FILES, breaks=True),
    attack("changing the mode of the supervisor's socket", "os.chmod(RUNNER, 0o700)\nprint('GOT' if os.stat(RUNNER).st_mode & 0o777 == 0o700 else 'nothing was done')", "seccomp", FILTER),
    attack("changing times elsewhere", "os.utime(OUTSIDE + '/full', (1, 1))\nprint('GOT' if os.stat(OUTSIDE + '/full').st_mtime == 1 else 'nothing was done')", "seccomp", FILTER),
    attack("an extended attribute elsewhere", "os.setxattr(OUTSIDE + '/full', 'user.x', b'1'); print('GOT')", "seccomp", FILTER),
    attack("writing into a library", "import sqlite3\nopen(sqlite3.__file__, 'ab'); print('GOT')", "Landlock", FILES, root=True),
    attack("/dev/shm", "open('/dev/shm/x-' + str(os.getpid()), 'x'); os.unlink('/dev/shm/x-' + str(os.getpid())); print('GOT')", "Landlock", FILES),
    attack("the terminal", "os.open('/dev/ptmx', os.O_RDWR); print('GOT')", "Landlock", FILES),
    attack("/sys", "print('GOT', os.listdir('/sys'))", "Landlock", FILES),
    attack("a symbolic link out", "os.symlink(SECRET, 'stolen.txt')", "Landlock, only regular files are collected", FILES | {SealPart.REGULAR}, measure="stolen"),
    attack("a hard link out", "os.link(OUTSIDE + '/full', 'stolen.txt')", "Landlock, only files with one name are collected", FILES | {SealPart.REGULAR}, measure="stolen"),
    attack("a device", "os.mknod('null.txt', 0o20666, os.makedev(1, 3)); print('GOT')", "seccomp, Landlock", FILES | FILTER, root=True),
    attack("a pipe with a name", "os.mkfifo('pipe.txt'); print('GOT')", "seccomp, Landlock", FILES | FILTER),
    attack("a program of its own", "open('x.sh', 'w').write('#!/bin/sh\\necho GOT'); os.chmod('x.sh', 0o700); subprocess.run(['./x.sh'])", "Landlock, seccomp", FILES | FILTER),
    attack("a program in memory only", "call('memfd_create', ctypes.c_char_p(b'x'), 0); print('GOT')", "seccomp", FILTER),
    attack("a handle instead of a path", "call('name_to_handle_at', -100, ctypes.c_char_p(SECRET.encode()), ctypes.create_string_buffer(b'\\x80' + bytes(200)), ctypes.create_string_buffer(8), 0); print('GOT')", "seccomp", FILTER),
    attack("watching files elsewhere", "call('inotify_init1', 0); print('GOT')", "seccomp", FILTER),
    attack("inherited descriptors", "for n in range(3, 200):\n    try: os.fstat(n)\n    except OSError: continue\n    print('GOT', n)", "close_range", {SealPart.DESCRIPTORS}),
    attack("the environment", "print('GOT' if 'SECRET_TOKEN' in os.environ else os.environ)", "a closed environment", {SealPart.ENVIRONMENT}),
]  # fmt: skip

NETWORK = [
    attack(
        "TCP, as to Redis",
        "socket.create_connection(('127.0.0.1', PORT), 5); print('GOT')",
        "seccomp, Landlock",
        FILTER | {SealPart.NETWORK},
    ),
    attack(
        "a TCP server",
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print('GOT')",
        "seccomp, Landlock",
        FILTER | {SealPart.NETWORK},
    ),
    attack(
        "UDP, as to DNS",
        "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'query', ('127.0.0.1', DNS)); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "the metadata address",
        "s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('169.254.169.254', 80)); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack("IPv6", "socket.socket(socket.AF_INET6); print('GOT')", "seccomp", FILTER),
    attack(
        "a Unix socket with a path",
        "s = socket.socket(socket.AF_UNIX); s.connect(SERVER); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "an abstract Unix socket",
        "s = socket.socket(socket.AF_UNIX); s.connect(ABSTRACT); print('GOT')",
        "seccomp, Landlock",
        FILTER | SCOPE,
    ),
    attack(
        "the supervisor's own socket",
        "s = socket.socket(socket.AF_UNIX); s.connect(RUNNER); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "a pair that could send to any path",
        "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'x', DATAGRAMS); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack("netlink", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); print('GOT')", "seccomp", FILTER),
    attack(
        "raw packets", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print('GOT')", "seccomp", FILTER, root=True
    ),
    attack("vsock", "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); print('GOT')", "seccomp", FILTER),
]

KERNEL = [
    attack(
        "the keyring",
        "call('add_key', ctypes.c_char_p(b'user'), ctypes.c_char_p(b'openclaw'), ctypes.c_char_p(b'x'), 1, -2); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack("io_uring", "call('io_uring_setup', 4, ctypes.create_string_buffer(200)); print('GOT')", "seccomp", FILTER),
    attack(
        "bpf",
        "attribute = ctypes.create_string_buffer((2).to_bytes(4, 'little') + (4).to_bytes(4, 'little') * 2 + (1).to_bytes(4, 'little') + bytes(128))\ncall('bpf', 0, attribute, 72); print('GOT')",
        "seccomp",
        FILTER,
        root=True,
    ),
    attack("userfaultfd", "call('userfaultfd', 1); print('GOT')", "seccomp", FILTER),
    attack(
        "perf_event_open",
        "call('perf_event_open', ctypes.create_string_buffer(b'\\1\\0\\0\\0\\x80\\0\\0\\0' + bytes(24) + b'\\0' * 8 + (0b1100000).to_bytes(8, 'little') + bytes(200)), 0, -1, -1, 0); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack("a user namespace", "call('unshare', 0x10000000); print('GOT')", "seccomp", FILTER),
    attack(
        "a namespace by clone",
        "pid = call('clone', 0x10000000 | 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nprint('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "a namespace by clone3",
        "a = ctypes.create_string_buffer((0x10000000).to_bytes(8, 'little') + bytes(24) + (17).to_bytes(8, 'little') + bytes(24), 64)\npid = call('clone3', a, 64)\nif pid == 0: os._exit(0)\nprint('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "another process's namespace",
        "call('setns', os.open(f'/proc/{VICTIM}/ns/uts', os.O_RDONLY), 0); print('GOT')",
        "seccomp, Landlock",
        LANDLOCK | FILTER,
        root=True,
    ),
    attack("mount", "call('fsopen', ctypes.c_char_p(b'tmpfs'), 0); print('GOT')", "seccomp", FILTER, root=True),
    attack("chroot", "call('chroot', ctypes.c_char_p(b'.')); print('GOT')", "seccomp", FILTER, root=True),
    attack("another user", "os.setuid(12345); print('GOT')", "seccomp", FILTER, root=True),
    attack(
        "a setuid program",
        "print(subprocess.run([SETUID, '-u'], capture_output=True).stdout.decode().replace('0\\n', 'GOT'))",
        "no_new_privs, Landlock",
        ANOTHER,
        measure="setuid",
    ),
    attack("the clock", "call('clock_adjtime', 0, ctypes.create_string_buffer(400)); print('GOT')", "seccomp", FILTER),
    attack("the host's name", "socket.sethostname(socket.gethostname()); print('GOT')", "seccomp", FILTER, root=True),
    attack(
        "shared memory of System V",
        "call('shmctl', call('shmget', 0, 4096, 0o1600), 0, None); print('GOT')",
        "seccomp",
        FILTER,
    ),
    attack(
        "a message queue",
        "call('mq_open', ctypes.c_char_p(b'openclaw-test'), 0o102, 0o600, None); call('mq_unlink', "
        "ctypes.c_char_p(b'openclaw-test')); print('GOT')",
        "seccomp",
        FILTER | LIMITS | FILES,
    ),
    attack("the kernel's log", "call('syslog', 10, None, 0); print('GOT')", "seccomp", FILTER, root=True),
]

RESOURCES = [
    attack("many processes", "pids = []\nfor _ in range(60):\n    if (pid := os.fork()) == 0: time.sleep(60); os._exit(0)\n    pids.append(pid)\ntime.sleep(SEEN_S); print('GOT')\nfor pid in pids: os.kill(pid, 9)", "watched", WATCH, cause=RunnerCause.TOO_MANY_PROCESSES),
    attack("a bomb of forks", "f() { [ $1 -gt 0 ] && { f $(($1 - 1)) & f $(($1 - 1)) & }; sleep 5; }\nf 5; sleep 3; echo GOT", "watched", WATCH, cause=RunnerCause.TOO_MANY_PROCESSES, language=ProgramLanguage.BASH),
    attack("many threads", "for _ in range(60): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\ntime.sleep(SEEN_S); print('GOT')", "rlimit, watched", LIMITS | WATCH, cause=RunnerCause.TOO_MANY_PROCESSES, or_fails=True),
    attack("memory", "x = bytearray(600 << 20); print('GOT')", "rlimit", LIMITS | WATCH, cause=RunnerCause.OUT_OF_MEMORY),
    attack("memory of many processes", "for _ in range(6):\n    if os.fork() == 0:\n        x = b'x' * (30 << 20); time.sleep(60)\ntime.sleep(3 * SEEN_S); print('GOT', flush=True); os.killpg(0, 9)", "watched", WATCH, cause=RunnerCause.OUT_OF_MEMORY),
    attack("shared memory without a name", "import mmap\nx = mmap.mmap(-1, 90 << 20)\nfor n in range(0, 90 << 20, 4096): x[n] = 1\ntime.sleep(SEEN_S); print('GOT')", "watched", WATCH, cause=RunnerCause.OUT_OF_MEMORY),
    attack("a large file", "f = open('x', 'wb')\nfor _ in range(20): f.write(bytes(1 << 20)); f.flush()\nprint('GOT')", "rlimit", LIMITS | WATCH),
    attack("many files", "for n in range(15): open(str(n), 'wb').write(bytes(1 << 20))\ntime.sleep(SEEN_S); print('GOT')", "watched", WATCH, cause=RunnerCause.FOLDER_LIMIT),
    attack("many empty files", "for n in range(1500): open(str(n), 'wb').close()\ntime.sleep(SEEN_S); print('GOT')", "watched", WATCH, cause=RunnerCause.FOLDER_LIMIT),
    attack("files that have no name any more", "f = [open(str(n), 'wb') for n in range(15)]\nfor n, each in enumerate(f):\n    each.write(bytes(1 << 20)); os.unlink(str(n))\ntime.sleep(SEEN_S); print('GOT')", "watched", WATCH, cause=RunnerCause.FOLDER_LIMIT),
    attack("open files", "f = [os.open('/dev/null', 0) for _ in range(200)]; print('GOT')", "rlimit", LIMITS),
    attack("a flood of output", "while True: os.write(1, b'x' * 65536)", "the handler", cause=RunnerCause.OUTPUT_LIMIT),
    attack("an endless loop", "while True: pass", "the handler", cause=RunnerCause.TIMED_OUT, seconds=1),
    attack("an endless sleep", "time.sleep(1e6)", "the handler", cause=RunnerCause.TIMED_OUT, seconds=1),
    attack("deaf to signals", "for n in set(signal.valid_signals()) - {9, 19}:\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\nwhile True: time.sleep(1)", "the handler", cause=RunnerCause.TIMED_OUT, seconds=1),
    attack("stopping itself", "os.kill(os.getpid(), signal.SIGSTOP)", "the handler", cause=RunnerCause.TIMED_OUT, seconds=1),
    attack("a grandchild that lives on", "if os.fork() == 0:\n    if os.fork() == 0:\n        os.close(0); os.close(1); os.close(2); time.sleep(20)\n    os._exit(0)\ntime.sleep(0.3)", "one process group", {SealPart.GROUP}, measure="left"),
    attack("a grandchild in its own session", "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.close(0); os.close(1); os.close(2); time.sleep(20)\n    os._exit(0)\ntime.sleep(0.3)", "seccomp, the subreaper", {SealPart.GROUP, SealPart.FILTER}, measure="left"),
    attack("folders in folders", "for _ in range(900):\n    os.mkdir('d' * 200); os.chdir('d' * 200)\nos.mkdir('closed', 0)", "the handler", measure="emptied"),
    attack("names that mislead", "for name in ('a\\nb.png', '\\u202egnp.txt', '-rf.txt', 'x' * 200 + '.txt', 'a;b.txt', '..a.txt'): open(name, 'w').write('x')", "what is collected", measure="names"),
    attack("a picture that is none", "open('x.png', 'wb').write(b'GOT')", "what is collected", measure="names"),
]  # fmt: skip

ATTACKS = [*OTHER_PROCESSES, *FILE_SYSTEM, *NETWORK, *KERNEL, *RESOURCES]
