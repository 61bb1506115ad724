/*
 * The first process of a task's sandbox: it mounts what belongs to the new namespaces, gives up the
 * right to mount, starts the task as its user, sends it SIGTERM when told to, reports how the task
 * ended, and by ending kills whatever the task left running. It ends too when the engine is gone.
 *
 * Arguments: UID GID GROUPS CAPABILITIES MODE PROGRAM [ARGUMENT...]; GROUPS are numbers joined by
 * commas, or "-"; CAPABILITIES the set, as a number, that the task keeps; MODE the sum of: 1 when its
 * standard input is a terminal that it shall get the foreground of; 2 to wait before the task starts; 4 to
 * wait after it has ended; 8 to become the program in a sandbox that is there, of which another process
 * like this is the first.
 * Descriptors: 3 a stream socket to the engine; 4 the task's standard error (2 is the launcher's, for
 * words about {2, errno}); 5 the system call filter, an array of struct sock_filter, if there is one.
 *
 * To the engine goes a report of eight bytes: {0, wait status} of the task, {1, errno} when it could not
 * be started, {2, errno} when the sandbox could not be made, {3, 0} when it waits before the task,
 * {4, wait status} instead of {0} when it waits after it. From the engine come bytes: `T`, to send SIGTERM to
 * all processes of the task, or to end when it waits; `G`, to start the task; `H`, to wait after it, `h`,
 * not to. Its closing the socket, as its death does, ends the sandbox.
 *
 * The launcher has made the namespaces and entered the root, in which /proc is the host's or empty, /sys
 * an empty read-only directory, and /dev a read-only directory of devices with pts and shm in it.
 *
 * No libc: the binaries beside this file are built by build.sh and checked in, because a base
 * image need not have a compiler, a `su`, or anything else.
 */
#if defined(__x86_64__)
enum { SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_rt_sigprocmask = 14, SYS_ioctl = 16,
       SYS_pread64 = 17, SYS_getpid = 39, SYS_clone = 56, SYS_execve = 59, SYS_exit = 60, SYS_wait4 = 61, SYS_kill = 62, SYS_fcntl = 72, SYS_umask = 95,
       SYS_setpgid = 109, SYS_setgroups = 116, SYS_setresuid = 117, SYS_setresgid = 119, SYS_capset = 126,
       SYS_prctl = 157, SYS_mount = 165, SYS_umount2 = 166, SYS_ppoll = 271, SYS_signalfd4 = 289,
       SYS_dup3 = 292 };
static long call5(long number, long a, long b, long c, long d, long e)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#elif defined(__aarch64__)
enum { SYS_dup3 = 24, SYS_fcntl = 25, SYS_ioctl = 29, SYS_umount2 = 39, SYS_mount = 40, SYS_close = 57, SYS_read = 63, SYS_write = 64, SYS_pread64 = 67,
       SYS_ppoll = 73, SYS_signalfd4 = 74, SYS_capset = 91, SYS_exit = 93, SYS_kill = 129, SYS_rt_sigprocmask = 135,
       SYS_setresuid = 147, SYS_setresgid = 149, SYS_setpgid = 154, SYS_setgroups = 159,
       SYS_umask = 166, SYS_prctl = 167, SYS_getpid = 172, SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260 };
static long call5(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl begin\n");
#else
#error "no system calls known for this machine"
#endif

enum { SYS_close_range = 436 };
enum { ENGINE = 3, STANDARD_ERROR = 4, FILTER = 5 };
enum { REPORT_END = 0, REPORT_NO_START = 1, REPORT_NO_SANDBOX = 2, REPORT_READY = 3, REPORT_END_AND_WAITS = 4 };
enum { HAS_TERMINAL = 1, WAITS_BEFORE = 2, WAITS_AFTER = 4, ENTERS = 8 };
enum { SIGKILL = 9, SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18, SIG_SETMASK = 2, WNOHANG = 1, WUNTRACED = 2, TIOCSPGRP = 0x5410, F_SETFD = 2, FD_CLOEXEC = 1, SFD_CLOEXEC = 02000000 };
enum { PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4, PR_SET_NAME = 15, PR_SET_SECCOMP = 22, PR_CAPBSET_DROP = 24,
       PR_SET_NO_NEW_PRIVS = 38,       SECCOMP_MODE_FILTER = 2 };
enum { MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32, MS_BIND = 4096, MS_MOVE = 8192, MNT_DETACH = 2 };
enum { EPERM = 1, ENOENT = 2, EACCES = 13, ENOTDIR = 20, POLLIN = 1 };
enum { LAST_CAPABILITY = 63, MAXIMUM_GROUPS = 1024, MAXIMUM_FILTER = 4096 };

typedef unsigned long signal_set;
struct pollfd { int descriptor; short events; short found; };
struct time { long seconds; long nanoseconds; };
struct instruction { unsigned short code; unsigned char yes, no; unsigned int value; };
struct program { unsigned short length; struct instruction *instructions; };
struct capability_header { unsigned int version; int pid; };
struct capability_data { unsigned int effective, permitted, inheritable; };

static unsigned int groups[MAXIMUM_GROUPS];
static struct instruction filter[MAXIMUM_FILTER];
static int waits_after;

/* Another view of the host's kernel: read-only. */
static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };
/* Telling of the host, or open to root alone: hidden, so that root and ordinary users see the same. */
static const char *const hidden[] = {
	"/proc/acpi", "/proc/asound", "/proc/driver", "/proc/kcore", "/proc/key-users", "/proc/keys", "/proc/kmsg",
	"/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/mtrr",
	"/proc/pagetypeinfo", "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/timer_list",
	"/proc/timer_stats", "/proc/vmallocinfo",
};

