// SPDX-License-Identifier: Apache-2.0
/* One field's value as text, by its type: what all text encoders share. */
#include "encode/value.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "flow/community_id.h"

static char *put_text(char *at, const char *text)
{
	const size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_hex(char *at, uint64_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = digits; i-- > 0; value >>= 4)
		at[i] = hex[value & 15];
	return at + digits;
}

/* Three decimals: microseconds of a millisecond. */
static char *put_double(char *at, double value)
{
	uint64_t thousandths;

	if (!(value >= 0) || value > 1e15)
		return put_text(at, "0");
	thousandths = (uint64_t)(value * 1000 + 0.5);
	at = num_put_u64(at, thousandths / 1000);
	if (thousandths % 1000) {
		*at++ = '.';
		*at++ = (char)('0' + thousandths / 100 % 10);
		*at++ = (char)('0' + thousandths / 10 % 10);
		*at++ = (char)('0' + thousandths % 10);
	}
	return at;
}

static char *put_status(char *at, uint32_t status)
{
	const char *start = at, *name;

	for (; status; status &= status - 1) {
		name = status_bit_name((unsigned)__builtin_ctz(status));
		if (!name)
			continue;
		if (at != start)
			*at++ = '|';
		at = put_text(at, name);
	}
	return at;
}

const char *value_name(const struct field *field, unsigned index)
{
	for (unsigned i = 0; field->names[i]; i++) {
		if (i == index)
			return field->names[i];
	}
	return "unknown";
}

static char *put_proto(char *at, uint8_t proto)
{
	const char *name = proto_name(proto);

	return name ? put_text(at, name) : num_put_u64(at, proto);
}

static char *put_errno(char *at, uint32_t number)
{
	const char *name = errno_name(number);

	return name ? put_text(at, name) : num_put_u64(at, number);
}

static char *put_community(char *at, const struct tuple *tuple)
{
	char id[COMMUNITY_ID_SIZE];

	return put_text(at, community_id_print(id, tuple));
}

static char *put_labels(char *at, const uint8_t *labels)
{
	/* most significant byte first, as a 128-bit number is written */
	for (int i = 15; i >= 0; i--)
		at = put_hex(at, labels[i], 2);
	return at;
}

char *value_put(char *at, const struct encode_conf *conf, const struct field *field,
		const struct record *record)
{
	const void *value = field_at(field, record);

	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_U16:
	case FIELD_TYPE_U32:
	case FIELD_TYPE_U64:
	case FIELD_TYPE_PORT:
		return num_put_u64(at, value_integer(field, record));
	case FIELD_TYPE_DOUBLE:
		return put_double(at, *(const double *)value);
	case FIELD_TYPE_BOOL:
		return put_text(at, *(const bool *)value ? "true" : "false");
	case FIELD_TYPE_TIME:
		return clock_put_rfc3339(at, *(const uint64_t *)value);
	case FIELD_TYPE_ID:
		return put_hex(at, *(const uint64_t *)value, 16);
	case FIELD_TYPE_ADDR:
		return addr_put(at, value);
	case FIELD_TYPE_PROTO:
		return put_proto(at, *(const uint8_t *)value);
	case FIELD_TYPE_FAMILY:
		return put_text(at, tuple_is_v4(value) ? "ipv4" : "ipv6");
	case FIELD_TYPE_COMMUNITY:
		return put_community(at, value);
	case FIELD_TYPE_NAME:
		return put_text(at, value_name(field, *(const uint8_t *)value));
	case FIELD_TYPE_TEXT:
		return put_text(at, value);
	case FIELD_TYPE_HOST:
		return put_text(at, conf->host ? conf->host : "");
	case FIELD_TYPE_LABELS:
		return put_labels(at, value);
	case FIELD_TYPE_STATUS:
		return put_status(at, *(const uint32_t *)value);
	case FIELD_TYPE_ERRNO:
		return put_errno(at, *(const uint32_t *)value);
	}
	return at;
}

/* The names of a conntrack status: plain words, nothing to escape. */
static char *put_status_list(char *at, uint32_t status)
{
	*at++ = '[';
	for (; status; status &= status - 1) {
		const char *name = status_bit_name((unsigned)__builtin_ctz(status));
		const size_t n = name ? strlen(name) : 0;

		if (!name)
			continue;
		*at++ = '"';
		memcpy(at, name, n);
		at += n;
		*at++ = '"';
		*at++ = ',';
	}
	if (at[-1] == ',')
		at--;
	*at++ = ']';
	return at;
}

char *value_put_json(char *at, const struct encode_conf *conf, const struct field *field,
		     const struct record *record)
{
	const char *text;

	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_U16:
	case FIELD_TYPE_U32:
	case FIELD_TYPE_U64:
	case FIELD_TYPE_PORT:
		return num_put_u64(at, value_integer(field, record));
	case FIELD_TYPE_DOUBLE:
	case FIELD_TYPE_BOOL:
		return value_put(at, conf, field, record);
	case FIELD_TYPE_TEXT:
		text = field_at(field, record);
		return json_put_string(at, text, strlen(text));
	case FIELD_TYPE_HOST:
		return json_put_string(at, conf->host, strlen(conf->host));
	case FIELD_TYPE_STATUS:
		return put_status_list(at, record->status);
	default: /* names, times, addresses: nothing in them needs an escape */
		*at++ = '"';
		at = value_put(at, conf, field, record);
		*at++ = '"';
		return at;
	}
}
