/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_TOP_IMPL_H
#define WEIR_UI_TOP_IMPL_H

/* The inside of the live view, shared by its own files only:
 *   top.c     its loop: keys, answers, time
 *   fetch.c   what it asks of the collector, and what comes of the answers
 *   standing.c, told.c: what else it asks: what is seen at all; a flow's records
 *   keys.c    what a key does (while a filter is typed: keys_prompt.c)
 *   draw.c    the frame: header (header.c), rows, footer
 *   detail.c  one flow that is looked at, and its frame (detail_draw.c)
 *   guide.c   the frame of the keys' help */

#include "base/buf.h"
#include "client/requests.h"
#include "ui/columns.h"
#include "ui/frame.h"
#include "ui/prompt.h"
#include "ui/screen.h"
#include "ui/top.h"

#define TOP_FILTER_SIZE 8192
/* No more rows are asked for, nor given. */
#define TOP_ROWS_MAX 1000
#define TOP_HISTORIES 8192
#define TOP_EVENTS 64
#define DETAIL_FILTER_SIZE 512
#define TOP_EVENT_SIZE 256
/* Groups that were entered, one inside the other. */
#define TOP_DEPTH 8

enum top_mode { TOP_ROWS, TOP_PROMPT, TOP_GUIDE, TOP_DETAIL };

/* What counts only grow, per second between the last two answers. */
struct top_rates {
	double connects, failures, retransmit_percent, cpu_percent;
};

/* One flow, looked at. */
struct top_detail {
	uint64_t id;          /* of the flow */
	json_t *object;       /* owned: as it was last seen */
	bool has_ended;
	bool is_anothers;     /* another collector may give it another id */
	bool is_closed, is_over; /* a close, an end has been told of */
	bool is_all_told;     /* what is told now is of another with its ends */
	char filter[DETAIL_FILTER_SIZE];      /* that chooses its row */
	char told_filter[DETAIL_FILTER_SIZE]; /* its records, those of its sockets too */
	char event[TOP_EVENTS][TOP_EVENT_SIZE]; /* the newest at (events - 1) % TOP_EVENTS */
	unsigned events;
	struct request *stream; /* of its events; NULL: none */
	struct buf line;        /* owned: of the stream, not yet whole */
	unsigned scroll;      /* lines above the first that is seen */
};

/* Where a person was before a group was entered. */
struct top_place {
	unsigned kind;
	char typed[TOP_TYPED_SIZE];
	char order[32];
	bool is_descending;
};

struct top {
	struct top_conf conf;
	struct screen screen;
	struct frame frame;
	struct requests *requests; /* owned */
	struct request *request;   /* of rows, under way; NULL: none */
	struct request *asking;    /* for the ladder's standing; NULL: none */
	bool asks_again;           /* what is under way is out of date */
	bool is_awaited;           /* the first answer to what is wanted now */
	struct buf answer, standing_answer; /* owned: as they come */
	struct snapshot snapshot;  /* the last rows */
	struct snapshot_sums sums; /* of the last answer, whatever it was of */
	uint64_t sum_id;           /* in history: the sum of this filter */
	uint64_t group_seed;       /* for groups of this kind under this filter */
	uint64_t answers;          /* so far */
	struct history *history;   /* owned */
	struct names *names;       /* owned; NULL until somebody wants names */
	uint64_t names_generation; /* what is drawn */
	struct top_rates rates;
	uint64_t answered_boot_ns; /* when; 0: never */
	uint64_t next_boot_ns;     /* when to ask again */
	char standing[320];        /* what is seen, by which rungs */
	char trouble[320];         /* why there are no answers; empty: there are */
	char said[160];            /* why the last key did nothing; empty: it did */

	enum top_mode mode, before_guide;
	unsigned kind;             /* of kind_table */
	char order[32];            /* of a column */
	bool is_descending;
	char typed[TOP_TYPED_SIZE];   /* the filter in force */
	struct top_place place[TOP_DEPTH];
	unsigned depth;
	struct prompt prompt;
	char complaint[320];       /* what is wrong with the prompt's text */
	unsigned complaint_column; /* 1-based; 0: nowhere */
	unsigned interval;         /* index of top_interval_ms */
	uint64_t first_interval_ns; /* of the command line; 0: interval counts */
	bool all, bits, frozen, has_names, has_moved, quit, is_dirty;
	bool at_end;               /* the last row there is, is selected */
	size_t selected, offset;   /* rows of the snapshot */
	uint64_t selected_id;
	struct top_detail detail;
};

extern const unsigned top_interval_ms[];
extern const unsigned top_intervals;

uint64_t top_interval_now_ms(const struct top *top);
/* Names can be had; nobody is asked for any before. */
bool top_have_names(struct top *top);

/* The filter in force; blanks alone are none. */
void top_set_typed(struct top *top, const char *text);
/* One flow is looked at, be it below the help. */
bool top_in_detail(const struct top *top);

/* fetch.c */
void fetch_rows(struct top *top); /* next, or as soon as what is under way is over */
/* The same of another question: what is frozen is not its answer. */
void fetch_anew(struct top *top);
void fetch_if_due(struct top *top);
/* What is asked for with `typed` as the filter. false: it is too long. */
bool fetch_filter(const struct top *top, const char *typed, char ret[TOP_FILTER_SIZE]);
/* For an outlet: to the end of buf; less than n where that ends the request. */
size_t fetch_take(struct buf *buf, const char *bytes, size_t n);
/* An id for another number of the same row: 1.. */
uint64_t fetch_history_id(uint64_t id, unsigned what);
enum { HISTORY_ROW, HISTORY_OUT, HISTORY_IN, HISTORY_RTT, HISTORY_RETRANSMITS };

/* standing.c */
void standing_ask(struct top *top);

/* told.c: of the flow in detail, from now on. */
void told_open(struct top *top);
void told_close(struct top *top);

/* keys.c: an answer to a key, at once. */
void keys_press(struct top *top, int key);
/* Another question: its answer begins at the first row. */
void keys_ask_anew(struct top *top);
/* keys_prompt.c: with the filter in force in it. */
void keys_prompt_open(struct top *top);
void keys_prompt_press(struct top *top, int key);

/* draw.c, header.c, detail_draw.c, guide.c: fill top->frame. */
void draw(struct top *top);
void draw_header(struct top *top);
void draw_detail(struct top *top, unsigned row);
void draw_guide(struct top *top, unsigned row);
/* Rows of flows that the frame has room for. */
unsigned draw_room(const struct top *top);
/* Stands for what is cut. */
const char *draw_mark(const struct top *top);
struct show draw_show(const struct top *top);

/* detail.c */
void detail_open(struct top *top);
void detail_close(struct top *top);
/* What an answer says of it. */
void detail_take(struct top *top, const struct snapshot *now);

#endif
