// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of the encoders: texts and numbers of a record are any bytes.
 * Invariant: the JSON line is one object that another library reads, texts that
 * are UTF-8 come out as they went in, and no encoder writes a second line.
 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "encode/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes up to n bytes of the input. */
static void take(void *to, size_t n, const uint8_t **data, size_t *size)
{
	const size_t some = n < *size ? n : *size;

	memcpy(to, *data, some);
	*data += some;
	*size -= some;
}

static void fill(struct record *record, const uint8_t *data, size_t size)
{
	struct owner *client = &record->owner[INITIATOR], *server = &record->owner[RESPONDER];

	memset(record, 0, sizeof(*record));
	take(record->has, sizeof(record->has), &data, &size);
	record->has[1] &= (1ULL << (FIELD_COUNT - 64)) - 1;
	take(record->bytes, sizeof(record->bytes), &data, &size);
	take(&record->orig, sizeof(record->orig), &data, &size);
	take(&record->nat, sizeof(record->nat), &data, &size);
	take(&record->time_wall_ns, sizeof(record->time_wall_ns), &data, &size);
	take(&record->status, sizeof(record->status), &data, &size);
	take(&record->error, sizeof(record->error), &data, &size);
	take(record->labels, sizeof(record->labels), &data, &size);
	take(client->comm, OWNER_COMM_SIZE - 1, &data, &size);
	take(client->exe, OWNER_PATH_SIZE - 1, &data, &size);
	take(server->container, OWNER_CONTAINER_SIZE - 1, &data, &size);
	record_set(record, FIELD_CLIENT_COMM);
	record_set(record, FIELD_CLIENT_EXE);
}

static bool is_utf8(const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = utf8_length(text, left);
		if (!n)
			return false;
	}
	return true;
}

static void check_text(const json_t *object, const char *key, const char *text)
{
	const char *got = json_string_value(json_object_get(object, key));

	if (!text[0])
		return;
	assert(got && (!is_utf8(text) || !strcmp(got, text)));
}

static void check_json(const struct buf *buf, const struct record *record)
{
	json_error_t error;
	json_t *object = json_loadb(buf->data, buf->len,
				    JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);

	assert(json_is_object(object));
	check_text(object, "client_comm", record->owner[INITIATOR].comm);
	check_text(object, "client_exe", record->owner[INITIATOR].exe);
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct encode_conf conf = { .host = "gateway.example" };
	struct buf buf = { 0 };
	struct record record;

	fill(&record, data, size);
	for (size_t i = 0; encoder_list[i]; i++) {
		buf_clear(&buf);
		encoder_list[i]->record(&buf, &conf, &record);
		if (buf.error || !buf.len)
			continue;
		assert(buf.data[buf.len - 1] == '\n');
		if (encoder_list[i] != &encoder_csv) /* RFC 4180: a quoted field may */
			assert(memchr(buf.data, '\n', buf.len) == buf.data + buf.len - 1);
		if (encoder_list[i] == &encoder_json)
			check_json(&buf, &record);
	}
	buf_fini(&buf);
	return 0;
}
