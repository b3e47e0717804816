// SPDX-License-Identifier: Apache-2.0
/*
 * The API's server: libmicrohttpd without a thread of its own.
 *
 * Its epoll descriptor sits in the collector's loop. So requests are answered
 * between two looks at the kernel, from the table itself; no lock, no copy, no
 * second thread. What takes long is cut into slices.
 */
#include "serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/why.h"
#include "serve/serve_impl.h"

#define CONNECTION_MEMORY_BYTES 65536
/* A client that has asked for nothing is let go. */
#define IDLE_S 60
/* How long the clients may take for what is left at the end. */
#define FLUSH_NS (300 * NUM_NS_PER_MS)
#define SLICE_NS (3 * NUM_NS_PER_MS)

static bool has_body(struct MHD_Connection *connection)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length") ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *path, const char *method, const char *version,
				  const char *upload, size_t *upload_n, void **state)
{
	static int seen; /* only its address counts */

	/* the first call has the headers only; an answer to it closes the
	 * connection behind a request that has a body, which nobody needs */
	if (*state != &seen && !has_body(connection)) {
		*state = &seen;
		return MHD_YES;
	}
	return route_request(context, connection, method, path);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
			  enum MHD_ConnectionNotificationCode code)
{
	struct serve *serve = context;
	const bool began = code == MHD_CONNECTION_NOTIFY_STARTED;

	serve->connections += began ? 1 : -1U;
	if (tcp_is(connection))
		serve->tcp_connections += began ? 1 : -1U;
}

static void run(void *context)
{
	struct serve *serve = context;
	const bool working = gather_work(serve, SLICE_NS);
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	serve->slice_until_ns = clock_boot_ns() + SLICE_NS;
	MHD_run(serve->daemon);
	if (working || serve->gathers)
		loop_timer_set(serve->timer, clock_boot_ns());
	else if (MHD_get_timeout(serve->daemon, &timeout_ms) == MHD_YES)
		loop_timer_set(serve->timer, clock_boot_ns() + timeout_ms * NUM_NS_PER_MS);
	else
		loop_timer_set(serve->timer, UINT64_MAX);
}

void serve_wake(struct serve *serve)
{
	loop_timer_set(serve->timer, clock_boot_ns());
}

/* Where the group exists its members may ask; else it is root's alone. */
static void give_to_group(const char *path)
{
	const struct group *group = getgrnam("weir");

	if (group && chown(path, (uid_t)-1, group->gr_gid) < 0)
		log_debug("%s: could not be given to group weir: %s", path, strerror(errno));
}

static int make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	if (mkdir(parent, 0750) < 0)
		return errno == EEXIST ? 0 : -errno;
	give_to_group(parent);
	return 0;
}

