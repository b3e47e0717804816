/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVE_SERVE_IMPL_H
#define WEIR_SERVE_SERVE_IMPL_H

/* The inside of serve, shared by its own files only:
 *   serve.c    the daemon, its sockets and its place in the loop
 *   door.c     who may connect
 *   tcp.c      the door to the network, and who may have what through it
 *   scrape.c   /metrics
 *   route.c    which path answers what, parameters, errors
 *   gather.c   walks over all flows before an answer
 *   listing.c  /api/v1/flows
 *   top.c      /api/v1/top
 *   stream.c   /api/v1/events */

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "encode/encode.h"
#include "engine/engine.h"
#include "serve/serve.h"

#define SERVE_CONNECTIONS_MAX 64
/* Of those: strangers must not keep the socket's clients out. */
#define SERVE_TCP_CONNECTIONS_MAX 32

struct gather;
struct loop_timer;
struct serve;

enum door_kind { DOOR_UNIX, DOOR_TCP, DOORS };

struct door {
	struct serve *serve;
	enum door_kind kind;
	int fd;                   /* owned: listens; -1: none */
	bool is_open;             /* fd is in the loop */
	struct loop_timer *timer; /* owned: until it is open again */
};

struct serve {
	struct engine *engine; /* borrowed */
	struct loop *loop;     /* borrowed */
	struct serve_conf conf;
	struct MHD_Daemon *daemon; /* owned */
	int epoll_fd;              /* the daemon's; -1 while it is not in the loop */
	struct loop_timer *timer;  /* owned: when the daemon wants to be run */
	int lock_fd;               /* owned */
	bool is_locked;            /* lock_fd's file is ours, then */
	struct door door[DOORS];
	struct sockaddr_storage http_address;
	bool http_told;            /* that the port cannot be had */
	char token[256];           /* of which token_n; none: nobody has it */
	size_t token_n;
	int kept_fd;               /* owned: for a client that must be told there is none */
	struct log_limit turned_away;
	unsigned connections, tcp_connections; /* all; those over TCP */
	uint64_t slice_until_ns; /* what all requests of one turn share */
	struct gather *gathers; /* walks that are under way or wait */
	struct stream *streams; /* open event streams */
};

/* What every data request can ask for; fini frees. */
struct query {
	struct filter *filter; /* owned */
	struct filter *shown;  /* owned: of /api/v1/top alone */
	const struct encoder *encoder;
	struct encode_conf conf;
	const char *sort; /* borrowed from the connection; NULL: table order */
	const char *by;   /* the same, of /api/v1/top alone */
	uint64_t limit;   /* 0: none */
	bool header;
};

void query_fini(struct query *query);

/* route.c: answers one request. */
enum MHD_Result route_request(struct serve *serve, struct MHD_Connection *connection,
			      const char *method, const char *path);
/* {"error": sentence, "column": n} with that status (column 0: left out). */
enum MHD_Result route_error(struct MHD_Connection *connection, unsigned status,
			    const char *sentence, unsigned column);

/* listing.c, top.c, stream.c: take the query over. */
enum MHD_Result listing_answer(struct serve *serve, struct MHD_Connection *connection,
			       struct query *query);
enum MHD_Result top_answer(struct serve *serve, struct MHD_Connection *connection,
			   struct query *query);
enum MHD_Result stream_answer(struct serve *serve, struct MHD_Connection *connection,
			      struct query *query, bool sse);

/* gather.c: embedded in an answer that begins with a walk over all flows. */
struct gather {
	struct gather *next;
	struct serve *serve;               /* borrowed */
	struct MHD_Connection *connection; /* borrowed */
	/* Goes on for about that long; true once it has all. */
	bool (*slice)(struct gather *gather, uint64_t until_ns);
	bool suspended, done, aborted;
};

/* From the answer's reader: true while it has to wait (the connection is suspended, the
 * reader is called again). */
bool gather_wait(struct gather *gather);
/* Goes on with the first for about that long; true while there is more to do. */
bool gather_work(struct serve *serve, uint64_t for_ns);
/* The answer is freed. */
void gather_forget(struct gather *gather);

/* Before the end: nothing may stay suspended (MHD_stop_daemon would panic). */
void gather_end_all(struct serve *serve);
void stream_end_all(struct serve *serve);

/* door.c: the daemon runs. Opened or not, they can be closed. */
int door_open_all(struct serve *serve, struct why *why);
void door_close_all(struct serve *serve);

/* tcp.c: reads what is needed to listen. 0, or -errno with the sentence. */
int tcp_open(struct serve *serve, struct why *why);
/* The door listens, or -errno: it is tried again. */
int tcp_listen(struct serve *serve);
/* The connection came over the network. */
bool tcp_is(struct MHD_Connection *connection);
/* 0: a request that did may be answered; else the status to refuse it with. */
unsigned tcp_refuses(const struct serve *serve, struct MHD_Connection *connection,
		     bool is_public, const char **sentence);

/* scrape.c */
enum MHD_Result scrape_answer(struct serve *serve, struct MHD_Connection *connection);

/* serve.c: asks to be run again at once (something was resumed). */
void serve_wake(struct serve *serve);

#endif
