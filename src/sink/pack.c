// SPDX-License-Identifier: Apache-2.0
/* The records of a batch. */
#include "sink/pack.h"

#include <errno.h>
#include <string.h>

#include "sink/packed.h"

void pack_fini(struct pack *pack)
{
	buf_fini(&pack->raw);
	pack->count = 0;
}

void pack_clear(struct pack *pack)
{
	buf_clear(&pack->raw);
	pack->count = 0;
}

int pack_add(struct pack *pack, const char *packed, size_t n)
{
	char *room = buf_reserve(&pack->raw, n);

	if (!room) {
		pack->raw.error = 0; /* what is there stays good */
		return -ENOMEM;
	}
	memcpy(room, packed, n);
	pack->raw.len += n;
	pack->count++;
	return 0;
}

void pack_next(const struct pack *pack, size_t *at, struct record *ret)
{
	*at += packed_get(ret, pack->raw.data + *at);
}

void pack_drop(struct pack *pack, size_t n, const uint8_t *keep)
{
	size_t from = 0, to = 0, count = pack->count, size;
	struct record record;

	for (size_t i = 0; i < n && i < count; i++) {
		size = packed_get(&record, pack->raw.data + from);
		if (keep && keep[i]) {
			memmove(pack->raw.data + to, pack->raw.data + from, size);
			to += size;
		} else {
			pack->count--;
		}
		from += size;
	}
	memmove(pack->raw.data + to, pack->raw.data + from, pack->raw.len - from);
	pack->raw.len -= from - to;
}
