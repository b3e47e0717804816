// SPDX-License-Identifier: Apache-2.0
/*
 * Names of hosts, by c-ares: addresses wait in a queue, are asked for as the rate allows,
 * and what came of it is remembered, also that nothing did. Asking happens in
 * names_process only. An answer that is late is taken when it comes, but not awaited.
 */
#include "ui/names.h"

#include <ares.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/addr.h"
#include "base/num.h"
#include "base/why.h"
#include "ui/labels.h"
#include "ui/names_cache.h"

#define ENTRIES_USUAL 4096
#define ENTRIES_LEAST UNDER_WAY_MAX /* those are kept */
#define PER_SECOND_USUAL 10
#define PER_SECOND_MAX 256
#define UNDER_WAY_USUAL 16
#define UNDER_WAY_MAX 64
#define WAITING_MAX 512
/* A name, and that there is none. The DNS's own times are not told by c-ares. */
#define KNOWN_NS (300 * NUM_NS_PER_S)
#define UNKNOWN_NS (60 * NUM_NS_PER_S)
#define PATIENCE_NS (2 * NUM_NS_PER_S)
#define WANTED_NS (10 * NUM_NS_PER_S)
/* c-ares: each server, then each for twice as long. */
#define TRY_MS 700
#define TRIES 2

/* A question that c-ares has. */
struct question {
	struct names *names; /* NULL: free */
	uint32_t slot;
	bool is_late;        /* its entry is settled for others, but keeps its place */
	uint64_t until_boot_ns;
};

struct names {
	ares_channel channel; /* owned */
	bool has_library;
	struct names_cache cache;
	struct labels services, users;
	uint64_t now_boot_ns; /* of names_process, for the answers */
	uint64_t generation;
	uint32_t first_waiting, last_waiting;
	unsigned waiting, asked, per_second, under_way, used;
	unsigned next_sent;
	uint64_t sent_boot_ns[PER_SECOND_MAX]; /* the last per_second questions; 0: none */
	struct question question[UNDER_WAY_MAX];
};

/* RFC 952, RFC 1123 section 2.1, and underscores, which there are. The last label is not
 * all digits (RFC 3696 section 2): what looks as an address must be one. */
static bool is_host_name(const char *text, size_t n)
{
	bool digits = true; /* so far, in the label */
	char before = '.';

	if (!n || n >= NAMES_SIZE)
		return false;
	for (size_t i = 0; i < n; before = text[i++]) {
		const unsigned char c = (unsigned char)text[i];

		if (!isascii(c) || (!isalnum(c) && !strchr("-_.", c)))
			return false;
		if (before == '.' && strchr("-.", c))
			return false;
		digits = c == '.' || (digits && isdigit(c));
	}
	return !digits;
}

/* An address that a name server cannot know more about. */
static bool is_not_asked(const struct addr *addr)
{
	const bool link_local = addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80;

	return link_local || addr_is_group(addr) || addr_is_unspecified(addr) ||
	       addr_is_loopback(addr);
}

static bool is_localhost(const struct addr *addr)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };

	return addr_is_loopback(addr) && (!addr_is_v4(addr) || !memcmp(addr->byte + 12, v4, 4));
}

static void append_waiting(struct names *names, uint32_t slot)
{
	names->cache.entry[slot].state = NAMES_WAITING;
	names->cache.entry[slot].behind = NAMES_NONE;
	if (names->waiting++)
		names->cache.entry[names->last_waiting].behind = slot;
	else
		names->first_waiting = slot;
	names->last_waiting = slot;
}

static uint32_t take_waiting(struct names *names)
{
	const uint32_t slot = names->first_waiting;

	names->first_waiting = names->cache.entry[slot].behind;
	names->waiting--;
	return slot;
}

/* Those whom nobody has wanted for a while leave the queue as they are. */
static void drop_unwanted(struct names *names)
{
	for (unsigned n = names->waiting; n; n--) {
		const uint32_t slot = take_waiting(names);
		struct names_entry *entry = &names->cache.entry[slot];

		if (names->now_boot_ns > entry->wanted_boot_ns + WANTED_NS)
			entry->state = NAMES_SETTLED;
		else
			append_waiting(names, slot);
	}
}

static void set_name(struct names *names, struct names_entry *entry, const char *name, size_t n)
{
	if (strlen(entry->name) == n && !memcmp(entry->name, name, n))
		return;
	memcpy(entry->name, name, n);
	entry->name[n] = '\0';
	names->generation++;
}

