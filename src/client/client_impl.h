/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLIENT_CLIENT_IMPL_H
#define WEIR_CLIENT_CLIENT_IMPL_H

/* The inside of the client, shared by its own files only. */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/client.h"

struct client {
	CURL *curl; /* owned */
	char *path; /* owned; or: */
	char *name; /* owned: abstract */
};

/* One request's body, on its way to the caller or into the error text. Stays where
 * it is from begin to end. */
struct transfer {
	CURL *curl; /* borrowed */
	const struct client_outlet *outlet; /* borrowed */
	struct buf error;       /* owned: body of an answer that is not 200 */
	uint64_t patience_ns;   /* for the next bytes */
	uint64_t until_boot_ns; /* when they must be there */
	bool stopped, answered, silent;
};

/* Tells the handle what to get. 0 or -ENOMEM with the sentence. */
int transfer_begin(struct transfer *transfer, const struct client *client, const char *path,
		   const struct client_param *params, struct why *why);
/* What came of it, as client_get returns it; frees what the transfer holds. */
int transfer_end(struct transfer *transfer, CURLcode code, struct why *why);

int client_say_silent(struct why *why);

#endif
