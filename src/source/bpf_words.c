// SPDX-License-Identifier: Apache-2.0
/*
 * What libbpf says, and the two tables of names that the kernel offers.
 *
 * libbpf has one print function for the whole process and gives it no context,
 * hence the one thread-local text here.
 */
#include "source/bpf_words.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "source/bpf_objects.h"

static _Thread_local char first_warning[160];

__attribute__((format(printf, 2, 0))) static int keep_first(enum libbpf_print_level level,
							     const char *format, va_list args)
{
	char *end;

	if (level != LIBBPF_WARN || first_warning[0])
		return 0;
	vsnprintf(first_warning, sizeof(first_warning), format, args);
	/* one line, without the name of who speaks */
	end = strchr(first_warning, '\n');
	if (end)
		*end = '\0';
	if (!strncmp(first_warning, "libbpf: ", 8))
		memmove(first_warning, first_warning + 8, strlen(first_warning + 8) + 1);
	return 0;
}

void bpf_words_begin(void)
{
	libbpf_set_print(keep_first);
	first_warning[0] = '\0';
}

int bpf_words_why(struct why *why, int r, const char *what)
{
	if (first_warning[0])
		return why_set(why, r, "%s: %s (%s)", what, strerror(-r), first_warning);
	return why_set(why, r, "%s: %s", what, strerror(-r));
}

int bpf_words_struct_id(const char *name, struct why *why)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int r;

	if (!btf) {
		r = -errno;
		return why_set(why, r, "the kernel has no BTF (/sys/kernel/btf/vmlinux): %s",
			       strerror(-r));
	}
	r = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	btf__free(btf);
	if (r < 0)
		return why_set(why, -ENOENT, "the kernel's BTF does not know struct %s", name);
	return r;
}

static int read_symbol(uint64_t *ret, const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char symbol[128], line[512];
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r == -ENOENT && fgets(line, sizeof(line), file)) {
		/* of a hundred thousand lines few are worth to be taken apart */
		if (!strstr(line, name) ||
		    sscanf(line, "%llx %*c %127s", &address, symbol) != 2 ||
		    strcmp(symbol, name) != 0)
			continue;
		r = address ? 0 : -EPERM;
		*ret = address;
	}
	fclose(file);
	return r;
}

/* As read_symbol; -EPERM also where it cannot be asked for. */
static int ask_for_symbol(uint64_t *ret, const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	struct symbol_bpf *skeleton;
	int r = -EPERM;

	bpf_words_begin();
	skeleton = symbol_bpf__open_and_load();
	if (!skeleton)
		return r;
	snprintf(skeleton->bss->symbol.name, sizeof(skeleton->bss->symbol.name), "%s", name);
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.find_symbol), &options) == 0) {
		r = skeleton->bss->symbol.error;
		*ret = skeleton->bss->symbol.address;
	}
	symbol_bpf__destroy(skeleton);
	return r;
}

int bpf_words_symbol(uint64_t *ret, const char *name)
{
	const int r = ask_for_symbol(ret, name);

	/* that a name is there at all is no secret */
	return r == -EPERM ? read_symbol(ret, name) : r;
}
