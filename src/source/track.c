// SPDX-License-Identifier: Apache-2.0
/*
 * --track: one nftables batch over libmnl.
 *
 * The kernel hooks connection tracking into a namespace for as long as some rule
 * there asks for it, and it counts the rule when it is made (nft_ct_get_init), not
 * when a packet meets it. So the rule stands in a chain without a hook that
 * nothing jumps to: no packet pays for it beyond tracking itself, and no
 * verdict is ever ours. The table belongs to the socket, which stays open.
 *
 * A kernel whose tables belong to nobody keeps one that nobody removes, so there
 * it is removed at the end, and what a killed weir left is replaced. That no
 * other weir lives by it is known by a name that only one can have.
 */
#include "source/track.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/why.h"
#include "source/ct_socket.h"
#include "source/ct_sysctl.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2 /* Linux 5.12 */
#endif

#define TABLE_NAME "weir"
#define TRIAL_NAME "weir-trial"
#define CHAIN_NAME "mention"
#define BATCH_BYTES 2048
/* In the abstract namespace, which is one per network namespace. */
#define HOLDER_NAME "weir-track"

/* What a batch asks for. */
enum request {
	LOAD_OWNED, /* the table, which must be new, while the socket is open */
	LOAD_PLAIN, /* the table, in place of one that was left behind */
	TRY_OWNED,  /* nothing at all: whether a table may have an owner */
	REMOVE,
};

struct track {
	int fd;        /* owned: the table lives as long as it is open */
	int holder_fd; /* owned: has the name, where tables have no owner; else -1 */
};

static struct nlmsghdr *put(struct mnl_nlmsg_batch *batch, uint16_t type, uint16_t flags,
			    uint8_t family, uint16_t resource)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch));
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));

	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header->nlmsg_seq = 1;
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	generic->res_id = htons(resource);
	return header;
}

static struct nlmsghdr *put_nft(struct mnl_nlmsg_batch *batch, unsigned type, uint16_t flags)
{
	return put(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		   (uint16_t)(NLM_F_ACK | NLM_F_CREATE | flags), NFPROTO_INET, 0);
}

/* "ct state", loaded into a register and left there. */
static void put_expression(struct nlmsghdr *header)
{
	struct nlattr *list, *element, *data;

	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, "ct");
	data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put_u32(header, NFTA_CT_KEY, htonl(NFT_CT_STATE));
	mnl_attr_put_u32(header, NFTA_CT_DREG, htonl(NFT_REG_1));
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, element);
	mnl_attr_nest_end(header, list);
}

static void put_table(struct mnl_nlmsg_batch *batch, const char *name, uint16_t flags,
		      uint32_t table_flags)
{
	struct nlmsghdr *header = put_nft(batch, NFT_MSG_NEWTABLE, flags);

	mnl_attr_put_strz(header, NFTA_TABLE_NAME, name);
	if (table_flags)
		mnl_attr_put_u32(header, NFTA_TABLE_FLAGS, htonl(table_flags));
	mnl_nlmsg_batch_next(batch);
}

static void put_removal(struct mnl_nlmsg_batch *batch)
{
	struct nlmsghdr *header = put_nft(batch, NFT_MSG_DELTABLE, 0);

	mnl_attr_put_strz(header, NFTA_TABLE_NAME, TABLE_NAME);
	mnl_nlmsg_batch_next(batch);
}

static void put_mention(struct mnl_nlmsg_batch *batch)
{
	struct nlmsghdr *header;

	header = put_nft(batch, NFT_MSG_NEWCHAIN, 0);
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, CHAIN_NAME);
	mnl_nlmsg_batch_next(batch);

	header = put_nft(batch, NFT_MSG_NEWRULE, NLM_F_APPEND);
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, CHAIN_NAME);
	put_expression(header);
	mnl_nlmsg_batch_next(batch);
}

/* How many answers there will be. */
static unsigned put_request(struct mnl_nlmsg_batch *batch, enum request request)
{
	switch (request) {
	case LOAD_OWNED:
		put_table(batch, TABLE_NAME, NLM_F_EXCL, NFT_TABLE_F_OWNER);
		put_mention(batch);
		return 3;
	case LOAD_PLAIN:
		/* made if it is not there, so that it can be removed */
		put_table(batch, TABLE_NAME, 0, 0);
		put_removal(batch);
		put_table(batch, TABLE_NAME, NLM_F_EXCL, 0);
		put_mention(batch);
		return 5;
	case TRY_OWNED:
		put_table(batch, TRIAL_NAME, NLM_F_EXCL, NFT_TABLE_F_OWNER);
		return 1;
	default:
		put_removal(batch);
		return 1;
	}
}

