/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_OBS_H
#define WEIR_FLOW_OBS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/key.h"
#include "flow/owner.h"

/* An observation: one thing that one source saw about one flow or socket. A
 * flat value without pointers; totals are absolute, never deltas, so that a
 * lost, late or repeated one costs freshness and not truth. */
enum obs_kind {
	OBS_OPEN,     /* it has just begun */
	OBS_BASELINE, /* it was there before the source was: totals are a zero point */
	OBS_SAMPLE,   /* its state now */
	OBS_CLOSE,    /* it has ended; the totals are the last word */
	OBS_OWNER,    /* a process holds this socket */
	OBS_ADDRESS,  /* a namespace has this local address */
	OBS_SWEEP,    /* a whole pass is over: what it did not show has vanished */
};

/* Who saw it. The two that count are never mixed: conntrack counts IP bytes of skbs, a
 * socket payload bytes and segments. */
enum origin { ORIGIN_CONNTRACK, ORIGIN_SOCKET, ORIGIN_ADDRESS };

/* Which members of struct obs_ct are filled. */
enum {
	CT_COUNTERS = 1 << 0, /* bytes, packets */
	CT_REPLY = 1 << 1,
	CT_START = 1 << 2,
	CT_STOP = 1 << 3,
	CT_STATUS = 1 << 4,
	CT_MARK = 1 << 5,
	CT_TIMEOUT = 1 << 6,
	CT_STATE = 1 << 7, /* tcp_state: TCP only */
	CT_LABELS = 1 << 8,
	CT_EVENT = 1 << 9, /* from an event: it has no counters by its nature, and its state is
			    * as old as the event */
};

/* A conntrack entry. */
struct obs_ct {
	struct key key;
	struct tuple reply; /* as conntrack has it: the responder is its source */
	uint32_t has;       /* CT_* */
	uint32_t mark;
	uint32_t status; /* IPS_* bits */
	uint32_t timeout_s;
	uint64_t bytes[SIDES], packets[SIDES]; /* [INITIATOR]: original direction */
	uint64_t start_wall_ns, stop_wall_ns;  /* conntrack's own timestamps */
	uint8_t tcp_state;                     /* enum tcp_conntrack */
	uint8_t labels[16];                    /* bit n of the label set is byte n/8, bit n%8 */
};

/* Which end of the connection a socket is. */
enum socket_role { SOCKET_ROLE_UNKNOWN, SOCKET_ROLE_CLIENT, SOCKET_ROLE_SERVER };

enum {
	SOCKET_INFO = 1 << 0,  /* the tcp_info members */
	SOCKET_UID = 1 << 1,
	SOCKET_TUPLE = 1 << 2, /* absent from a DESTROY that came too late for it */
	SOCKET_ONLY_V6 = 1 << 3, /* bound to ::, it takes no IPv4 (IPV6_V6ONLY) */
	SOCKET_MADE = 1 << 5, /* of a SAMPLE: its connection was made at that time */
	SOCKET_UNSEEN = 1 << 6, /* no pass will show it: its end is told, or nothing */
	SOCKET_FAILED = 1 << 4, /* of a CLOSE: it asked for a connection and did not get it */
};

/* A socket: of TCP, or a bound UDP socket that lends its owner to flows. The
 * tuple is the socket's own view: INITIATOR is the local end, RESPONDER the
 * remote one (all zero when it is not connected). */
struct obs_socket {
	struct tuple local;
	uint32_t netns;
	uint32_t uid;
	uint64_t cookie; /* unique while the host is up; 0 never occurs */
	uint32_t inode;  /* sockfs; 0 once no process holds it */
	uint8_t state;   /* TCP_ESTABLISHED … of the kernel's tcp_states.h */
	uint8_t role;    /* enum socket_role */
	uint16_t has;    /* SOCKET_* */
	bool syn_may_count; /* the source's own: payload_sent_bytes may hold the SYN */

	/* from tcp_info, corrected for the SYN and FIN that the kernel counts */
	uint64_t payload_sent_bytes, payload_received_bytes;
	uint64_t segments_sent, segments_received;
	uint32_t retransmitted_segments;
	uint32_t srtt_us, rttvar_us, min_rtt_us;
	uint32_t cwnd; /* congestion window, segments */
	/* how long the peer's window, its own buffer kept it from sending (tcp_info) */
	uint64_t rwnd_limited_us, sndbuf_limited_us;

	uint32_t connect_us; /* from asking for the connection to having it; 0: not known */
	uint32_t error;      /* errno of one that failed or was reset; 0: none, or not known */
};

/* Says who holds the socket with that cookie. */
struct obs_owner {
	uint64_t cookie;
	bool guess; /* rather than nobody */
	struct owner owner;
};

/* One of the addresses at which a namespace can be reached: what makes a flow
 * outbound, inbound, local or forwarded. */
struct obs_address {
	struct addr addr;
	uint32_t netns;
};

/* Of a sweep: all namespaces at once. No namespace has this number. */
#define NETNS_EVERY 0

/* A pass over everything of `origin` in `netns` (or NETNS_EVERY) began at began_boot_ns and is
 * complete. With `gone` set the namespace itself is no more; with `still_empty`
 * this pass showed nothing, like those before, so that no flow can be missing; with
 * `tcp_only` or `udp_only` it did not look at the other sockets, of which it says
 * nothing; with `moved_only` it showed what has moved, and is no proof of an absence. */
struct obs_sweep {
	uint32_t netns;
	bool gone, still_empty, tcp_only, udp_only, moved_only;
	uint64_t began_boot_ns;
	/* Of sockets: for those seen before this a process has been looked for, in vain
	 * where none was told. 0: for those seen before it began. */
	uint64_t owners_boot_ns;
};

struct obs {
	uint8_t kind;   /* enum obs_kind */
	uint8_t origin; /* enum origin */
	/* A SAMPLE or CLOSE told by the kernel before the source's first pass was over: of
	 * what is not known yet the totals are a zero point, as those of a BASELINE. */
	bool may_be_old;
	uint64_t at_boot_ns;
	union { /* by kind: OWNER owner, ADDRESS address, SWEEP sweep; else by origin */
		struct obs_ct ct;
		struct obs_socket socket;
		struct obs_owner owner;
		struct obs_address address;
		struct obs_sweep sweep;
	};
};

/* Where a source puts what it saw. Valid during the call. */
struct obs_outlet {
	void (*emit)(void *context, const struct obs *obs);
	void *context;
};

/* A text form, one observation a line, for recorded files: writing a read line
 * again gives the same line. Returns 0, or -EINVAL with the sentence. */
struct buf;
struct why;
void obs_append_text(struct buf *buf, const struct obs *obs);
int obs_parse_text(struct obs *ret, const char *line, struct why *why);

#endif
