// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of the filter: the first part of the input is the filter, the
 * part after a NUL what the record it is asked about is filled with. What is
 * refused is explained, with a column inside the text; what is accepted explains
 * itself and always gives the same answer.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/why.h"
#include "flow/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any numbers, but what the type of a member allows. */
static void fill_record(struct record *record, const uint8_t *bytes, size_t n)
{
	memset(record, 0, sizeof(*record));
	memset(record->has, 0xff, sizeof(record->has));
	memcpy(record->bytes, bytes, n < sizeof(record->bytes) ? n : sizeof(record->bytes));
	memcpy(&record->orig, bytes, n < sizeof(record->orig) ? n : sizeof(record->orig));
	memcpy(record->owner[0].comm, bytes, n < OWNER_COMM_SIZE ? n : OWNER_COMM_SIZE - 1);
	record->nat = record->orig;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct filter *filter = NULL;
	struct record record;
	struct why why = { "" };
	struct buf buf = { 0 };
	unsigned column = 0;
	size_t length;
	int r;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	length = strlen(text);
	r = filter_new(&filter, text, &column, &why);
	if (r < 0) {
		assert(r == -EINVAL && why.text[0]);
		assert(column >= 1 && column <= length + 1);
	} else {
		length += length < size; /* the NUL between the two */
		fill_record(&record, data + length, size - length);
		assert(filter_match(filter, &record) == filter_match(filter, &record));
		filter_explain(filter, &buf);
		filter_free(filter);
	}
	buf_fini(&buf);
	free(text);
	return 0;
}
