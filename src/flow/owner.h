/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_OWNER_H
#define WEIR_FLOW_OWNER_H

#include <stdint.h>

#define OWNER_COMM_SIZE 16
#define OWNER_PATH_SIZE 128
#define OWNER_CONTAINER_SIZE 65 /* 64 hex digits, or a name */

/* The process that holds a socket. Texts are NUL-terminated and may hold any
 * byte; empty means not known. */
struct owner {
	uint32_t pid; /* thread group id as the collector's namespace sees it; 0: not known */
	uint32_t uid;
	char comm[OWNER_COMM_SIZE];
	char exe[OWNER_PATH_SIZE];
	char cgroup[OWNER_PATH_SIZE]; /* path below the cgroup2 mount */
	char container[OWNER_CONTAINER_SIZE];
};

#endif
