// SPDX-License-Identifier: Apache-2.0
/*
 * Traffic whose every byte is known beforehand, between two network namespaces
 * or within one, and the sender's own account of it as key=value lines.
 *
 * The server is a process of its own (comm "traffic-server"), forked before the
 * client does anything and told what to do next over a socket, so that nothing
 * here waits by the clock: the client goes on when the server says that it is
 * ready, and what is printed at the end has happened. Whatever fails ends it
 * with 1: a test never counts traffic that did not flow.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

void enter(const char *netns)
{
	char path[256];
	int fd;

	if (!netns)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

int open_socket(const struct plan *plan, int family, int type, int protocol)
{
	const int fd = socket(family, type | SOCK_CLOEXEC, protocol);
	const int one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (plan->mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &plan->mark, sizeof(plan->mark)) < 0)
		die("SO_MARK");
	return fd;
}

static void set_port(struct place *place, unsigned port)
{
	if (place->at.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&place->at)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&place->at)->sin_port = htons((uint16_t)port);
}

void bind_source(const struct plan *plan, int fd, int family, unsigned i)
{
	struct place source = plan->source;

	if (!source.size && !plan->source_port)
		return;
	if (!source.size) {
		source.at.ss_family = (sa_family_t)family;
		source.size = plan->to.size;
	}
	if (plan->source_port)
		set_port(&source, plan->source_port + i);
	if (bind(fd, (const struct sockaddr *)&source.at, source.size) < 0)
		die("bind of the source");
}

void await_turn(const struct plan *plan, unsigned i)
{
	static uint64_t first_ns;
	static int timer = -1;
	struct itimerspec at = { 0 };
	struct timespec now;
	uint64_t turn_ns, expirations;

	if (!plan->rate)
		return;
	if (timer < 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		first_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
		timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		if (timer < 0)
			die("timerfd");
	}
	turn_ns = first_ns + i * NS_PER_S / plan->rate;
	at.it_value.tv_sec = (time_t)(turn_ns / NS_PER_S);
	at.it_value.tv_nsec = (long)(turn_ns % NS_PER_S);
	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0 ||
	    read(timer, &expirations, sizeof(expirations)) != sizeof(expirations))
		die("timerfd");
}

bool next_line(void)
{
	char byte, first = '\n';

	while (read(STDIN_FILENO, &byte, 1) == 1) {
		if (byte == '\n')
			return first == '\n';
		first = byte;
	}
	return false;
}

void tell(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		die("the other end is gone");
}

char hear(int fd)
{
	char what;

	if (read(fd, &what, 1) != 1) {
		fprintf(stderr, "traffic: the other end is gone\n");
		exit(1);
	}
	return what;
}

static void parse_address(struct place *ret, const char *text)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&ret->at;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&ret->at;

	errno = EINVAL;
	if (strchr(text, ':')) {
		six->sin6_family = AF_INET6;
		ret->size = sizeof(*six);
		if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
			die(text);
	} else {
		four->sin_family = AF_INET;
		ret->size = sizeof(*four);
		if (inet_pton(AF_INET, text, &four->sin_addr) != 1)
			die(text);
	}
}

static unsigned parse_number(const char *text, unsigned min, unsigned max)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 0);

	errno = ERANGE;
	if (*end || end == text || n < min || n > max)
		die(text);
	return (unsigned)n;
}

static enum closing parse_closing(const char *text)
{
	static const char *const names[] = { "client", "server", "half", "reset" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(text, names[i]))
			return (enum closing)i;
	errno = EINVAL;
	die(text);
	return CLOSE_CLIENT;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: traffic tcp|udp|icmp --to ADDRESS [OPTION ...]\n"
		"  --client-netns NAME --server-netns NAME\n"
		"  --source ADDRESS --source-port PORT --port PORT --mark MARK\n"
		"  --listen ADDRESS --listen-port PORT  where the server is, if not at --to\n"
		"  --count N --packets N --rate N --send BYTES --reply BYTES\n"
		"  --close client|server|half|reset --steps --no-server\n");
	exit(2);
}

static void apply_option(struct plan *plan, unsigned ports[2], int option, const char *text)
{
	switch (option) {
	case 'c':
		plan->client_netns = text;
		return;
	case 's':
		plan->server_netns = text;
		return;
	case 'f':
		parse_address(&plan->source, text);
		return;
	case 'F':
		plan->source_port = parse_number(text, 1, 65535);
		return;
	case 't':
		parse_address(&plan->to, text);
		return;
	case 'p':
		ports[0] = parse_number(text, 1, 65535);
		return;
	case 'l':
		parse_address(&plan->listen, text);
		return;
	case 'L':
		ports[1] = parse_number(text, 1, 65535);
		return;
	case 'n':
		plan->count = parse_number(text, 1, 1000000);
		return;
	case 'k':
		plan->packets = parse_number(text, 1, 1000000);
		return;
	case 'r':
		plan->rate = parse_number(text, 1, 1000000);
		return;
	case 'b':
		plan->send_bytes = parse_number(text, 0, 1 << 30);
		return;
	case 'B':
		plan->reply_bytes = parse_number(text, 0, 1 << 30);
		return;
	case 'm':
		plan->mark = parse_number(text, 0, UINT32_MAX);
		return;
	case 'e':
		plan->closing = parse_closing(text);
		return;
	case 'S':
		plan->steps = true;
		return;
	case 'N':
		plan->no_server = true;
		return;
	default:
		usage();
	}
}

static void parse(struct plan *plan, int argc, char **argv)
{
	static const struct option options[] = {
		{ "client-netns", 1, NULL, 'c' }, { "server-netns", 1, NULL, 's' },
		{ "source", 1, NULL, 'f' },       { "source-port", 1, NULL, 'F' },
		{ "to", 1, NULL, 't' },           { "port", 1, NULL, 'p' },
		{ "listen", 1, NULL, 'l' },       { "listen-port", 1, NULL, 'L' },
		{ "count", 1, NULL, 'n' },        { "packets", 1, NULL, 'k' },
		{ "rate", 1, NULL, 'r' },         { "send", 1, NULL, 'b' },
		{ "reply", 1, NULL, 'B' },        { "mark", 1, NULL, 'm' },
		{ "close", 1, NULL, 'e' },        { "steps", 0, NULL, 'S' },
		{ "no-server", 0, NULL, 'N' },    { NULL, 0, NULL, 0 },
	};
	unsigned ports[2] = { 5001, 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		apply_option(plan, ports, option, optarg);
	if (!plan->to.size || optind != argc)
		usage();
	if (!plan->listen.size)
		plan->listen = plan->to;
	set_port(&plan->to, ports[0]);
	set_port(&plan->listen, ports[1] ? ports[1] : ports[0]);
}

static void print(const char *who, const struct deeds *deeds)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "connections", deeds->connections },
		{ "refused", deeds->refused },
		{ "reset", deeds->reset },
		{ "sent", deeds->sent_bytes },
		{ "received", deeds->received_bytes },
		{ "packets_sent", deeds->sent_packets },
		{ "packets_received", deeds->received_packets },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s_%s=%" PRIu64 "\n", who, rows[i].name, rows[i].value);
}

typedef void end_fn(const struct plan *plan, struct deeds *deeds, int peer);

static pid_t start_server(const struct plan *plan, end_fn *serve, int pair[2])
{
	struct deeds deeds = { 0 };
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid) {
		close(pair[1]);
		return pid;
	}
	close(pair[0]);
	close(STDIN_FILENO);
	prctl(PR_SET_NAME, "traffic-server");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(plan->server_netns);
	serve(plan, &deeds, pair[1]);
	if (write(pair[1], &deeds, sizeof(deeds)) != sizeof(deeds))
		die("the client is gone");
	exit(0);
}

int main(int argc, char **argv)
{
	struct plan plan = { .count = 1, .packets = 1 };
	const char *kind = argc > 1 ? argv[1] : "";
	const bool tcp = !strcmp(kind, "tcp"), icmp = !strcmp(kind, "icmp");
	struct deeds client = { 0 }, server = { 0 };
	int pair[2] = { -1, -1 }, status = 0;
	pid_t pid = 0;

	if (!tcp && !icmp && strcmp(kind, "udp"))
		usage();
	parse(&plan, argc - 1, argv + 1);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!icmp && !plan.no_server) {
		pid = start_server(&plan, tcp ? tcp_server : udp_server, pair);
		hear(pair[0]);
	}
	enter(plan.client_netns);
	printf("client_pid=%d\nserver_pid=%d\n", (int)getpid(), (int)pid);
	(tcp ? tcp_client : icmp ? icmp_client : udp_client)(&plan, &client, pair[0]);
	if (pid && (recv(pair[0], &server, sizeof(server), MSG_WAITALL) != sizeof(server) ||
		    waitpid(pid, &status, 0) != pid || status)) {
		fprintf(stderr, "traffic: the server failed\n");
		return 1;
	}
	print("client", &client);
	print("server", &server);
	printf("done=1\n");
	return 0;
}
