/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of system headers that look like statements, for cppcheck, which does
 * not look into system headers. */
#define json_array_foreach(list, index, item) \
	for (index = 0; (item = json_array_get(list, index)); index++)
#define LIBBPF_OPTS(type, name, ...) struct type name = { __VA_ARGS__ }
#define json_object_foreach(object, key, value) \
	for (key = json_first(object); (value = json_value(key)); key = json_next(key))
