// SPDX-License-Identifier: Apache-2.0
/*
 * The addresses of each namespace: what makes a flow outbound, inbound, local
 * or forwarded, and what tells two connections with equal tuples apart.
 */
#include <string.h>

#include "base/hash.h"
#include "flow/table_impl.h"

/* Nobody's address: kept for each namespace of which any address is known. */
static const struct addr any;

static uint64_t address_hash(const struct table *table, uint32_t netns, const struct addr *addr)
{
	return hash_bytes(addr, sizeof(*addr), table->conf.index_seed ^ netns);
}

static struct local_address *address_find(const struct table *table, uint32_t netns,
					  const struct addr *addr)
{
	const uint64_t hash = address_hash(table, netns, addr);
	struct local_address *local;
	uint32_t slot, at;

	for (slot = index_first(&table->address_by_value, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->address_by_value, hash, &at)) {
		local = pool_at(&table->addresses, slot);
		if (local->netns == netns && addr_is_equal(&local->addr, addr))
			return local;
	}
	return NULL;
}

bool address_is_local(const struct table *table, uint32_t netns, const struct addr *addr)
{
	return addr_is_loopback(addr) || address_find(table, netns, addr);
}

bool address_any(const struct table *table, uint32_t netns)
{
	return address_find(table, netns, &any);
}

static void address_keep(struct table *table, uint32_t netns, const struct addr *addr,
			 uint32_t at_ms)
{
	struct local_address *local = address_find(table, netns, addr);
	uint32_t slot;

	if (!local) {
		slot = pool_take(&table->addresses);
		if (slot == POOL_NONE)
			return; /* the flow then has no direction, which says so */
		local = pool_at(&table->addresses, slot);
		local->addr = *addr;
		local->netns = netns;
		local->used = true;
		index_add(&table->address_by_value, address_hash(table, netns, addr), slot);
		table->ends_ms = ms_of(table->now_boot_ns);
	}
	local->sampled_ms = at_ms;
}

void merge_address(struct table *table, const struct obs *obs)
{
	const struct obs_address *seen = &obs->address;

	address_keep(table, seen->netns, &seen->addr, ms_of(obs->at_boot_ns));
	address_keep(table, seen->netns, &any, ms_of(obs->at_boot_ns));
}

void sweep_addresses(struct table *table, const struct obs_sweep *sweep)
{
	const uint32_t began_ms = ms_of(sweep->began_boot_ns);
	struct local_address *local;
	uint32_t slot;

	for (slot = 0; slot < table->addresses.high; slot++) {
		local = pool_at(&table->addresses, slot);
		if (!local->used || local->netns != sweep->netns)
			continue;
		if (!sweep->gone && !ms_is_before(local->sampled_ms, began_ms))
			continue;
		index_remove(&table->address_by_value,
			     address_hash(table, local->netns, &local->addr), slot);
		pool_give(&table->addresses, slot);
		table->ends_ms = ms_of(table->now_boot_ns);
	}
}
