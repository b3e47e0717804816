// SPDX-License-Identifier: Apache-2.0
/* The pure parts of the live view: grid, widths, bars, the last minute, the line that is
 * typed, the collector's answer, what a group's row chooses. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/why.h"
#include "flow/filter.h"
#include "ui/columns.h"
#include "ui/frame.h"
#include "ui/history.h"
#include "ui/layout.h"
#include "ui/prompt.h"
#include "ui/snapshot.h"
#include "ui/sparkline.h"

static void check_frame(const struct frame *frame, const char *expected)
{
	struct buf text = { 0 };

	frame_print(frame, &text);
	buf_putc(&text, '\0');
	assert_string_equal(text.data, expected);
	buf_fini(&text);
}

static void text_stays_in_its_place_and_in_the_frame(void **state)
{
	struct frame frame = { 0 };

	assert_int_equal(frame_resize(&frame, 3, 10), 0);
	assert_int_equal(frame_put(&frame, 0, 8, 10, LOOK_PLAIN, "abcdef"), 10);
	assert_int_equal(frame_put(&frame, 1, 2, 3, LOOK_PLAIN, "abcdef"), 5);
	frame_put(&frame, 7, 0, 10, LOOK_PLAIN, "below");
	frame_put(&frame, 0, 99, 10, LOOK_PLAIN, "beside");
	frame_put_right(&frame, 2, 0, 6, LOOK_PLAIN, "1.2K");
	frame_look(&frame, 9, 0, 5, LOOK_BAD);
	frame_look(&frame, 0, 5, 500, LOOK_BAD);
	check_frame(&frame, "        ab\n  abc\n  1.2K\n");
	assert_int_equal(frame_resize(&frame, 0, 0), 0);
	assert_int_equal(frame_put(&frame, 0, 0, 10, LOOK_PLAIN, "x"), 0);
	check_frame(&frame, "");
	frame_fini(&frame);
}

/* A wide character takes two columns and is not cut in half. */
static void characters_are_as_wide_as_a_terminal_shows_them(void **state)
{
	struct frame frame = { 0 };

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(frame_resize(&frame, 2, 6), 0);
	assert_int_equal(frame_text_width("\u00e9\u4e16x"), 4);
	assert_int_equal(frame_put(&frame, 0, 0, 6, LOOK_PLAIN, "\u4e16\u754cx!"), 6);
	assert_int_equal(frame_put(&frame, 1, 0, 3, LOOK_PLAIN, "\u4e16\u754c"), 2);
	check_frame(&frame, "\u4e16\u754cx!\n\u4e16\n");
	frame_fini(&frame);
}

static void what_commands_a_terminal_is_not_shown(void **state)
{
	struct frame frame = { 0 };

	assert_int_equal(frame_resize(&frame, 1, 12), 0);
	frame_put(&frame, 0, 0, 12, LOOK_PLAIN, "a\x1b[2Jb\x9b\xff\n");
	check_frame(&frame, "a?[2Jb???\n");
	frame_fini(&frame);
}

static void columns_give_way_in_the_order_of_their_rank(void **state)
{
	static const struct layout_column column[] = {
		{ .rank = 2, .least = 5, .want = 8 },
		{ .rank = 1, .least = 10, .want = 30 },
		{ .rank = 3, .least = 4, .want = 4 },
	};
	unsigned width[LAYOUT_COLUMNS_MAX];

	layout_fit(width, column, 3, 9);
	assert_int_equal(width[0] + width[1] + width[2], 0);
	layout_fit(width, column, 3, 15); /* no room for the gap and a second */
	assert_int_equal(width[0], 0);
	assert_int_equal(width[1], 15);
	layout_fit(width, column, 3, 16);
	assert_int_equal(width[0], 5);
	assert_int_equal(width[1], 10);
	assert_int_equal(width[2], 0);
	layout_fit(width, column, 3, 24);
	assert_int_equal(width[0], 5);
	assert_int_equal(width[1], 13); /* the first in rank takes what is left */
	assert_int_equal(width[2], 4);
	layout_fit(width, column, 3, 200);
	assert_int_equal(width[0], 8);
	assert_int_equal(width[1], 30);
	assert_int_equal(width[2], 4);
}

