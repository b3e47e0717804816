/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

/* The bytes that the BPF programs write and src/source reads. Both sides are of
 * one build, so this is no file format; but what is written here is checked as
 * any input is, since the programs read memory that the kernel recycles. */

#include <linux/types.h>

/* An end of a tuple as conntrack keeps it: network byte order; IPv4 in the first
 * four bytes. */
struct abi_tuple {
	__u8 source[16], destination[16];
	__u16 source_port_be, destination_port_be; /* or the ICMP id and type, code; GRE keys */
	__u8 proto;
	__u8 pad[3];
};

struct abi_count {
	__u64 packets, bytes;
};

/* Which members of struct abi_ct are filled. */
enum {
	ABI_CT_COUNTERS = 1 << 0,
	ABI_CT_START = 1 << 1,
	ABI_CT_LABELS = 1 << 2,
	ABI_CT_TIMEOUT = 1 << 3, /* the entry's timer runs; timeout_jiffies */
};

/* A conntrack entry, in three cache lines. */
struct abi_ct {
	__u64 object; /* its address: only with its tuple an identity; stays in src/source */
	struct abi_count count[2]; /* original, reply */
	__u64 start_wall_ns, stop_wall_ns;
	__u64 at_boot_ns;    /* of an event; 0 in a walk, whose reader knows the time */
	__u64 socket_cookie; /* of the socket that sent the first packet, or 0 */
	__u32 status;        /* IPS_* */
	__s32 timeout_jiffies; /* left until the entry expires; below 0: overdue */
	__u32 mark, netns;
	__u16 zone;
	__u8 zone_flags; /* bit 0 original, bit 1 reply (NF_CT_ZONE_DIR_*) */
	__u8 tcp_state;  /* enum tcp_conntrack, of TCP */
	__u8 family;     /* AF_INET, AF_INET6 */
	__u8 has;        /* ABI_CT_* */
	__u8 pad[2];
	struct abi_tuple tuple[2]; /* original, reply: of each its own source first */
	__u32 labels[4];
};

_Static_assert(sizeof(struct abi_ct) == 192, "three cache lines");

/* Flows that are read by address: so many to an element of the map. */
#define ABI_HOT_ENTRIES 64

struct abi_hot_entry {
	__u64 object;
	__u64 check; /* abi_tuple_check of its original tuple; 0: none */
};

struct abi_hot_page {
	struct abi_hot_entry entry[ABI_HOT_ENTRIES];
};

/* Tells one tuple from another that was given the same memory later. */
static inline __u64 abi_tuple_check(const struct abi_tuple *tuple)
{
	__u64 check = 0x9e3779b97f4a7c15ULL;
	__u32 word;

	for (unsigned i = 0; i < sizeof(*tuple) / sizeof(word); i++) {
		__builtin_memcpy(&word, (const char *)tuple + i * sizeof(word), sizeof(word));
		check = (check ^ word) * 0xff51afd7ed558ccdULL;
	}
	return check | 1;
}

/* What the walk is told (its .bss) before a pass and tells after. */
struct abi_walk {
	__u64 table;     /* address of the first bucket */
	__u32 buckets;   /* of the table */
	__u32 stride;    /* buckets to an element of the map */
	__u32 first, many; /* of these: the ones to look at in this round */
	__u32 netns_only;  /* show this namespace alone; 0: all */
	__u32 netns_own;   /* and this one, which is the reader's */
	__u32 hot_pages;   /* in use */
	__u64 table_symbol; /* address of the variable that holds `table`; 0: unknown */
	__u64 jiffies; /* when the last pass began */
	/* counts, only ever growing */
	__u64 shown;
	__u64 cut;  /* runs of buckets that hold more than an element can show */
	__u64 torn; /* chains that changed under the reader and stayed unread */
	__u64 void_entries; /* that failed a check and were passed over */
};

/* What the search for the table tells. */
struct abi_base {
	struct abi_tuple wanted; /* a UDP flow over IPv4 that is in the table */
	__u64 table;
	__s32 error; /* -errno of the lookup; 0: table is valid */
	__u32 bucket;
};

/* A symbol of the kernel that is looked for, and where it is. */
struct abi_symbol {
	__u64 address;
	__s32 error; /* -errno: -ENOENT, or -EPERM where addresses are hidden; 0: found */
	__u32 pad;
	char name[64]; /* its last byte is 0 */
};

/* Entries that one run of buckets or chain may hold. */
#define ABI_CHAIN_MAX 160

/* One end that found no room in the ring. */
struct abi_spill_key {
	__u64 object, at_boot_ns;
};

/* What befell the events of begins and ends: indexes of a per-CPU array. */
enum abi_life_stat {
	ABI_LIFE_BEGINS,
	ABI_LIFE_ENDS,
	ABI_LIFE_UNCONFIRMED, /* entries that were never in the table: no flows */
	ABI_LIFE_BEGINS_LOST, /* no room in the ring: the walk will show them */
	ABI_LIFE_ENDS_SPILLED, /* no room in the ring: kept in a map */
	ABI_LIFE_ENDS_LOST,    /* nor there */
	ABI_LIFE_STATS,
};

