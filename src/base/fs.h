/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_FS_H
#define WEIR_BASE_FS_H

#include <stddef.h>
#include <stdint.h>

/* Small files of /proc and /sys. All return 0 (or the length) or -errno. */

/* Reads up to size - 1 bytes, terminates, strips one trailing newline;
 * returns the length. */
int fs_read_text(const char *path, char *ret, size_t size);
int fs_read_u64(const char *path, uint64_t *ret);
int fs_write_text(const char *path, const char *text);

#endif
