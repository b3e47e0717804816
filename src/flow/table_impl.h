/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_TABLE_IMPL_H
#define WEIR_FLOW_TABLE_IMPL_H

/* The inside of the flow table, shared by its own files only:
 *   table.c    construction, dispatch, sweeps, visiting, stats
 *   merge.c    conntrack observations into flows
 *   socket.c   socket observations into sockets
 *   by_socket.c flows that sockets count
 *   tell.c     what is told of sockets, to the trace and to flows
 *   udp_news.c UDP sockets that become known after their flows
 *   owners.c   the processes that sockets point to, shared
 *   address.c  the addresses of each namespace
 *   join.c     which sockets belong to which flow
 *   peers.c    which flows are one connection
 *   due.c      when a flow's next record is due (timer wheel, report curve)
 *   emit.c     flow → record */

#include <stdbool.h>
#include <stdint.h>

#include "flow/index.h"
#include "flow/pool.h"
#include "flow/table.h"

/* A slot number kept as slot + 1, so that zero means none. */
#define SLOT_NONE 0

enum {
	FLOW_USED = 1 << 0,
	FLOW_OPENED = 1 << 1,       /* an OPEN was seen */
	FLOW_BASELINE = 1 << 2,     /* older than the collector */
	FLOW_START_KNOWN = 1 << 3,  /* start_wall_ns is the kernel's */
	FLOW_CONNTRACK = 1 << 4,    /* has a conntrack entry */
	FLOW_ENDED = 1 << 5,        /* its end record is made; lingers to absorb repeats */
	FLOW_SUPERSEDED = 1 << 6,   /* its tuple begins anew while its end is on its way */
	FLOW_CLOSING = 1 << 7,      /* an update is due with the next counters */
	FLOW_CLOSING_TOLD = 1 << 8, /* and has been made */
	FLOW_COUNTED = 1 << 9,      /* origin is decided */
	FLOW_BY_SOCKET = 1 << 10,   /* …: counters are a socket's */
	FLOW_BY_SERVER = 1 << 11,   /* …: the server's socket */
	FLOW_SECONDARY = 1 << 12,   /* the same connection is counted elsewhere */
	FLOW_FRESH = 1 << 13,       /* sampled since it was opened */
	FLOW_QUEUED = 1 << 14,      /* in the wheel */
	FLOW_NAT_INDEXED = 1 << 15, /* has a second index entry, by flow->nat */
	FLOW_INEXACT = 1 << 16,
	FLOW_STATE_KNOWN = 1 << 17, /* ct_state */
	FLOW_MISSED = 1 << 18,      /* the last whole pass did not show it */
	FLOW_HAS_LABELS = 1 << 19,
	FLOW_HAS_TIMEOUT = 1 << 20,
	FLOW_HAS_PEER_ID = 1 << 21,
	FLOW_AMBIGUOUS_CLIENT = 1 << 22, /* several foreign sockets fit: none is attached */
	FLOW_AMBIGUOUS_SERVER = 1 << 23,
	FLOW_HAS_STATUS = 1 << 24,
	FLOW_SOCKET_MOVED = 1 << 25, /* its sockets tell more than the last record did */
	FLOW_ID_BY_SIGHT = 1 << 26,  /* its id is made of its first sight */
	FLOW_PRIMARY = 1 << 27,      /* chosen to be the one that is counted */
	FLOW_SAMPLED = 1 << 28,      /* its counters have been read */
	FLOW_RATED = 1 << 29,        /* twice, so that there is a rate */
	FLOW_FAILED_TOLD = 1 << 30,  /* that its connection failed */
};

/* One flow. The rarely used is in arrays beside the pool (labels, peer ids) that
 * stay untouched where nobody needs them. */
struct flow {
	struct key key;
	struct tuple nat; /* as the responder sees it; equals key.orig without NAT */
	uint64_t bytes[SIDES], packets[SIDES];
	uint64_t reported_bytes[SIDES], reported_packets[SIDES];
	uint64_t start_wall_ns;  /* first sight until START_KNOWN */
	uint64_t moved_boot_ns;  /* last time a counter was seen to move */
	uint32_t flags;          /* FLOW_* */
	uint32_t sampled_ms;     /* boot ms, modulo 2^32: when counters were last read */
	uint32_t record_ms;      /* likewise: the last record, or first sight */
	float rate_bps[SIDES];
	uint32_t mark, status, timeout_s;
	uint32_t seq;            /* records made */
	uint32_t due_next, due_prev; /* SLOT: neighbours in the wheel */
	uint32_t socket[SIDES];  /* SLOT: client, server */
	uint16_t due_bucket;
	uint8_t ct_state;
	uint8_t inexact_reason;
};

