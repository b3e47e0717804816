// SPDX-License-Identifier: Apache-2.0
/*
 * Whom a command asks. With a daemon: the daemon. Without: a child that
 * collects for this command alone, read-only, and that ends with it. They meet
 * at an abstract socket, on which the child answers its parent and nobody else:
 * libcurl cannot be given a socketpair (7.88 connects even what it is told is
 * connected) and does not keep connections to abstract names.
 */
#include "cmd/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/why.h"
#include "client/client.h"
#include "cmd/cmd.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "serve/serve.h"

/* A first pass over a million flows takes some seconds. */
#define READY_NS (30 * NUM_NS_PER_S)
#define LOOK_MS 10
/* A large recording is read for minutes: after this long a person wants to know. */
#define READING_MS 3000
/* What ends the child takes its programs out of the kernel and frees a million flows. */
#define END_S 10
/* From its last descriptor's end to its own. */
#define GONE_S 2

/* Closes open_fd, the end of a pipe, once all that takes long has been opened. */
static int collect(const struct engine_conf *given, int listen_fd, int open_fd, pid_t parent,
		   struct why *why)
{
	struct engine_conf engine_conf = *given;
	struct serve_conf serve_conf = { .listen_fd = listen_fd, .only_pid = parent };
	struct engine *engine = NULL;
	struct serve *serve = NULL;
	struct loop *loop;
	int r;

	r = loop_new(&loop, why);
	if (r < 0)
		return r;
	engine_conf.loop = serve_conf.loop = loop;
	r = engine_new(&engine, &engine_conf, why);
	close(open_fd);
	if (r == 0) {
		serve_conf.engine = engine;
		r = serve_open(&serve, &serve_conf, why);
	}
	if (r == 0) {
		engine_start(engine);
		r = loop_run(loop);
	}
	serve_close(serve);
	engine_free(engine);
	loop_free(loop);
	return r;
}

static int exit_code_of(int r)
{
	switch (r) {
	case -EBADMSG:
		return EXIT_USAGE;
	case -EPERM:
	case -EACCES:
		return EXIT_PRIVILEGE;
	case -ENOTSUP:
		return EXIT_KERNEL;
	default:
		return EXIT_FAILED;
	}
}

static void child(const struct engine_conf *given, int listen_fd, int open_fd, pid_t parent)
{
	struct settings mine = *given->settings;
	struct engine_conf conf = *given;
	struct why why = { "" };
	int r;

	prctl(PR_SET_NAME, "weir-collect");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	/* Ctrl-C and Ctrl-\ are the command's: it ends, and the connection with it */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_LEVEL_ERROR);
	mine.conntrack_track = false;
	conf.settings = &mine;
	conf.read_only = true;
	r = collect(&conf, listen_fd, open_fd, parent, &why);
	if (r < 0)
		log_error("%s", why.text[0] ? why.text : strerror(-r));
	_exit(r < 0 ? exit_code_of(r) : EXIT_OK);
}

static size_t ignore_body(void *context, const char *bytes, size_t n)
{
	return n;
}

/* Leaves it to be waited for; how is zero when nobody knows. */
static bool has_ended(const struct collector *collector, siginfo_t *how)
{
	*how = (siginfo_t){ 0 };
	return waitid(P_PID, (id_t)collector->pid, how, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       how->si_pid == collector->pid;
}

static bool ends_within(const struct collector *collector, unsigned seconds, siginfo_t *how)
{
	const uint64_t until_mono_ns = clock_mono_ns() + seconds * NUM_NS_PER_S;
	struct pollfd end = { .fd = collector->ended_fd, .events = POLLIN };

	while (!has_ended(collector, how)) {
		if (clock_mono_ns() >= until_mono_ns)
			return false;
		poll(&end, 1, LOOK_MS); /* without a descriptor it is a pause */
	}
	return true;
}

/* Until the child has opened everything, or has ended. A recording takes its time. */
static void wait_open(int open_fd, const char *replay_path)
{
	struct pollfd fd = { .fd = open_fd, .events = POLLIN };

	if (!replay_path || poll(&fd, 1, READING_MS) != 0)
		return;
	fprintf(stderr, "weir: still reading %s\n", replay_path);
	while (poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
}

static int wait_ready(struct client *client, struct why *why)
{
	const uint64_t until_ns = clock_boot_ns() + READY_NS;
	const struct client_outlet nothing = { .body = ignore_body };
	int r;

	do {
		r = client_get(client, "/-/ready", NULL, &nothing, why);
		if (r != -EAGAIN)
			return r;
		poll(NULL, 0, LOOK_MS);
	} while (clock_boot_ns() < until_ns);
	return why_set(why, -ETIMEDOUT, "the collector did not get ready in 30 s");
}

/* A listening socket to which the kernel gives a free abstract name. */
static int listen_anywhere(char *name, size_t size, struct why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    listen(fd, 4) < 0 || getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		const int r = why_set(why, -errno, "unix socket: %s", strerror(errno));

		if (fd >= 0)
			close(fd);
		return r;
	}
	length -= sizeof(sa_family_t) + 1; /* the name follows a NUL and has none at its end */
	if (length >= size)
		length = (socklen_t)size - 1;
	memcpy(name, address.sun_path + 1, length);
	name[length] = '\0';
	return fd;
}

/* The child, which listens at listen_fd; *open_fd ends when it has opened everything. */
static int fork_child(struct collector *collector, const struct engine_conf *conf,
		      int listen_fd, int *open_fd, struct why *why)
{
	const pid_t self = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return why_set(why, -errno, "pipe: %s", strerror(errno));
	/* who started us may ignore it: then nobody could tell how the child ended */
	signal(SIGCHLD, SIG_DFL);
	fflush(NULL);
	collector->pid = fork();
	if (collector->pid == 0) {
		close(ends[0]);
		child(conf, listen_fd, ends[1], self);
	}
	close(ends[1]);
	if (collector->pid < 0) {
		const int r = why_set(why, -errno, "fork: %s", strerror(errno));

		close(ends[0]);
		return r;
	}
	*open_fd = ends[0];
	collector->ended_fd = (int)syscall(SYS_pidfd_open, collector->pid, 0);
	return 0;
}

static int start_private(struct collector *collector, const struct engine_conf *conf,
			 struct why *why)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const int listen_fd = listen_anywhere(name, sizeof(name), why);
	int r, open_fd = -1;

	if (listen_fd < 0)
		return listen_fd;
	r = fork_child(collector, conf, listen_fd, &open_fd, why);
	close(listen_fd);
	if (r < 0)
		return r;
	wait_open(open_fd, conf->replay_path);
	close(open_fd);
	r = client_open_abstract(&collector->client, name, why);
	if (r == 0)
		r = wait_ready(collector->client, why);
	return r;
}

