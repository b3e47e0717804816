// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of the spool: a segment of three batches to which the input's
 * bytes are done, four at a time (where, what, and whether the rest is cut off).
 * Whatever is in it, it is read to its end; no record comes that did not go in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/why.h"
#include "config/settings_sink.h"
#include "sink/pack.h"
#include "sink/packed.h"
#include "sink/spool.h"

#define NOW_NS 1700000000000000000ULL
#define RECORDS 9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "fuzz-spool-XXXXXX";
static struct settings_sink settings;
static char whole[16384];
static size_t whole_n;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct spool *open_spool(void)
{
	struct spool *spool = NULL;
	struct why why = { "" };

	must(spool_open(&spool, &settings, &why) == 0);
	return spool;
}

static void append(struct spool *spool, uint32_t from, uint32_t n)
{
	struct pack pack = { 0 };
	struct record record;
	char packed[2048];

	for (uint32_t i = 0; i < n; i++) {
		memset(&record, 0, sizeof(record));
		record.seq = from + i;
		must(pack_add(&pack, packed, packed_put(packed, &record)) == 0);
	}
	must(spool_append(spool, &pack.raw, pack.count, NOW_NS) == 0);
	pack_fini(&pack);
}

static void remove_all(void)
{
	unlink(path_of("0000000000000001.spool"));
	unlink(path_of("cursor"));
	unlink(path_of("running"));
	unlink(path_of("lock"));
	rmdir(folder);
}

static void make_whole(void)
{
	struct spool *spool;
	FILE *segment;

	must(mkdtemp(folder) != NULL);
	atexit(remove_all);
	settings_sink_init(&settings, "x", SINK_DUMMY);
	memcpy(settings.spool_path, folder, sizeof(folder));
	spool = open_spool();
	append(spool, 1, 3);
	append(spool, 4, 2);
	append(spool, 6, 4);
	spool_close(spool);
	segment = fopen(path_of("0000000000000001.spool"), "r");
	must(segment != NULL);
	whole_n = fread(whole, 1, sizeof(whole), segment);
	must(whole_n && whole_n < sizeof(whole));
	fclose(segment);
}

static void write_damaged(const uint8_t *data, size_t size)
{
	static char damaged[sizeof(whole)];
	size_t n = whole_n;
	int fd;

	memcpy(damaged, whole, whole_n);
	for (; size >= 4; data += 4, size -= 4) {
		const size_t at = (data[0] | (size_t)data[1] << 8) % whole_n;

		if (data[3] == 0xff)
			n = at;
		else
			damaged[at] = (char)data[2];
	}
	unlink(path_of("cursor"));
	fd = open(path_of("0000000000000001.spool"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, damaged, n) == (ssize_t)n);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack pack = { 0 };
	struct record record;
	struct spool_stats stats;
	struct spool *spool;
	uint32_t last = 0;

	if (!whole_n)
		make_whole();
	write_damaged(data, size);
	spool = open_spool();
	while ((pack.count = spool_head(spool, &pack.raw, NOW_NS))) {
		size_t at = 0;

		for (size_t i = 0; i < pack.count; i++) {
			pack_next(&pack, &at, &record);
			must(record.seq > last && record.seq <= RECORDS);
			last = record.seq;
		}
		spool_advance(spool);
	}
	must(spool_is_empty(spool));
	spool_stats(spool, &stats);
	must(!stats.records && !stats.bytes);
	spool_close(spool);
	pack_fini(&pack);
	return 0;
}
