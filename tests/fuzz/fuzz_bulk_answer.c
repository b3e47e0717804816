// SPDX-License-Identifier: Apache-2.0
/*
 * Answers of Elasticsearch's bulk API: the first byte says how many records were
 * sent, the rest is the answer. Invariant: an answer that has no item for a record
 * delivers it not, and refuses none.
 */
#include <assert.h>
#include <string.h>

#include "base/why.h"
#include "sink/elasticsearch_impl.h"
#include "sink/http.h"

#define MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elasticsearch_server server;
	struct http_answer answer = { .status = 200 };
	uint8_t fate[MOST + 1] = { 0 };
	struct batch batch = { .fate = fate };
	struct why why = { "" };
	enum delivery verdict;
	bool is_missing;

	if (!size)
		return 0;
	batch.count = 1 + data[0] % MOST;
	answer.body = (const char *)data + 1;
	answer.body_n = size - 1;
	for (size_t i = 0; i < batch.count; i++)
		buf_puts(&batch.bytes, "{}\n{}\n");
	verdict = elasticsearch_read(&batch, &answer, &is_missing, &why);
	assert(fate[batch.count] == 0);
	for (size_t i = 0; i < batch.count; i++)
		assert(fate[i] == DELIVERED || fate[i] == RETRY || fate[i] == REJECTED);
	if (verdict == DELIVERED) {
		/* "status" for each */
		assert(answer.body_n > batch.count * strlen("{\"\":{\"status\":200}}"));
		for (size_t i = 0; i < batch.count; i++)
			assert(fate[i] == DELIVERED);
	} else {
		assert(why.text[0]);
	}
	buf_fini(&batch.bytes);
	elasticsearch_read_server(&server, &answer);
	return 0;
}
