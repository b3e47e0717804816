// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of the rewriting of tables and trace lines. Where nothing has a name
 * the text comes out as it went in; where everything has one, each line is still a line,
 * and what stood in no place for a number is still there.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *host(void *context, const struct addr *addr)
{
	return context;
}

static const char *service(void *context, const char *proto, uint16_t port)
{
	assert(strlen(proto) < 16);
	return context;
}

static const char *user(void *context, uint32_t uid)
{
	return context;
}

static size_t count(const char *text, size_t n, char c)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += text[i] == c;
	return found;
}

static void check(const char *text, size_t n, const char *name,
		  void (*function)(struct buf *, const struct rewrite *, const char *, size_t))
{
	char copy[] = "a.very.long.name.example";
	const struct rewrite rewrite = {
		.host = host, .service = service, .user = user,
		.context = name ? copy : NULL, .host_max = 12,
	};
	struct buf out = { 0 };

	function(&out, &rewrite, text, n);
	assert(!out.error);
	if (!name)
		assert(out.len == n && (!n || !memcmp(out.data, text, n)));
	assert(count(out.data, out.len, '\n') == count(text, n, '\n'));
	assert(count(out.data, out.len, '\t') == count(text, n, '\t'));
	assert(count(out.data, out.len, ' ') == count(text, n, ' '));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	for (int named = 0; named < 2; named++) {
		check(text, size, named ? "yes" : NULL, rewrite_table);
		check(text, size, named ? "yes" : NULL, rewrite_trace);
	}
	free(text);
	return 0;
}
