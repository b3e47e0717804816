// SPDX-License-Identifier: Apache-2.0
/* DNS messages (RFC 1035 section 4), good and bad ones. */
#include "answerer.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"

#define HEADER 12
#define TYPE_PTR 12

void answerer_open(struct answerer *answerer)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	*answerer = (struct answerer){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert(answerer->fd >= 0);
	assert(bind(answerer->fd, (const struct sockaddr *)&address, size) == 0);
	assert(getsockname(answerer->fd, (struct sockaddr *)&address, &size) == 0);
	snprintf(answerer->servers, sizeof(answerer->servers), "127.0.0.1:%u",
		 ntohs(address.sin_port));
}

void answerer_close(struct answerer *answerer)
{
	close(answerer->fd);
}

/* The question's name as text; returns what follows the question. */
static size_t read_question(struct answerer *answerer, const uint8_t *message, size_t n)
{
	size_t at = HEADER, length = 0;

	while (at < n && message[at]) {
		const size_t label = message[at];

		assert(at + 1 + label < n && length + label + 2 < sizeof(answerer->asked));
		if (length)
			answerer->asked[length++] = '.';
		memcpy(answerer->asked + length, message + at + 1, label);
		length += label;
		at += 1 + label;
	}
	answerer->asked[length] = '\0';
	assert(at + 5 <= n);
	return at + 5;
}

static uint8_t *put_name(uint8_t *at, const char *text)
{
	while (*text) {
		const size_t n = strcspn(text, ".");

		*at++ = (uint8_t)n;
		memcpy(at, text, n);
		at += n;
		text += n + (text[n] == '.');
	}
	*at++ = 0;
	return at;
}

/* An answer: the question's name by a pointer, PTR, IN, a time to live, and the name. */
static size_t put_answer(uint8_t *message, size_t at, const char *text, bool loop)
{
	static const uint8_t head[] = { 0xc0, HEADER, 0, TYPE_PTR, 0, 1, 0, 0, 1, 0 };
	uint8_t *length = message + at + sizeof(head), *data = length + 2, *end;

	memcpy(message + at, head, sizeof(head));
	message[7] = 1; /* answers */
	end = loop ? data + 2 : put_name(data, text);
	if (loop) {
		data[0] = (uint8_t)(0xc0 | (data - message) >> 8);
		data[1] = (uint8_t)(data - message);
	}
	length[0] = (uint8_t)((end - data) >> 8);
	length[1] = (uint8_t)(end - data);
	return (size_t)(end - message);
}

/* What to send; 0: nothing. */
static size_t make_reply(const struct answerer *answerer, uint8_t *message, size_t question_end)
{
	static const uint8_t code[] = { [REPLY_NXDOMAIN] = 3, [REPLY_SERVFAIL] = 2,
					[REPLY_STRANGER] = 0 };
	const enum reply reply = answerer->reply;

	message[2] = 0x81; /* a response, recursion desired */
	message[3] = (uint8_t)(0x80 | (reply < sizeof(code) ? code[reply] : 0));
	memset(message + 6, 0, 6);
	switch (reply) {
	case REPLY_NAME:
		return put_answer(message, question_end, answerer->text, false);
	case REPLY_NXDOMAIN:
	case REPLY_NO_DATA:
	case REPLY_SERVFAIL:
		return question_end;
	case REPLY_GARBAGE:
		for (size_t i = 2; i < 200; i++)
			message[i] = (uint8_t)(i * 37 ^ i >> 1);
		return 200;
	case REPLY_CUT:
		return put_answer(message, question_end, "cut.example", false) - 4;
	case REPLY_LOOP:
		return put_answer(message, question_end, "", true);
	case REPLY_STRANGER:
		message[HEADER + 1] ^= 1;
		return put_answer(message, question_end, "stranger.example", false);
	default:
		return 0;
	}
}

void answerer_serve(struct answerer *answerer)
{
	uint8_t message[1024];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	size_t n;
	ssize_t got;

	while ((got = recvfrom(answerer->fd, message, sizeof(answerer->late), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &size)) > HEADER) {
		answerer->questions++;
		n = read_question(answerer, message, (size_t)got);
		if (answerer->reply == REPLY_SILENCE) {
			memcpy(answerer->late, message, n);
			memcpy(answerer->late_to, &from, sizeof(from));
			answerer->late_n = n;
		}
		n = make_reply(answerer, message, n);
		if (n)
			sendto(answerer->fd, message, n, 0, (const struct sockaddr *)&from, size);
	}
}

void answerer_reply_late(struct answerer *answerer, const char *text)
{
	uint8_t message[1024] = { 0 };
	struct answerer other = *answerer;
	size_t n;

	memcpy(message, answerer->late, answerer->late_n);
	other.reply = REPLY_NAME;
	other.text = text;
	n = make_reply(&other, message, answerer->late_n);
	sendto(answerer->fd, message, n, 0, (const struct sockaddr *)answerer->late_to,
	       sizeof(struct sockaddr_in));
}
