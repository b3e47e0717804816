// SPDX-License-Identifier: Apache-2.0
/*
 * Finding conntrack's hash table.
 *
 * The name is there where the kernel was built with KALLSYMS_ALL and we may see
 * addresses. Otherwise a flow of our own is looked up from inside its namespace
 * by a program that is run once; it expires when nobody sends, so it is begun
 * anew when the lookup does not find it.
 */
#include "source/ct_base.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "source/beacon.h"
#include "source/bpf_objects.h"
#include "source/bpf_words.h"

#define SYMBOL "nf_conntrack_hash"
/* A chain can change while it is followed. */
#define TRIES 4
#define PAGE_MASK 4095ULL

struct ct_base {
	uint64_t symbol;
	struct beacon *beacon;        /* owned; NULL: by name */
	struct ct_base_bpf *skeleton; /* owned; likewise */
};

static int run_program(void *context)
{
	struct ct_base *base = context;
	/* an Ethernet header and room, as the test run wants it */
	unsigned char packet[64] = { [12] = ETH_P_IP >> 8 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
		    .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts(bpf_program__fd(base->skeleton->progs.find_table),
				      &options) < 0 ? -errno : 0;
}

static void tell_wanted(struct ct_base *base)
{
	const struct key *key = beacon_key(base->beacon);
	struct abi_tuple *wanted = &base->skeleton->bss->base.wanted;

	memcpy(wanted->source, &key->orig.addr[INITIATOR].byte[12], 4);
	memcpy(wanted->destination, &key->orig.addr[RESPONDER].byte[12], 4);
	wanted->source_port_be = key->orig.port_be[INITIATOR];
	wanted->destination_port_be = key->orig.port_be[RESPONDER];
	wanted->proto = key->orig.proto;
}

int ct_base_find(struct ct_base *base, uint64_t *ret)
{
	int r = 0;

	*ret = 0;
	if (base->symbol)
		return 0;
	for (int try = 0; try < TRIES; try++) {
		r = beacon_inside(base->beacon, run_program, base);
		if (r < 0)
			return r;
		r = base->skeleton->bss->base.error;
		*ret = base->skeleton->bss->base.table;
		/* it is allocated by pages: anything else is a chain that moved */
		if (!r && *ret && !(*ret & PAGE_MASK))
			return 0;
		if (r == -ENOENT && beacon_talk(base->beacon, 1, 1) < 0)
			return -ENOENT;
	}
	return r < 0 ? r : -EAGAIN;
}

static int open_beacon(struct ct_base *base, struct why *why)
{
	uint64_t table;
	int r;

	r = beacon_new(&base->beacon, why);
	if (r < 0)
		return r;
	bpf_words_begin();
	base->skeleton = ct_base_bpf__open_and_load();
	if (!base->skeleton)
		return bpf_words_why(why, -errno, "looking conntrack entries up by BPF");
	tell_wanted(base);
	r = beacon_talk(base->beacon, 1, 1);
	if (r < 0)
		return why_set(why, r, "talking over a loopback of our own: %s", strerror(-r));
	r = ct_base_find(base, &table);
	if (r < 0)
		return why_set(why, r, "the conntrack table was not found: %s", strerror(-r));
	return 0;
}

int ct_base_new(struct ct_base **ret, struct why *why)
{
	struct ct_base *base = calloc(1, sizeof(*base));
	struct why reason = { "" };
	int r, by_name;

	if (!base)
		return why_set(why, -ENOMEM, "out of memory");
	by_name = bpf_words_symbol(&base->symbol, SYMBOL);
	if (by_name < 0) {
		base->symbol = 0;
		r = open_beacon(base, &reason);
		if (r < 0) {
			ct_base_free(base);
			return why_set(why, -ENOTSUP, "/proc/kallsyms %s " SYMBOL "; %s",
				       by_name == -EPERM ? "hides" : "does not name",
				       reason.text);
		}
	}
	*ret = base;
	return 0;
}

void ct_base_free(struct ct_base *base)
{
	if (!base)
		return;
	ct_base_bpf__destroy(base->skeleton);
	beacon_free(base->beacon);
	free(base);
}

uint64_t ct_base_symbol(const struct ct_base *base)
{
	return base->symbol;
}

uint32_t ct_base_netns(const struct ct_base *base)
{
	return base->beacon ? beacon_key(base->beacon)->netns : 0;
}
