// SPDX-License-Identifier: Apache-2.0
/* weir help: the commands, one command, the fields, the filter language. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "config/settings.h"
#include "flow/field.h"

void help_commands(FILE *to)
{
	fprintf(to, "usage: weir COMMAND [FLAGS] [FILTER]\n\n");
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++)
		fprintf(to, "  %-8s %s\n", cmd->name, cmd->help);
	fprintf(to, "\nweir alone is weir top, in a pipe weir list. "
		    "weir help COMMAND | fields | filter | settings tells more.\n");
}

static void help_fields(void)
{
	for (int id = 0; id < FIELD_COUNT; id++)
		printf("%-20s %-6s %s\n", field_table[id].name,
		       field_table[id].unit ? field_table[id].unit : "", field_table[id].help);
}

static void help_filter(void)
{
	fputs("A filter is one expression of terms joined by and, or (&&, ||) from left to "
	      "right;\nside by side means and; not (!) and brackets as everywhere.\n\n"
	      "  [src|dst|nat] host ADDRESS | net ADDRESS/BITS | port N | portrange N-M\n"
	      "  tcp udp icmp icmpv6 sctp dccp gre udplite | ipv4 | ipv6\n"
	      "  FIELD = != < <= > >= VALUE | FIELD ~ PATTERN | FIELD & MASK [= VALUE]\n"
	      "  FIELD in [VALUE ...] | FIELD VALUE | FIELD:VALUE\n\n"
	      "FIELD is any of weir help fields, or: bytes packets rate (both directions), age\n"
	      "duration rtt, pid comm user container (either end), state (conntrack or socket).\n"
	      "host and port match translated addresses and ports, too. Durations read 50ms 5m;\n"
	      "only where the name of the field tells the unit, as rtt_us, may they lack it.\n"
	      "Sizes read 64k 10M. A comparison with an absent field is false.\n\n"
	      "  tcp and dst port 443 and not src net 10.0.0.0/8\n"
	      "  port 53 or comm nginx\n"
	      "  rtt > 50ms and retransmits > 0\n"
	      "  state established bytes > 1M\n"
	      "  mark & 0xff = 1 or zone = 3\n"
	      "  comm ~ ^nginx and port in [80 443]\n"
	      "  comm ~ \"^py[0-9]+$\" (brackets and signs of a pattern want quotes)\n",
	      stdout);
}

static void show_setting(void *context, const char *key, const char *default_text,
			 const char *help)
{
	char name[80] = "WEIR_";
	size_t n = strlen(name);

	for (const char *c = key; *c && n < sizeof(name) - 3; c++) {
		if (*c == '.')
			name[n++] = '_';
		name[n++] = (char)(*c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	}
	name[n] = '\0';
	printf("%-32s %s\n%-32s   default %s\n", name, help, "", default_text);
}

int cmd_help(int argc, char **argv)
{
	struct nearest nearest = { 0 };

	if (argc < 2) {
		help_commands(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "fields")) {
		help_fields();
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "filter")) {
		help_filter();
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "settings")) {
		settings_each_key(show_setting, NULL);
		return EXIT_OK;
	}
	nearest = (struct nearest){ .word = argv[1], .n = strlen(argv[1]) };
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		char flag[] = "--help";
		char *args[] = { (char *)(uintptr_t)cmd->name, flag, NULL };

		nearest_offer(&nearest, cmd->name);
		if (strcmp(cmd->name, argv[1]))
			continue;
		if (cmd->run != cmd_help)
			return cmd->run(2, args);
		printf("usage: weir help %s\n", cmd->synopsis);
		return EXIT_OK;
	}
	fprintf(stderr, "weir: there is no help for \"%s\"%s%s%s\n", argv[1],
		nearest.best ? ", did you mean " : "", nearest.best ? nearest.best : "",
		nearest.best ? "?" : "");
	return EXIT_USAGE;
}