/* For any number of columns and any width: never more than there is. */
static void columns_never_take_more_than_there_is(void **state)
{
	struct layout_column column[LAYOUT_COLUMNS_MAX];
	unsigned width[LAYOUT_COLUMNS_MAX], seed = 1;

	for (unsigned total = 0; total < 300; total++) {
		unsigned used = 0;

		for (size_t i = 0; i < LAYOUT_COLUMNS_MAX; i++) {
			seed = seed * 1103515245 + 12345;
			column[i] = (struct layout_column){ seed >> 8 & 7, 1 + (seed >> 16 & 15),
							    1 + (seed >> 20 & 63) };
		}
		layout_fit(width, column, LAYOUT_COLUMNS_MAX, total);
		for (size_t i = 0; i < LAYOUT_COLUMNS_MAX; i++) {
			if (width[i])
				used += width[i] + (used ? LAYOUT_GAP : 0);
			assert_true(!width[i] || width[i] >= column[i].least);
		}
		assert_true(used <= total);
	}
}

static void check_elided(const char *text, unsigned width, int tail, const char *expected)
{
	char ret[CELL_SIZE];

	layout_elide(ret, sizeof(ret), text, width, "~", tail);
	assert_string_equal(ret, expected);
	assert_true(frame_text_width(ret) <= width);
}

static void what_is_too_long_keeps_its_port(void **state)
{
	check_elided("192.0.2.10:443", 14, 1, "192.0.2.10:443");
	check_elided("192.0.2.10:443", 12, 1, "192.0.2~:443");
	check_elided("[2001:db8::1]:443", 12, 1, "[2001:~]:443");
	check_elided("[2001:db8::1]:443", 5, 1, "[200~");
	check_elided("systemd-resolve", 8, 0, "systemd~");
	check_elided("abc", 1, 0, "~");
	check_elided("abc", 0, 0, "");
}