/* The answers are there when write(2) returns: the first error, or 0. */
static int read_answers(int fd, unsigned wanted)
{
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	const struct nlmsghdr *header;
	const struct nlmsgerr *error;
	unsigned acks = 0;
	int left, first = 0;
	ssize_t n;

	while ((n = read(fd, &answer, sizeof(answer))) > 0) {
		header = &answer.header;
		left = (int)n;
		for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
			if (header->nlmsg_type != NLMSG_ERROR ||
			    header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
				continue;
			error = mnl_nlmsg_get_payload(header);
			if (error->error < 0 && !first)
				first = error->error;
			acks++;
		}
	}
	if (first)
		return first;
	return acks >= wanted ? 0 : -EPROTO;
}

static int ask(int fd, enum request request)
{
	/* libmnl wants room for one message beyond the limit */
	uint32_t room[2 * BATCH_BYTES / sizeof(uint32_t)] = { 0 };
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(room, BATCH_BYTES);
	unsigned wanted;
	ssize_t n;

	if (!batch)
		return -ENOMEM;
	put(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(batch);
	wanted = put_request(batch, request);
	/* a batch without an end is looked at and undone (nfnetlink_rcv_batch) */
	if (request != TRY_OWNED) {
		put(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
		mnl_nlmsg_batch_next(batch);
	}
	n = write(fd, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch));
	if (n < 0)
		n = -errno;
	mnl_nlmsg_batch_stop(batch);
	return n < 0 ? (int)n : read_answers(fd, wanted);
}

/* Until 5.12 is the oldest kernel: a table without an owner, by one weir alone. */
static int load_plain(struct track *track)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof(HOLDER_NAME);

	memcpy(address.sun_path + 1, HOLDER_NAME, sizeof(HOLDER_NAME) - 1);
	track->holder_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (track->holder_fd < 0)
		return -errno;
	if (bind(track->holder_fd, (const struct sockaddr *)&address, length) < 0) {
		const int r = errno == EADDRINUSE ? -EEXIST : -errno;

		close(track->holder_fd);
		track->holder_fd = -1;
		return r;
	}
	return ask(track->fd, LOAD_PLAIN);
}

static int load(struct track *track)
{
	int r = ask(track->fd, LOAD_OWNED);

	/* a table that is there is found before the flag that is not known */
	if (r == -EINVAL || (r == -EEXIST && ask(track->fd, TRY_OWNED) == -EINVAL))
		r = load_plain(track);
	return r;
}

static int check_headroom(struct why *why)
{
	struct ct_state_now now;
	int r = ct_state_read(&now, why);

	if (r < 0)
		return r;
	/* before the module is loaded there is nothing to be short of */
	if (now.max && now.count > now.max / 2)
		return why_set(why, -EBUSY,
			       "the conntrack table is more than half full (%llu of %llu): "
			       "tracking this host's own traffic could fill it",
			       (unsigned long long)now.count, (unsigned long long)now.max);
	return 0;
}

static int explain(struct why *why, int r)
{
	/* A table that another socket owns is refused with EPERM, too. */
	if (r == -EEXIST || (r == -EPERM && caps_has(CAP_NET_ADMIN)))
		return why_set(why, -EEXIST,
			       "the nftables table \"inet " TABLE_NAME "\" exists: "
			       "another weir is tracking already");
	if (r == -EPERM)
		return why_set(why, r, "making an nftables table needs CAP_NET_ADMIN");
	if (r == -EOPNOTSUPP || r == -EINVAL || r == -ENOENT || r == -EPROTO)
		return why_set(why, -ENOTSUP,
			       "this kernel has no nftables or no ct expression there: %s",
			       strerror(-r));
	return why_set(why, r, "nftables table \"inet " TABLE_NAME "\": %s", strerror(-r));
}

int track_open_private(struct track **ret, struct why *why)
{
	struct track *track = calloc(1, sizeof(*track));
	int r;

	if (!track)
		return -ENOMEM;
	track->holder_fd = -1;
	track->fd = ct_socket_open(why);
	if (track->fd < 0) {
		r = track->fd;
		goto fail;
	}
	r = load(track);
	if (r < 0) {
		r = explain(why, r);
		goto fail;
	}
	*ret = track;
	return 0;
fail:
	track_close(track);
	return r;
}

int track_open(struct track **ret, struct why *why)
{
	const int r = check_headroom(why);

	return r < 0 ? r : track_open_private(ret, why);
}

void track_close(struct track *track)
{
	if (!track)
		return;
	if (track->holder_fd >= 0) {
		ask(track->fd, REMOVE);
		close(track->holder_fd);
	}
	if (track->fd >= 0)
		close(track->fd);
	free(track);
}
