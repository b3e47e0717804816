// SPDX-License-Identifier: Apache-2.0
/*
 * What a document of Elasticsearch has, and where. The field table gives the names;
 * here is what ECS wants beside, and the order: by path, so that an object is
 * written in one piece.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "encode/ecs_impl.h"
#include "encode/value.h"
#include "flow/field.h"

#define ALWAYS FIELD_COUNT

/* Bounds of what is written: the line before a document, a value, and the few that are
 * longer, with every byte escaped. */
#define ACTION_SIZE 96
#define USUAL_SIZE 160
#define TEXTS 8

/* Beside the fields. A text is a constant, as JSON. */
static const struct {
	const char *path, *type, *text;
	enum ecs_kind kind;
	uint8_t id;
} beside[] = {
	{ "agent.type", "keyword", "\"weir\"", ECS_CONSTANT, ALWAYS },
	{ "agent.version", "keyword", "\"" WEIR_VERSION "\"", ECS_CONSTANT, ALWAYS },
	{ "ecs.version", "keyword", "\"8.11.0\"", ECS_CONSTANT, ALWAYS },
	{ "event.category", "keyword", "[\"network\"]", ECS_CONSTANT, ALWAYS },
	{ "event.kind", "keyword", "\"event\"", ECS_CONSTANT, ALWAYS },
	{ "event.module", "keyword", "\"weir\"", ECS_CONSTANT, ALWAYS },
	{ "event.type", "keyword", NULL, ECS_TYPE, ALWAYS },
	{ "network.bytes", "long", NULL, ECS_BYTES, FIELD_BYTES_ORIG },
	{ "network.packets", "long", NULL, ECS_PACKETS, FIELD_PACKETS_ORIG },
	{ "network.iana_number", "keyword", NULL, ECS_IANA, ALWAYS },
	{ "observer.product", "keyword", "\"weir\"", ECS_CONSTANT, ALWAYS },
	{ "related.ip", "ip", NULL, ECS_RELATED, ALWAYS },
	/* network.direction has the words of ECS, which has none for forwarded */
	{ "weir.direction", "keyword", NULL, ECS_FIELD, FIELD_DIRECTION },
};

/* Numbers that ECS has as keywords. */
static const char *const quoted[] = {
	"user.id", "observer.ingress.interface.id", "observer.egress.interface.id",
};

static const char *type_of(const struct field *field)
{
	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_U16:
	case FIELD_TYPE_U32:
	case FIELD_TYPE_U64:
	case FIELD_TYPE_PORT:
		return "long";
	case FIELD_TYPE_DOUBLE:
		return "double";
	case FIELD_TYPE_BOOL:
		return "boolean";
	case FIELD_TYPE_TIME:
		return "date";
	case FIELD_TYPE_ADDR:
		return "ip";
	default:
		return "keyword";
	}
}

/* The process of the local end: the client where it is of this host, else the server. */
static uint8_t instead_of(unsigned id)
{
	switch (id) {
	case FIELD_CLIENT_PID:
		return FIELD_SERVER_PID;
	case FIELD_CLIENT_COMM:
		return FIELD_SERVER_COMM;
	case FIELD_CLIENT_UID:
		return FIELD_SERVER_UID;
	case FIELD_CLIENT_CONTAINER:
		return FIELD_SERVER_CONTAINER;
	default:
		return (uint8_t)id;
	}
}

/* What stands before the value, or the whole member; NULL: no memory. The caller frees. */
static char *text_of(const char *path, const char *value)
{
	const char *dot = strrchr(path, '.');
	struct buf text = { 0 };

	buf_putc(&text, '"');
	buf_puts(&text, dot ? dot + 1 : path);
	buf_puts(&text, "\":");
	if (value) {
		buf_puts(&text, value);
		buf_putc(&text, ',');
	}
	buf_putc(&text, '\0');
	if (!text.error && text.len <= UINT16_MAX)
		return text.data;
	buf_fini(&text);
	return NULL;
}

static bool add(struct ecs *ecs, struct ecs_row row, const char *value)
{
	if (ecs->row_count == ECS_ROWS_MAX)
		return false;
	row.text = text_of(row.path, value);
	if (!row.text)
		return false;
	row.text_n = (uint16_t)strlen(row.text);
	ecs->row[ecs->row_count++] = row;
	return true;
}

static bool add_field(struct ecs *ecs, unsigned id)
{
	const struct field *field = &field_table[id];
	struct ecs_row row = { .path = field->ecs,
			       .type = type_of(field),
			       .kind = ECS_FIELD,
			       .id = (uint8_t)id,
			       .instead = instead_of(id) };

	if (id == FIELD_EVENT)
		row.kind = ECS_ACTION;
	if (id == FIELD_DURATION_MS) {
		row.kind = ECS_DURATION;
		row.type = "long";
	}
	if (id == FIELD_DIRECTION)
		row.kind = ECS_DIRECTION;
	for (size_t i = 0; i < ARRAY_LEN(quoted); i++) {
		if (!strcmp(quoted[i], row.path)) {
			row.kind = ECS_QUOTED;
			row.type = "keyword";
		}
	}
	return add(ecs, row, NULL);
}