static void bars_stand_for_the_greatest_of_their_share(void **state)
{
	static const uint64_t rising[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const uint64_t huge[2] = { UINT64_MAX, 1 };
	char text[64];

	sparkline(text, 8, rising, 8, 0, false);
	assert_string_equal(text, " :-=+*%#");
	sparkline(text, 4, rising, 8, 0, false);
	assert_string_equal(text, ":=*#");
	sparkline(text, 4, rising, 8, 14, false); /* of a greater whole */
	assert_string_equal(text, ".:-=");
	sparkline(text, 2, huge, 2, 0, true);
	assert_string_equal(text, "\u2588\u2581");
	sparkline(text, 3, rising, 1, 0, true);
	assert_string_equal(text, "   ");
	sparkline(text, 0, rising, 8, 0, true);
	assert_string_equal(text, "");
	sparkline(text, 3, NULL, 0, 0, false);
	assert_string_equal(text, "   ");
}

static void a_minute_is_remembered_and_what_nobody_looked_at_is_held(void **state)
{
	uint64_t value[HISTORY_SECONDS];
	struct history *history;

	assert_int_equal(history_new(&history, 16), 0);
	history_read(history, 7, 5000, value);
	assert_int_equal(value[59], 0);
	history_tell(history, 7, 100000, 1000, 10);
	history_tell(history, 7, 101000, 1000, 20);
	history_tell(history, 7, 101500, 1000, 5); /* a burst is not forgotten at once */
	history_tell(history, 7, 103000, 5000, 30);
	history_read(history, 7, 103500, value);
	assert_int_equal(value[59], 30);
	assert_int_equal(value[58], 20); /* held */
	assert_int_equal(value[57], 20);
	assert_int_equal(value[56], 10);
	assert_int_equal(value[55], 0);
	history_read(history, 7, 108000, value); /* told to hold for 5 s */
	assert_int_equal(value[59], 30);
	history_read(history, 7, 120000, value);
	assert_int_equal(value[59], 0);
	assert_int_equal(value[59 - 17], 30);
	history_read(history, 7, 200000, value);
	for (int i = 0; i < HISTORY_SECONDS; i++)
		assert_int_equal(value[i], 0);
	history_tell(history, 7, 1ULL << 50, 1000, 4);
	history_read(history, 7, 1ULL << 50, value);
	assert_int_equal(value[59], 4);
	history_tell(history, 7, 9000, 1000, 99); /* a clock that went back says nothing */
	history_read(history, 7, 1ULL << 50, value);
	assert_int_equal(value[59], 4);
	history_free(history);
	history_free(NULL);
}

/* Of more ids than there is room for the newest are known. */
static void ids_that_are_told_longest_ago_give_way(void **state)
{
	uint64_t value[HISTORY_SECONDS];
	struct history *history;
	unsigned known = 0;

	assert_int_equal(history_new(&history, 64), 0);
	for (uint64_t id = 1; id <= 10000; id++)
		history_tell(history, id * 0x123456789abcdefULL, 1000 * id, 1000, id);
	history_read(history, 10000 * 0x123456789abcdefULL, 1000 * 10000, value);
	assert_int_equal(value[59], 10000);
	for (uint64_t id = 1; id <= 9000; id++) {
		history_read(history, id * 0x123456789abcdefULL, 1000 * id, value);
		known += value[59] == id;
	}
	assert_true(known <= 72);
	history_free(history);
}

static void type(struct prompt *prompt, const char *text)
{
	for (; *text; text++)
		prompt_insert(prompt, (unsigned char)*text);
}

static void a_line_is_edited_by_characters(void **state)
{
	struct prompt prompt = { 0 };

	type(&prompt, "port 443");
	prompt_home(&prompt);
	type(&prompt, "tcp ");
	assert_string_equal(prompt.text, "tcp port 443");
	prompt_end(&prompt);
	prompt_kill_word(&prompt);
	assert_string_equal(prompt.text, "tcp port ");
	prompt_insert(&prompt, 0xe9);
	prompt_insert(&prompt, 0x4e16);
	prompt_insert(&prompt, 0x1b); /* no character */
	assert_string_equal(prompt.text, "tcp port \u00e9\u4e16");
	prompt_move(&prompt, -1);
	prompt_backspace(&prompt);
	assert_string_equal(prompt.text, "tcp port \u4e16");
	prompt_delete(&prompt);
	prompt_delete(&prompt);
	assert_string_equal(prompt.text, "tcp port ");
	prompt_move(&prompt, -100);
	prompt_backspace(&prompt);
	prompt_move(&prompt, 100);
	prompt_kill_line(&prompt);
	assert_string_equal(prompt.text, "");
	for (int i = 0; i < 2 * PROMPT_SIZE; i++)
		prompt_insert(&prompt, 0x4e16); /* what does not fit is not cut in half */
	assert_int_equal(strlen(prompt.text), (PROMPT_SIZE - 1) / 3 * 3);
}

static void an_answer_is_read_and_nonsense_leaves_the_last_one(void **state)
{
	static const char flows[] =
		"{\"flows\":1,\"live\":3,\"rows\":1,\"rate_out_bps\":8,\"rate_in_bps\":16,"
		"\"at_ms\":5,\"lost\":2,\"cpu_seconds\":1.5,\"by\":\"flow\",\"new\":{},\"top\":"
		"[{\"flow_id\":\"00000000000000ff\",\"proto\":\"tcp\",\"src_ip\":\"::1\","
		"\"src_port\":1,\"dst_ip\":\"192.0.2.1\",\"dst_port\":65535,\"direction\":"
		"\"inbound\",\"tcp_state\":\"established\",\"server_pid\":9,"
		"\"server_comm\":\"sshd\","
		"\"tcp_segments_orig\":7,\"tcp_segments_reply\":200,\"retransmits\":1}]}";
	static const char groups[] = "{\"by\":\"host\",\"top\":[{\"key\":\"-\"}]}";
	struct snapshot snapshot = { 0 };
	uint64_t id[2];
	struct why why;

	assert_int_equal(snapshot_read(&snapshot, 0, flows, strlen(flows), &why), 0);
	assert_int_equal(snapshot.count, 1);
	assert_int_equal(snapshot.row[0].id, 0xff);
	assert_int_equal(snapshot.row[0].port[1], 65535);
	assert_string_equal(snapshot.row[0].process, "> sshd/9");
	assert_string_equal(snapshot.row[0].state, "established");
	assert_true(snapshot.row[0].bytes[0] == SNAPSHOT_ABSENT);
	/* of the server's socket: its segments, not the client's */
	assert_true(snapshot_retransmit_percent(&snapshot.row[0]) == 0.5);
	assert_int_equal(snapshot_read(&snapshot, 0, "{\"top\":1}", 9, &why), -EBADMSG);
	assert_int_equal(snapshot_read(&snapshot, 0, flows, 60, &why), -EBADMSG);
	assert_int_equal(snapshot_read(&snapshot, 0, NULL, 0, &why), -EBADMSG);
	assert_int_equal(snapshot.count, 1);
	/* all of another type than it should be */
	assert_int_equal(snapshot_read(&snapshot, 0, "{\"by\":3,\"rows\":\"x\",\"top\":[1,[],{"
				       "\"src_ip\":2,\"src_port\":\"y\",\"rtt_us\":-4}]}", 72,
				       &why), 0);
	assert_int_equal(snapshot.count, 3);
	/* a group of the same name under another filter has another past */
	for (uint64_t seed = 0; seed < 2; seed++) {
		assert_int_equal(snapshot_read(&snapshot, seed, groups, strlen(groups), &why), 0);
		id[seed] = snapshot.row[0].id;
	}
	assert_true(id[0] != id[1]);
	snapshot_fini(&snapshot);
}

/* Whatever a group is called, its filter is one. */
static void a_groups_row_makes_a_filter(void **state)
{
	static const char *const keys[KINDS][4] = {
		[1] = { "curl", "a \"quoted\\ one", "-", "it's) or (y" },
		[2] = { "3f2a", "-", "a b", "\"" },
		[3] = { "192.0.2.1", "2001:db8::1", "::", "0.0.0.0" },
		[4] = { "443/tcp", "icmp", "53/udp", "0/sctp" },
		[5] = { "4026531840", "0", "1", "2" },
		[6] = { "tcp", "udp", "icmpv6", "gre" },
		[7] = { "0", "1000", "-", "4294967294" },
	};
	char text[512];

	for (size_t kind = 1; kind < KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(keys[kind]); i++) {
			struct filter *filter = NULL;
			struct why why = { "" };

			assert_null(kind_filter(text, sizeof(text), &kind_table[kind],
						keys[kind][i]));
			if (filter_new(&filter, text, NULL, &why) < 0)
				fail_msg("%s: %s", text, why.text);
			filter_free(filter);
		}
	}
	assert_non_null(kind_filter(text, sizeof(text), &kind_table[1], "(others)"));
	assert_non_null(kind_filter(text, sizeof(text), &kind_table[1], "it's \"both\""));
	assert_non_null(kind_filter(text, sizeof(text), &kind_table[1], "a\uFFFDb"));
}

