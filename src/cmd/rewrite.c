// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers to names in tables and trace lines. Only words that are an address, with or
 * without a port, are touched, and only where the table's titles or the trace line's
 * grammar (encode/trace.c) say that one stands: the name of a process may be anything.
 */
#include "cmd/rewrite.h"

#include <string.h>

#include "base/addr.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/num.h"

#define COLUMNS_MAX 256
#define PROTO_SIZE 16
#define WORDS_MAX 64

enum kind { KIND_OTHER, KIND_PROTO, KIND_ENDS, KIND_PORT, KIND_USER };

static const struct {
	const char *title;
	enum kind kind;
} titles[] = {
	{ "PROTO", KIND_PROTO },
	{ "SOURCE", KIND_ENDS },
	{ "DESTINATION", KIND_ENDS },
	{ "NAT", KIND_ENDS },
	{ "SRC-IP", KIND_ENDS },
	{ "DST-IP", KIND_ENDS },
	{ "NAT-SRC-IP", KIND_ENDS },
	{ "NAT-DST-IP", KIND_ENDS },
	{ "SRC-PORT", KIND_PORT },
	{ "DST-PORT", KIND_PORT },
	{ "NAT-SRC-PORT", KIND_PORT },
	{ "NAT-DST-PORT", KIND_PORT },
	{ "CLIENT-UID", KIND_USER },
	{ "SERVER-UID", KIND_USER },
};

struct span {
	const char *at;
	size_t n;
};

static bool is_word(const struct span *span, const char *word)
{
	return strlen(word) == span->n && !memcmp(word, span->at, span->n);
}

/* The piece up to the separator, which *at is put behind; false: there is no more. A
 * separator at the end has an empty piece behind it. */
static bool next_piece(struct span *ret, const char **at, const char *end, char separator)
{
	const char *stop;

	if (!*at)
		return false;
	stop = *at < end ? memchr(*at, separator, (size_t)(end - *at)) : NULL;
	ret->at = *at;
	ret->n = (size_t)((stop ? stop : end) - *at);
	*at = stop ? stop + 1 : NULL;
	return true;
}

/* As they are written: num_parse_u64 takes 0x… too. */
static bool read_number(uint64_t *ret, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return num_parse_u64(ret, text, n) == 0;
}

