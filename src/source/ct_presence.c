// SPDX-License-Identifier: Apache-2.0
/*
 * The presence of conntrack. A switch of it is held open: that does not keep the
 * module in, and one that was taken out answers ENOENT for ever, even where another
 * has come since, whose switches are at the same paths.
 */
#include "source/ct_presence.h"

#include <fcntl.h>
#include <unistd.h>

#define SWITCH "/proc/sys/net/netfilter/nf_conntrack_count"

void ct_presence_init(struct ct_presence *presence)
{
	presence->fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
}

void ct_presence_fini(struct ct_presence *presence)
{
	if (presence->fd >= 0)
		close(presence->fd);
	presence->fd = -1;
}

bool ct_presence_is(const struct ct_presence *presence)
{
	return presence->fd >= 0;
}

enum ct_news ct_presence_look(struct ct_presence *presence)
{
	char text[32];

	if (presence->fd < 0) {
		ct_presence_init(presence);
		return presence->fd < 0 ? CT_NEWS_NONE : CT_NEWS_CAME;
	}
	if (pread(presence->fd, text, sizeof(text), 0) >= 0)
		return CT_NEWS_NONE;
	ct_presence_fini(presence);
	return CT_NEWS_WENT;
}
