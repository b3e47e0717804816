// SPDX-License-Identifier: Apache-2.0
/* Words of a filter into typed values, by the field they are compared with. */
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/nearest.h"
#include "base/num.h"
#include "flow/filter_impl.h"

struct short_name {
	const char *name;
	struct operand operand;
};

#define ONE(id) .field = { id, FIELD_COUNT }

static const struct short_name short_names[] = {
	{ "bytes", { .field = { FIELD_BYTES_ORIG, FIELD_BYTES_REPLY }, .combine = COMBINE_SUM } },
	{ "packets", { .field = { FIELD_PACKETS_ORIG, FIELD_PACKETS_REPLY },
		       .combine = COMBINE_SUM } },
	{ "rate", { .field = { FIELD_RATE_ORIG_BPS, FIELD_RATE_REPLY_BPS },
		    .combine = COMBINE_SUM } },
	{ "age", { ONE(FIELD_DURATION_MS), .unit = true } },
	{ "duration", { ONE(FIELD_DURATION_MS), .unit = true } },
	{ "rtt", { ONE(FIELD_RTT_US), .unit = true } },
	{ "pid", { .field = { FIELD_CLIENT_PID, FIELD_SERVER_PID } } },
	{ "comm", { .field = { FIELD_CLIENT_COMM, FIELD_SERVER_COMM } } },
	{ "user", { .field = { FIELD_CLIENT_UID, FIELD_SERVER_UID }, .user = true } },
	{ "container", { .field = { FIELD_CLIENT_CONTAINER, FIELD_SERVER_CONTAINER },
			 .prefix = true } },
	{ "state", { .field = { FIELD_CT_STATE, FIELD_TCP_STATE }, .state = true } },
};

int operand_find(struct operand *ret, const char *name, size_t n)
{
	int id;

	for (size_t i = 0; i < ARRAY_LEN(short_names); i++) {
		if (strlen(short_names[i].name) == n && !memcmp(short_names[i].name, name, n)) {
			*ret = short_names[i].operand;
			return 0;
		}
	}
	id = field_find(name, n);
	/* not in the record: the collector's name and what is made of the tuple */
	if (id < 0 || id == FIELD_HOST || id == FIELD_COMMUNITY_ID)
		return -ENOENT;
	*ret = (struct operand){ ONE((uint8_t)id) };
	ret->user = id == FIELD_CLIENT_UID || id == FIELD_SERVER_UID;
	ret->prefix = id == FIELD_CLIENT_CONTAINER || id == FIELD_SERVER_CONTAINER;
	return 0;
}

void operand_offer(struct nearest *nearest)
{
	for (size_t i = 0; i < ARRAY_LEN(short_names); i++)
		nearest_offer(nearest, short_names[i].name);
	for (int id = 0; id < FIELD_COUNT; id++)
		nearest_offer(nearest, field_table[id].name);
}

static int bad(const struct token *word, struct why *why, const char *wanted, const char *nearest)
{
	return why_set(why, -EINVAL, "filter:%u: \"%.*s\" is not %s%s%s%s", word->column,
		       (int)word->n, word->text, wanted, nearest ? ", did you mean \"" : "",
		       nearest ? nearest : "", nearest ? "\"?" : "");
}

/* The position of the word in a NULL-terminated list, or -1. */
static int name_index(const char *const *names, const struct token *word)
{
	for (int i = 0; names[i]; i++) {
		if (strlen(names[i]) == word->n && !memcmp(names[i], word->text, word->n))
			return i;
	}
	return -1;
}

static int parse_name(struct node *node, const struct field *field, const struct token *word,
		      struct why *why)
{
	struct nearest nearest = { .word = word->text, .n = word->n };
	const int index = name_index(field->names, word);
	char wanted[64];

	if (index >= 0) {
		node->low = (uint64_t)index;
		return 0;
	}
	for (int i = 0; field->names[i]; i++)
		nearest_offer(&nearest, field->names[i]);
	snprintf(wanted, sizeof(wanted), "a value of %s", field->name);
	return bad(word, why, wanted, nearest.best);
}

/* Either state goes by the same names, at different places of two lists. */
static int parse_state(struct node *node, const struct token *word, struct why *why)
{
	const struct field *ct = &field_table[FIELD_CT_STATE];
	const struct field *tcp = &field_table[FIELD_TCP_STATE];
	const int ct_index = name_index(ct->names, word);
	const int tcp_index = name_index(tcp->names, word);

	node->kind = NODE_STATE;
	if (ct_index < 0 && tcp_index < 0)
		return parse_name(node, tcp, word, why);
	node->low = ct_index < 0 ? UINT64_MAX : (uint64_t)ct_index;
	node->high = tcp_index < 0 ? UINT64_MAX : (uint64_t)tcp_index;
	return 0;
}

