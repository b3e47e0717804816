// SPDX-License-Identifier: Apache-2.0
/* The flags. Letters follow ss and ip where tools disagree. */
#include "cmd/flags.h"

#include "base/array.h"
#include "cmd/options.h"

const struct flag flag_table[] = {
	{ "output", 'o', "FORMAT", 0, NULL }, /* what the command writes: options.c */
	{ "json", 'j', NULL, 0, "the same as -o json" },
	{ "ipv4", '4', NULL, TAKES_FILTER, "IPv4 only" },
	{ "ipv6", '6', NULL, TAKES_FILTER, "IPv6 only" },
	{ "tcp", 't', NULL, TAKES_FILTER, "TCP only" },
	{ "udp", 'u', NULL, TAKES_FILTER, "UDP only (-tu: both)" },
	{ "netns", 'N', "NETNS", TAKES_FILTER, "of a network namespace: name, PID or inode" },
	{ "pid", OPTION_PID, "PID", TAKES_FILTER, "of a process, at either end" },
	{ "comm", OPTION_COMM, "NAME", TAKES_FILTER, "of processes of that name" },
	{ "user", OPTION_USER, "USER", TAKES_FILTER, "of a user, by name or id" },
	{ "container", OPTION_CONTAINER, "ID", TAKES_FILTER, "of a container (an id's beginning)" },
	{ "zone", OPTION_ZONE, "ZONE", TAKES_FILTER, "of a conntrack zone" },
	{ "mark", OPTION_MARK, "MARK[/MASK]", TAKES_FILTER, "with a conntrack mark" },
	{ "all", 'a', NULL, TAKES_FILTER, "loopback, closed and doubly seen flows, too" },
	{ "explain", OPTION_EXPLAIN, NULL, TAKES_FILTER, "print how the filter is read, and stop" },
	{ "resolve", 'r', NULL, TAKES_NAMES, "names for numbers: hosts by DNS, services, users" },
	{ "numeric", 'n', NULL, TAKES_NAMES, "numbers, no names (the default)" },
	{ "processes", 'p', NULL, TAKES_TABLE, "process columns" },
	{ "info", 'i', NULL, TAKES_TABLE, "TCP health columns" },
	{ "extended", 'e', NULL, TAKES_TABLE, "everything" },
	{ "columns", OPTION_COLUMNS, "A,B,...", TAKES_TABLE, "these columns" },
	{ "sort", 's', "FIELD", TAKES_TABLE | TAKES_TOP, "by a field, a column; -FIELD: down" },
	{ "limit", 'l', "N", TAKES_TABLE, "N flows at most" },
	{ "wide", 'w', NULL, TAKES_TABLE, "do not cut lines at the terminal's width" },
	{ "no-header", 'H', NULL, TAKES_TABLE, "no header line" },
	{ "bits", 'b', NULL, TAKES_TABLE | TAKES_TOP, "rates in bits per second" },
	{ "bytes", OPTION_BYTES, NULL, TAKES_TABLE, "exact numbers" },
	{ "no-color", OPTION_NO_COLOR, NULL, TAKES_TABLE | TAKES_TOP, "no colour (also NO_COLOR)" },
	{ "watch", OPTION_WATCH, "SECONDS", TAKES_TABLE, "again and again; Enter: at once" },
	{ "incremental", OPTION_INCREMENTAL, NULL, TAKES_TABLE, "what grew (-o nettracer)" },
	{ "header-bytes", OPTION_HEADER_BYTES, NULL, TAKES_TABLE,
	  "bytes with headers of 66 and 77 bytes (-o nettracer)" },
	{ "replay", OPTION_REPLAY, "FILE", TAKES_TABLE | TAKES_TOP,
	  "show what a recording leaves (run --record)" },
	{ "track", OPTION_TRACK, NULL, TAKES_RUN, "have the kernel track this host's traffic" },
	{ "record", OPTION_RECORD, "FILE", TAKES_RUN, "write every observation to a file" },
	{ "config", 'c', "FILE", 0, "the configuration (weir config example)" },
	{ "source", OPTION_SOURCE, "RUNG,...", 0, "by these rungs (weir doctor)" },
	{ "socket", OPTION_SOCKET, "PATH", 0, "the daemon's socket" },
	{ "verbose", 'v', NULL, 0, "say more" },
	{ "quiet", 'q', NULL, 0, "say only what fails" },
	{ "help", 'h', NULL, 0, "this help" },
};

const size_t flag_count = ARRAY_LEN(flag_table);
