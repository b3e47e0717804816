// SPDX-License-Identifier: Apache-2.0
/* The spool, cut and damaged at every place: what comes out is what went in, and
 * what does not is counted. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/why.h"
#include "config/settings_sink.h"
#include "sink/pack.h"
#include "sink/packed.h"
#include "sink/spool.h"

#define NOW_NS 1700000000000000000ULL

static char folder[] = "spool-XXXXXX";

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static struct settings_sink settings_of(uint64_t bytes)
{
	struct settings_sink settings;

	settings_sink_init(&settings, "x", SINK_DUMMY);
	memcpy(settings.spool_path, folder, sizeof(folder));
	settings.spool_bytes = bytes;
	return settings;
}

static struct spool *open_spool(const struct settings_sink *settings)
{
	struct spool *spool = NULL;
	struct why why = { "" };

	if (spool_open(&spool, settings, &why) < 0)
		fail_msg("%s", why.text);
	return spool;
}

static struct spool_stats stats_of(const struct spool *spool)
{
	struct spool_stats stats;

	spool_stats(spool, &stats);
	return stats;
}

/* A batch of n records whose seq are from, from + 1, … */
static void append(struct spool *spool, uint32_t from, uint32_t n, uint64_t at_ns)
{
	struct pack pack = { 0 };
	struct record record;
	char packed[2048];

	for (uint32_t i = 0; i < n; i++) {
		memset(&record, 0, sizeof(record));
		record.seq = from + i;
		assert_true(packed_size(&record) <= sizeof(packed));
		assert_int_equal(pack_add(&pack, packed, packed_put(packed, &record)), 0);
	}
	assert_int_equal(spool_append(spool, &pack.raw, pack.count, at_ns), 0);
	pack_fini(&pack);
}

/* Reads all; every record must be one that went in, in order. Returns how many. */
static uint32_t read_all(struct spool *spool, uint64_t now_ns)
{
	struct pack pack = { 0 };
	struct record record;
	uint32_t count = 0, last = 0;
	size_t at;

	while ((pack.count = spool_head(spool, &pack.raw, now_ns))) {
		at = 0;
		for (size_t i = 0; i < pack.count; i++) {
			pack_next(&pack, &at, &record);
			assert_true(record.seq > last && record.seq < 1000000);
			last = record.seq;
		}
		count += (uint32_t)pack.count;
		spool_advance(spool);
	}
	assert_true(spool_is_empty(spool));
	assert_int_equal(stats_of(spool).records, 0);
	assert_int_equal(stats_of(spool).bytes, 0);
	pack_fini(&pack);
	return count;
}

static int open_segment(int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/0000000000000001.spool", folder);
	return open(path, flags, 0600);
}

static void make_three_batches(const struct settings_sink *settings)
{
	struct spool *spool;

	empty_folder();
	spool = open_spool(settings);
	append(spool, 1, 3, NOW_NS);
	append(spool, 4, 2, NOW_NS);
	append(spool, 6, 4, NOW_NS);
	spool_close(spool);
}

static void batches_come_in_order_and_over_a_restart(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	struct buf raw = { 0 };
	struct spool *spool;

	make_three_batches(&settings);
	spool = open_spool(&settings);
	assert_int_equal(stats_of(spool).records, 9);
	assert_false(stats_of(spool).was_killed);
	assert_int_equal(spool_head(spool, &raw, NOW_NS), 3);
	spool_advance(spool);
	assert_int_equal(stats_of(spool).records, 6);
	spool_close(spool);
	spool = open_spool(&settings);
	assert_int_equal(stats_of(spool).records, 6);
	assert_int_equal(read_all(spool, NOW_NS), 6);
	append(spool, 20, 1, NOW_NS);
	assert_int_equal(read_all(spool, NOW_NS), 1);
	spool_close(spool);
	buf_fini(&raw);
}

