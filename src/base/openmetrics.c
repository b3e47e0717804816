// SPDX-License-Identifier: Apache-2.0
#include "base/openmetrics.h"

#include <string.h>

#include "base/num.h"

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
	[METRIC_INFO] = "info",
};

/* What a sample's name has behind that of its family. */
static const char *suffix_of(enum metric_type type)
{
	if (type == METRIC_COUNTER)
		return "_total";
	return type == METRIC_INFO ? "_info" : "";
}

static void put_head(struct metrics *metrics, const char *word, const char *text)
{
	struct buf *buf = metrics->buf;

	buf_puts(buf, "# ");
	buf_puts(buf, word);
	buf_putc(buf, ' ');
	buf_puts(buf, metrics->family);
	if (metrics->form == METRICS_TEXT)
		buf_puts(buf, suffix_of(metrics->type));
	buf_putc(buf, ' ');
	buf_puts(buf, text);
	buf_putc(buf, '\n');
}

static const char *unit_of(const char *family)
{
	const char *last = strrchr(family, '_');

	return last && (!strcmp(last, "_bytes") || !strcmp(last, "_seconds")) ? last + 1 : NULL;
}

void metrics_family(struct metrics *metrics, enum metric_type type, const char *family,
		    const char *help)
{
	const char *unit = unit_of(family);

	metrics->family = family;
	metrics->type = type;
	put_head(metrics, "HELP", help);
	/* the older form knows no info */
	put_head(metrics, "TYPE", type_names[type == METRIC_INFO && metrics->form == METRICS_TEXT ?
						     METRIC_GAUGE : type]);
	if (unit && metrics->form == METRICS_OPENMETRICS)
		put_head(metrics, "UNIT", unit);
}

static void put_value(struct buf *buf, const char *value)
{
	const char *plain;

	for (; *value; value++) {
		plain = value;
		value += strcspn(value, "\\\"\n");
		buf_append(buf, plain, (size_t)(value - plain));
		if (!*value)
			return;
		buf_putc(buf, '\\');
		buf_putc(buf, *value == '\n' ? 'n' : *value);
	}
}

/* The name of a sample and its labels; `le` is that of a histogram's bucket. */
static void put_name(struct metrics *metrics, const char *suffix,
		     const struct metrics_label *label, unsigned labels, const char *le)
{
	struct buf *buf = metrics->buf;

	buf_puts(buf, metrics->family);
	buf_puts(buf, suffix);
	for (unsigned i = 0; i < labels; i++) {
		buf_putc(buf, i ? ',' : '{');
		buf_puts(buf, label[i].name);
		buf_puts(buf, "=\"");
		put_value(buf, label[i].value);
		buf_putc(buf, '"');
	}
	if (le) {
		buf_puts(buf, labels ? ",le=\"" : "{le=\"");
		buf_puts(buf, le);
		buf_putc(buf, '"');
	}
	if (labels || le)
		buf_putc(buf, '}');
	buf_putc(buf, ' ');
}

/* Exact, and without zeros at its end; whole seconds have one, as OpenMetrics writes
 * the bounds of a histogram. */
static char *print_seconds(char ret[32], uint64_t ns)
{
	char *at = num_put_u64(ret, ns / NUM_NS_PER_S);
	uint64_t rest = ns % NUM_NS_PER_S;

	*at++ = '.';
	do {
		rest *= 10;
		*at++ = (char)('0' + rest / NUM_NS_PER_S);
		rest %= NUM_NS_PER_S;
	} while (rest);
	*at = '\0';
	return ret;
}

static void put_u64(struct buf *buf, uint64_t value)
{
	buf_u64(buf, value);
	buf_putc(buf, '\n');
}

static void put_seconds(struct buf *buf, uint64_t ns)
{
	char text[32];

	buf_puts(buf, print_seconds(text, ns));
	buf_putc(buf, '\n');
}

void metrics_u64(struct metrics *metrics, const struct metrics_label *label, unsigned labels,
		 uint64_t value)
{
	put_name(metrics, suffix_of(metrics->type), label, labels, NULL);
	put_u64(metrics->buf, value);
}

void metrics_ns(struct metrics *metrics, const struct metrics_label *label, unsigned labels,
		uint64_t ns)
{
	put_name(metrics, suffix_of(metrics->type), label, labels, NULL);
	put_seconds(metrics->buf, ns);
}

void metrics_histogram(struct metrics *metrics, const struct metrics_label *label,
		       unsigned labels, const struct metrics_histogram *histogram)
{
	uint64_t count = 0;
	char le[32];

	for (unsigned i = 0; i < histogram->bounds; i++) {
		count += histogram->count[i];
		put_name(metrics, "_bucket", label, labels,
			 print_seconds(le, histogram->bound_ns[i]));
		put_u64(metrics->buf, count);
	}
	count += histogram->count[histogram->bounds];
	put_name(metrics, "_bucket", label, labels, "+Inf");
	put_u64(metrics->buf, count);
	put_name(metrics, "_sum", label, labels, NULL);
	put_seconds(metrics->buf, histogram->sum_ns);
	put_name(metrics, "_count", label, labels, NULL);
	put_u64(metrics->buf, count);
}

void metrics_end(struct metrics *metrics)
{
	if (metrics->form == METRICS_OPENMETRICS)
		buf_puts(metrics->buf, "# EOF\n");
}