static bool add_constant(struct ecs *ecs, const char *path, const char *value)
{
	const struct ecs_row row = { .path = path,
				     .type = "keyword",
				     .kind = ECS_CONSTANT,
				     .id = ALWAYS };
	struct buf text = { 0 };
	bool is_added;

	json_append_string(&text, value, strlen(value));
	buf_putc(&text, '\0');
	is_added = !text.error && add(ecs, row, text.data);
	buf_fini(&text);
	return is_added;
}

static bool add_rows(struct ecs *ecs, const struct ecs_conf *conf)
{
	bool is_well = true;

	for (unsigned id = 0; id < FIELD_COUNT && is_well; id++) {
		if (id != FIELD_HOST)
			is_well = add_field(ecs, id);
	}
	for (size_t i = 0; i < ARRAY_LEN(beside) && is_well; i++) {
		const struct ecs_row row = { .path = beside[i].path,
					     .type = beside[i].type,
					     .kind = beside[i].kind,
					     .id = beside[i].id,
					     .instead = beside[i].id };

		is_well = add(ecs, row, beside[i].text);
	}
	if (is_well && conf->host && conf->host[0])
		is_well = add_constant(ecs, field_table[FIELD_HOST].ecs, conf->host) &&
			  add_constant(ecs, "agent.name", conf->host);
	return is_well && add_constant(ecs, "event.dataset", conf->dataset);
}

static int by_path(const void *x, const void *y)
{
	const struct ecs_row *a = x, *b = y;

	return strcmp(a->path, b->path);
}

/* --- objects ---------------------------------------------------------------------- */

static bool find_group(struct ecs *ecs, struct ecs_row *row)
{
	const char *dot = strrchr(row->path, '.');
	struct ecs_group group = { .path = row->path,
				   .n = (uint8_t)(dot ? dot - row->path : 0) };

	for (row->group = 0; row->group < ecs->group_count; row->group++) {
		const struct ecs_group *known = &ecs->group[row->group];

		if (known->n == group.n && !memcmp(known->path, group.path, group.n))
			return true;
	}
	for (size_t i = 0; i < group.n; i++)
		group.depth += group.path[i] == '.';
	group.depth += group.n > 0;
	if (ecs->group_count == ECS_GROUPS_MAX)
		return false;
	ecs->group[ecs->group_count++] = group;
	return true;
}

/* The length of the next name of the path at `at`. */
static size_t name_at(const struct ecs_group *group, size_t at)
{
	const char *dot = memchr(group->path + at, '.', group->n - at);

	return dot ? (size_t)(dot - group->path) - at : group->n - at;
}

static bool make_step(struct ecs *ecs, unsigned from, unsigned to)
{
	const struct ecs_group *x = &ecs->group[from], *y = &ecs->group[to];
	char *opens = ecs->step[from][to].opens;
	size_t at = 0, n, used = 0;
	unsigned shared = 0;
	int more;

	while (at < x->n && at < y->n) {
		n = name_at(y, at);
		if (name_at(x, at) != n || memcmp(x->path + at, y->path + at, n) != 0)
			break;
		at += n + 1;
		shared++;
	}
	for (; at < y->n; at += n + 1) {
		n = name_at(y, at);
		more = snprintf(opens + used, ECS_TEXT_SIZE - used, "\"%.*s\":{", (int)n,
				y->path + at);
		if (more < 0 || (size_t)more >= ECS_TEXT_SIZE - used)
			return false;
		used += (size_t)more;
	}
	ecs->step[from][to].closes = (uint8_t)(x->depth - shared);
	ecs->step[from][to].opens_n = (uint8_t)used;
	return true;
}

/* --- made and freed ----------------------------------------------------------------- */

struct ecs *ecs_new(const struct ecs_conf *conf)
{
	struct ecs *ecs = calloc(1, sizeof(*ecs));
	bool is_well;

	if (!ecs)
		return NULL;
	ecs->has_id = conf->has_id;
	ecs->group[ecs->group_count++] = (struct ecs_group){ .path = "" };
	is_well = add_rows(ecs, conf);
	qsort(ecs->row, ecs->row_count, sizeof(ecs->row[0]), by_path);
	for (unsigned i = 0; i < ecs->row_count && is_well; i++)
		is_well = find_group(ecs, &ecs->row[i]);
	for (unsigned i = 0; i < ecs->group_count && is_well; i++) {
		for (unsigned j = 0; j < ecs->group_count && is_well; j++)
			is_well = make_step(ecs, i, j);
	}
	ecs->room = ACTION_SIZE + TEXTS * 6 * VALUE_SIZE + ECS_COPY;
	for (unsigned i = 0; i < ecs->row_count; i++)
		ecs->room += ecs->row[i].text_n + ECS_TEXT_SIZE + USUAL_SIZE;
	/* what stands between the values is a part of that */
	ecs->text = calloc(1, ecs->room);
	if (!is_well || !ecs->text || ecs->room > UINT16_MAX) {
		ecs_free(ecs);
		return NULL;
	}
	return ecs;
}

void ecs_free(struct ecs *ecs)
{
	if (!ecs)
		return;
	for (unsigned i = 0; i < ecs->row_count; i++)
		free(ecs->row[i].text);
	free(ecs->text);
	free(ecs);
}
