// SPDX-License-Identifier: Apache-2.0
/*
 * The n-th request for memory that weir's own code makes fails: linked into a
 * weir of its own by --wrap, so that libraries and the sanitizers' own requests
 * are left alone. WEIR_TEST_FAIL_AT is n, from 1; without it nothing fails. The
 * file WEIR_TEST_FAIL_MARK comes into being when the request is refused, and says from
 * which place in the code it came. Requests from the places that the file
 * WEIR_TEST_FAIL_TRIED lists are neither counted nor refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
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

extern const char __executable_start[]; /* of the linker */

#define TRIED_MAX 4096

static size_t tried[TRIED_MAX], tried_count;

/* Before main: no thread asks yet. */
__attribute__((constructor)) static void read_tried(void)
{
	const char *path = getenv("WEIR_TEST_FAIL_TRIED");
	FILE *file = path ? fopen(path, "re") : NULL;

	if (!file)
		return;
	while (tried_count < TRIED_MAX && fscanf(file, "%zx", &tried[tried_count]) == 1)
		tried_count++;
	fclose(file);
}

static bool is_tried(size_t place)
{
	for (size_t i = 0; i < tried_count; i++) {
		if (tried[i] == place)
			return true;
	}
	return false;
}

/* from: where in the code it is asked for, which is the same in each run but for its base */
static bool is_refused(const void *from)
{
	static atomic_uint requests;
	const char *at = getenv("WEIR_TEST_FAIL_AT"), *mark = getenv("WEIR_TEST_FAIL_MARK");
	const size_t place = (size_t)((const char *)from - __executable_start);
	unsigned request;
	int fd;

	if (!at || !mark || is_tried(place))
		return false;
	request = atomic_fetch_add(&requests, 1) + 1;
	if (request != strtoul(at, NULL, 10))
		return false;
	fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dprintf(fd, "%zx\n", place);
		close(fd);
	}
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t bytes)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t n, size_t bytes)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_reallocarray(old, n, bytes);
}

char *__wrap_strdup(const char *text)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return is_refused(__builtin_return_address(0)) ? MAP_FAILED :
			      __real_mmap(at, bytes, protection, flags, fd, offset);
}
