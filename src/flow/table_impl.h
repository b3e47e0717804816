/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_TABLE_IMPL_H
#define WEIR_FLOW_TABLE_IMPL_H

/* The inside of the flow table, shared by its own files only:
 *   table.c  construction, dispatch, sweeps, visiting, stats
 *   merge.c  conntrack observations into flows
 *   socket.c socket observations into sockets, and flows of sockets alone
 *   owners.c the processes that sockets point to, shared
 *   join.c   which sockets belong to which flow, which flows are one connection
 *   due.c    when a flow's next record is due (timer wheel, report curve)
 *   emit.c   flow → record */

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
	FLOW_PRIMARY = 1 << 27, /* chosen to be the one that is counted */
	FLOW_ID_BY_SIGHT = 1 << 26, /* its id is made of its first sight */
	FLOW_SOCKET_MOVED = 1 << 25, /* its sockets tell more than the last record did */
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
	SOCKET_MISSED = 1 << 4,
	SOCKET_TOLD = 1 << 5,      /* connect or accept was traced */
	SOCKET_HAS_INFO = 1 << 6,
	SOCKET_STALE = 1 << 7,     /* closed without a last word: the last sample's totals */
	SOCKET_COUNTED = 1 << 8,   /* a flow that is gone has counted its connection */
};

struct sock {
	uint64_t cookie;
	struct tuple local;
	uint32_t netns, uid;
	uint32_t flow;       /* SLOT: the flow of its connection (TCP) */
	uint32_t users;      /* flows that point here: a socket is lent, a bound UDP one to many */
	uint32_t owner;      /* SLOT, in owners */
	uint32_t sampled_ms; /* boot ms, modulo 2^32 */
	uint32_t retransmits, srtt_us, rttvar_us, min_rtt_us;
	uint16_t flags;      /* SOCKET_* above */
	uint8_t state, role;
	uint64_t seen_boot_ns; /* first sight */
	uint64_t payload_bytes[SIDES], segments[SIDES]; /* [INITIATOR]: sent by this socket */
};

/* Owners are shared by the sockets of a process. */
struct owner_entry {
	struct owner owner;
	uint32_t references;
};

/* What passes over a namespace have shown so far. */
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

struct table {
	struct table_conf conf;
	struct pool flows;  /* struct flow */
	struct index by_tuple; /* flows by key.orig, and by nat where it differs */
	uint8_t (*labels)[16];   /* owned mapping, by flow slot */
	uint64_t *peer_ids;      /* owned mapping, by flow slot */
	uint64_t *first_sights;  /* owned mapping, by flow slot: wall ns, of FLOW_ID_BY_SIGHT */

	struct pool sockets; /* struct sock */
	struct index socket_by_cookie, socket_by_tuple;
	uint64_t *closed_cookies; /* owned mapping, by hash: a dump can show what has ended */
	struct pool owners; /* struct owner_entry */
	struct index owner_by_content;
	struct pool addresses; /* struct local_address */
	struct index address_by_value;
	struct scope scope[SCOPES_MAX];
	uint32_t scope_count;

	uint32_t due_head[DUE_BUCKETS]; /* SLOT */
	uint32_t due_count;
	uint64_t due_tick;              /* the next tick to look at */

	uint64_t now_boot_ns; /* of the last observation or advance */
	int64_t wall_minus_boot_ns;
	uint32_t lingering; /* ended flows that still have a row */
	uint32_t linger_first, linger_last; /* SLOT: oldest to youngest, linked by due_next */
	struct table_stats count;
};

_Static_assert(sizeof(struct flow) <= 224, "a flow and its index cells take at most 256 bytes");
_Static_assert(sizeof(struct sock) <= 160, "a socket and its index cells take at most 192 bytes");

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
void merge_owner(struct table *table, const struct obs_owner *seen);
void sweep_sockets(struct table *table, const struct obs_sweep *sweep);
/* Takes back the sockets lent to a flow that goes; closed ones go with it. */
void sock_release_of(struct table *table, struct flow *flow);
/* The same for one side. */
void sock_release(struct table *table, struct flow *flow, enum side side);
/* What its sockets tell is new (a socket, its owner, its counters): one more
 * record, when the curve allows; the first record tells it anyway. */
void flow_tell_socket(struct table *table, struct flow *flow);
/* Whether a socket that is not closed is lent to the flow. */
bool has_live_socket(const struct table *table, const struct flow *flow);
/* Lets a flow that nobody counts yet be counted by its TCP socket, if it has one. */
void sock_take_over_counting(struct table *table, struct flow *flow);
/* After a pass: TCP sockets that have no entry become flows, all of them when the
 * namespace is gone. */
void sock_settle(struct table *table, uint32_t netns, bool gone);

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
void join_socket(struct table *table, struct sock *sock);
/* Decides, before the first record, whether the flow is the primary one. */
void join_peers(struct table *table, struct flow *flow);

/* due.c */
void due_set(struct table *table, struct flow *flow);
void due_cancel(struct table *table, struct flow *flow);
/* Whether the curve's minimum age lets it be reported before its end. */
bool due_is_old_enough(const struct table *table, const struct flow *flow);
/* enum direction, or -1 when the namespace's addresses are not known. */
uint64_t flow_age_ns(const struct table *table, const struct flow *flow, uint64_t now_boot_ns);

/* emit.c */
/* The flow's id, once its first record is made; before, what it would be now. */
uint64_t flow_id(const struct table *table, const struct flow *flow);
/* Fills everything but event, deltas and end from the flow. */
void record_fill(const struct table *table, const struct flow *flow, uint64_t now_boot_ns,
		 struct record *ret);
/* Makes and emits the next record of a flow. */
void flow_emit(struct table *table, struct flow *flow, enum event event, int end_reason,
	       uint64_t end_wall_ns);
/* Traces a socket: connect, accept, close. */
void sock_emit(struct table *table, struct sock *sock, enum event event);
/* Traces a connection that was refused or never answered. */
void flow_emit_failed(struct table *table, struct flow *flow, uint32_t error);

#endif