static int parse_user(struct node *node, const struct token *word, struct why *why)
{
	char name[64], storage[4096];
	struct passwd entry, *found = NULL;

	if (num_parse_u64(&node->low, word->text, word->n) == 0 && node->low <= UINT32_MAX)
		return 0;
	if (word->n >= sizeof(name))
		return bad(word, why, "a user", NULL);
	memcpy(name, word->text, word->n);
	name[word->n] = '\0';
	if (getpwnam_r(name, &entry, storage, sizeof(storage), &found) != 0 || !found)
		return bad(word, why, "a user of this host or a user id", NULL);
	node->low = found->pw_uid;
	return 0;
}

static int parse_time(struct node *node, const struct token *word, struct why *why)
{
	char text[40];
	struct tm tm = { 0 };
	uint64_t fraction = 0, scale = NUM_NS_PER_S;
	const char *rest;

	if (word->n < sizeof(text)) {
		memcpy(text, word->text, word->n);
		text[word->n] = '\0';
		rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
		if (rest && *rest == '.') {
			for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
				scale /= 10;
				fraction += (uint64_t)(*rest - '0') * scale;
			}
		}
		if (rest && !strcmp(rest, "Z") && tm.tm_year >= 70) {
			node->low = (uint64_t)timegm(&tm) * NUM_NS_PER_S + fraction;
			return 0;
		}
	}
	return bad(word, why, "a time like 2026-01-31T12:00:00Z", NULL);
}

static int parse_hex(struct node *node, const struct token *word, struct why *why)
{
	char text[20] = "0x";

	if (word->n == 0 || word->n > 16)
		return bad(word, why, "an id of up to 16 hex digits", NULL);
	memcpy(text + 2, word->text, word->n);
	if (num_parse_u64(&node->low, text, word->n + 2) < 0)
		return bad(word, why, "an id of up to 16 hex digits", NULL);
	return 0;
}