/* What is told of a TCP socket. */
enum abi_sock_kind {
	ABI_SOCK_CONNECTED, /* it has asked for its connection and has it */
	ABI_SOCK_ACCEPTED,  /* it was made for a connection that somebody asked for */
	ABI_SOCK_CLOSED,    /* it is over: the last word */
	ABI_SOCK_FAILED,    /* it has asked for a connection and does not get it */
	ABI_SOCK_SEEN,      /* a scan shows it */
};

enum {
	ABI_SOCK_OLD = 1 << 0,    /* it was there before the programs were */
	ABI_SOCK_GUESSED = 1 << 1, /* its process is that of the listener */
	ABI_SOCK_REFINED = 1 << 2, /* no more: it is who closed it */
	ABI_SOCK_ASKED = 1 << 3,   /* its connect came back, and was no failure */
	ABI_SOCK_BARE = 1 << 4,    /* it carries no note: no scan shows it */
	ABI_SOCK_ENDED = 1 << 5,   /* its end was told: the next it asks for is another */
};

enum { ABI_ROLE_UNKNOWN, ABI_ROLE_CLIENT, ABI_ROLE_SERVER };

#define ABI_COMM_SIZE 16

#define ABI_GENERATION_SHIFT 48

struct abi_sock {
	/* of the socket, unique while the host is up; for the connections that one makes
	 * after its first, with their number in the top bits */
	__u64 cookie;
	__u64 at_boot_ns;
	__u64 cgroup; /* id of its cgroup v2, or 0 */
	__u64 sent_bytes, received_bytes; /* payload: neither SYN nor FIN */
	__u32 segments_sent, segments_received, retransmits;
	__u32 srtt_us, rttvar_us, min_rtt_us; /* as tcp_info has them; 0: not measured */
	__u32 netns, uid;
	__u32 pid;        /* of the thread group, as the reader's namespace sees it; 0: none */
	/* From asking for the connection to having it; of an accepted one, from its
	 * standing to its being accepted. 0: not known. */
	__u32 connect_us;
	__s32 error;      /* of one that failed or was reset, an errno; 0: none, or not known */
	__u32 inode;      /* sockfs; 0 once no process holds it */
	__u16 local_port_be, remote_port_be;
	__u8 kind;   /* enum abi_sock_kind */
	__u8 state;  /* include/net/tcp_states.h */
	__u8 role;   /* ABI_ROLE_* */
	__u8 family; /* AF_INET, AF_INET6 */
	__u8 flags;  /* ABI_SOCK_* */
	__u8 pad[3];
	__u32 cwnd;  /* congestion window, segments */
	/* how long the peer's window, the socket's own buffer kept it from sending; jiffies */
	__u32 rwnd_limited_ticks, sndbuf_limited_ticks;
	__u8 local[16], remote[16]; /* IPv4 in the first four bytes */
	char comm[ABI_COMM_SIZE];
};

_Static_assert(sizeof(struct abi_sock) == 160, "no holes");

/* What a socket carries with it while the programs watch it. */
struct abi_sock_own {
	__u64 cookie, cgroup;
	__u64 asked_boot_ns; /* for its connection; of an accepted one, when that stood */
	__u32 pid, uid;
	__u32 connect_us;
	__u32 told_segments; /* sent and received, when it was last shown */
	__u32 told_round;    /* of abi_sock_conf.round */
	__u8 role, flags;
	__u16 generation; /* connections it made before this one, modulo 65536 */
	__u8 held;        /* its inode was told, since a process holds it */
	__u8 pad[7];
	char comm[ABI_COMM_SIZE];
};

_Static_assert(sizeof(struct abi_sock_own) == 72, "docs/kernel.md says how much it is");

/* A port that somebody listens on, and who does. */
struct abi_port_key {
	__u32 netns;
	__u16 port_be, pad;
};

struct abi_port {
	__u64 cookie; /* of the listener */
	__u32 pid, pad;
	char comm[ABI_COMM_SIZE];
};

/* What the programs of sockets are told (their .bss) and tell. */
struct abi_sock_conf {
	__u32 round;     /* a scan shows what it has not yet shown in this round */
	__u32 pid_level; /* of the reader's PID namespace; told by the search */
	__u64 pid_namespace; /* likewise: its address, to know it from its siblings */
	__u32 calls_are_told; /* sock_calls tells who accepts, and why connect failed */
	__u32 pad;
	/* counts, only ever growing */
	__u64 put_off; /* found no room in the ring of scans: shown again by the next */
	__u64 lost;    /* events that found no room */
	__u64 inside;  /* changes of state that came while another was looked at */
	__u64 bare;    /* sockets that the kernel let carry nothing: no scan shows them */
};

#endif
