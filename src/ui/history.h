/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_HISTORY_H
#define WEIR_UI_HISTORY_H

#include <stdint.h>

/* The last minute of many numbers, a value a second, each under an id. What was not
 * looked at in a second is what it was before, if that was told a moment ago, else 0.
 * Time is an argument. */
struct history;

#define HISTORY_SECONDS 60

/* Room for so many ids; of more the one that was told longest ago gives way. 0, -ENOMEM. */
int history_new(struct history **ret, uint32_t ids);
void history_free(struct history *history); /* NULL is a no-op */
/* At at_ms the number was that, and holds for held_ms. */
void history_tell(struct history *history, uint64_t id, uint64_t at_ms, uint64_t held_ms,
		  uint64_t value);
/* The minute that ends now, oldest first; of what is not known all 0. */
void history_read(const struct history *history, uint64_t id, uint64_t now_ms,
		  uint64_t ret[HISTORY_SECONDS]);

#endif
