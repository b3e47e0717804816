// SPDX-License-Identifier: Apache-2.0
/*
 * Driving the walk of conntrack's table.
 *
 * An iterator over a map of numbers runs the program once for each; a number
 * stands for a run of buckets. The table may be given another size at any time:
 * the old one then reads as empty and well formed, so that place and size are
 * asked for before every pass and the size once more after it.
 */
#include "source/ct_walker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/why.h"
#include "source/bpf_objects.h"
#include "source/bpf_words.h"
#include "source/ct_base.h"
#include "source/ct_record.h"

#define BUCKETS "/proc/sys/net/netfilter/nf_conntrack_buckets"
/* Buckets to a run when the programs are loaded: 4 to 8 % are read twice, since
 * the kernel repeats the run whose output found no room (measured). */
#define BUCKETS_PER_RUN 4
#define HOT_PAGES (CT_WALKER_HOT_MAX / ABI_HOT_ENTRIES)
#define HOT_BYTES (HOT_PAGES * sizeof(struct abi_hot_page))

struct ct_walker {
	struct ct_walk_cast_bpf *cast; /* owned: one of the two is open */
	struct ct_walk_read_bpf *read;
	struct ct_base *base;          /* owned, as the links below */
	struct bpf_link *table_link, *hot_link;
	struct abi_walk *walk;         /* borrowed: the programs' memory */
	struct abi_hot_page *hot;      /* owned mapping */
	uint32_t runs;
	int pass_fd, hot_fd;           /* owned; between passes they keep the place: see rest */
	bool split;                    /* a run was too full: one bucket of each at a time */
	unsigned hz;

	/* of the pass under way, or the last */
	uint64_t buckets, cut, torn;
	bool moved;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Ends a pass. Its descriptor stays taken, by a copy of the link's: a process that has
 * run out of them can still walk. */
static void rest(const struct bpf_link *link, int *fd)
{
	close_fd(fd);
	*fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0);
}

static int open_cast(struct ct_walker *walker, struct why *why)
{
	const int type = bpf_words_struct_id("nf_conn", why);
	struct ct_walk_cast_bpf *cast;

	if (type < 0)
		return type;
	bpf_words_begin();
	cast = walker->cast = ct_walk_cast_bpf__open();
	if (!cast)
		return bpf_words_why(why, -errno, "walk by bpf_rdonly_cast");
	cast->rodata->nf_conn_type = (uint32_t)type;
	bpf_map__set_max_entries(cast->maps.runs, walker->runs);
	bpf_map__set_max_entries(cast->maps.hot, HOT_PAGES);
	if (ct_walk_cast_bpf__load(cast) < 0)
		return bpf_words_why(why, -errno, "walk by bpf_rdonly_cast");
	walker->walk = &cast->bss->walk;
	return 0;
}

static int open_read(struct ct_walker *walker, struct why *why)
{
	struct ct_walk_read_bpf *read;

	bpf_words_begin();
	read = walker->read = ct_walk_read_bpf__open();
	if (!read)
		return bpf_words_why(why, -errno, "walk by bpf_probe_read_kernel");
	bpf_map__set_max_entries(read->maps.runs, walker->runs);
	bpf_map__set_max_entries(read->maps.hot, HOT_PAGES);
	if (ct_walk_read_bpf__load(read) < 0)
		return bpf_words_why(why, -errno, "walk by bpf_probe_read_kernel");
	walker->walk = &read->bss->walk;
	return 0;
}

static int open_programs(struct ct_walker *walker, enum ct_walker_way way, struct why *why)
{
	struct why reason = { "" }, second = { "" };
	int r;

	if (way == CT_WALKER_READ)
		return open_read(walker, why);
	r = open_cast(walker, &reason);
	if (r == 0)
		return 0;
	if (way == CT_WALKER_CAST)
		return why_set(why, r, "%s", reason.text);
	ct_walk_cast_bpf__destroy(walker->cast);
	walker->cast = NULL;
	r = open_read(walker, &second);
	return r < 0 ? why_set(why, r, "%s; %s", reason.text, second.text) : 0;
}

static struct bpf_link *attach(struct bpf_program *program, struct bpf_map *map)
{
	union bpf_iter_link_info info = { .map.map_fd = (uint32_t)bpf_map__fd(map) };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));

	return bpf_program__attach_iter(program, &options);
}

static int attach_programs(struct ct_walker *walker, struct why *why)
{
	struct ct_walk_cast_bpf *cast = walker->cast;
	struct ct_walk_read_bpf *read = walker->read;
	struct bpf_map *hot = cast ? cast->maps.hot : read->maps.hot;

	bpf_words_begin();
	walker->table_link = attach(cast ? cast->progs.walk_table : read->progs.walk_table,
				    cast ? cast->maps.runs : read->maps.runs);
	if (!walker->table_link)
		return bpf_words_why(why, -errno, "an iterator over a BPF map");
	walker->hot_link = attach(cast ? cast->progs.walk_hot : read->progs.walk_hot, hot);
	if (!walker->hot_link)
		return bpf_words_why(why, -errno, "an iterator over a BPF map");
	walker->hot = mmap(NULL, HOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(hot), 0);
	if (walker->hot == MAP_FAILED) {
		walker->hot = NULL;
		return why_set(why, -errno, "mapping a BPF map: %s", strerror(errno));
	}
	return 0;
}

int ct_walker_new(struct ct_walker **ret, enum ct_walker_way way, uint32_t netns_only,
		  struct why *why)
{
	struct ct_walker *walker = calloc(1, sizeof(*walker));
	uint64_t buckets = 0;
	int r;

