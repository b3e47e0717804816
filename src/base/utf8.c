// SPDX-License-Identifier: Apache-2.0
/* UTF-8: what is well-formed, and what a terminal may be shown. */
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_length(const char *bytes, size_t n)
{
	const unsigned char *text = (const unsigned char *)bytes;
	const unsigned char first = text[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		length = 2;
	else if (first >= 0xe0 && first <= 0xef)
		length = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		length = 4;
	else
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* overlong */
	else if (first == 0xed)
		high = 0x9f; /* surrogates */
	else if (first == 0xf0)
		low = 0x90; /* overlong */
	else if (first == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (n < length || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* C0, DEL, and C1 (U+0080 to U+009F), some of which begin escape sequences. */
static bool is_control(const char *text, size_t length)
{
	const unsigned char first = (unsigned char)text[0];

	if (length == 1)
		return first < 0x20 || first == 0x7f;
	return length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0;
}

void utf8_make_printable(char *text, size_t n)
{
	size_t i = 0, length;

	while (i < n) {
		length = utf8_length(text + i, n - i);
		if (!length || is_control(text + i, length)) {
			length = length ? length : 1;
			memset(text + i, '?', length);
		}
		i += length;
	}
}
