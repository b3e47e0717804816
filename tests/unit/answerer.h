/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TEST_ANSWERER_H
#define WEIR_TEST_ANSWERER_H

#include <stddef.h>
#include <stdint.h>

/* A name server on a UDP port of loopback, which answers the questions of one test, in the
 * thread of that test, as it is told. */

enum reply {
	REPLY_NAME,      /* PTR text: labels between dots, whatever bytes they have */
	REPLY_NXDOMAIN,
	REPLY_NO_DATA,
	REPLY_SERVFAIL,
	REPLY_SILENCE,   /* but the question is kept for answerer_reply_late */
	REPLY_GARBAGE,   /* the right id, and then noise */
	REPLY_CUT,       /* a good answer without its end */
	REPLY_LOOP,      /* a name that points to itself */
	REPLY_STRANGER,  /* the answer to another question, and then nothing */
};

struct answerer {
	int fd;
	char servers[32];      /* for names_conf */
	enum reply reply;      /* to every question from now on */
	const char *text;      /* borrowed: of REPLY_NAME */
	unsigned questions;    /* asked so far */
	char asked[256];       /* the last one's name */
	uint8_t late[512];     /* a question that was not answered */
	size_t late_n;
	uint8_t late_to[128];  /* struct sockaddr_in */
};

void answerer_open(struct answerer *answerer);
void answerer_close(struct answerer *answerer);
/* Answers what has come; does not wait. */
void answerer_serve(struct answerer *answerer);
/* REPLY_NAME to the last question that met silence. */
void answerer_reply_late(struct answerer *answerer, const char *text);

#endif