static bool read_port(uint16_t *ret, const char *text, size_t n)
{
	uint64_t port;

	if (!read_number(&port, text, n) || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static void put_host(struct buf *out, const struct rewrite *rewrite, const struct addr *addr,
		     const struct span *text)
{
	const char *name = rewrite->host(rewrite->context, addr);
	const size_t n = name ? strlen(name) : 0, max = rewrite->host_max;

	if (!name)
		buf_append(out, text->at, text->n);
	else if (max > 2 && n > max)
		buf_printf(out, "..%s", name + n - (max - 2));
	else
		buf_append(out, name, n);
}

void rewrite_end(struct buf *out, const struct rewrite *rewrite, const char *proto,
		 const char *word, size_t n)
{
	const char *colon = memrchr(word, ':', n);
	struct span host = { word, n };
	const char *name;
	struct addr addr;
	uint16_t port;
	bool brackets;

	if (addr_parse(&addr, word, n) == 0) {
		put_host(out, rewrite, &addr, &host);
		return;
	}
	host.n = colon ? (size_t)(colon - word) : 0;
	brackets = host.n > 2 && word[0] == '[' && colon[-1] == ']';
	if (!colon || addr_parse(&addr, word + brackets, host.n - 2 * brackets) < 0 ||
	    !read_port(&port, colon + 1, n - host.n - 1)) {
		buf_append(out, word, n);
		return;
	}
	put_host(out, rewrite, &addr, &host);
	name = rewrite->service(rewrite->context, proto, port);
	if (name)
		buf_printf(out, ":%s", name);
	else
		buf_append(out, colon, n - host.n);
}

static void put_ends(struct buf *out, const struct rewrite *rewrite, const char *proto,
		     const struct span *cell)
{
	const char *at = cell->at, *end = cell->at + cell->n;
	struct span word;

	for (unsigned i = 0; next_piece(&word, &at, end, ' '); i++) {
		if (i)
			buf_putc(out, ' ');
		rewrite_end(out, rewrite, proto, word.at, word.n);
	}
}

static void put_cell(struct buf *out, const struct rewrite *rewrite, enum kind kind,
		     const char *proto, const struct span *cell)
{
	const char *name = NULL;
	uint64_t uid;
	uint16_t port;

	if (kind == KIND_ENDS) {
		put_ends(out, rewrite, proto, cell);
		return;
	}
	if (kind == KIND_PORT && read_port(&port, cell->at, cell->n))
		name = rewrite->service(rewrite->context, proto, port);
	if (kind == KIND_USER && read_number(&uid, cell->at, cell->n) && uid <= UINT32_MAX)
		name = rewrite->user(rewrite->context, (uint32_t)uid);
	if (name)
		buf_puts(out, name);
	else
		buf_append(out, cell->at, cell->n);
}

static enum kind kind_of(const struct span *title)
{
	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (is_word(title, titles[i].title))
			return titles[i].kind;
	}
	return KIND_OTHER;
}

static void read_titles(uint8_t kind[COLUMNS_MAX], const struct span *line)
{
	const char *at = line->at, *end = line->at + line->n;
	struct span cell;

	for (unsigned i = 0; i < COLUMNS_MAX; i++)
		kind[i] = next_piece(&cell, &at, end, '\t') ? kind_of(&cell) : KIND_OTHER;
}

static void copy_proto(char proto[PROTO_SIZE], const struct span *word)
{
	const size_t n = word->n < PROTO_SIZE ? word->n : 0;

	memcpy(proto, word->at, n);
	proto[n] = '\0';
}

/* The protocol of a line; empty: no column has it. */
static void find_proto(char proto[PROTO_SIZE], const uint8_t kind[COLUMNS_MAX],
		       const struct span *line)
{
	const char *at = line->at, *end = line->at + line->n;
	struct span cell;

	proto[0] = '\0';
	for (unsigned i = 0; i < COLUMNS_MAX && next_piece(&cell, &at, end, '\t'); i++) {
		if (kind[i] == KIND_PROTO) {
			copy_proto(proto, &cell);
			return;
		}
	}
}

static void put_line(struct buf *out, const struct rewrite *rewrite,
		     const uint8_t kind[COLUMNS_MAX], const struct span *line)
{
	const unsigned first = rewrite->hides_first_column;
	const char *at = line->at, *end = line->at + line->n;
	char proto[PROTO_SIZE];
	struct span cell;

	find_proto(proto, kind, line);
	for (unsigned i = 0; next_piece(&cell, &at, end, '\t'); i++) {
		if (i < first)
			continue;
		if (i > first)
			buf_putc(out, '\t');
		put_cell(out, rewrite, i < COLUMNS_MAX ? kind[i] : KIND_OTHER, proto, &cell);
	}
}

void rewrite_table(struct buf *out, const struct rewrite *rewrite, const char *text, size_t n)
{
	static const uint8_t none[COLUMNS_MAX] = { KIND_OTHER };
	uint8_t kind[COLUMNS_MAX];
	const char *at = n ? text : NULL, *end = text + n;
	struct span line;

	for (bool header = true; next_piece(&line, &at, end, '\n'); header = false) {
		if (!at && !line.n)
			return;
		if (header)
			read_titles(kind, &line);
		if (header && rewrite->hides_header)
			continue;
		put_line(out, rewrite, header ? none : kind, &line);
		if (at)
			buf_putc(out, '\n');
	}
}

static bool is_proto(const struct span *word)
{
	static const char *const protos[] = { "tcp", "udp", "icmp", "icmpv6", "sctp", "dccp",
					      "gre", "udplite" };

	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (is_word(word, protos[i]))
			return true;
	}
	return false;
}

/* The words of the line, as many as there is room for; the rest is the last one's. */
static size_t split(struct span words[WORDS_MAX], const char *line, size_t n)
{
	const char *at = line, *end = line + n;
	size_t count = 0;

	while (count < WORDS_MAX && next_piece(&words[count], &at, end, ' '))
		count++;
	if (at)
		words[count - 1].n = (size_t)(end - words[count - 1].at);
	return count;
}

/* TIME EVENT END ARROW END … of a connection, which is TCP's; of a flow behind its processes
 * its protocol, and behind that no word that is one: the last is meant. */
void rewrite_trace(struct buf *out, const struct rewrite *rewrite, const char *line, size_t n)
{
	static const char *const flow_events[] = { "start", "update", "end" };
	const size_t end_n = n && line[n - 1] == '\n';
	struct span words[WORDS_MAX];
	const size_t count = split(words, line, n - end_n);
	size_t proto_at = count;
	char proto[PROTO_SIZE] = "tcp";

	for (size_t k = 0; count > 1 && k < ARRAY_LEN(flow_events); k++) {
		if (!is_word(&words[1], flow_events[k]))
			continue;
		for (size_t i = 5; i < count; i++)
			proto_at = is_proto(&words[i]) ? i : proto_at;
		copy_proto(proto, proto_at < count ? &words[proto_at] : &(struct span){ "", 0 });
	}
	for (size_t i = 0; i < count; i++) {
		const bool nat = i > proto_at + 1 && (is_word(&words[i - 1], "nat-src") ||
						      is_word(&words[i - 1], "nat-dst"));

		if (i)
			buf_putc(out, ' ');
		if (i == 2 || i == 4 || nat)
			rewrite_end(out, rewrite, proto, words[i].at, words[i].n);
		else
			buf_append(out, words[i].at, words[i].n);
	}
	if (end_n)
		buf_putc(out, '\n');
}
