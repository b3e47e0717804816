/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_ECS_IMPL_H
#define WEIR_ENCODE_ECS_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "encode/ecs.h"

/* Between ecs_rows.c, which says what a document has and where, and ecs.c, which
 * writes it. */

#define ECS_ROWS_MAX (FIELD_COUNT + 24)
#define ECS_GROUPS_MAX 32
#define ECS_TEXT_SIZE 48
/* Short texts are copied in one go of so many bytes. */
#define ECS_COPY 64

enum ecs_kind {
	ECS_FIELD,    /* the value of field `id` as JSON has it */
	ECS_QUOTED,   /* the same, of a number, as a string: a keyword */
	ECS_CONSTANT, /* key and value are in `text` */
	/* derived from field `id` and others */
	ECS_ACTION, ECS_TYPE, ECS_DURATION, ECS_DIRECTION, ECS_BYTES, ECS_PACKETS,
	ECS_IANA, ECS_RELATED,
};

/* One member, in the order of its path, so that those of an object are neighbours. */
struct ecs_row {
	const char *path;   /* "source.nat.ip" */
	const char *type;   /* in a mapping */
	enum ecs_kind kind;
	uint8_t id, instead; /* enum field_id; absent: that one; FIELD_COUNT: always there */
	uint8_t group;       /* into ecs->group */
	uint16_t text_n;
	char *text;          /* owned; "ip": or the whole member with its comma */
};

/* An object of the document: "source.nat" is of depth 2, the document of 0. */
struct ecs_group {
	const char *path; /* borrowed of a row, the first `n` bytes */
	uint8_t n, depth;
};

struct ecs {
	struct ecs_row row[ECS_ROWS_MAX];
	uint8_t row_count, group_count;
	struct ecs_group group[ECS_GROUPS_MAX];
	/* from one object into the next: so many are closed, and that is opened */
	struct {
		uint8_t closes, opens_n;
		char opens[ECS_TEXT_SIZE];
	} step[ECS_GROUPS_MAX][ECS_GROUPS_MAX];
	bool has_id;
	size_t room; /* of the longest that can be written for a record */
	/* The document of a record with these fields, of which the next one mostly has the
	 * same: all that stands before each value, the constants too, and the end. */
	uint64_t has[2];
	struct {
		uint16_t at, n; /* in text */
		uint8_t row;
	} part[ECS_ROWS_MAX];
	uint16_t end_at, end_n;
	uint8_t part_count; /* 0: none is known yet */
	char *text;         /* owned; ECS_COPY bytes longer than it has to be */
};

#endif
