// SPDX-License-Identifier: Apache-2.0
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "base/why.h"

static bool parse_port(uint16_t *ret_be, const char *text)
{
	uint64_t port;

	if (num_parse_u64(&port, text, strlen(text)) < 0 || !port || port > UINT16_MAX)
		return false;
	*ret_be = htons((uint16_t)port);
	return true;
}

/* host: without brackets. */
static bool parse_host(struct sockaddr_storage *ret, const char *host, bool bracketed,
		       uint16_t port_be)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (!bracketed) {
		v4->sin_family = AF_INET;
		v4->sin_port = port_be;
		if (!strcmp(host, "localhost")) {
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			return true;
		}
		if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
			return true;
		if (*host && strcmp(host, "*"))
			return false;
	}
	memset(ret, 0, sizeof(*ret)); /* the any address, until another is read */
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port_be;
	return !bracketed || inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

int endpoint_parse(struct sockaddr_storage *ret, const char *text, struct why *why)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	const bool bracketed = n >= 2 && *text == '[' && text[n - 1] == ']';
	char host[INET6_ADDRSTRLEN + 1];
	uint16_t port_be;

	if (!colon)
		return why_set(why, -EINVAL, "\"%.60s\" has no port: 127.0.0.1:9477 would be one",
			       text);
	if (!parse_port(&port_be, colon + 1))
		return why_set(why, -EINVAL, "\"%.60s\" is no port", colon + 1);
	if (bracketed) {
		text++;
		n -= 2;
	}
	if (n < sizeof(host)) {
		memcpy(host, text, n);
		host[n] = '\0';
		if (parse_host(ret, host, bracketed, port_be))
			return 0;
	}
	return why_set(why, -EINVAL, "\"%.*s\" is no address to listen on: an IPv4 address, an "
				     "IPv6 address in brackets, localhost, or * for all",
		       (int)(n < 60 ? n : 60), text);
}