	if (!walker)
		return why_set(why, -ENOMEM, "out of memory");
	walker->pass_fd = walker->hot_fd = -1;
	r = fs_read_u64(BUCKETS, &buckets);
	if (r < 0 || !buckets || buckets > UINT32_MAX) {
		r = why_set(why, -ENOTSUP, BUCKETS ": %s", r < 0 ? strerror(-r) : "no number");
		goto fail;
	}
	walker->runs = (uint32_t)(buckets + BUCKETS_PER_RUN - 1) / BUCKETS_PER_RUN;
	r = open_programs(walker, way, why);
	if (r == 0)
		r = attach_programs(walker, why);
	if (r == 0)
		r = ct_base_new(&walker->base, why);
	if (r < 0)
		goto fail;
	rest(walker->table_link, &walker->pass_fd);
	rest(walker->hot_link, &walker->hot_fd);
	walker->walk->netns_only = netns_only;
	walker->walk->netns_own = ct_base_netns(walker->base);
	walker->walk->table_symbol = ct_base_symbol(walker->base);
	*ret = walker;
	return 0;
fail:
	ct_walker_free(walker);
	return r;
}

void ct_walker_free(struct ct_walker *walker)
{
	if (!walker)
		return;
	close_fd(&walker->pass_fd);
	close_fd(&walker->hot_fd);
	if (walker->hot)
		munmap(walker->hot, HOT_BYTES);
	bpf_link__destroy(walker->table_link);
	bpf_link__destroy(walker->hot_link);
	ct_base_free(walker->base);
	ct_walk_cast_bpf__destroy(walker->cast);
	ct_walk_read_bpf__destroy(walker->read);
	free(walker);
}

enum ct_walker_way ct_walker_way(const struct ct_walker *walker)
{
	return walker->cast ? CT_WALKER_CAST : CT_WALKER_READ;
}

static int begin(const struct bpf_link *link, int *fd)
{
	int r;

	close_fd(fd);
	*fd = bpf_iter_create(bpf_link__fd(link));
	if (*fd >= 0)
		return 0;
	r = -errno;
	rest(link, fd);
	return r;
}

int ct_walker_begin(struct ct_walker *walker)
{
	struct abi_walk *walk = walker->walk;
	uint64_t table = walk->table;
	int r;

	close_fd(&walker->pass_fd); /* its place is needed to read a file */
	r = fs_read_u64(BUCKETS, &walker->buckets);
	if (r == 0 && !walk->table_symbol)
		r = ct_base_find(walker->base, &table);
	if (r < 0) {
		rest(walker->table_link, &walker->pass_fd);
		return r;
	}
	walk->table = table;
	walk->buckets = (uint32_t)walker->buckets;
	walk->stride = (uint32_t)((walker->buckets + walker->runs - 1) / walker->runs);
	walk->first = 0;
	walk->many = walker->split ? 1 : walk->stride;
	walker->cut = walk->cut;
	walker->torn = walk->torn;
	walker->moved = false;
	return begin(walker->table_link, &walker->pass_fd);
}

static ssize_t read_part(int fd, void *part, size_t size)
{
	ssize_t n;

	do
		n = read(fd, part, size);
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

/* One round is over: the next bucket of each run, where they are read one by one. */
static int next_round(struct ct_walker *walker)
{
	struct abi_walk *walk = walker->walk;

	walk->first += walk->many;
	return begin(walker->table_link, &walker->pass_fd);
}

static void end_pass(struct ct_walker *walker)
{
	uint64_t buckets = 0;

	close_fd(&walker->pass_fd);
	walker->moved = fs_read_u64(BUCKETS, &buckets) < 0 || buckets != walker->buckets;
	if (walker->walk->cut != walker->cut)
		walker->split = true;
	rest(walker->table_link, &walker->pass_fd);
}

ssize_t ct_walker_read(struct ct_walker *walker, void *part, size_t size)
{
	ssize_t n;
	int r;

	while ((n = read_part(walker->pass_fd, part, size)) == 0) {
		if (walker->walk->first + walker->walk->many >= walker->walk->stride) {
			end_pass(walker);
			return 0;
		}
		r = next_round(walker);
		if (r < 0)
			return r;
	}
	if (n < 0)
		rest(walker->table_link, &walker->pass_fd);
	return n;
}

bool ct_walker_is_whole(const struct ct_walker *walker)
{
	return !walker->moved && walker->walk->cut == walker->cut &&
	       walker->walk->torn == walker->torn;
}

unsigned ct_walker_hz(struct ct_walker *walker)
{
	if (!walker->hz && walker->walk->jiffies)
		walker->hz = ct_record_hz(walker->walk->jiffies, clock_mono_ns());
	return walker->hz;
}

uint32_t ct_walker_own_netns(const struct ct_walker *walker)
{
	return ct_base_netns(walker->base);
}

uint64_t ct_walker_void_entries(const struct ct_walker *walker)
{
	return walker->walk->void_entries;
}

uint64_t ct_walker_map_bytes(const struct ct_walker *walker)
{
	return walker->runs * sizeof(uint64_t) + HOT_BYTES;
}

struct abi_hot_entry *ct_walker_hot(struct ct_walker *walker)
{
	return (struct abi_hot_entry *)walker->hot;
}

int ct_walker_begin_hot(struct ct_walker *walker, uint32_t count)
{
	walker->walk->hot_pages = (count + ABI_HOT_ENTRIES - 1) / ABI_HOT_ENTRIES;
	return begin(walker->hot_link, &walker->hot_fd);
}

ssize_t ct_walker_read_hot(struct ct_walker *walker, void *part, size_t size)
{
	const ssize_t n = read_part(walker->hot_fd, part, size);

	if (n <= 0)
		rest(walker->hot_link, &walker->hot_fd);
	return n;
}
