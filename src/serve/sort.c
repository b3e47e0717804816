// SPDX-License-Identifier: Apache-2.0
/*
 * The best N records by one field. Every type is turned into sixteen bytes
 * whose bytewise order is its own; records without the field come last.
 */
#include "serve/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/nearest.h"
#include "base/why.h"
#include "encode/encode.h"
#include "flow/field.h"

struct sort {
	uint8_t field[2]; /* the second, if there is one (else FIELD_COUNT), is added */
	bool is_share;    /* or the first is taken as a part of the local side's segments */
	bool descending;
	size_t capacity, count;
	size_t allocated;
	size_t heap; /* rows before it are a heap, those from it on are in order */
	struct sort_row *row; /* owned: a heap, the worst on top; in order when finished */
};

struct sum {
	const char *name;
	uint8_t field[2];
};

static const struct sum sums[] = {
	{ "bytes", { FIELD_BYTES_ORIG, FIELD_BYTES_REPLY } },
	{ "packets", { FIELD_PACKETS_ORIG, FIELD_PACKETS_REPLY } },
	{ "rate", { FIELD_RATE_ORIG_BPS, FIELD_RATE_REPLY_BPS } },
	{ "duration", { FIELD_DURATION_MS, FIELD_COUNT } },
	{ "pid", { FIELD_CLIENT_PID, FIELD_COUNT } },
	{ "comm", { FIELD_CLIENT_COMM, FIELD_COUNT } },
};

static int find(struct sort *sort, const char *name, struct why *why)
{
	struct nearest nearest = { .word = name, .n = strlen(name) };

	nearest_offer(&nearest, "retransmit_percent");
	if (!strcasecmp(name, "retransmit_percent")) {
		*sort->field = FIELD_RETRANSMITS;
		sort->is_share = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		nearest_offer(&nearest, sums[i].name);
		if (!strcasecmp(sums[i].name, name)) {
			memcpy(sort->field, sums[i].field, sizeof(sort->field));
			return 0;
		}
	}
	if (table_column_fields(sort->field, name) == 0)
		return 0;
	table_columns_offer(&nearest);
	return why_set(why, -EINVAL, "sort: unknown field \"%.40s\"%s%s%s", name,
		       nearest.best ? ", did you mean \"" : "", nearest.best ? nearest.best : "",
		       nearest.best ? "\"?" : "");
}

int sort_new_keyed(struct sort **ret, bool descending, uint64_t limit)
{
	struct sort *sort = calloc(1, sizeof(*sort));

	if (!sort)
		return -ENOMEM;
	sort->descending = descending;
	sort->capacity = limit && limit < UINT32_MAX ? (size_t)limit : UINT32_MAX;
	*ret = sort;
	return 0;
}

int sort_new(struct sort **ret, const char *order, uint64_t limit, struct why *why)
{
	struct sort *sort;
	int r = sort_new_keyed(&sort, *order == '-', limit);

	if (r < 0)
		return why_set(why, r, "no memory to sort");
	r = find(sort, order + sort->descending, why);
	if (r < 0) {
		sort_free(sort);
		return r;
	}
	*ret = sort;
	return 0;
}

void sort_free(struct sort *sort)
{
	if (!sort)
		return;
	free(sort->row);
	free(sort);
}

void sort_put_number(uint8_t at[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static uint64_t number_of(const struct field *field, const struct record *record)
{
	const void *value = field_at(field, record);
	uint16_t narrow;

	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_NAME:
	case FIELD_TYPE_PROTO:
	case FIELD_TYPE_BOOL:
		return *(const uint8_t *)value;
	case FIELD_TYPE_U16:
		return *(const uint16_t *)value;
	case FIELD_TYPE_PORT:
		memcpy(&narrow, value, sizeof(narrow));
		return __builtin_bswap16(narrow);
	case FIELD_TYPE_U32:
	case FIELD_TYPE_STATUS:
	case FIELD_TYPE_ERRNO:
		return *(const uint32_t *)value;
	case FIELD_TYPE_DOUBLE: /* milliseconds, never negative */
		return (uint64_t)(*(const double *)value * 1000);
	default:
		return *(const uint64_t *)value;
	}
}

static void invert(uint8_t key[16])
{
	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)~key[i];
}

uint64_t sort_share(uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((double)part * 1e9 / (double)whole) : 0;
}

