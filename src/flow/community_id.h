/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_COMMUNITY_ID_H
#define WEIR_FLOW_COMMUNITY_ID_H

#include "flow/key.h"

#define COMMUNITY_ID_SIZE 31 /* "1:" + 28 base64 characters + NUL */

/* Community ID version 1 (corelight/community-id-spec), seed 0: the same for
 * both directions. Returns ret. */
char *community_id_print(char ret[COMMUNITY_ID_SIZE], const struct tuple *tuple);

#endif