/* One TCP or UDP socket. */
enum {
	SOCKET_USED = 1 << 0,
	SOCKET_CLOSED = 1 << 1,
	SOCKET_INDEXED = 1 << 2,   /* by tuple */
	SOCKET_OLD = 1 << 3,       /* older than the collector */
	SOCKET_MISSED = 1 << 4,    /* the last whole pass did not show it */
	SOCKET_TOLD = 1 << 5,      /* connect or accept was traced */
	SOCKET_HAS_INFO = 1 << 6,
	SOCKET_STALE = 1 << 7,     /* closed without a last word: the last sample's totals */
	SOCKET_COUNTED = 1 << 8,   /* a flow that is gone has counted its connection */
	SOCKET_NO_V4 = 1 << 9,     /* bound to ::, it takes IPv6 only */
	SOCKET_NEWS = 1 << 10,     /* of UDP: its flows are to be told, */
	SOCKET_TELLING = 1 << 11,  /* are being told (udp_news.c) */
	SOCKET_FAILURE_TOLD = 1 << 12, /* that its connection failed was traced */
	SOCKET_HIDDEN = 1 << 14,   /* no pass shows it */
	SOCKET_TIMED = 1 << 13,    /* connected_boot_ns is when it was, not when it was seen */
};

struct sock {
	uint64_t cookie;
	struct tuple local;
	uint32_t netns, uid;
	uint32_t flow;       /* SLOT: the flow of its connection (TCP) */
	uint32_t users;      /* flows that point here: a socket is lent, a bound UDP one to many */
	uint32_t owner;      /* SLOT, in owners */
	uint32_t sampled_ms; /* boot ms, modulo 2^32 */
	uint32_t retransmits, srtt_us, rttvar_us, min_rtt_us, cwnd;
	uint32_t connect_us; /* 0: not known */
	uint16_t flags;      /* SOCKET_* above */
	uint8_t state, role;
	/* the kernel counts them in jiffies, of which none is shorter than a millisecond */
	uint32_t rwnd_limited_ms, sndbuf_limited_ms;
	uint64_t seen_boot_ns; /* first sight */
	uint64_t connected_boot_ns; /* first sight past SYN_SENT: its packets pass; 0: not yet */
	uint64_t closed_boot_ns; /* 0: it is not, or nobody has said when */
	uint64_t payload_bytes[SIDES], segments[SIDES]; /* [INITIATOR]: sent by this socket */
};

/* Owners are shared by the sockets of a process. */
struct owner_entry {
	struct owner owner;
	uint32_t references;
};

/* What passes over a namespace, or NETNS_EVERY, have shown so far. */
struct scope {
	uint32_t netns;
	uint64_t ct_began_boot_ns;     /* of the last complete pass; 0: none yet */
	uint64_t socket_began_boot_ns;
	uint64_t without_counters; /* flows, at the last complete pass */
};

#define SCOPES_MAX 4096
#define OWNERS_MAX 65536
#define ADDRESSES_MAX 65536
/* Remembered cookies of sockets that are closed: a power of two. */
#define CLOSED_COOKIES 16384

struct local_address {
	struct addr addr;
	uint32_t netns;
	uint32_t sampled_ms;
	bool used;
};

#define DUE_BUCKETS 4096
#define DUE_TICK_MS 16

struct udp_news {
	uint32_t sockets; /* with SOCKET_NEWS */
	uint32_t cursor;  /* the next flow to tell */
	bool telling;
	uint8_t ports[65536 / 8]; /* of SOCKET_TELLING, by port_be */
	uint64_t pause_until_boot_ns;
};

struct table {
	struct table_conf conf;
	struct pool flows;  /* struct flow */
	struct index by_tuple; /* flows by key.orig, and by nat where it differs */
	uint8_t (*labels)[16];   /* owned mapping, by flow slot */
	uint64_t *peer_ids;      /* owned mapping, by flow slot */
	uint64_t *first_sights;  /* owned mapping, by flow slot: wall ns, of FLOW_ID_BY_SIGHT */

	struct pool sockets; /* struct sock */
	struct index socket_by_cookie, socket_by_tuple;
	struct udp_news news;
	/* UDP sockets that are bound and not connected, in all namespaces, by port_be:
	 * nearly all ports have none, and are not looked up */
	uint32_t bound_udp[65536];
	uint32_t ends_ms; /* boot ms, modulo 2^32: when a UDP socket or an address was new */
	uint64_t *closed_cookies; /* owned mapping, by hash: a dump can show what has ended */
	struct pool owners; /* struct owner_entry */
	struct index owner_by_content;
	struct pool addresses; /* struct local_address */
	struct index address_by_value;
	struct scope scope[SCOPES_MAX];
	uint32_t scope_count;
	struct scope spare_scope; /* when those are taken: of the last one beyond */

	uint32_t due_head[DUE_BUCKETS]; /* SLOT */
	uint32_t due_count;
	uint64_t due_tick;              /* the next tick to look at */

