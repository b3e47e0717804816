// SPDX-License-Identifier: Apache-2.0
/*
 * The door that faces the network: listen.http.
 *
 * It serves what is nobody's secret (metrics, statistics, health), and the rest to
 * who has the token. A web page that has its visitor's browser ask here is told
 * apart by the name it asks for (DNS rebinding): addresses, localhost and the names
 * that are listed, no others. A port that somebody else has does not keep weir from
 * its work: it is said, and tried again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/fs.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/why.h"
#include "serve/serve_impl.h"

#define RETRY_NS (5 * NUM_NS_PER_S)
/* One that is shorter can be guessed. */
#define TOKEN_LEAST 16

static int listening_socket(const struct sockaddr_storage *address)
{
	const bool v6 = address->ss_family == AF_INET6;
	const socklen_t size = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	const int yes = 1, no = 0;
	const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (const void *)address, size) == 0 && listen(fd, 64) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Every address, where the host has no IPv6. */
static int listening_somewhere(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *v6 = (const void *)address;
	struct sockaddr_storage any = { .ss_family = AF_INET };
	const int r = listening_socket(address);

	if (r != -EAFNOSUPPORT || !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		return r;
	((struct sockaddr_in *)(void *)&any)->sin_port = v6->sin6_port;
	return listening_socket(&any);
}

int tcp_listen(struct serve *serve)
{
	struct door *door = &serve->door[DOOR_TCP];
	const int fd = listening_somewhere(&serve->http_address);

	if (fd < 0 && !serve->http_told) {
		log_error("listen.http %s: %s: tried again every 5 s", serve->conf.http,
			  strerror(-fd));
		serve->http_told = true;
	}
	if (fd < 0) {
		loop_timer_set(door->timer, clock_boot_ns() + RETRY_NS);
		return fd;
	}
	log_info("listening on %s for %s", serve->conf.http,
		 serve->token_n ? "metrics, and with the token for all of the API" :
				  "metrics, statistics and health");
	door->fd = fd;
	return 0;
}

static int read_token(struct serve *serve, const char *path, struct why *why)
{
	const int n = fs_read_text(path, serve->token, sizeof(serve->token));

	if (n < 0)
		return why_set(why, n, "listen.token_file %s: %s", path, strerror(-n));
	serve->token_n = (size_t)n;
	while (serve->token_n && strchr(" \t\r\n", serve->token[serve->token_n - 1]))
		serve->token_n--;
	if (serve->token_n < TOKEN_LEAST || serve->token_n + 1 >= sizeof(serve->token))
		return why_set(why, -EINVAL, "listen.token_file %s: a token has %d to %zu "
					     "characters, this one %zu",
			       path, TOKEN_LEAST, sizeof(serve->token) - 2, serve->token_n);
	return 0;
}

int tcp_open(struct serve *serve, struct why *why)
{
	int r;

	if (!serve->conf.http)
		return 0;
	r = endpoint_parse(&serve->http_address, serve->conf.http, why);
	if (r == 0 && serve->conf.token_file)
		r = read_token(serve, serve->conf.token_file, why);
	return r;
}

/* --- who asks for what ------------------------------------------------------------ */

bool tcp_is(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return !info || !info->client_addr || info->client_addr->sa_family != AF_UNIX;
}

static bool is_listed(const char *names, const char *name, size_t n)
{
	size_t length;

	for (; *names; names += length) {
		names += strspn(names, ", ");
		length = strcspn(names, ", ");
		if (length == n && n && !strncasecmp(names, name, n))
			return true;
	}
	return false;
}

/* A Host header: a name or an address, and perhaps a port. */
static bool is_known_host(const struct serve *serve, const char *host)
{
	const char *colon = strrchr(host, ':');
	size_t n = strlen(host);
	struct addr addr;

	if (*host == '[') {
		const char *end = strchr(host, ']');

		return end && addr_parse(&addr, host + 1, (size_t)(end - host - 1)) == 0;
	}
	if (colon)
		n = (size_t)(colon - host);
	return addr_parse(&addr, host, n) == 0 || is_listed("localhost", host, n) ||
	       is_listed(serve->conf.hosts ? serve->conf.hosts : "", host, n);
}

/* In the same time whatever is wrong with it. */
static bool is_token(const struct serve *serve, const char *text)
{
	const size_t n = strlen(text);
	unsigned differs = n != serve->token_n;

	for (size_t i = 0; i < serve->token_n; i++)
		differs |= (unsigned char)(serve->token[i] ^ (i < n ? text[i] : 0));
	return !differs;
}

static bool has_token(const struct serve *serve, struct MHD_Connection *connection)
{
	static const char scheme[] = "Bearer ";
	const char *given =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");

	return given && !strncasecmp(given, scheme, sizeof(scheme) - 1) &&
	       is_token(serve, given + sizeof(scheme) - 1);
}

unsigned tcp_refuses(const struct serve *serve, struct MHD_Connection *connection,
		     bool is_public, const char **sentence)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");

	if (host && !is_known_host(serve, host)) {
		*sentence = "this Host is not known here: listen.hosts lists names";
		return MHD_HTTP_MISDIRECTED_REQUEST;
	}
	if (is_public)
		return 0;
	if (!serve->token_n) {
		*sentence = "over TCP there are /metrics, /stats and health alone, unless "
			    "listen.token_file is set";
		return MHD_HTTP_FORBIDDEN;
	}
	if (has_token(serve, connection))
		return 0;
	*sentence = "this needs the bearer token of listen.token_file";
	return MHD_HTTP_UNAUTHORIZED;
}
