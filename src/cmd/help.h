/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_HELP_H
#define WEIR_CMD_HELP_H

#include <stdio.h>

/* The list of commands. */
void help_commands(FILE *to);

#endif
