// SPDX-License-Identifier: Apache-2.0
/*
 * What more there is to know of a process than BPF tells.
 *
 * The kernel tells who connects, accepts and closes at that moment; the path of its
 * program and of its cgroup are text, which is read later, by then perhaps of nobody
 * or of another. Then the cgroup tells, which outlives the process and has a number
 * of its own.
 */
#include "source/owner_book.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/num.h"
#include "source/cgroup.h"
#include "source/proc_read.h"

#define PAGES 1024U /* a power of two */
/* A process can move, and its number be used again. */
#define GOOD_NS (10 * NUM_NS_PER_S)
/* include/linux/exportfs.h */
#define FILEID_KERNFS 0xfe

struct page {
	uint64_t cgroup, good_until_boot_ns;
	char comm[OWNER_COMM_SIZE];
	struct owner owner;
};

struct owner_book {
	struct page page[PAGES];
	char mount[OWNER_PATH_SIZE]; /* of the cgroup v2 tree */
	int mount_fd;                /* owned; negative: there is none */
};

static void find_mount(struct owner_book *book)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char text[1024];
	struct mntent entry;

	while (mounts && getmntent_r(mounts, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_type, "cgroup2") || strlen(entry.mnt_dir) >= OWNER_PATH_SIZE)
			continue;
		memcpy(book->mount, entry.mnt_dir, strlen(entry.mnt_dir) + 1);
		book->mount_fd = open(book->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		break;
	}
	if (mounts)
		endmntent(mounts);
}

int owner_book_new(struct owner_book **ret)
{
	struct owner_book *book = calloc(1, sizeof(*book));

	if (!book)
		return -ENOMEM;
	book->mount_fd = -1;
	find_mount(book);
	*ret = book;
	return 0;
}

void owner_book_free(struct owner_book *book)
{
	if (!book)
		return;
	if (book->mount_fd >= 0)
		close(book->mount_fd);
	free(book);
}

/* The number of a cgroup is that of its inode, and its handle (kernfs). */
static void name_cgroup(const struct owner_book *book, uint64_t cgroup, struct owner *ret)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = { .head = { .handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS } };
	char link[64], path[4096], text[4200];
	ssize_t n;
	int fd;

	memcpy(handle.head.f_handle, &cgroup, sizeof(cgroup));
	fd = open_by_handle_at(book->mount_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (n < 0)
		return;
	path[n] = '\0';
	if (strncmp(path, book->mount, strlen(book->mount)))
		return;
	snprintf(text, sizeof(text), "0::%s\n", path + strlen(book->mount));
	cgroup_parse(ret, text);
}

static void read_page(const struct owner_book *book, struct page *page, uint32_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		proc_read_owner(&page->owner, fd, pid);
		close(fd);
	}
	/* gone, or another by now: what it was then is what counts */
	if (fd < 0 || strcmp(page->owner.comm, page->comm)) {
		memset(&page->owner, 0, sizeof(page->owner));
		memcpy(page->owner.comm, page->comm, sizeof(page->comm));
		if (page->cgroup && book->mount_fd >= 0)
			name_cgroup(book, page->cgroup, &page->owner);
	}
	page->owner.pid = pid;
}

void owner_book_look(struct owner_book *book, uint32_t pid, const char *comm, uint64_t cgroup,
		     uint64_t now_boot_ns, struct owner *ret)
{
	struct page *page = &book->page[hash_bytes(&pid, sizeof(pid), cgroup) % PAGES];

	if (page->owner.pid != pid || page->cgroup != cgroup || strcmp(page->comm, comm) ||
	    now_boot_ns >= page->good_until_boot_ns) {
		memset(page, 0, sizeof(*page));
		page->cgroup = cgroup;
		page->good_until_boot_ns = now_boot_ns + GOOD_NS;
		memcpy(page->comm, comm, strnlen(comm, sizeof(page->comm) - 1));
		read_page(book, page, pid);
	}
	*ret = page->owner;
}
