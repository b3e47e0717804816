// SPDX-License-Identifier: Apache-2.0
/*
 * Flags that choose flows, as terms of a filter. Each term is compiled where it
 * is made: in the whole expression an error would point at what nobody typed.
 */
#include "cmd/choice.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/num.h"
#include "base/why.h"
#include "cmd/flags.h"
#include "flow/filter.h"
#include "source/netns_scan.h"

/* Numbers of namespaces begin at PROC_DYNAMIC_FIRST, 0xf0000000, those of the
 * first ones somewhat below (fs/proc/generic.c, include/uapi/linux/nsfs.h). */
#define NETNS_LEAST 0xeffffff0U

void choice_fini(struct choice *choice)
{
	buf_fini(&choice->terms);
}

void choice_add(struct choice *choice, const char *format, ...)
{
	va_list args;

	if (choice->terms.len)
		buf_puts(&choice->terms, " and ");
	buf_putc(&choice->terms, '(');
	va_start(args, format);
	buf_vprintf(&choice->terms, format, args);
	va_end(args);
	buf_putc(&choice->terms, ')');
}

/* Adds the term, terminated, of a flag, or says what is wrong with it. */
static int add_checked(struct choice *choice, const char *flag, const struct buf *term,
		       struct why *why)
{
	struct why reason = { "" };
	struct filter *filter;
	unsigned column = 0;
	const char *text;
	int r = term->error ? term->error : filter_new(&filter, term->data, &column, &reason);

	if (r == -ENOMEM)
		return why_set(why, r, "no memory for the filter");
	if (r < 0) {
		/* "filter:9: …": of no use without the filter */
		text = column ? strchr(reason.text, ' ') : NULL;
		return why_set(why, r, "--%s: %s", flag, text ? text + 1 : reason.text);
	}
	filter_free(filter);
	choice_add(choice, "%s", term->data);
	return 0;
}

/* FIELD = "VALUE", in the quotes that the value does not have */
static int add_equal(struct choice *choice, const char *field, const char *value, struct why *why)
{
	const char quote = strchr(value, '"') ? '\'' : '"';
	struct buf term = { 0 };
	int r;

	if (strchr(value, quote))
		return why_set(why, -EINVAL, "--%s: a value with both kinds of quotes", field);
	buf_printf(&term, "%s = %c%s%c", field, quote, value, quote);
	buf_putc(&term, '\0');
	r = add_checked(choice, field, &term, why);
	buf_fini(&term);
	return r;
}

struct sought {
	uint64_t netns;
	bool found;
};

static void compare(void *context, uint32_t netns, const char *path)
{
	struct sought *sought = context;

	sought->found |= netns == sought->netns;
}

/* 1: it is there, 0: it is not, -EACCES: who knows. */
static int look_for(uint64_t netns)
{
	struct sought sought = { .netns = netns };
	struct netns_scan *scan;
	bool blind = true;

	if (netns_scan_new(&scan, NULL) == 0) {
		netns_scan_run(scan, compare, &sought, &blind);
		netns_scan_free(scan);
	}
	if (sought.found)
		return 1;
	return blind && netns >= NETNS_LEAST && netns <= UINT32_MAX ? -EACCES : 0;
}

static int no_netns(const char *text, struct why *why)
{
	return why_set(why, -ENOENT, "--netns: there is no network namespace \"%.60s\": give a "
		       "name of ip netns, a PID or an inode number", text);
}

/* A number is that of a process, if there is one, else an inode's. */
static int add_numbered_netns(struct choice *choice, uint64_t number, const char *text,
			      struct why *why)
{
	struct stat process, netns;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%llu", (unsigned long long)number);
	if (stat(path, &process) == 0) {
		snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)number);
		r = stat(path, &netns) < 0 ? -errno : 0;
		if (r == -EACCES)
			return why_set(why, r, "--netns: the network namespace of process %s may "
				       "only be looked at by root: use sudo, or give its inode "
				       "number", text);
		if (r < 0)
			return no_netns(text, why); /* it has just ended */
		number = netns.st_ino;
	} else if (look_for(number) == 0) {
		return no_netns(text, why);
	}
	choice_add(choice, "netns = %llu", (unsigned long long)number);
	return 0;
}

/* A namespace by name (/run/netns), by a process in it, or by inode number. */
static int add_netns(struct choice *choice, const char *text, struct why *why)
{
	char path[256];
	struct statfs fs;
	struct stat st;
	uint64_t number;

	if (num_parse_u64(&number, text, strlen(text)) == 0)
		return add_numbered_netns(choice, number, text, why);
	snprintf(path, sizeof(path), "/run/netns/%s", text);
	/* the file of a name may be left behind by a reboot or a crash */
	if (!*text || *text == '.' || strchr(text, '/') || stat(path, &st) < 0 ||
	    statfs(path, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return no_netns(text, why);
	choice_add(choice, "netns = %llu", (unsigned long long)st.st_ino);
	return 0;
}

static int add_mark(struct choice *choice, const char *text, struct why *why)
{
	const char *slash = strchr(text, '/');
	const size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t mark, mask = UINT32_MAX;

	if (num_parse_u64(&mark, text, n) < 0 || mark > UINT32_MAX ||
	    (slash && num_parse_u64(&mask, slash + 1, strlen(slash + 1)) < 0) ||
	    mask > UINT32_MAX)
		return why_set(why, -EINVAL, "--mark: \"%.60s\" is not MARK or MARK/MASK, "
			       "numbers of 32 bits", text);
	if (slash)
		choice_add(choice, "mark & %s = %.*s", slash + 1, (int)n, text);
	else
		choice_add(choice, "mark = %s", text);
	return 0;
}

int choice_take(struct choice *choice, int letter, const char *argument, struct why *why)
{
	switch (letter) {
	case '4':
		choice->v4 = true;
		return 0;
	case '6':
		choice->v6 = true;
		return 0;
	case 't':
		choice->tcp = true;
		return 0;
	case 'u':
		choice->udp = true;
		return 0;
	case 'N':
		return add_netns(choice, argument, why);
	case OPTION_PID:
		return add_equal(choice, "pid", argument, why);
	case OPTION_COMM:
		return add_equal(choice, "comm", argument, why);
	case OPTION_USER:
		return add_equal(choice, "user", argument, why);
	case OPTION_CONTAINER:
		return add_equal(choice, "container", argument, why);
	case OPTION_ZONE:
		return add_equal(choice, "zone", argument, why);
	default:
		return add_mark(choice, argument, why);
	}
}

void choice_add_protocols(struct choice *choice)
{
	if (choice->v4 != choice->v6)
		choice_add(choice, "%s", choice->v4 ? "ipv4" : "ipv6");
	if (choice->tcp || choice->udp)
		choice_add(choice, "%s", choice->tcp && choice->udp ? "tcp or udp" :
					 choice->tcp ? "tcp" : "udp");
}