static void every_column_of_any_row_is_text(void **state)
{
	struct history *history;
	struct show show = { .by = "flow" };
	struct snapshot_row row[2] = { 0 };

	assert_int_equal(history_new(&history, 8), 0);
	show.history = history;
	memset(&row[1].rate_bps, 0xff, sizeof(row[1].rate_bps));
	row[1].rtt_us = row[1].age_ms = row[1].retransmits = row[1].segments = SNAPSHOT_ABSENT;
	row[1].bytes[0] = row[1].bytes[1] = UINT64_MAX - 1;
	for (size_t kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < kind_table[kind].count; i++) {
			for (int r = 0; r < 2; r++) {
				struct cell cell = { .look = LOOK_PLAIN };

				memset(cell.text, 'x', sizeof(cell.text));
				kind_table[kind].column[i].put(&cell, &row[r], &show, 500);
				assert_true(strnlen(cell.text, CELL_SIZE) < CELL_SIZE);
			}
		}
		assert_true(kind_column(&kind_table[kind], "rate") >= 0);
	}
	history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_in_its_place_and_in_the_frame),
		cmocka_unit_test(characters_are_as_wide_as_a_terminal_shows_them),
		cmocka_unit_test(what_commands_a_terminal_is_not_shown),
		cmocka_unit_test(columns_give_way_in_the_order_of_their_rank),
		cmocka_unit_test(columns_never_take_more_than_there_is),
		cmocka_unit_test(what_is_too_long_keeps_its_port),
		cmocka_unit_test(bars_stand_for_the_greatest_of_their_share),
		cmocka_unit_test(a_minute_is_remembered_and_what_nobody_looked_at_is_held),
		cmocka_unit_test(ids_that_are_told_longest_ago_give_way),
		cmocka_unit_test(a_line_is_edited_by_characters),
		cmocka_unit_test(an_answer_is_read_and_nonsense_leaves_the_last_one),
		cmocka_unit_test(a_groups_row_makes_a_filter),
		cmocka_unit_test(every_column_of_any_row_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