static void make_share_key(const struct sort *sort, const struct record *record,
			   uint8_t key[16])
{
	const uint64_t segments = record_has(record, FIELD_TCP_SEGMENTS_ORIG) ?
					  record->tcp_segments[record_health_side(record)] : 0;

	memset(key, 0xff, 16);
	if (!record_has(record, FIELD_RETRANSMITS) || !segments)
		return;
	sort_put_number(key, sort_share(record->retransmits[INITIATOR], segments));
	sort_put_number(key + 8, record->retransmits[INITIATOR]); /* of equals */
	if (sort->descending)
		invert(key);
}

static void make_key(const struct sort *sort, const struct record *record, uint8_t key[16])
{
	const bool has[2] = {
		record_has(record, sort->field[0]),
		sort->field[1] < FIELD_COUNT && record_has(record, sort->field[1]),
	};
	const struct field *field = &field_table[sort->field[has[0] ? 0 : has[1]]];
	uint64_t number;

	memset(key, 0, 16);
	if (!has[0] && !has[1]) {
		memset(key, 0xff, 16);
		return;
	}
	switch (field->type) {
	case FIELD_TYPE_ADDR:
		memcpy(key, field_at(field, record), 16);
		break;
	case FIELD_TYPE_TEXT:
		strncpy((char *)key, field_at(field, record), 15);
		break;
	case FIELD_TYPE_LABELS:
	case FIELD_TYPE_HOST:
	case FIELD_TYPE_COMMUNITY:
	case FIELD_TYPE_FAMILY:
		memcpy(key, &record->orig.addr[INITIATOR], 16);
		break;
	default:
		number = number_of(field, record);
		if (has[0] && has[1])
			number += number_of(&field_table[sort->field[1]], record);
		sort_put_number(key, number);
		break;
	}
	if (sort->descending)
		invert(key);
}

static int compare(const void *x, const void *y)
{
	const struct sort_row *a = x, *b = y;
	const int order = memcmp(a->key, b->key, sizeof(a->key));

	if (order)
		return order;
	return (a->cursor > b->cursor) - (a->cursor < b->cursor);
}

static void swap(struct sort_row *x, struct sort_row *y)
{
	const struct sort_row spare = *x;

	*x = *y;
	*y = spare;
}

static void sift_up(struct sort *sort, size_t i)
{
	while (i && compare(&sort->row[i], &sort->row[(i - 1) / 2]) > 0) {
		swap(&sort->row[i], &sort->row[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct sort *sort)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < sort->heap) {
		if (child + 1 < sort->heap &&
		    compare(&sort->row[child + 1], &sort->row[child]) > 0)
			child++;
		if (compare(&sort->row[child], &sort->row[i]) <= 0)
			return;
		swap(&sort->row[i], &sort->row[child]);
		i = child;
	}
}

static bool has_room(struct sort *sort)
{
	struct sort_row *grown;
	size_t wanted;

	if (sort->count == sort->capacity)
		return false;
	if (sort->count < sort->allocated)
		return true;
	wanted = sort->allocated ? 2 * sort->allocated : 64;
	if (wanted > sort->capacity)
		wanted = sort->capacity;
	grown = realloc(sort->row, wanted * sizeof(*grown));
	if (!grown)
		return false;
	sort->row = grown;
	sort->allocated = wanted;
	return true;
}

static void offer(struct sort *sort, const struct sort_row *row)
{
	if (has_room(sort)) {
		sort->row[sort->count++] = *row;
		sort->heap = sort->count;
		sift_up(sort, sort->count - 1);
	} else if (sort->count && compare(row, &sort->row[0]) < 0) {
		sort->row[0] = *row;
		sift_down(sort);
	}
}

void sort_offer(struct sort *sort, const struct record *record, uint32_t cursor)
{
	struct sort_row row = { .flow_id = record->flow_id, .cursor = cursor };

	if (sort->is_share)
		make_share_key(sort, record, row.key);
	else
		make_key(sort, record, row.key);
	offer(sort, &row);
}

void sort_offer_key(struct sort *sort, const uint8_t key[16], uint32_t cursor)
{
	struct sort_row row = { .cursor = cursor };

	memset(row.key, 0xff, sizeof(row.key));
	if (key)
		memcpy(row.key, key, sizeof(row.key));
	if (key && sort->descending)
		invert(row.key);
	offer(sort, &row);
}

bool sort_finish(struct sort *sort, size_t n)
{
	/* the worst of what is left goes to its end */
	for (; n && sort->heap > 1; n--) {
		swap(&sort->row[0], &sort->row[--sort->heap]);
		sift_down(sort);
	}
	return sort->heap <= 1;
}

bool sort_row(const struct sort *sort, size_t i, struct sort_row *ret)
{
	if (i >= sort->count)
		return false;
	*ret = sort->row[i];
	return true;
}