static void report(int kind, int value)
{
	int message[2] = { kind, value };
	call5(SYS_write, ENGINE, (long)message, sizeof message, 0, 0);
}

static void leave(int status)
{
	for (;;)
		call5(SYS_exit, status, 0, 0, 0, 0);
}

static void say(const char *text)
{
	long length = 0;
	while (text[length])
		length++;
	call5(SYS_write, 2, (long)text, length, 0, 0);
}

/* What the sandbox must have, or there is none. */
static void must(long result, const char *what)
{
	if (result < 0) {
		say(what);
		report(REPORT_NO_SANDBOX, (int)-result);
		leave(125);
	}
}

static void check_start(long result)
{
	if (result < 0) {
		report(REPORT_NO_START, (int)-result);
		leave(127);
	}
}

static unsigned long number(const char **text)
{
	unsigned long value = 0;
	while (**text >= '0' && **text <= '9')
		value = value * 10 + (unsigned long)(*(*text)++ - '0');
	return value;
}

static int is_engine_gone(void)
{
	struct pollfd engine = { ENGINE, 0, 0 };
	struct time now = { 0, 0 };
	return call5(SYS_ppoll, (long)&engine, 1, (long)&now, 0, 8) > 0;
}

static long mount(const char *source, const char *target, const char *kind, long flags, const char *options)
{
	return call5(SYS_mount, (long)source, (long)target, (long)kind, flags, (long)options);
}