static int say(int r, const struct why *why)
{
	fprintf(stderr, "weir: %s\n", why->text[0] ? why->text : strerror(-r));
	return exit_code_of(r);
}

/* What went away is gone for good when it was our own: how is worth more than that. */
int collector_failed(const struct collector *collector, int r, const struct why *why)
{
	siginfo_t how;

	if (r != -EPIPE || collector->pid <= 0 || !ends_within(collector, GONE_S, &how))
		return say(r, why);
	if (how.si_code == CLD_KILLED || how.si_code == CLD_DUMPED)
		fprintf(stderr, "weir: the private collector was ended by signal %d, %s\n",
			how.si_status, strsignal(how.si_status));
	else
		fprintf(stderr, "weir: the private collector has ended, with code %d\n",
			how.si_status);
	return EXIT_FAILED;
}

/* A private collector that could not start has said why itself. */
static int private_failed(const struct collector *collector, int r, const struct why *why)
{
	siginfo_t how;

	if (r == -EPIPE && collector->pid > 0 && ends_within(collector, GONE_S, &how) &&
	    how.si_code == CLD_EXITED && how.si_status)
		return how.si_status;
	return collector_failed(collector, r, why);
}

/* Why there is nobody to ask, and what would help. */
static const char *reason_of(int r)
{
	if (r != -EACCES)
		return "no daemon runs here, and conntrack cannot be read without root or "
		       "CAP_NET_ADMIN: run this command as root, or start \"weir run\"";
	if (getgrnam("weir"))
		return "the daemon's socket is not open to you: use sudo, or join the group weir "
		       "(usermod -aG weir NAME)";
	return "the daemon's socket is not open to you, and there is no group weir to join: "
	       "use sudo";
}

/* 0: start a private one; -1: the daemon is there; else the exit code. */
static int ask_daemon(struct collector *collector, const char *socket_path,
		      enum collector_wish wish)
{
	struct why why = { "" };
	const int r = client_open_path(&collector->client, socket_path, &why);

	if (r == 0)
		return -1;
	if (r == -ETIMEDOUT) /* there is a daemon */
		return say(r, &why);
	if (caps_has(CAP_NET_ADMIN) || wish == COLLECTOR_QUIET)
		return 0;
	if (wish == COLLECTOR_PRIVILEGED) {
		fprintf(stderr, "weir: %s\n", reason_of(r));
		return EXIT_PRIVILEGE;
	}
	fprintf(stderr, "weir: warning: showing the TCP sockets of this network namespace "
			"only; %s\n", reason_of(r));
	return 0;
}

int collector_open(struct collector *collector, const struct settings *settings,
		   enum collector_wish wish, const char *replay_path)
{
	const struct engine_conf conf = { .settings = settings, .replay_path = replay_path };
	struct why why = { "" };
	int r = 0;

	*collector = (struct collector){ .ended_fd = -1 };
	if (!replay_path)
		r = ask_daemon(collector, settings->listen_socket, wish);
	if (r)
		return r;
	r = start_private(collector, &conf, &why);
	if (r == 0)
		return -1;
	r = private_failed(collector, r, &why);
	collector_close(collector);
	return r;
}

/* A stopped one takes the request to end when it is continued, and one that does not end
 * must not keep the command. */
static void end_private(const struct collector *collector)
{
	siginfo_t how;

	kill(collector->pid, SIGTERM); /* our own child, not yet reaped */
	kill(collector->pid, SIGCONT);
	if (!ends_within(collector, END_S, &how)) {
		fprintf(stderr, "weir: the private collector did not end within %d s "
				"and was killed\n", END_S);
		kill(collector->pid, SIGKILL);
		ends_within(collector, GONE_S, &how);
	}
	waitpid(collector->pid, NULL, WNOHANG);
}

void collector_close(struct collector *collector)
{
	client_close(collector->client);
	collector->client = NULL;
	if (collector->pid > 0)
		end_private(collector);
	collector->pid = 0;
	if (collector->ended_fd >= 0)
		close(collector->ended_fd);
	collector->ended_fd = -1;
}