	uint32_t wanted; /* bit per enum event */
	uint64_t now_boot_ns; /* of the latest observation or advance */
	uint64_t seen_boot_ns; /* of the observation at hand: events are read in batches */
	int64_t wall_minus_boot_ns;
	uint32_t lingering; /* ended flows that still have a row */
	uint32_t linger_first, linger_last; /* SLOT: oldest to youngest, linked by due_next */
	struct table_stats count;
};

_Static_assert(sizeof(struct flow) <= 224, "a flow and its index cells take at most 256 bytes");
_Static_assert(sizeof(struct sock) <= 168, "a socket and its index cells take at most 200 bytes");

static inline struct flow *flow_at(const struct table *table, uint32_t slot)
{
	return pool_at(&table->flows, slot);
}

static inline struct sock *sock_at(const struct table *table, uint32_t slot)
{
	return pool_at(&table->sockets, slot);
}

static inline uint32_t flow_slot(const struct table *table, const struct flow *flow)
{
	return (uint32_t)(((const char *)flow - table->flows.memory) / sizeof(*flow));
}

static inline uint32_t sock_slot(const struct table *table, const struct sock *sock)
{
	return (uint32_t)(((const char *)sock - table->sockets.memory) / sizeof(*sock));
}

static inline uint32_t ms_of(uint64_t boot_ns)
{
	return (uint32_t)(boot_ns / 1000000);
}

/* x is earlier than y; right for differences below 24 days. */
static inline bool ms_is_before(uint32_t x, uint32_t y)
{
	return (int32_t)(x - y) < 0;
}

static inline uint64_t table_wall_ns(const struct table *table, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)table->wall_minus_boot_ns;
}

static inline bool flow_has_moved(const struct flow *flow)
{
	return flow->flags & FLOW_SOCKET_MOVED ||
	       flow->bytes[0] != flow->reported_bytes[0] ||
	       flow->bytes[1] != flow->reported_bytes[1] ||
	       flow->packets[0] != flow->reported_packets[0] ||
	       flow->packets[1] != flow->reported_packets[1];
}

/* table.c */
/* A row for a new flow with that key and both tuples (nat: as the responder
 * sees it), indexed; NULL when the table is full (counted). */
struct flow *flow_add(struct table *table, const struct key *key, const struct tuple *nat);
/* Counts a flow that has ended and never had a row: here and only here, once, with
 * its last word (zero where nothing counted it). */
void flow_overflow(struct table *table, uint8_t proto, const uint64_t bytes[SIDES],
		   const uint64_t packets[SIDES]);
/* Gives the row and everything attached to it back. */
void flow_remove(struct table *table, struct flow *flow);
/* Takes over totals from the flow's origin; handles resets, rates, identities. */
void flow_count(struct table *table, struct flow *flow, const uint64_t bytes[SIDES],
		const uint64_t packets[SIDES], uint64_t at_boot_ns);
/* Sets flow->nat from a late reply tuple, re-indexing. */
void flow_set_nat(struct table *table, struct flow *flow, const struct tuple *nat);
/* Makes the end record and lets the row linger. */
void flow_end(struct table *table, struct flow *flow, int end_reason, uint64_t end_wall_ns);
/* NULL when no pass over that namespace has been seen. */
struct scope *table_scope(struct table *table, uint32_t netns);

/* merge.c */
void merge_conntrack(struct table *table, const struct obs *obs);
/* Also counts into the scope (may be NULL) the flows that lack counters. */
void sweep_conntrack(struct table *table, const struct obs_sweep *sweep, struct scope *scope);

/* socket.c */
void merge_socket(struct table *table, const struct obs *obs);
struct sock *sock_find(const struct table *table, uint64_t cookie); /* or NULL */
void sweep_sockets(struct table *table, const struct obs_sweep *sweep);
/* Takes back the sockets lent to a flow that goes; closed ones go with it. */
void sock_release_of(struct table *table, struct flow *flow);
/* The same for one side. */
void sock_release(struct table *table, struct flow *flow, enum side side);
/* Whether a socket that is not closed is lent to the flow. */
bool has_live_socket(const struct table *table, const struct flow *flow);
/* Gives the row back; nobody has it lent. */
void sock_remove(struct table *table, struct sock *sock);

/* by_socket.c */
/* When the last socket of a flow was closed that they count; 0: not known. */
uint64_t sock_end_wall_ns(const struct table *table, const struct flow *flow);
/* The flow that is counted by this socket, the one it began with, follows it. */
void sock_count(struct table *table, struct sock *sock, uint64_t at_boot_ns);
/* The same once more, with what its other socket has counted since. */
void sock_count_last(struct table *table, struct flow *flow);
/* The TCP socket, and its side, that can count for a flow that nobody counts yet; or NULL. */
struct sock *sock_to_count(const struct table *table, const struct flow *flow, enum side *side);
/* Lets a flow that nobody counts yet be counted by its TCP socket, if it has one. */
void sock_take_over_counting(struct table *table, struct flow *flow);
/* After a pass: TCP sockets that have no entry become flows, all of them when the
 * namespace (or NETNS_EVERY) is gone. */
