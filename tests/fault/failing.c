// SPDX-License-Identifier: Apache-2.0
/*
 * The n-th request for memory that weir's own code makes fails: linked into a
 * weir of its own by --wrap, so that libraries and the sanitizers' own requests
 * are left alone. WEIR_TEST_FAIL_AT is n, from 1; without it nothing fails. The
 * file WEIR_TEST_FAIL_MARK comes into being when the request is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t n, size_t bytes);
char *__real_strdup(const char *text);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t n, size_t bytes);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

static bool is_refused(void)
{
	static atomic_uint requests;
	const char *at = getenv("WEIR_TEST_FAIL_AT"), *mark = getenv("WEIR_TEST_FAIL_MARK");
	const unsigned request = atomic_fetch_add(&requests, 1) + 1;
	int fd;

	if (!at || !mark || request != strtoul(at, NULL, 10))
		return false;
	fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t bytes)
{
	return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return is_refused() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return is_refused() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t n, size_t bytes)
{
	return is_refused() ? NULL : __real_reallocarray(old, n, bytes);
}

char *__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return is_refused() ? MAP_FAILED :
			      __real_mmap(at, bytes, protection, flags, fd, offset);
}