static void a_tail_torn_anywhere_costs_what_was_torn(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	struct spool *spool;
	struct stat st;
	uint32_t count, before = 0;
	int fd;

	make_three_batches(&settings);
	fd = open_segment(O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	for (off_t length = 0; length <= st.st_size; length += 7) {
		make_three_batches(&settings);
		fd = open_segment(O_RDWR);
		assert_int_equal(ftruncate(fd, length), 0);
		close(fd);
		spool = open_spool(&settings);
		append(spool, 100, 1, NOW_NS); /* behind what is whole */
		count = read_all(spool, NOW_NS);
		assert_true(count == 1 || count == 4 || count == 6 || count == 10);
		assert_true(count >= before);
		before = count;
		spool_close(spool);
	}
}

/* The segment as it was, but for one bit, and nothing beside it. */
static void write_damaged(const char *whole, size_t n, size_t at, uint8_t bit)
{
	const char byte = (char)(whole[at] ^ bit);
	int fd;

	empty_folder();
	fd = open_segment(O_RDWR | O_CREAT);
	assert_int_equal(write(fd, whole, n), n);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* The next byte of a frame's head, or one of some of its many records. */
static size_t after(const char *whole, size_t n, size_t at)
{
	static size_t head;
	const char *next = memmem(whole + at + 1, n - at - 1, "WSP2", 4);
	size_t step = 11;

	if (!memcmp(whole + at, "WSP2", 4))
		head = at;
	if (at - head < 40)
		step = 1;
	if (next && at + step > (size_t)(next - whole))
		step = (size_t)(next - whole) - at;
	return at + step;
}

static void a_bit_changed_anywhere_costs_its_batch_and_no_other(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	char whole[16384];
	struct spool *spool;
	uint32_t count;
	ssize_t n;
	int fd;

	make_three_batches(&settings);
	fd = open_segment(O_RDONLY);
	n = read(fd, whole, sizeof(whole));
	assert_true(n > 0 && (size_t)n < sizeof(whole));
	close(fd);
	for (size_t at = 0; at < (size_t)n; at = after(whole, (size_t)n, at)) {
		write_damaged(whole, (size_t)n, at, (uint8_t)(1U << at % 8));
		spool = open_spool(&settings);
		append(spool, 100, 1, NOW_NS);
		count = read_all(spool, NOW_NS);
		/* all but a batch of 3, 2 or 4, and what came later is there */
		if (count != 7 && count != 8 && count != 6)
			fail_msg("byte %zu: %u records", at, count);
		spool_close(spool);
	}
}

static void the_oldest_makes_place_and_is_counted(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	struct spool *spool;
	uint32_t from = 1;

	empty_folder();
	spool = open_spool(&settings);
	while (stats_of(spool).dropped_full == 0) {
		append(spool, from, 50, NOW_NS);
		from += 50;
		assert_true(stats_of(spool).bytes <= settings.spool_bytes);
		assert_true(from < 1000000);
	}
	assert_int_equal(stats_of(spool).records + stats_of(spool).dropped_full, from - 1);
	assert_int_equal(read_all(spool, NOW_NS) + stats_of(spool).dropped_full, from - 1);
	spool_close(spool);
}

static void what_is_too_old_is_counted_and_passed(void **state)
{
	struct settings_sink settings = settings_of(1U << 20);
	struct spool *spool;

	settings.spool_age_ns = 60 * NUM_NS_PER_S;
	empty_folder();
	spool = open_spool(&settings);
	append(spool, 1, 5, NOW_NS);
	append(spool, 6, 2, NOW_NS + 30 * NUM_NS_PER_S);
	assert_int_equal(read_all(spool, NOW_NS + 61 * NUM_NS_PER_S), 2);
	assert_int_equal(stats_of(spool).dropped_expired, 5);
	spool_close(spool);
}

static void without_a_descriptor_nothing_is_given_up(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	struct rlimit usual, none;
	struct buf raw = { 0 };
	struct spool *spool;

	make_three_batches(&settings);
	spool = open_spool(&settings);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = usual;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(spool_head(spool, &raw, NOW_NS), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_false(spool_is_empty(spool));
	assert_int_equal(stats_of(spool).dropped_damaged, 0);
	assert_int_equal(read_all(spool, NOW_NS), 9);
	spool_close(spool);
	buf_fini(&raw);
}

static void numbers_of_segments_are_not_used_again(void **state)
{
	const struct settings_sink settings = settings_of(1U << 20);
	struct spool *spool;

	make_three_batches(&settings);
	spool = open_spool(&settings);
	assert_int_equal(read_all(spool, NOW_NS), 9);
	spool_close(spool);
	spool = open_spool(&settings);
	append(spool, 1, 1, NOW_NS);
	assert_true(open_segment(O_RDONLY) < 0);
	assert_int_equal(read_all(spool, NOW_NS), 1);
	spool_close(spool);
}

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	return chdir(where ? where : P_tmpdir) < 0 || !mkdtemp(folder) ? -1 : 0;
}

static int remove_folder(void **state)
{
	empty_folder();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_come_in_order_and_over_a_restart),
		cmocka_unit_test(a_tail_torn_anywhere_costs_what_was_torn),
		cmocka_unit_test(a_bit_changed_anywhere_costs_its_batch_and_no_other),
		cmocka_unit_test(the_oldest_makes_place_and_is_counted),
		cmocka_unit_test(what_is_too_old_is_counted_and_passed),
		cmocka_unit_test(without_a_descriptor_nothing_is_given_up),
		cmocka_unit_test(numbers_of_segments_are_not_used_again),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
