// SPDX-License-Identifier: Apache-2.0
/*
 * Services and users, read once. glibc's getservent and getpwent would do, but follow
 * nsswitch.conf, by which a network may stand behind them.
 */
#include "ui/labels.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/num.h"
#include "base/utf8.h"

#define LABELS_MAX 65536
#define LABEL_LENGTH_MAX 64
#define SEPARATORS " \t\r\n"

struct label {
	uint64_t key;
	size_t at; /* in text */
};

void labels_fini(struct labels *labels)
{
	free(labels->label);
	buf_fini(&labels->text);
	*labels = (struct labels){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* 0, or -ENOMEM, or -ENOSPC: that is enough. */
static int add(struct labels *labels, uint64_t key, const char *text, size_t n)
{
	const size_t at = labels->text.len;
	const size_t capacity = labels->capacity ? 2 * labels->capacity : 256;
	struct label *grown;

	if (labels->count == LABELS_MAX)
		return -ENOSPC;
	if (!n || n > LABEL_LENGTH_MAX)
		return 0;
	if (labels->count == labels->capacity) {
		grown = realloc(labels->label, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		labels->label = grown;
		labels->capacity = capacity;
	}
	buf_append(&labels->text, text, n);
	buf_putc(&labels->text, '\0');
	if (labels->text.error)
		return labels->text.error;
	utf8_make_printable(labels->text.data + at, n);
	labels->label[labels->count++] = (struct label){ key, at };
	return 0;
}

static int finish(struct labels *labels, int r)
{
	if (r == -ENOMEM) {
		labels_fini(labels);
		return r;
	}
	if (labels->count)
		qsort(labels->label, labels->count, sizeof(*labels->label), compare);
	return 0;
}

const char *labels_find(const struct labels *labels, uint64_t key)
{
	size_t low = 0, high = labels->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (labels->label[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == labels->count || labels->label[low].key != key)
		return NULL;
	return labels->text.data + labels->label[low].at;
}

uint64_t labels_service_key(const char *proto, size_t n, uint16_t port)
{
	static const char *const protos[] = { "tcp", "udp", "sctp", "dccp", "udplite" };

	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (strlen(protos[i]) == n && !memcmp(protos[i], proto, n))
			return (uint64_t)i << 16 | port;
	}
	return UINT64_MAX;
}

/* "https 443/tcp www # comment"; aliases are not wanted. */
static int add_service(struct labels *labels, char *line)
{
	const char *name, *port, *proto;
	uint64_t number, key;
	char *rest;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, SEPARATORS, &rest);
	port = name ? strtok_r(NULL, SEPARATORS, &rest) : NULL;
	proto = port ? strchr(port, '/') : NULL;
	if (!proto || num_parse_u64(&number, port, (size_t)(proto - port)) < 0 ||
	    number > UINT16_MAX)
		return 0;
	key = labels_service_key(proto + 1, strlen(proto + 1), (uint16_t)number);
	return key == UINT64_MAX ? 0 : add(labels, key, name, strlen(name));
}

int labels_read_services(struct labels *labels, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && getline(&line, &size, file) >= 0)
		r = add_service(labels, line);
	free(line);
	fclose(file);
	return finish(labels, r);
}

int labels_read_users(struct labels *labels, const char *path)
{
	FILE *file = fopen(path, "re");
	const struct passwd *user;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && (user = fgetpwent(file))) {
		/* "+name" is no user but an old way to say: ask NIS */
		if (!strchr("+-", user->pw_name[0]))
			r = add(labels, user->pw_uid, user->pw_name, strlen(user->pw_name));
	}
	fclose(file);
	return finish(labels, r);
}
