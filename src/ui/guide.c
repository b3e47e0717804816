// SPDX-License-Identifier: Apache-2.0
/* The keys, on the screen. */
#include "base/array.h"
#include "ui/top_impl.h"

static const char *const lines[][2] = {
	{ "1 2 3 4", "flows, or added up by process, container, remote host," },
	{ "5 6 7 8", "service port, namespace, protocol, user; g is the next" },
	{ "s r", "sort by the next column; the other way round" },
	{ "/", "filter: tcp and port 443, comm curl, rtt > 50ms" },
	{ "Enter", "of a flow all there is to know; of a group its flows" },
	{ "Esc Left", "back" },
	{ "arrows j k", "move; PgUp PgDn Home End too" },
	{ "a", "loopback, closed and doubly seen flows too, or not" },
	{ "Space", "freeze; go on" },
	{ "+ -", "look less often; more often" },
	{ "n b", "names for numbers; rates in bits or bytes" },
	{ "q", "end" },
};

static const char *const meanings[] = {
	"OUT/s IN/s SENT RECV: of a flow from its source, from its destination; of a",
	"group and above what leaves this host, what comes to it. IP bytes where",
	"conntrack counts, payload where only a socket does. RETR%: retransmitted of",
	"sent segments. What two namespaces see is added up once. LAST MINUTE: what",
	"this view saw, each row on its own scale.",
};

void draw_guide(struct top *top, unsigned row)
{
	struct frame *frame = &top->frame;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++, row++) {
		frame_put(frame, row, 2, 12, LOOK_BOLD, lines[i][0]);
		frame_put(frame, row, 15, frame->columns, LOOK_PLAIN, lines[i][1]);
	}
	row++;
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++, row++)
		frame_put(frame, row, 2, frame->columns, LOOK_DIM, meanings[i]);
}