/* What the field can hold at most. */
static uint64_t most_of(const struct field *field)
{
	switch (field->type) {
	case FIELD_TYPE_U8:
		return UINT8_MAX;
	case FIELD_TYPE_U16:
	case FIELD_TYPE_PORT:
		return UINT16_MAX;
	case FIELD_TYPE_U32:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

/* A number without a unit: of what exists, or a filter would match nothing. */
static int parse_count(struct node *node, const struct field *field, const struct token *word,
		       struct why *why)
{
	if (num_parse_u64(&node->low, word->text, word->n) < 0 &&
	    num_parse_rate(&node->low, word->text, word->n) < 0)
		return bad(word, why, "a number like 443, 0x1f or 10k", NULL);
	if (node->low > most_of(field))
		return why_set(why, -EINVAL, "filter:%u: %.*s is too large, %llu is the most here",
			       word->column, (int)word->n, word->text,
			       (unsigned long long)most_of(field));
	return 0;
}

/* A number in the unit of the field. */
static int parse_number(struct node *node, const struct field *field, const struct token *word,
			struct why *why)
{
	const char *unit = field->unit;
	uint64_t ns;

	if (!unit)
		return parse_count(node, field, word, why);
	if (num_parse_u64(&node->low, word->text, word->n) == 0)
		return 0;
	if (!strcmp(unit, "bytes"))
		return num_parse_size(&node->low, word->text, word->n) == 0 ?
			       0 : bad(word, why, "a size like 64k or 10M", NULL);
	if (!strcmp(unit, "us") || !strcmp(unit, "s")) {
		if (num_parse_duration_ns(&ns, word->text, word->n) < 0)
			return bad(word, why, "a duration like 50ms or 2s", NULL);
		node->low = ns / (*unit == 'u' ? NUM_NS_PER_US : NUM_NS_PER_S);
		return 0;
	}
	return num_parse_rate(&node->low, word->text, word->n) == 0 ?
		       0 : bad(word, why, "a rate like 800 or 10M", NULL);
}

static int parse_real(struct node *node, const struct token *word, struct why *why)
{
	uint64_t number;

	node->kind = NODE_DOUBLE;
	if (num_parse_u64(&number, word->text, word->n) == 0) {
		node->real = (double)number; /* in the field's own unit, ms */
		return 0;
	}
	if (num_parse_duration_ns(&number, word->text, word->n) < 0)
		return bad(word, why, "a duration like 50ms or 5m", NULL);
	node->real = (double)number / 1e6;
	return 0;
}

static int parse_text(struct node *node, const struct operand *operand, const struct token *word,
		      struct why *why)
{
	node->kind = operand->prefix ? NODE_PREFIX : NODE_TEXT;
	node->text = strndup(word->text, word->n);
	node->text_length = word->n;
	return node->text ? 0 : -ENOMEM;
}

static int parse_status(struct node *node, const struct token *word, struct why *why)
{
	struct nearest nearest = { .word = word->text, .n = word->n };

	for (unsigned bit = 0; bit < 32; bit++) {
		const char *name = status_bit_name(bit);

		if (!name)
			continue;
		nearest_offer(&nearest, name);
		if (strlen(name) == word->n && !memcmp(name, word->text, word->n)) {
			/* the bit, whatever the others are */
			node->masked = true;
			node->mask = node->low = 1ULL << bit;
			return 0;
		}
	}
	return bad(word, why, "a conntrack status", nearest.best);
}

static int parse_error(struct node *node, const struct token *word, struct why *why)
{
	if (num_parse_u64(&node->low, word->text, word->n) == 0)
		return 0;
	for (unsigned number = 1; number < 200; number++) {
		const char *name = errno_name(number);

		if (name && strlen(name) == word->n && !memcmp(name, word->text, word->n)) {
			node->low = number;
			return 0;
		}
	}
	return bad(word, why, "an error like ECONNREFUSED", NULL);
}

static int parse_family(struct node *node, const struct token *word, struct why *why)
{
	if (word->n == 4 && !memcmp(word->text, "ipv4", 4))
		node->low = 1;
	else if (word->n != 4 || memcmp(word->text, "ipv6", 4))
		return bad(word, why, "ipv4 or ipv6", NULL);
	node->kind = NODE_V4;
	return 0;
}

static int parse_bool(struct node *node, const struct token *word, struct why *why)
{
	if (word->n == 4 && !memcmp(word->text, "true", 4))
		node->low = 1;
	else if (word->n != 5 || memcmp(word->text, "false", 5))
		return bad(word, why, "true or false", NULL);
	return 0;
}

/* 50 of what? "rtt_us > 50" says it. */
static int check_unit(const struct operand *operand, const struct token *word, struct why *why)
{
	const int n = (int)word->n;
	uint64_t number;

	if (!operand->unit || num_parse_u64(&number, word->text, word->n) < 0 || !number)
		return 0;
	return why_set(why, -EINVAL,
		       "filter:%u: \"%.*s\" has no unit: is it %.*sus, %.*sms or %.*ss?",
		       word->column, n, word->text, n, word->text, n, word->text, n, word->text);
}

int value_parse(struct node *node, const struct operand *operand, const struct token *word,
		struct why *why)
{
	const struct field *field = &field_table[operand->field[0]];
	uint8_t proto;

	node->kind = NODE_INT;
	memcpy(node->field, operand->field, sizeof(node->field));
	node->combine = operand->combine;
	if (operand->state)
		return parse_state(node, word, why);
	if (operand->user)
		return parse_user(node, word, why);
	if (check_unit(operand, word, why) < 0)
		return -EINVAL;
	switch (field->type) {
	case FIELD_TYPE_NAME:
		return parse_name(node, field, word, why);
	case FIELD_TYPE_TIME:
		return parse_time(node, word, why);
	case FIELD_TYPE_ID:
		return parse_hex(node, word, why);
	case FIELD_TYPE_DOUBLE:
		return parse_real(node, word, why);
	case FIELD_TYPE_TEXT:
		return parse_text(node, operand, word, why);
	case FIELD_TYPE_STATUS:
		return parse_status(node, word, why);
	case FIELD_TYPE_ERRNO:
		return parse_error(node, word, why);
	case FIELD_TYPE_FAMILY:
		return parse_family(node, word, why);
	case FIELD_TYPE_BOOL:
		return parse_bool(node, word, why);
	case FIELD_TYPE_ADDR:
		node->kind = NODE_ADDR;
		return addr_net_parse(&node->net, word->text, word->n) == 0 ?
			       0 : bad(word, why, "an address or ADDRESS/BITS", NULL);
	case FIELD_TYPE_PROTO:
		if (proto_parse(&proto, word->text, (unsigned)word->n) < 0)
			return bad(word, why, "a protocol", NULL);
		node->low = proto;
		return 0;
	case FIELD_TYPE_LABELS:
	case FIELD_TYPE_HOST:
	case FIELD_TYPE_COMMUNITY:
		return bad(word, why, "comparable here: this field cannot be filtered", NULL);
	default:
		return parse_number(node, field, word, why);
	}
}