static void on_answer(void *context, int status, int timeouts, struct hostent *host)
{
	struct question *question = context;
	struct names *names = question->names;
	struct names_entry *entry = &names->cache.entry[question->slot];
	const char *name = status == ARES_SUCCESS && host->h_name ? host->h_name : "";
	size_t n = strlen(name);

	n -= n && name[n - 1] == '.';
	if (!question->is_late)
		names->asked--;
	question->names = NULL;
	names->used--;
	entry->state = NAMES_SETTLED;
	entry->until_boot_ns = names->now_boot_ns + UNKNOWN_NS;
	if (is_host_name(name, n)) {
		set_name(names, entry, name, n);
		entry->until_boot_ns = names->now_boot_ns + KNOWN_NS;
	} else if (!timeouts) { /* where nobody answers c-ares says ENOTFOUND as well */
		set_name(names, entry, "", 0);
	}
}

static struct question *free_question(struct names *names)
{
	for (unsigned i = 0; i < names->under_way; i++) {
		if (!names->question[i].names)
			return &names->question[i];
	}
	return NULL;
}

/* When the rate allows the next question: a second after that before the last ones. */
static uint64_t due_boot_ns(const struct names *names)
{
	const uint64_t sent_boot_ns = names->sent_boot_ns[names->next_sent];

	return sent_boot_ns ? sent_boot_ns + NUM_NS_PER_S : 0;
}

/* The answer may come from within: the hosts file's, and what cannot be sent. */
static void ask(struct names *names, struct question *question, uint32_t slot)
{
	struct names_entry *entry = &names->cache.entry[slot];
	const bool v4 = addr_is_v4(&entry->addr);

	*question = (struct question){
		.names = names,
		.slot = slot,
		.until_boot_ns = names->now_boot_ns + PATIENCE_NS,
	};
	entry->state = NAMES_ASKED;
	names->used++;
	names->asked++;
	names->sent_boot_ns[names->next_sent] = names->now_boot_ns;
	names->next_sent = (names->next_sent + 1) % names->per_second;
	ares_gethostbyaddr(names->channel, entry->addr.byte + (v4 ? 12 : 0), v4 ? 4 : 16,
			   v4 ? AF_INET : AF_INET6, on_answer, question);
}

static void ask_due(struct names *names)
{
	struct question *question;

	while (names->waiting && names->now_boot_ns >= due_boot_ns(names) &&
	       (question = free_question(names)))
		ask(names, question, take_waiting(names));
}

static void give_up_late(struct names *names)
{
	for (unsigned i = 0; i < names->under_way; i++) {
		struct question *question = &names->question[i];

		if (!question->names || question->is_late ||
		    names->now_boot_ns < question->until_boot_ns)
			continue;
		question->is_late = true;
		names->asked--;
	}
}

static int open_channel(struct names *names, const char *servers, struct why *why)
{
	char lookups[] = "fb";
	struct ares_options options = { .timeout = TRY_MS, .tries = TRIES, .lookups = lookups };
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	names->has_library = status == ARES_SUCCESS;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&names->channel, &options,
					   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
	if (status != ARES_SUCCESS)
		return why_set(why, -ENOMEM, "the resolver does not start: %s",
			       ares_strerror(status));
	if (servers && ares_set_servers_ports_csv(names->channel, servers) != ARES_SUCCESS)
		return why_set(why, -EINVAL, "\"%.80s\" are no name servers", servers);
	return 0;
}

static unsigned or_usual(unsigned value, unsigned usual, unsigned max)
{
	return !value ? usual : value < max ? value : max;
}

int names_new(struct names **ret, const struct names_conf *given, struct why *why)
{
	const struct names_conf conf = given ? *given : (struct names_conf){ 0 };
	const uint32_t entries = conf.entries ? conf.entries : ENTRIES_USUAL;
	struct names *names = calloc(1, sizeof(*names));
	int r;

	if (!names)
		return why_set(why, -ENOMEM, "no memory for names");
	names->per_second = or_usual(conf.per_second, PER_SECOND_USUAL, PER_SECOND_MAX);
	names->under_way = or_usual(conf.under_way, UNDER_WAY_USUAL, UNDER_WAY_MAX);
	if (names_cache_init(&names->cache, entries < ENTRIES_LEAST ? ENTRIES_LEAST : entries) < 0)
		r = why_set(why, -ENOMEM, "no memory for names");
	else
		r = open_channel(names, conf.servers, why);
	if (r < 0) {
		names_free(names);
		return r;
	}
	labels_read_services(&names->services,
			     conf.services_path ? conf.services_path : "/etc/services");
	labels_read_users(&names->users, conf.users_path ? conf.users_path : "/etc/passwd");
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	if (names->channel)
		ares_destroy(names->channel); /* tells on_answer of what is under way */
	if (names->has_library)
		ares_library_cleanup();
	names_cache_fini(&names->cache);
	labels_fini(&names->services);
	labels_fini(&names->users);
	free(names);
}

