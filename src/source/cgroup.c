// SPDX-License-Identifier: Apache-2.0
/* cgroup paths: pure text work. */
#include "source/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ID_DIGITS 64

static void copy(char *ret, size_t size, const char *text, size_t n)
{
	if (n >= size)
		n = size - 1;
	memset(ret, 0, size);
	memcpy(ret, text, n);
}

/* Lines are "ID:CONTROLLERS:PATH" (cgroups(7)); v2 is "0::PATH". */
void cgroup_path(char ret[OWNER_PATH_SIZE], const char *text)
{
	size_t longest = 0;

	memset(ret, 0, OWNER_PATH_SIZE);
	while (*text) {
		const size_t n = strcspn(text, "\n");
		const char *colon = memchr(text, ':', n);
		const char *path = NULL;

		if (colon)
			path = memchr(colon + 1, ':', n - (size_t)(colon + 1 - text));
		if (path) {
			const size_t length = n - (size_t)(++path - text);
			const bool unified = !strncmp(text, "0::", 3);

			/* a hybrid host keeps v2 at the root: v1 knows more */
			if (length > longest || (unified && length > 1)) {
				longest = unified && length > 1 ? OWNER_PATH_SIZE : length;
				copy(ret, OWNER_PATH_SIZE, path, length);
			}
		}
		text += n + (text[n] == '\n');
	}
}

static size_t hex_run(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

void cgroup_container(char ret[OWNER_CONTAINER_SIZE], const char *path)
{
	static const char machine[] = "/systemd-nspawn@";
	const char *at = path;
	size_t n;

	memset(ret, 0, OWNER_CONTAINER_SIZE);
	/* the innermost one counts: containers can be nested */
	while (*at) {
		n = hex_run(at);
		if (n == ID_DIGITS)
			copy(ret, OWNER_CONTAINER_SIZE, at, n);
		at += n ? n : 1;
	}
	if (ret[0])
		return;
	at = strstr(path, machine);
	if (!at)
		return;
	at += sizeof(machine) - 1;
	n = strcspn(at, "/");
	if (n > 8 && !strncmp(at + n - 8, ".service", 8))
		n -= 8;
	copy(ret, OWNER_CONTAINER_SIZE, at, n);
}
