/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence that begins at text (RFC 3629 section 4:
 * no overlong forms, no surrogates), 1 to 4; 0 when there is none. n >= 1. */
size_t utf8_length(const char *text, size_t n);
/* Puts '?' for what could command a terminal (C0 and C1 controls, DEL) and for
 * bytes that are not UTF-8. */
void utf8_make_printable(char *text, size_t n);

#endif