const char *names_of(struct names *names, const struct addr *addr, uint64_t now_boot_ns)
{
	struct names_entry *entry;
	uint32_t slot;

	if (!names)
		return NULL;
	if (is_not_asked(addr))
		return is_localhost(addr) ? "localhost" : NULL;
	slot = names_cache_find(&names->cache, addr);
	if (slot == NAMES_NONE && names->waiting < WAITING_MAX)
		slot = names_cache_add(&names->cache, addr);
	if (slot == NAMES_NONE)
		return NULL;
	names_cache_touch(&names->cache, slot);
	entry = &names->cache.entry[slot];
	entry->wanted_boot_ns = now_boot_ns;
	if (entry->state == NAMES_SETTLED && now_boot_ns >= entry->until_boot_ns &&
	    names->waiting < WAITING_MAX)
		append_waiting(names, slot);
	return entry->name[0] ? entry->name : NULL;
}

static bool is_late(const struct names *names, uint32_t slot)
{
	for (unsigned i = 0; i < names->under_way; i++) {
		const struct question *question = &names->question[i];

		if (question->names && question->slot == slot)
			return question->is_late;
	}
	return false;
}

bool names_is_awaited(const struct names *names, const struct addr *addr)
{
	const uint32_t slot = names_cache_find(&names->cache, addr);

	if (slot == NAMES_NONE || names->cache.entry[slot].state == NAMES_SETTLED)
		return false;
	return names->cache.entry[slot].state == NAMES_WAITING || !is_late(names, slot);
}

unsigned names_awaited(const struct names *names)
{
	return names->waiting + names->asked;
}

uint64_t names_generation(const struct names *names)
{
	return names->generation;
}

unsigned names_fds(const struct names *names, struct pollfd *fds, unsigned max)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	const unsigned bits = (unsigned)ares_getsock(names->channel, sockets, ARES_GETSOCK_MAXNUM);
	unsigned n = 0;

	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM && n < max; i++) {
		const bool read = bits & 1U << i;
		const bool written = bits & 1U << (i + ARES_GETSOCK_MAXNUM);

		if (read || written)
			fds[n++] = (struct pollfd){
				.fd = sockets[i],
				.events = (short)((read ? POLLIN : 0) | (written ? POLLOUT : 0)),
			};
	}
	return n;
}

static uint64_t wait_of_cares_ns(const struct names *names)
{
	struct timeval wait;

	if (!ares_timeout(names->channel, NULL, &wait))
		return UINT64_MAX;
	return (uint64_t)wait.tv_sec * NUM_NS_PER_S + (uint64_t)wait.tv_usec * NUM_NS_PER_US;
}

int names_timeout_ms(const struct names *names, uint64_t now_boot_ns)
{
	uint64_t at_boot_ns = UINT64_MAX, wait_ns = wait_of_cares_ns(names);

	if (names->waiting && names->used < names->under_way)
		at_boot_ns = due_boot_ns(names);
	for (unsigned i = 0; i < names->under_way; i++) {
		const struct question *question = &names->question[i];

		if (question->names && !question->is_late && question->until_boot_ns < at_boot_ns)
			at_boot_ns = question->until_boot_ns;
	}
	if (at_boot_ns <= now_boot_ns)
		return 0;
	if (at_boot_ns != UINT64_MAX && at_boot_ns - now_boot_ns < wait_ns)
		wait_ns = at_boot_ns - now_boot_ns;
	if (wait_ns == UINT64_MAX)
		return -1;
	return (int)((wait_ns + NUM_NS_PER_MS - 1) / NUM_NS_PER_MS);
}

void names_process(struct names *names, const struct pollfd *fds, unsigned n,
		   uint64_t now_boot_ns)
{
	names->now_boot_ns = now_boot_ns;
	for (unsigned i = 0; i < n; i++) {
		const short told = fds[i].revents;

		if (told)
			ares_process_fd(names->channel,
					told & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
					told & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(names->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its timers */
	give_up_late(names);
	drop_unwanted(names);
	ask_due(names);
}

const char *names_service(const struct names *names, const char *proto, uint16_t port)
{
	return names ? labels_find(&names->services,
				   labels_service_key(proto, strlen(proto), port)) : NULL;
}

const char *names_user(const struct names *names, uint32_t uid)
{
	return names ? labels_find(&names->users, uid) : NULL;
}