void sock_settle(struct table *table, uint32_t netns, bool gone);

/* tell.c */
void merge_owner(struct table *table, const struct obs_owner *seen);
/* Traces the connection of a new TCP socket, once: connect or accept. */
void sock_tell(struct table *table, struct sock *sock);
/* Traces its end: of what was told, and of what is older than the collector. */
void sock_tell_close(struct table *table, struct sock *sock);
/* What its sockets tell is new (a socket, its owner, its counters): one more
 * record, when the curve allows; the first record tells it anyway. */
void flow_tell_socket(struct table *table, struct flow *flow);
/* The connection of a TCP socket, as its initiator sees it. */
struct tuple connection_of(const struct table *table, const struct sock *sock);

/* udp_news.c */
/* Notes that a UDP socket is new to its flows, or its owner. */
void udp_news_note(struct table *table, struct sock *sock);
/* The socket goes. */
void udp_news_forget(struct table *table, const struct sock *sock);
/* After a pass: from now on udp_news_tell has something to do, if there is news. */
void udp_news_begin(struct table *table);
/* Gives the sockets to the flows of their ports that lack one, and those that have
 * one a record that tells of it: a slice. True when there is more. */
bool udp_news_tell(struct table *table);

/* owners.c */
/* A shared copy of the owner, one reference more; SLOT_NONE when full. */
uint32_t owners_keep(struct table *table, const struct owner *owner);
/* One reference less; SLOT_NONE is a no-op. */
void owners_drop(struct table *table, uint32_t owner);

/* address.c */
void merge_address(struct table *table, const struct obs *obs);
void sweep_addresses(struct table *table, const struct obs_sweep *sweep);
bool address_is_local(const struct table *table, uint32_t netns, const struct addr *addr);
/* Whether any address of the namespace is known. */
bool address_any(const struct table *table, uint32_t netns);

/* join.c */
void join_flow(struct table *table, struct flow *flow);
/* The same before a record, where that can find more than it did before the last. */
void join_flow_again(struct table *table, struct flow *flow);
/* anywhere: also to the flow of another namespace that it goes with less well,
 * which a socket seen dead is not until nothing better can come. */
void join_socket(struct table *table, struct sock *sock, bool anywhere);
/* The flows that a TCP socket is lent to; returns how many. Each namespace on the way
 * of a connection can have one; past the first few none is told. */
#define BORROWERS_MAX 8
unsigned join_borrowers(const struct table *table, const struct sock *sock,
			struct flow *ret[BORROWERS_MAX]);

/* peers.c */
/* Whether the namespace of the flow is where that end of the connection lives. */
bool flow_is_home_of(const struct table *table, const struct flow *flow, enum side side);
/* Two entries can only be one connection when no end lives in both. */
bool flows_can_be_peers(const struct table *table, const struct flow *x, const struct flow *y);
/* Decides, before the first record, whether the flow is the primary one. */
void join_peers(struct table *table, struct flow *flow);
/* What is read of it for the first time after its first record can show that the other entry
 * of its connection is the one that counts: that one is then the primary. */
void weigh_peers(struct table *table, struct flow *flow);

/* due.c */
void due_set(struct table *table, struct flow *flow);
void due_cancel(struct table *table, struct flow *flow);
/* Whether the curve's minimum age lets it be reported before its end. */
bool due_is_old_enough(const struct table *table, const struct flow *flow);
/* Since it began, or was first seen where that is not known. */
uint64_t flow_age_ns(const struct table *table, const struct flow *flow, uint64_t now_boot_ns);

/* emit.c */
/* The flow's id, once its first record is made; before, what it would be now. */
uint64_t flow_id(const struct table *table, const struct flow *flow);
/* Fills everything but event, deltas and end from the flow. */
void record_fill(const struct table *table, const struct flow *flow, uint64_t now_boot_ns,
		 struct record *ret);
/* Makes and emits the next record of a flow. end_wall_ns: when it ended, if it has
 * and that is known, whatever the event. */
void flow_emit(struct table *table, struct flow *flow, enum event event, int end_reason,
	       uint64_t end_wall_ns);
/* Traces a socket: connect, accept, close. */
void sock_emit(struct table *table, struct sock *sock, enum event event);
/* Traces a connection that was refused or never answered, unless that was told. */
void flow_emit_failed(struct table *table, struct flow *flow, uint32_t error,
		      uint64_t end_wall_ns);
/* The same of a socket that asked for it. */
void sock_emit_failed(struct table *table, struct sock *sock, uint32_t error);

#endif
