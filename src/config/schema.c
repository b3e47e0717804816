// SPDX-License-Identifier: Apache-2.0
/*
 * The schema: one row per setting. A setting is typed, bounded, documented and
 * given its default here and nowhere else; what a scalar means is decided by
 * its row, never by how the scalar looks ("no" is a word for a path, a number
 * never loses its unit). Decoding changes nothing unless all of the text is
 * right.
 */
#include "config/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "config/report.h"
#include "config/settings.h"

#define DAY_NS (86400 * NUM_NS_PER_S)

static const struct schema_word bool_words[] = {
	{ "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 },
	{ "on", 1 },   { "off", 0 },   { NULL, 0 },
};

static const struct schema_word netns_words[] = {
	{ "all", 1 },
	{ "host", 0 },
	{ NULL, 0 },
};

static const struct schema_word level_words[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 },
};

const struct schema_row schema_table[] = {
	{
		.key = "conntrack.manage_sysctl",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_manage_sysctl),
		.words = bool_words,
		.default_text = "true",
		.help = "switch nf_conntrack_acct and nf_conntrack_timestamp on where they are "
			"off, and back at the end",
	},
	{
		.key = "conntrack.track",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_track),
		.words = bool_words,
		.default_text = "false",
		.help = "make the kernel track this host's own traffic, by an nftables table that "
			"vanishes with the daemon",
	},
	{
		.key = "conntrack.netns",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_netns_all),
		.words = netns_words,
		.default_text = "all",
		.help = "which network namespaces to watch: all, or host for weir's own",
	},
	{
		.key = "conntrack.ring",
		.type = SCHEMA_SIZE,
		.offset = offsetof(struct settings, conntrack_ring_bytes),
		.min = 4096,
		.max = 1 << 30,
		.default_text = "4M",
		.help = "room for ends that BPF has told and nobody has read yet, some 20,000; "
			"begins have a quarter of it beside",
	},
	{
		.key = "refresh",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings, refresh_ns),
		.min = 20 * NUM_NS_PER_MS,
		.max = DAY_NS,
		.default_text = "1s",
		.help = "how fresh the counters of live flows are",
	},
	{
		.key = "report",
		.type = SCHEMA_REPORT,
		.max = 365 * DAY_NS,
		.default_text = "[{\"age\": \"0s\", \"every\": \"20s\"}, "
				"{\"age\": \"1m\", \"every\": \"1m\"}, "
				"{\"age\": \"5m\", \"every\": \"5m\"}]",
		.help = "when an update record is made, by the age of the flow; the first and the "
			"last record are always made",
	},
	{
		.key = "table.max_flows",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings, table_max_flows),
		.min = 1,
		.max = 16 << 20,
		.default_text = "1000000",
		.help = "flows that can be alive at once; what comes past them is counted, not "
			"shown",
	},
	{
		.key = "listen.socket",
		.type = SCHEMA_PATH,
		.offset = offsetof(struct settings, listen_socket),
		.max = SETTINGS_PATH_SIZE,
		.default_text = "/run/weir/weir.sock",
		.help = "unix socket of the API",
	},
	{
		.key = "log.level",
		.type = SCHEMA_WORD,
		.offset = offsetof(struct settings, log_level),
		.words = level_words,
		.default_text = "info",
		.help = "least severe messages that are logged: error, warn, info or debug",
	},
	{
		.key = "source",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings, source),
		.max = SETTINGS_SOURCE_SIZE,
		.default_text = "",
		.help = "ways of knowing (rungs of weir doctor, by commas) to take in place of the "
			"best: for tests and the curious",
	},
	{ .key = NULL },
};

const struct schema_row *schema_find(const char *key, struct nearest *nearest)
{
	const struct schema_row *row;

	for (row = schema_table; row->key; row++)
		if (!strcmp(row->key, key))
			return row;
	for (row = schema_table; nearest && row->key; row++)
		nearest_offer(nearest, row->key);
	return NULL;
}

static int decode_word(const struct schema_row *row, int *ret, const char *text, struct why *why)
{
	struct nearest nearest = { .word = text, .n = strlen(text) };
	const struct schema_word *word;

	for (word = row->words; word->word; word++) {
		if (!strcmp(word->word, text)) {
			*ret = word->value;
			return 0;
		}
		nearest_offer(&nearest, word->word);
	}
	if (nearest.best)
		return why_set(why, -EINVAL, "\"%.60s\" is not possible; did you mean %s?", text,
			       nearest.best);
	return why_set(why, -EINVAL, "\"%.60s\" is not possible, %s and %s are", text,
		       row->words[0].word, row->words[1].word);
}

static int decode_u32(const struct schema_row *row, uint32_t *ret, const char *text,
		      struct why *why)
{
	uint64_t value;
	int r;

	r = num_parse_u64(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a whole number", text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %" PRIu64 " and %" PRIu64, text,
			       row->min, row->max);
	*ret = (uint32_t)value;
	return 0;
}

static int decode_duration(const struct schema_row *row, uint64_t *ret, const char *text,
			   struct why *why)
{
	char least[24], most[24];
	uint64_t value;
	int r;

	r = num_parse_duration_ns(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a duration such as 500ms, 20s or 5m",
			       text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %s and %s", text,
			       num_print_duration(least, sizeof(least), row->min),
			       num_print_duration(most, sizeof(most), row->max));
	*ret = value;
	return 0;
}

static int decode_size(const struct schema_row *row, uint64_t *ret, const char *text,
		       struct why *why)
{
	char least[24], most[24];
	uint64_t value;
	int r;

	r = num_parse_size(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a size such as 64k or 4M", text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %s and %s", text,
			       num_print_size(least, sizeof(least), row->min),
			       num_print_size(most, sizeof(most), row->max));
	*ret = value;
	return 0;
}

static int decode_text(const struct schema_row *row, char *ret, const char *text, struct why *why)
{
	const size_t n = strlen(text);

	if (n >= row->max)
		return why_set(why, -ERANGE, "more than %" PRIu64 " bytes", row->max - 1);
	memcpy(ret, text, n + 1);
	return 0;
}

static int decode_path(const struct schema_row *row, char *ret, const char *text, struct why *why)
{
	const size_t n = strlen(text);

	if (!n)
		return why_set(why, -EINVAL, "a path is wanted");
	if (n >= row->max)
		return why_set(why, -ERANGE, "the path is longer than %" PRIu64 " bytes",
			       row->max - 1);
	memcpy(ret, text, n + 1);
	return 0;
}

int schema_decode(const struct schema_row *row, void *settings, const char *text, struct why *why)
{
	char *member = (char *)settings + row->offset;
	int r, value;

	switch (row->type) {
	case SCHEMA_BOOL:
		r = decode_word(row, &value, text, why);
		if (r == 0)
			*(bool *)(void *)member = value;
		return r;
	case SCHEMA_WORD:
		r = decode_word(row, &value, text, why);
		if (r == 0)
			memcpy(member, &value, sizeof(value));
		return r;
	case SCHEMA_U32:
		return decode_u32(row, (uint32_t *)(void *)member, text, why);
	case SCHEMA_DURATION:
		return decode_duration(row, (uint64_t *)(void *)member, text, why);
	case SCHEMA_SIZE:
		return decode_size(row, (uint64_t *)(void *)member, text, why);
	case SCHEMA_TEXT:
		return decode_text(row, member, text, why);
	case SCHEMA_PATH:
		return decode_path(row, member, text, why);
	case SCHEMA_REPORT:
		return report_decode(settings, row->max, text, why);
	}
	return -EINVAL;
}
