// SPDX-License-Identifier: Apache-2.0
/*
 * Every source of this build. A source is one row here and its own files; who
 * comes first is entered first.
 */
#include <stddef.h>

#include "source/source.h"

const struct source_ops *const source_table[] = {
	&source_rtaddr,
	&source_socklife, /* a socket's last word before its entry's */
	&source_ctwalk, /* before the events: a pass is proof once they are read after it */
	&source_ctlife,
	&source_ctnetlink,
	&source_sockdiag,
	NULL,
};