static void mount_all(void)
{
	const long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	/* In a user namespace a new /proc is allowed only while another is in sight: the host's, which then goes. */
	must(mount("proc", "/dev/shm", "proc", quiet, 0), "/proc cannot be mounted");
	call5(SYS_umount2, (long)"/proc", MNT_DETACH, 0, 0, 0);
	must(mount("/dev/shm", "/proc", 0, MS_MOVE, 0), "/proc cannot be moved");
	must(mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"),
	     "/dev/pts cannot be mounted");
	must(mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"), "/dev/shm cannot be mounted");
	for (unsigned int i = 0; i < sizeof read_only / sizeof *read_only; i++) {
		long result = mount(read_only[i], read_only[i], 0, MS_BIND, 0);
		if (result == -ENOENT)
			continue;
		must(result, "/proc cannot be made read-only");
		must(mount("none", read_only[i], 0, MS_BIND | MS_REMOUNT | MS_RDONLY | quiet, 0),
		     "/proc cannot be made read-only");
	}
	for (unsigned int i = 0; i < sizeof hidden / sizeof *hidden; i++) {
		long result = mount("/dev/null", hidden[i], 0, MS_BIND, 0);
		if (result == -ENOTDIR)
			result = mount("/sys", hidden[i], 0, MS_BIND, 0);
		if (result != -ENOENT)
			must(result, "/proc cannot be masked");
	}
}

static void limit_capabilities(unsigned long kept)
{
	struct capability_header header = { 0x20080522, 0 };
	struct capability_data data[2] = {
		{ (unsigned int)kept, (unsigned int)kept, 0 },
		{ (unsigned int)(kept >> 32), (unsigned int)(kept >> 32), 0 },
	};
	for (long capability = 0; capability <= LAST_CAPABILITY; capability++)
		if (!(kept >> capability & 1))
			call5(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
	must(call5(SYS_capset, (long)&header, (long)data, 0, 0, 0), "capabilities cannot be dropped");
}

static void filter_system_calls(void)
{
	struct program program = { 0, filter };
	long size = call5(SYS_pread64, FILTER, (long)filter, sizeof filter, 0, 0);
	if (size <= 0)
		return;
	program.length = (unsigned short)(size / (long)sizeof *filter);
	must(call5(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&program, 0, 0), "system calls cannot be filtered");
}

static void take_terminal(void)
{
	int self = (int)call5(SYS_getpid, 0, 0, 0, 0, 0);
	call5(SYS_setpgid, 0, 0, 0, 0, 0);
	call5(SYS_ioctl, 0, TIOCSPGRP, (long)&self, 0, 0);
}

static void become_task(const char *uid, const char *gid, const char *list, char **arguments, char **environment)
{
	signal_set none = 0;
	long user = (long)number(&uid), group = (long)number(&gid), count = 0, result;
	while (*list >= '0' && *list <= '9' && count < MAXIMUM_GROUPS) {
		groups[count++] = (unsigned int)number(&list);
		if (*list == ',')
			list++;
	}
	/* The order matters: without uid 0 the groups cannot change. Leaving uid 0 clears every capability. */
	result = call5(SYS_setgroups, count, (long)groups, 0, 0, 0);
	/* In a namespace with a single id nobody may change groups, and root has no need to. */
	if (!(result == -EPERM && user == 0 && group == 0 && count == 0))
		check_start(result);
	check_start(call5(SYS_setresgid, group, group, group, 0, 0));
	check_start(call5(SYS_setresuid, user, user, user, 0, 0));
	call5(SYS_umask, 022, 0, 0, 0, 0);
	call5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
	check_start(call5(SYS_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0));
}

/* Reaps what has ended; true when the task is among it, which then has been reported, and nothing waits. */
static int is_task_over(long task, int has_terminal, int *is_over)
{
	long ended;
	int status;
	while ((ended = call5(SYS_wait4, -1, (long)&status, WNOHANG | (has_terminal ? WUNTRACED : 0), 0, 0)) > 0) {
		/* Nobody could bring a stopped one back to the foreground. */
		if ((status & 0xff) == 0x7f) {
			call5(SYS_kill, ended, SIGCONT, 0, 0, 0);
		} else if (ended == task && !*is_over) {
			report(waits_after ? REPORT_END_AND_WAITS : REPORT_END, status);
			if (!waits_after)
				return 1;
			*is_over = 1;
		}
	}
	return 0;
}

enum command { GO_ON, START, END, TERMINATE };

/* What the engine wants done; it may have said more than one thing. */
static enum command listen(int is_running)
{
	char message[128];
	enum command found = GO_ON;
	long count = call5(SYS_read, ENGINE, (long)message, sizeof message, 0, 0);
	if (count <= 0)
		return END;
	for (long i = 0; i < count; i++) {
		if (message[i] == 'H' || message[i] == 'h') {
			waits_after = message[i] == 'H';
			if (!waits_after && !is_running)
				found = END;
		} else if (message[i] == 'G') {
			found = START;
		} else {
			found = is_running ? TERMINATE : END;
		}
	}
	return found;
}

/* Returns when the task may start; shells may have been and gone meanwhile. */
static void wait_before(void)
{
	enum command found;
	report(REPORT_READY, 0);
	do {
		found = listen(1);
		if (found == END || found == TERMINATE)
			leave(0);
	} while (found != START);
}

/* Returns when the task has ended, or shall. */
static void watch(long task, int has_terminal)
{
	int is_over = 0;
	signal_set children = 1ul << (SIGCHLD - 1);
	struct pollfd sources[2] = { { ENGINE, POLLIN, 0 }, { 0, POLLIN, 0 } };
	char message[128];
	sources[1].descriptor = (int)call5(SYS_signalfd4, -1, (long)&children, 8, SFD_CLOEXEC, 0);
	for (;;) {
		call5(SYS_ppoll, (long)sources, 2, 0, 0, 8);
		if (sources[1].found) {
			call5(SYS_read, sources[1].descriptor, (long)message, sizeof message, 0, 0);
			if (is_task_over(task, has_terminal, &is_over))
				return;
		}
		if (sources[0].found) {
			enum command found = listen(!is_over);
			if (found == END)
				return;
			if (found == TERMINATE)
				call5(SYS_kill, -1, SIGTERM, 0, 0, 0);
		}
	}
}

__attribute__((used)) static void begin(long *stack)
{
	long count = stack[0], task;
	unsigned long mode;
	char **arguments = (char **)(stack + 1);
	char **environment = arguments + count + 1;
	const char *capabilities = arguments[4], *modes = arguments[5];
	signal_set all = ~0ul;
	int has_terminal = 0;

	if (count < 7)
		leave(125);
	/* Out of the task's reach: no memory, environment or descriptors of this process for it. */
	call5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	call5(SYS_prctl, PR_SET_NAME, (long)"outcrop-init", 0, 0, 0);
	call5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0);
	mode = number(&modes);
	if (mode & ENTERS)
		must(call5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "privileges cannot be limited");
	else
		mount_all();
	limit_capabilities(number(&capabilities));
	filter_system_calls();
	/* The change of capabilities may have reset it. The launcher's death ends the sandbox as the engine's does. */
	call5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	call5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (is_engine_gone())
		leave(125);
	must(call5(SYS_dup3, STANDARD_ERROR, 2, 0, 0, 0), "there is no standard error");
	call5(SYS_close_range, ENGINE + 1, ~0u, 0, 0, 0);
	call5(SYS_fcntl, ENGINE, F_SETFD, FD_CLOEXEC, 0, 0);
	has_terminal = (mode & HAS_TERMINAL) != 0;
	waits_after = (mode & WAITS_AFTER) != 0;
	if (mode & WAITS_BEFORE)
		wait_before();
	task = mode & ENTERS ? 0 : call5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	check_start(task);
	if (task == 0) {
		if (has_terminal)
			take_terminal();
		become_task(arguments[1], arguments[2], arguments[3], arguments + 6, environment);
	}
	for (int descriptor = 0; descriptor < 3; descriptor++)
		call5(SYS_close, descriptor, 0, 0, 0, 0);
	watch(task, has_terminal);
	leave(0);
}
