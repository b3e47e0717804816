/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SOCK_SCAN_H
#define WEIR_SOURCE_SOCK_SCAN_H

#include <stdint.h>

struct bpf_link;
struct sock_life_bpf;
struct why;

/* Scans of TCP sockets. By the notes that they carry (RUNG_BPF_ITERATOR), of all
 * network namespaces at once; where the kernel refuses that, by its table of sockets
 * (RUNG_BPF_ITER_TCP), namespace after namespace. */
struct sock_scan;

/* By the program that was loaded of the two. life is borrowed. -errno and the
 * sentence. */
int sock_scan_new(struct sock_scan **ret, struct sock_life_bpf *life, struct why *why);
void sock_scan_free(struct sock_scan *scan); /* NULL is a no-op */

/* The calling thread is inside the namespace, whose sockets are to be shown. Holds it
 * until it is left. 0 or -errno. */
int sock_scan_enter(struct sock_scan *scan, uint32_t netns);
void sock_scan_leave(struct sock_scan *scan, uint32_t netns);

/* As sock_hooks_scan; 1 also when it has taken its time. */
int sock_scan_run(struct sock_scan *scan);
/* The next run begins with all of them, wherever the last one stopped. */
void sock_scan_restart(struct sock_scan *scan);

/* Runs an iterator that writes nothing to its end. 0 or -errno. */
int sock_scan_run_iterator(const struct bpf_link *link);

#endif