/* Who holds the lock may replace the socket file: it is stale for sure. */
static int take_lock(struct serve *serve, const char *path, struct why *why)
{
	char lock[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	int r;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	serve->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (serve->lock_fd < 0)
		return why_set(why, -errno, "%s: %s", lock, strerror(errno));
	if (flock(serve->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		return why_set(why, r, "%s: another weir is running there (weir stats asks it)",
			       path);
	}
	serve->is_locked = true;
	return 0;
}

/* 1: a socket is there, 0: nothing, -EEXIST: what is not ours to replace. */
static int look_at(const char *path, struct why *why)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return why_set(why, -EEXIST, "%s: is there and is no socket", path);
	return 1;
}

/* A socket nobody listens on is replaced. The lock is held. */
static int remove_stale(const struct sockaddr_un *address, struct why *why)
{
	const char *path = address->sun_path;
	int fd, r = look_at(path, why);

	if (r <= 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_set(why, -errno, "unix socket: %s", strerror(errno));
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (r != -ECONNREFUSED)
		return why_set(why, -EADDRINUSE, "%s: something else listens there", path);
	return unlink(path) < 0 ? why_set(why, -errno, "%s: %s", path, strerror(errno)) : 0;
}

static int listen_at(struct serve *serve, const char *path, struct why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return why_set(why, -ENAMETOOLONG, "%s: longer than a socket path may be", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	r = make_parent(path);
	if (r < 0)
		return why_set(why, r, "the folder of %s: %s", path, strerror(-r));
	r = look_at(path, why); /* no lock file beside what is no socket */
	if (r >= 0)
		r = take_lock(serve, path, why);
	if (r >= 0)
		r = remove_stale(&address, why);
	if (r < 0)
		return r;
	serve->door[DOOR_UNIX].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (serve->door[DOOR_UNIX].fd < 0 ||
	    bind(serve->door[DOOR_UNIX].fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	/* the mode before anyone can connect: listen comes after */
	give_to_group(path);
	if (chmod(path, 0660) < 0 || listen(serve->door[DOOR_UNIX].fd, 16) < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int start_daemon(struct serve *serve, struct why *why)
{
	const union MHD_DaemonInfo *info;
	int r;

	serve->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, on_request, serve,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVE_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(serve->conf.only_pid ? 0 : IDLE_S),
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, serve, MHD_OPTION_END);
	if (!serve->daemon)
		return why_set(why, -EIO, "the HTTP server did not start");
	info = MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return why_set(why, -EIO, "the HTTP server has no epoll descriptor");
	r = loop_timer_new(serve->loop, &serve->timer, run, serve);
	if (r == 0)
		r = loop_add_fd(serve->loop, info->epoll_fd, EPOLLIN, run, serve);
	if (r < 0)
		return why_set(why, r, "the HTTP server: %s", strerror(-r));
	serve->epoll_fd = info->epoll_fd;
	return 0;
}

int serve_open(struct serve **ret, const struct serve_conf *conf, struct why *why)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	int r = 0;

	if (!serve)
		return why_set(why, -ENOMEM, "no memory for the API");
	serve->conf = *conf;
	serve->engine = conf->engine;
	serve->loop = conf->loop;
	serve->epoll_fd = serve->lock_fd = serve->kept_fd = -1;
	for (unsigned i = 0; i < DOORS; i++)
		serve->door[i] = (struct door){ .serve = serve, .kind = i, .fd = -1 };
	serve->door[DOOR_UNIX].fd = conf->listen_fd;
	if (conf->socket_path)
		r = listen_at(serve, conf->socket_path, why);
	if (r == 0)
		r = tcp_open(serve, why);
	if (r == 0)
		r = start_daemon(serve, why);
	if (r == 0)
		r = door_open_all(serve, why);
	if (r < 0) {
		serve_close(serve);
		return r;
	}
	serve_wake(serve);
	*ret = serve;
	return 0;
}

/* Lets the clients have what was made for them, within FLUSH_NS. */
static void flush_clients(struct serve *serve)
{
	const uint64_t until_ns = clock_boot_ns() + FLUSH_NS;

	gather_end_all(serve);
	stream_end_all(serve);
	do
		MHD_run_wait(serve->daemon, 10);
	while (serve->connections && clock_boot_ns() < until_ns);
	/* what a last run suspended again */
	gather_end_all(serve);
	stream_end_all(serve);
}

void serve_close(struct serve *serve)
{
	if (!serve)
		return;
	if (serve->daemon)
		flush_clients(serve);
	if (serve->epoll_fd >= 0)
		loop_remove_fd(serve->loop, serve->epoll_fd);
	if (serve->daemon)
		MHD_stop_daemon(serve->daemon);
	loop_timer_free(serve->timer);
	if (serve->door[DOOR_UNIX].fd >= 0 && serve->conf.socket_path)
		unlink(serve->conf.socket_path);
	if (serve->lock_fd >= 0) {
		char lock[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];

		/* ours alone: it is let go of only after its name is gone */
		if (serve->is_locked) {
			snprintf(lock, sizeof(lock), "%s.lock", serve->conf.socket_path);
			unlink(lock);
		}
		close(serve->lock_fd);
	}
	door_close_all(serve);
	free(serve);
}
