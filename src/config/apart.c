// SPDX-License-Identifier: Apache-2.0
/*
 * A child reads the file and writes the tree into a pipe, as nodes that follow each
 * other, a parent before its children; or what was wrong. What comes is checked:
 * whoever wrote it may have been led astray.
 */
#include "config/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "config/errors.h"

#define PATIENCE_NS (10 * NUM_NS_PER_S)
#define NO_TEXT UINT32_MAX

enum answer { ANSWER_TREE = 1, ANSWER_ERRORS };

struct head {
	uint32_t kind, quoted, line, column, key_n, text_n, children;
};

/* --- the child -------------------------------------------------------------------- */

static void put_node(struct buf *buf, const struct node *node)
{
	struct head head = { .kind = node->kind, .quoted = node->quoted, .line = node->line,
			     .column = node->column, .key_n = NO_TEXT, .text_n = NO_TEXT };
	const struct node *child;

	if (node->key)
		head.key_n = (uint32_t)strlen(node->key);
	if (node->text)
		head.text_n = (uint32_t)strlen(node->text);
	for (child = node->first; child; child = child->next)
		head.children++;
	buf_append(buf, &head, sizeof(head));
	if (node->key)
		buf_append(buf, node->key, head.key_n);
	if (node->text)
		buf_append(buf, node->text, head.text_n);
	for (child = node->first; child; child = child->next)
		put_node(buf, child);
}

static void child(int fd, const char *path, const char *text, size_t n,
		  struct config_errors *errors)
{
	const struct rlimit cpu = { .rlim_cur = 10, .rlim_max = 10 }, no_core = { 0 };
	static const int faults[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	const struct node *root;
	struct buf buf = { 0 };
	size_t done = 0;
	ssize_t written;

	/* whoever waits for our faults must not be woken by those of the libraries */
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		signal(faults[i], SIG_DFL);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &no_core);
	root = tree_read(path, text, n, errors);
	buf_putc(&buf, root ? ANSWER_TREE : ANSWER_ERRORS);
	if (root)
		put_node(&buf, root);
	else
		buf_append(&buf, errors->text.data, errors->text.len);
	while (!buf.error && done < buf.len) {
		written = write(fd, buf.data + done, buf.len - done);
		if (written <= 0)
			break;
		done += (size_t)written;
	}
	_exit(0);
}

/* --- the parent --------------------------------------------------------------------- */

struct taking {
	const char *at, *end;
	unsigned nodes;
};

static char *take_text(struct taking *taking, uint32_t n)
{
	char *text;

	if ((size_t)(taking->end - taking->at) < n)
		return NULL;
	text = strndup(taking->at, n);
	taking->at += n;
	return text;
}

static struct node *take_node(struct taking *taking, unsigned depth)
{
	struct node *node, *below;
	struct head head;

	if (depth > TREE_DEPTH_MAX + 1 || ++taking->nodes > TREE_NODES_MAX + 1 ||
	    (size_t)(taking->end - taking->at) < sizeof(head))
		return NULL;
	memcpy(&head, taking->at, sizeof(head));
	taking->at += sizeof(head);
	if (head.kind > NODE_MAP || (head.kind == NODE_SCALAR) != (head.text_n != NO_TEXT))
		return NULL;
	node = node_new((enum node_kind)head.kind, head.line, head.column);
	if (!node)
		return NULL;
	node->quoted = head.quoted;
	if ((head.key_n != NO_TEXT && !(node->key = take_text(taking, head.key_n))) ||
	    (head.text_n != NO_TEXT && !(node->text = take_text(taking, head.text_n))))
		goto fail;
	for (; head.children; head.children--) {
		below = take_node(taking, depth + 1);
		if (below && !below->key == (head.kind == NODE_MAP)) {
			node_free(below);
			below = NULL;
		}
		if (!below)
			goto fail;
		node_append(node, below, NULL, 0);
	}
	return node;
fail:
	node_free(node);
	return NULL;
}

/* All that the child writes. False: it is too slow. */
static bool listen_to(int fd, struct buf *buf)
{
	const uint64_t until_ns = clock_boot_ns() + PATIENCE_NS;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint64_t now_ns;
	ssize_t n;
	char *room;

	while ((now_ns = clock_boot_ns()) < until_ns) {
		if (poll(&ready, 1, (int)((until_ns - now_ns) / NUM_NS_PER_MS)) <= 0)
			continue;
		room = buf_reserve(buf, 65536);
		n = room ? read(fd, room, 65536) : 0;
		if (n == 0)
			return true;
		if (n > 0)
			buf->len += (size_t)n;
		else if (errno != EINTR)
			return true;
	}
	return false;
}

static void take_errors(struct config_errors *errors, const char *lines, size_t n)
{
	const char *end = lines + n;

	buf_append(&errors->text, lines, n);
	for (; lines < end; lines++)
		errors->count += *lines == '\n';
}

struct node *apart_read(const char *path, const char *text, size_t n,
			struct config_errors *errors)
{
	struct taking taking = { 0 };
	struct buf buf = { 0 };
	struct node *root = NULL;
	int ends[2];
	bool in_time;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		config_error_at(errors, 1, 1, "no process to read it: %s", strerror(errno));
		return NULL;
	}
	if (pid == 0)
		child(ends[1], path, text, n, errors);
	close(ends[1]);
	in_time = listen_to(ends[0], &buf);
	close(ends[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (buf.len && buf.data[0] == ANSWER_TREE) {
		taking.at = buf.data + 1;
		taking.end = buf.data + buf.len;
		root = take_node(&taking, 0);
	} else if (buf.len > 1) {
		take_errors(errors, buf.data + 1, buf.len - 1);
	}
	if (!root && !errors->count)
		config_error_at(errors, 1, 1, in_time ? "its reader came to grief over this file" :
							"it could not be read in 10 seconds");
	buf_fini(&buf);
	return root;
}
