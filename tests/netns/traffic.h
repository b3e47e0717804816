/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_NETNS_TRAFFIC_H
#define WEIR_TESTS_NETNS_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum closing { CLOSE_CLIENT, CLOSE_SERVER, CLOSE_HALF, CLOSE_RESET };

struct place {
	struct sockaddr_storage at;
	socklen_t size; /* 0: not given */
};

/* What the two ends are told to do. */
struct plan {
	const char *client_netns, *server_netns; /* names of ip netns; NULL: this one */
	struct place source;                     /* not given: the kernel chooses */
	struct place to, listen;
	unsigned source_port; /* of connection 0; i gets source_port + i; 0: any */
	unsigned count;       /* connections, or flows without one */
	unsigned packets;     /* datagrams or echoes of each flow */
	unsigned rate;        /* connections a second; 0: as fast as it goes */
	unsigned send_bytes, reply_bytes;
	unsigned mark;
	enum closing closing;
	bool steps; /* one exchange per line on standard input */
	bool no_server;
};

/* What one end did, by its own account. */
struct deeds {
	uint64_t connections, refused, reset;
	uint64_t sent_bytes, received_bytes;     /* payload */
	uint64_t sent_packets, received_packets; /* datagrams and echoes */
};

/* Says what failed, with errno, and ends with 1. */
void die(const char *what);
void enter(const char *netns);
int open_socket(const struct plan *plan, int family, int type, int protocol);
void bind_source(const struct plan *plan, int fd, int family, unsigned i);
/* Waits for the i-th turn at plan->rate; the first call sets the beginning. */
void await_turn(const struct plan *plan, unsigned i);
/* True for each empty line on standard input, false at another or the end. */
bool next_line(void);
/* One byte to the other end, one byte from it; its absence is a failure. */
void tell(int fd, char what);
char hear(int fd);

/* peer is the socket to the other end; -1: there is none. */
void tcp_client(const struct plan *plan, struct deeds *deeds, int peer);
void tcp_server(const struct plan *plan, struct deeds *deeds, int peer);
void udp_client(const struct plan *plan, struct deeds *deeds, int peer);
void udp_server(const struct plan *plan, struct deeds *deeds, int peer);
void icmp_client(const struct plan *plan, struct deeds *deeds, int peer);

#endif
