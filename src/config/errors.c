// SPDX-License-Identifier: Apache-2.0
/* What is wrong with a configuration: collected, so that one run tells all. */
#include "config/errors.h"

#include <stdarg.h>

#include "config/tree.h"

void config_errors_fini(struct config_errors *errors)
{
	buf_fini(&errors->text);
	errors->count = 0;
}

__attribute__((format(printf, 4, 0)))
static void add(struct config_errors *errors, unsigned line, unsigned column, const char *format,
		va_list args)
{
	if (errors->count++ >= CONFIG_ERRORS_SHOWN)
		return;
	buf_printf(&errors->text, "%s:%u:%u: ", errors->path ? errors->path : "-", line, column);
	buf_vprintf(&errors->text, format, args);
	buf_putc(&errors->text, '\n');
}

void config_error_at(struct config_errors *errors, unsigned line, unsigned column,
		     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(errors, line, column, format, args);
	va_end(args);
}

void config_error(struct config_errors *errors, const struct node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(errors, node->line, node->column, format, args);
	va_end(args);
}

void config_error_text(struct config_errors *errors, const char *sentence)
{
	if (errors->count++ < CONFIG_ERRORS_SHOWN)
		buf_printf(&errors->text, "weir: %s\n", sentence);
}
