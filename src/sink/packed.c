// SPDX-License-Identifier: Apache-2.0
/* Records in a queue: a record is a kilobyte, most of it owners that a
 * forwarded flow does not have. */
#include "sink/packed.h"

#include <string.h>

static bool has_owner(const struct record *record, enum side side)
{
	const unsigned first = side == INITIATOR ? FIELD_CLIENT_PID : FIELD_SERVER_PID;
	const unsigned last = side == INITIATOR ? FIELD_CLIENT_EXE : FIELD_SERVER_CONTAINER;

	for (unsigned id = first; id <= last; id++) {
		if (record_has(record, id))
			return true;
	}
	return false;
}

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

size_t packed_size(const struct record *record)
{
	size_t n = offsetof(struct record, owner);

	n += has_owner(record, INITIATOR) ? sizeof(struct owner) : 0;
	n += has_owner(record, RESPONDER) ? sizeof(struct owner) : 0;
	return align8(n);
}

size_t packed_size_min(void)
{
	return align8(offsetof(struct record, owner));
}

size_t packed_size_max(void)
{
	return align8(sizeof(struct record));
}

size_t packed_put(char *at, const struct record *record)
{
	size_t n = offsetof(struct record, owner);

	memcpy(at, record, n);
	for (enum side side = 0; side < SIDES; side++) {
		if (!has_owner(record, side))
			continue;
		memcpy(at + n, &record->owner[side], sizeof(struct owner));
		n += sizeof(struct owner);
	}
	return align8(n);
}

size_t packed_get(struct record *ret, const char *at)
{
	size_t n = offsetof(struct record, owner);

	memcpy(ret, at, n);
	for (enum side side = 0; side < SIDES; side++) {
		if (!has_owner(ret, side))
			continue;
		memcpy(&ret->owner[side], at + n, sizeof(struct owner));
		n += sizeof(struct owner);
	}
	return align8(n);
}
