// SPDX-License-Identifier: Apache-2.0
/* Where the configuration file is. Two that could be meant are an error: which of
 * them counts must not hang on the order of a table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/why.h"
#include "config/config.h"

static const char *variable(char *const *environment, const char *name)
{
	const size_t n = strlen(name);

	for (; *environment; environment++) {
		if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
			return (*environment)[n + 1] ? *environment + n + 1 : NULL;
	}
	return NULL;
}

/* The one file FOLDER/NAME.{yml,yaml,toml,json}: 1, none: 0. */
static int look(char ret[CONFIG_PATH_SIZE], const char *folder, const char *name, struct why *why)
{
	static const char *const extensions[] = { "yml", "yaml", "toml", "json" };
	char path[CONFIG_PATH_SIZE];
	int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		if (snprintf(path, sizeof(path), "%s/%s.%s", folder, name, extensions[i]) >=
			    (int)sizeof(path) ||
		    access(path, F_OK) < 0)
			continue;
		if (found)
			return why_set(why, -EBADMSG, "there are %.120s and %.120s: which one is "
						      "meant? Name it with -c", ret, path);
		memcpy(ret, path, sizeof(path));
		found = 1;
	}
	return found;
}

static int look_for_ours(char ret[CONFIG_PATH_SIZE], char *const *environment, struct why *why)
{
	const char *xdg = variable(environment, "XDG_CONFIG_HOME");
	const char *home = variable(environment, "HOME");
	char folder[CONFIG_PATH_SIZE / 2] = "";
	int r = 0;

	if (xdg)
		snprintf(folder, sizeof(folder), "%s/weir", xdg);
	else if (home)
		snprintf(folder, sizeof(folder), "%s/.config/weir", home);
	if (folder[0])
		r = look(ret, folder, "weir", why);
	return r ? r : look(ret, "/etc/weir", "weir", why);
}

static int look_for_old(char ret[CONFIG_PATH_SIZE], char *const *environment, struct why *why)
{
	const char *home = variable(environment, "HOME");
	char folder[CONFIG_PATH_SIZE / 2] = "";
	int r = 0;

	if (home) {
		snprintf(folder, sizeof(folder), "%s/.config", home);
		r = look(ret, folder, "conntracct", why);
	}
	return r ? r : look(ret, "/etc/conntracct", "conntracct", why);
}

int config_find(char ret[CONFIG_PATH_SIZE], const char *path, char *const *environment,
		struct why *why)
{
	int r;

	ret[0] = '\0';
	if (!path)
		path = variable(environment, "WEIR_CONFIG");
	if (path) {
		if (snprintf(ret, CONFIG_PATH_SIZE, "%s", path) >= CONFIG_PATH_SIZE)
			return why_set(why, -EBADMSG, "the name of the configuration file is "
						      "too long");
		return 0;
	}
	r = look_for_ours(ret, environment, why);
	if (!r)
		r = look_for_old(ret, environment, why);
	return r < 0 ? r : 0;
}
