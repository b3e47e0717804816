// SPDX-License-Identifier: Apache-2.0
/*
 * cgroup paths: pure text work. The container is looked for in all of the text,
 * not in the path that is kept: that of a pod is longer than what is kept of it,
 * and on a host with both versions often v1 alone knows the container.
 */
#include "source/cgroup.h"

#include <stddef.h>
#include <string.h>

#include "base/array.h"

#define ID_DIGITS 64

static const char hex[] = "0123456789abcdef";

static void copy(char *ret, size_t size, const char *text, size_t n)
{
	if (n >= size)
		n = size - 1;
	memset(ret, 0, size);
	memcpy(ret, text, n);
}

/* Lines are "ID:CONTROLLERS:PATH" (cgroups(7)); v2 is "0::PATH". */
static void find_path(char ret[OWNER_PATH_SIZE], const char *text)
{
	size_t longest = 0, n;

	memset(ret, 0, OWNER_PATH_SIZE);
	for (; *text; text += n + (text[n] == '\n')) {
		const char *path;
		size_t length;

		n = strcspn(text, "\n");
		path = memchr(text, ':', n);
		if (path)
			path = memchr(path + 1, ':', n - (size_t)(path + 1 - text));
		if (!path)
			continue;
		path++;
		length = n - (size_t)(path - text);
		/* a hybrid host keeps v2 at the root: v1 knows more */
		if (length > 1 && !strncmp(text, "0::", 3)) {
			copy(ret, OWNER_PATH_SIZE, path, length);
			return;
		}
		if (length > longest) {
			longest = length;
			copy(ret, OWNER_PATH_SIZE, path, length);
		}
	}
}

/* The innermost one counts, which is the last: containers can be nested. */
static void find_id(char ret[OWNER_CONTAINER_SIZE], const char *text)
{
	while (*text) {
		const size_t n = strspn(text, hex);

		if (n == ID_DIGITS)
			copy(ret, OWNER_CONTAINER_SIZE, text, n);
		text += n ? n : 1;
	}
}

struct form {
	const char *before, *after;
};

static const struct form forms[] = {
	{ "/systemd-nspawn@", ".service" },
	{ "/machine-", ".scope" },
	{ "/lxc.payload.", "" },
	{ "/lxc.payload/", "" }, /* until LXC 4.0 */
	{ ":/lxc/", "" },
};

/* systemd writes what a unit's name may not have, and '-', as \xHH. */
static void copy_unescaped(char ret[OWNER_CONTAINER_SIZE], const char *name, size_t n)
{
	size_t length = 0;

	memset(ret, 0, OWNER_CONTAINER_SIZE);
	for (size_t i = 0; i < n && length < OWNER_CONTAINER_SIZE - 1; i++) {
		if (!strncmp(name + i, "\\x", 2) && strspn(name + i + 2, hex) >= 2) {
			ret[length++] = (char)((strchr(hex, name[i + 2]) - hex) << 4 |
					       (strchr(hex, name[i + 3]) - hex));
			i += 3;
		} else {
			ret[length++] = name[i];
		}
	}
}

static void find_name(char ret[OWNER_CONTAINER_SIZE], const char *text)
{
	static const char virtual_machine[] = "qemu\\x2d";

	for (; *text; text++) {
		for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
			const size_t after = strlen(forms[i].after);
			const char *name = text + strlen(forms[i].before);
			size_t n;

			if (strncmp(text, forms[i].before, strlen(forms[i].before)))
				continue;
			n = strcspn(name, "/\n");
			if (n > after && !strncmp(name + n - after, forms[i].after, after) &&
			    strncmp(name, virtual_machine, strlen(virtual_machine)))
				copy_unescaped(ret, name, n - after);
		}
	}
}

void cgroup_parse(struct owner *owner, const char *text)
{
	find_path(owner->cgroup, text);
	memset(owner->container, 0, sizeof(owner->container));
	find_id(owner->container, text);
	if (!owner->container[0])
		find_name(owner->container, text);
}
