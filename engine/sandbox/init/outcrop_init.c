/*
 * The first process of a task's sandbox: it starts the task as its user, passes SIGTERM on,
 * reports how the task ended, and by ending kills whatever the task left running.
 *
 * Arguments: UID GID GROUPS PROGRAM [ARGUMENT...], GROUPS being numbers joined by commas, or "-".
 * Descriptor 3 is this program itself, descriptor 4 the write end of the pipe for the report,
 * eight bytes: {0, wait status} of the task, or {1, errno} when it could not be started;
 * descriptor 5 the task's standard error (until now it was the launcher's own).
 *
 * No libc: the binaries beside this file are built by build.sh and checked in, because a base
 * image need not have a compiler, a `su`, or anything else.
 */
#include <stddef.h>

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_close = 3, SYS_rt_sigprocmask = 14, SYS_clone = 56,
       SYS_execve = 59, SYS_exit = 60, SYS_wait4 = 61, SYS_kill = 62, SYS_fcntl = 72, SYS_umask = 95,
       SYS_setgroups = 116, SYS_setresuid = 117, SYS_setresgid = 119, SYS_rt_sigtimedwait = 128,
       SYS_prctl = 157, SYS_ppoll = 271, SYS_dup3 = 292 };
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
enum { SYS_dup3 = 24, SYS_fcntl = 25, SYS_close = 57, SYS_write = 64, SYS_ppoll = 73, SYS_exit = 93, SYS_kill = 129,
       SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137, SYS_setresuid = 147, SYS_setresgid = 149,
       SYS_setgroups = 159, SYS_umask = 166, SYS_prctl = 167, SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260 };
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

enum { SELF = 3, REPORT = 4, STANDARD_ERROR = 5 };
enum { SIGTERM = 15, SIGCHLD = 17, SIG_SETMASK = 2, WNOHANG = 1, F_SETFD = 2, FD_CLOEXEC = 1, EPERM = 1 };
enum { PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4, PR_SET_NAME = 15, SIGKILL = 9 };
enum { POLLERR = 8, MAXIMUM_GROUPS = 65536 / 64 };

typedef unsigned long signal_set;
struct pollfd { int descriptor; short events; short found; };
struct time { long seconds; long nanoseconds; };

static unsigned int groups[MAXIMUM_GROUPS];

static void report(int kind, int value)
{
	int message[2] = { kind, value };
	call5(SYS_write, REPORT, (long)message, sizeof message, 0, 0);
}

static void leave(int status)
{
	for (;;)
		call5(SYS_exit, status, 0, 0, 0, 0);
}

static void check(long result)
{
	if (result < 0) {
		report(1, (int)-result);
		leave(127);
	}
}

static unsigned int number(const char **text)
{
	unsigned int value = 0;
	while (**text >= '0' && **text <= '9')
		value = value * 10 + (unsigned int)(*(*text)++ - '0');
	return value;
}

static int is_engine_gone(void)
{
	struct pollfd pipe = { REPORT, 0, 0 };
	struct time now = { 0, 0 };
	return call5(SYS_ppoll, (long)&pipe, 1, (long)&now, 0, 8) > 0 && (pipe.found & POLLERR);
}

static void become_task(const char *uid, const char *gid, const char *list, char **arguments, char **environment)
{
	signal_set none = 0;
	long user = number(&uid), group = number(&gid), count = 0;
	while (*list >= '0' && *list <= '9' && count < MAXIMUM_GROUPS) {
		groups[count++] = number(&list);
		if (*list == ',')
			list++;
	}
	/* The order matters: without uid 0 the groups cannot change. Leaving uid 0 clears every capability. */
	long outcome = call5(SYS_setgroups, count, (long)groups, 0, 0, 0);
	/* In a namespace with a single id nobody may change groups, and root has no need to. */
	if (!(outcome == -EPERM && user == 0 && group == 0 && count == 0))
		check(outcome);
	check(call5(SYS_setresgid, group, group, group, 0, 0));
	check(call5(SYS_setresuid, user, user, user, 0, 0));
	call5(SYS_umask, 022, 0, 0, 0, 0);
	call5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
	check(call5(SYS_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0));
}

static void watch(long task)
{
	signal_set wanted = 1ul << (SIGCHLD - 1) | 1ul << (SIGTERM - 1);
	for (;;) {
		long ended, signal = call5(SYS_rt_sigtimedwait, (long)&wanted, 0, 0, 8, 0);
		int status;
		if (signal == SIGTERM)
			call5(SYS_kill, -1, SIGTERM, 0, 0, 0);
		while ((ended = call5(SYS_wait4, -1, (long)&status, WNOHANG, 0, 0)) > 0) {
			if (ended == task) {
				report(0, status);
				return;
			}
		}
	}
}

__attribute__((used)) static void begin(long *stack)
{
	long count = stack[0], task;
	char **arguments = (char **)(stack + 1);
	char **environment = arguments + count + 1;
	signal_set all = ~0ul;

	if (count < 5)
		leave(125);
	/* Out of the task's reach: no memory, environment or descriptors of this process for it. */
	call5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	call5(SYS_prctl, PR_SET_NAME, (long)"outcrop-init", 0, 0, 0);
	call5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Whoever died before that line cannot be noticed by it. */
	if (is_engine_gone())
		leave(125);
	check(call5(SYS_dup3, STANDARD_ERROR, 2, 0, 0, 0));
	call5(SYS_close, STANDARD_ERROR, 0, 0, 0, 0);
	call5(SYS_close, SELF, 0, 0, 0, 0);
	call5(SYS_fcntl, REPORT, F_SETFD, FD_CLOEXEC, 0, 0);
	call5(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0);
	task = call5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	check(task);
	if (task == 0)
		become_task(arguments[1], arguments[2], arguments[3], arguments + 4, environment);
	for (int descriptor = 0; descriptor < 3; descriptor++)
		call5(SYS_close, descriptor, 0, 0, 0, 0);
	watch(task);
	leave(0);
}
