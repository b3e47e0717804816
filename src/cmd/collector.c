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
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
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
#define READY_LOOK_NS (10 * NUM_NS_PER_MS)

static int collect(const struct engine_conf *given, int listen_fd, pid_t parent,
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

static void child(const struct engine_conf *given, int listen_fd, pid_t parent)
{
	struct settings mine = *given->settings;
	struct engine_conf conf = *given;
	struct why why = { "" };
	int r;

	prctl(PR_SET_NAME, "weir-collect");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	/* Ctrl-C is the command's: it ends, and the connection with it */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_LEVEL_ERROR);
	mine.conntrack_track = false;
	conf.settings = &mine;
	conf.read_only = true;
	r = collect(&conf, listen_fd, parent, &why);
	if (r < 0)
		log_error("%s", why.text[0] ? why.text : strerror(-r));
	_exit(r < 0 ? exit_code_of(r) : EXIT_OK);
}

static size_t ignore_body(void *context, const char *bytes, size_t n)
{
	return n;
}

static int wait_ready(struct client *client, struct why *why)
{
	const uint64_t until_ns = clock_boot_ns() + READY_NS;
	const struct timespec pause = { .tv_nsec = READY_LOOK_NS };
	const struct client_outlet nothing = { ignore_body, NULL };
	int r;

	do {
		r = client_get(client, "/-/ready", NULL, &nothing, why);
		if (r != -EAGAIN)
			return r;
		nanosleep(&pause, NULL);
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

static int start_private(struct collector *collector, const struct engine_conf *conf,
			 struct why *why)
{
	const pid_t self = getpid();
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const int listen_fd = listen_anywhere(name, sizeof(name), why);
	int r;

	if (listen_fd < 0)
		return listen_fd;
	fflush(NULL);
	collector->pid = fork();
	if (collector->pid < 0) {
		r = why_set(why, -errno, "fork: %s", strerror(errno));
		close(listen_fd);
		return r;
	}
	if (collector->pid == 0)
		child(conf, listen_fd, self);
	close(listen_fd);
	r = client_open_abstract(&collector->client, name, why);
	if (r == 0)
		r = wait_ready(collector->client, why);
	return r;
}

int collector_failed(int r, const struct why *why)
{
	fprintf(stderr, "weir: %s\n", why->text[0] ? why->text : strerror(-r));
	return exit_code_of(r);
}

/* A private collector that could not start has said why itself. */
static int private_failed(struct collector *collector, int r, const struct why *why)
{
	int status = 0;

	if (r == -EPIPE && collector->pid > 0 &&
	    waitpid(collector->pid, &status, 0) == collector->pid) {
		collector->pid = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status))
			return WEXITSTATUS(status);
	}
	return collector_failed(r, why);
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
		return collector_failed(r, &why);
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

	*collector = (struct collector){ 0 };
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

void collector_close(struct collector *collector)
{
	client_close(collector->client);
	collector->client = NULL;
	if (collector->pid <= 0)
		return;
	kill(collector->pid, SIGTERM); /* our own child, not yet reaped */
	waitpid(collector->pid, NULL, 0);
	collector->pid = 0;
}
