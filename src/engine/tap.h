/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_TAP_H
#define WEIR_ENGINE_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/obs.h"

struct why;

/* The recording: every observation as a line of text, for a replay. Embedded;
 * zeroed is closed, and nothing is recorded. */
struct tap {
	const char *path; /* borrowed; NULL: no recording was asked for */
	int fd;           /* owned while it is open */
	bool is_open;
	bool is_broken; /* something is missing at its end; that was logged */
	struct buf waiting;    /* owned: lines that are not written yet */
	uint64_t length_bytes; /* of those that are */
	uint64_t lost;         /* observations that it should have and has not */
};

/* Creates the file and writes the line that tells a replay what the observations
 * do not. 0, or -errno with the sentence. */
int tap_open(struct tap *tap, const char *path, uint64_t started_wall_ns, struct why *why);
void tap_write(struct tap *tap, const struct obs *obs);
/* Writes what waits. One that is closed is left alone. */
void tap_close(struct tap *tap);

#endif
