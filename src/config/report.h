/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_REPORT_H
#define WEIR_CONFIG_REPORT_H

#include <stdint.h>

struct settings;
struct why;
struct buf;

/* Decodes the report curve: a JSON list of 1 to SETTINGS_REPORT_MAX objects
 * {"age": DURATION, "every": DURATION}, the ages strictly rising, none above
 * max_ns. Untouched on failure: -EINVAL, -ERANGE and a sentence. */
int report_decode(struct settings *settings, uint64_t max_ns, const char *text, struct why *why);

/* The text that report_decode would take, appended. */
void report_print(const struct settings *settings, struct buf *buf);

#endif
