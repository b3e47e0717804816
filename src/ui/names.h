/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_NAMES_H
#define WEIR_UI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct pollfd;
struct why;

/*
 * Names for numbers, for who shows them to a person: of hosts by the DNS, of services and
 * users from their files. Nothing of it blocks, and none of it is done unless somebody
 * makes one: a question about an address tells the resolver whom this host talks to.
 *
 * A host's name is what the owner of the address says it is, and no proof. It is foreign
 * text: only letters, digits, dots, hyphens and underscores come through, NAMES_SIZE - 1
 * at most, and no name that ends as an address does; one that is different is no name.
 *
 * One thread. Time is an argument, clock_boot_ns().
 */
struct names;

#define NAMES_SIZE 254    /* RFC 1035 section 2.3.4, as text, with its NUL */
#define NAMES_FDS_MAX 16  /* ARES_GETSOCK_MAXNUM */

/* Zeroed is usual. */
struct names_conf {
	const char *servers;       /* "127.0.0.1:5353,…"; NULL: those of resolv.conf(5) */
	const char *services_path; /* NULL: /etc/services */
	const char *users_path;    /* NULL: /etc/passwd */
	unsigned entries;          /* addresses that are remembered; 0: 4096 */
	unsigned per_second;       /* questions in any second, up to 256; 0: 10 */
	unsigned under_way;        /* questions without an answer yet, up to 64; 0: 16 */
};

/* conf may be NULL; its texts are not kept. Reads the files; of one that cannot be read
 * nothing has a name. 0, or -EINVAL (servers) or -ENOMEM with the sentence. */
int names_new(struct names **ret, const struct names_conf *conf, struct why *why);
void names_free(struct names *names); /* NULL is a no-op */

/*
 * The host's name, at once; NULL: none is known, or names is NULL. What is not known is
 * asked for by the next names_process, if there is room (512 wait, each for as long as
 * somebody has asked here within 10 s): a name is known for 5 minutes, then it stays until
 * there is another answer; that there is none, and that nobody answered within 2 s, for one
 * minute. The hosts file (hosts(5)) goes before the DNS. Nothing is asked of groups, of
 * the unspecified, of IPv6 link-local addresses (they are others on every link) and of
 * loopback: 127.0.0.1 and ::1 are localhost. Valid until the next call of names_of or
 * names_process.
 */
const char *names_of(struct names *names, const struct addr *addr, uint64_t now_boot_ns);
/* Whether an answer about it is still awaited. */
bool names_is_awaited(const struct names *names, const struct addr *addr);
/* How many answers are. */
unsigned names_awaited(const struct names *names);
/* Another number after any change of what names_of returns. */
uint64_t names_generation(const struct names *names);

/* What to poll(2) for until the next names_process, how many they are (up to max), and for
 * how long: -1 is for ever. Both change with every call above and below. */
unsigned names_fds(const struct names *names, struct pollfd *fds, unsigned max);
int names_timeout_ms(const struct names *names, uint64_t now_boot_ns);
/* Takes answers, as the revents of those say, and asks what is due. */
void names_process(struct names *names, const struct pollfd *fds, unsigned n,
		   uint64_t now_boot_ns);

/*
 * Of a port ("tcp", 443: "https") and of a user; NULL: it has none, or names is NULL. They
 * are read once from the files and not asked of the name service switch (nsswitch.conf(5)),
 * which may put a server behind each question and wait for it; users whom only such a
 * server knows keep their number. Valid as long as names.
 */
const char *names_service(const struct names *names, const char *proto, uint16_t port);
const char *names_user(const struct names *names, uint32_t uid);

#endif
