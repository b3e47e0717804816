/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BENCH_KERNEL_TRAFFIC_H
#define WEIR_BENCH_KERNEL_TRAFFIC_H

/* Traffic from the network namespace "a" to 10.0.0.2 in "b". One process holds both
 * ends and takes turns, so that nothing waits and nothing is left to the scheduler:
 * what it does is the same in every run. All of 10.1.0.0/16 are addresses of "a". What
 * fails ends the program. */

struct traffic; /* the sockets that stay open */

struct traffic *traffic_open(void);

/* Short TCP connections, a request and a reply of 100 bytes each. */
void traffic_connections(struct traffic *traffic, unsigned count);
/* Connections within "b", where nothing is tracked, that stay open and say nothing. */
void traffic_idle(unsigned count);
/* Request and reply, 64 bytes each, on the one connection. */
void traffic_round_trips(struct traffic *traffic, unsigned count);
/* The same by datagrams of one flow. */
void traffic_echoes(struct traffic *traffic, unsigned count);
/* So many MiB on one connection. */
void traffic_bulk(struct traffic *traffic, unsigned count);
/* Datagrams that begin a flow each, from addresses of their own. */
void traffic_flows(struct traffic *traffic, unsigned count);
/* Empties conntrack's table of "a": the flows end. */
void traffic_flush(struct traffic *traffic, unsigned count);

#endif
