// SPDX-License-Identifier: Apache-2.0
/*
 * Settings from any text: the first line is a key or a variable's name, the
 * rest its value. Invariant: what is accepted is within its bounds, what is
 * refused is explained and changes nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/why.h"
#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct settings *settings)
{
	assert(settings->refresh_ns >= 20 * NUM_NS_PER_MS);
	assert(settings->table_max_flows >= 1);
	assert(settings->report_count >= 1 && settings->report_count <= SETTINGS_REPORT_MAX);
	for (size_t i = 1; i < settings->report_count; i++)
		assert(settings->report[i].age_ns > settings->report[i - 1].age_ns);
	assert(memchr(settings->listen_socket, '\0', sizeof(settings->listen_socket)));
	assert(settings->listen_socket[0]);
	assert(settings->log_level <= LOG_LEVEL_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings, before;
	struct why why = { "" };
	char *text, *newline;
	int r;

	text = calloc(1, size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	settings_init(&settings);
	before = settings;
	newline = strchr(text, '\n');
	if (newline) {
		*newline = '\0';
		r = settings_set(&settings, text, newline + 1, "fuzz", &why);
	} else {
		char *const environment[] = { text, NULL };

		r = settings_apply_environment(&settings, environment, &why);
	}
	check(&settings);
	if (r < 0) {
		assert(why.text[0]);
		assert(!memcmp(&settings, &before, sizeof(settings)));
	}
	free(text);
	return 0;
}
