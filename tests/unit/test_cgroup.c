// SPDX-License-Identifier: Apache-2.0
/* cgroup texts as the runtimes of containers leave them. */
#include "source/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

#define ID "0f3a5b7c9d1e2f4a6b8c0d2e4f6a8b0c1d3e5f7a9b1c3d5e7f90a2b4c6d8e0f1"
#define OUTER "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
#define POD "1c2d3e4f_5a6b_7c8d_9e0f_a1b2c3d4e5f6"
#define POD_DASHED "1c2d3e4f-5a6b-7c8d-9e0f-a1b2c3d4e5f6"
#define HOME "/user.slice/user-1000.slice/user@1000.service"

static struct owner parsed(const char *text)
{
	struct owner ret;

	memset(&ret, '#', sizeof(ret));
	cgroup_parse(&ret, text);
	assert_non_null(memchr(ret.cgroup, '\0', sizeof(ret.cgroup)));
	assert_non_null(memchr(ret.container, '\0', sizeof(ret.container)));
	return ret;
}

static void contains(const char *text, const char *container)
{
	const struct owner owner = parsed(text);

	if (strcmp(owner.container, container))
		fail_msg("%s: \"%s\", not \"%s\"", text, owner.container, container);
}

static void every_runtime_with_ids_is_known(void **state)
{
	static const char *const texts[] = {
		/* docker: systemd's cgroups, its own, rootless */
		"0::/system.slice/docker-" ID ".scope\n",
		"0::/docker/" ID "\n",
		"0::" HOME "/user.slice/docker-" ID ".scope\n",
		/* podman: rootful, rootless, in a pod, without systemd; its conmon */
		"0::/machine.slice/libpod-" ID ".scope/container\n",
		"0::" HOME "/user.slice/libpod-" ID ".scope/container\n",
		"0::/machine.slice/machine-libpod_pod_" OUTER ".slice/libpod-" ID ".scope\n",
		"0::/libpod_parent/libpod-" ID "\n",
		"0::/machine.slice/libpod-conmon-" ID ".scope\n",
		/* containerd: nerdctl, and both ways of its CRI plugin */
		"0::/system.slice/nerdctl-" ID ".scope\n",
		"0::/default/" ID "\n",
		"0::/kubepods/burstable/pod" POD_DASHED "/" ID "\n",
		"0::/kubepods/pod" POD_DASHED "/" ID "\n",
		"0::/system.slice/containerd.service/kubepods-besteffort-pod" POD
		".slice:cri-containerd:" ID "\n",
		/* cri-o, the process and its container's own tree */
		"0::/kubepods.slice/kubepods-pod" POD ".slice/crio-" ID ".scope\n",
		"0::/kubepods.slice/kubepods-pod" POD ".slice/crio-" ID ".scope/container\n",
		/* ECS */
		"0::/ecs/0123456789abcdef0123456789abcdef/" ID "\n",
		/* what runs systemd inside; a path seen from another cgroup namespace */
		"0::/docker/" ID "/system.slice/nginx.service\n",
		"0::/../../docker/" ID "\n",
		("0::/docker/" ID),
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		contains(texts[i], ID);
}

static void a_pod_is_known_though_its_path_is_cut(void **state)
{
	static const char text[] =
		"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD
		".slice/cri-containerd-" ID ".scope\n";
	const struct owner owner = parsed(text);

	assert_true(strlen(text) > OWNER_PATH_SIZE + 60);
	assert_string_equal(owner.container, ID);
	assert_int_equal(strlen(owner.cgroup), OWNER_PATH_SIZE - 1);
	assert_memory_equal(owner.cgroup, text + 3, OWNER_PATH_SIZE - 1);
}

static void the_innermost_container_counts(void **state)
{
	contains("0::/docker/" OUTER "/docker/" ID "\n", ID);
	contains("0::/docker/" OUTER "/kubelet/kubepods/pod" POD_DASHED "/" ID "\n", ID);
	contains("0::/lxc.payload.web/system.slice/docker-" ID ".scope\n", ID);
	contains("0::/lxc.payload.outer/lxc.payload.inner/init.scope\n", "inner");
	contains("0::/lxc.payload.outer/machine-.scope/lxc.payload./init.scope\n", "outer");
}

static void what_is_no_container_has_no_name(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"0::/\n",
		"0::/init.scope\n",
		"0::/system.slice/nginx.service\n",
		"0::/system.slice/system-getty.slice/getty@tty1.service\n",
		"0::/system.slice/docker.service\n",
		"0::/system.slice/containerd.service\n",
		"0::" HOME "/app.slice/app-firefox-1234.scope\n",
		"0::/user.slice/user-1000.slice/session-3.scope\n",
		"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD ".slice\n",
		"0::/kubepods/pod0123456789abcdef0123456789abcdef\n",
		/* digits too many, too few, of another kind */
		"0::/docker/0" ID "\n",
		"0::/docker/" ID "a\n",
		"0::/docker/0f3a5b7c9d1e2f4a6b8c0d2e4f6a8b0c1d3e5f7a9b1c3d5e7f90a2b4c6d8e0f\n",
		"0::/docker/0F3A5B7C9D1E2F4A6B8C0D2E4F6A8B0C1D3E5F7A9B1C3D5E7F90A2B4C6D8E0F1\n",
		"0::/docker/" OUTER ID "\n",
		/* beginnings of names */
		"0::/machine.slice/systemd-nspawn@.service\n",
		"0::/machine.slice/systemd-nspawn@web\n",
		"0::/machine.slice/machine-.scope\n",
		"0::/machine.slice/machine-web.slice\n",
		"0::/lxc.payload.\n",
		"0::/lxc.monitor.web\n",
		"0::/lxc/\n",
		"0::/srv/lxc/web\n",
		/* a virtual machine of libvirt */
		"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		contains(texts[i], "");
}

static void machines_and_lxc_containers_go_by_their_name(void **state)
{
	static const char *const pairs[][2] = {
		{ "0::/machine.slice/systemd-nspawn@web.service\n", "web" },
		{ "0::/machine.slice/systemd-nspawn@web.service/payload/init.scope\n", "web" },
		{ "0::/machine.slice/machine-web.scope\n", "web" },
		{ "0::/machine.slice/machine-my\\x2dweb.scope/payload\n", "my-web" },
		{ "0::/machine.slice/machine-lxc\\x2d71\\x2dweb.scope\n", "lxc-71-web" },
		{ "0::/machine.slice/machine-a\\x2.scope\n", "a\\x2" },
		{ "0::/machine.slice/machine-a\\x2g.scope\n", "a\\x2g" },
		{ "0::/machine.slice/machine-a\\x2D\\.scope\n", "a\\x2D\\" },
		{ "0::/lxc.payload.web/system.slice/nginx.service\n", "web" },
		{ "0::/lxc.payload/web\n", "web" },
		{ "0::/lxc/101/ns/init.scope\n", "101" },
		{ "9:cpu:/lxc/101\n0::/\n", "101" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		contains(pairs[i][0], pairs[i][1]);
}

static void a_name_is_cut_to_fit(void **state)
{
	char text[200], wanted[OWNER_CONTAINER_SIZE];

	memset(wanted, 'w', sizeof(wanted));
	wanted[sizeof(wanted) - 1] = '\0';
	snprintf(text, sizeof(text), "0::/lxc.payload.%s\n", wanted);
	contains(text, wanted);
	snprintf(text, sizeof(text), "0::/lxc.payload.%swwww\n", wanted);
	contains(text, wanted);
	snprintf(text, sizeof(text), "0::/machine-\\x77%s.scope\n", wanted);
	contains(text, wanted);
}

static void is_in(const char *text, const char *cgroup)
{
	const struct owner owner = parsed(text);

	assert_string_equal(owner.cgroup, cgroup);
}

static void the_unified_path_is_kept_when_it_says_something(void **state)
{
	is_in("0::/system.slice/nginx.service\n", "/system.slice/nginx.service");
	is_in("0::/a\n", "/a");
	is_in("0::/\n", "/");
	is_in("12:cpu:/much/longer\n0::/a\n", "/a");
	is_in("0::/a\n12:cpu:/much/longer\n", "/a");
	is_in("12:cpu:/a\n11:memory:/a/longer\n10:pids:/a\n0::/\n", "/a/longer");
	is_in("1:name=systemd:/user.slice\n", "/user.slice");
	is_in("2:cpu:/first\n1:pids:/other\n", "/first");
	is_in("0:pids:/a\n1:cpu:/longer\n", "/longer");
	is_in("10::/v1\n0::/\n", "/v1");
	is_in("0::/a:b:c\n", "/a:b:c");
}

static void a_long_v1_path_does_not_displace_the_unified(void **state)
{
	char text[400];
	int n;

	n = snprintf(text, sizeof(text), "0::/a\n12:cpu:/");
	memset(text + n, 'x', sizeof(text) - (size_t)n);
	text[sizeof(text) - 1] = '\0';
	is_in(text, "/a");
}

static void v1_names_the_container_that_v2_does_not(void **state)
{
	static const char text[] = "12:pids:/docker/" ID "\n"
				   "1:name=systemd:/docker/" ID "\n"
				   "0::/system.slice/containerd.service\n";

	contains(text, ID);
	is_in(text, "/system.slice/containerd.service");
	contains("4:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n0::/\n", ID);
}

static void a_path_of_any_length_is_cut_to_fit(void **state)
{
	char text[3 + OWNER_PATH_SIZE + 2] = "0::";
	struct owner owner;

	for (size_t n = OWNER_PATH_SIZE - 2; n <= OWNER_PATH_SIZE + 1; n++) {
		memset(text + 3, '/', n);
		text[3 + n] = '\0';
		owner = parsed(text);
		assert_int_equal(strlen(owner.cgroup),
				 n < OWNER_PATH_SIZE ? n : OWNER_PATH_SIZE - 1);
	}
}

static void lines_that_are_none_are_passed_over(void **state)
{
	is_in("", "");
	is_in("nonsense\n", "");
	is_in("0:\n", "");
	is_in(":\n", "");
	is_in("0::\n", "");
	is_in("::\n", "");
	is_in("no colon\n1:x\n2:cpu:/a\n3\n", "/a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_runtime_with_ids_is_known),
		cmocka_unit_test(a_pod_is_known_though_its_path_is_cut),
		cmocka_unit_test(the_innermost_container_counts),
		cmocka_unit_test(what_is_no_container_has_no_name),
		cmocka_unit_test(machines_and_lxc_containers_go_by_their_name),
		cmocka_unit_test(a_name_is_cut_to_fit),
		cmocka_unit_test(the_unified_path_is_kept_when_it_says_something),
		cmocka_unit_test(a_long_v1_path_does_not_displace_the_unified),
		cmocka_unit_test(v1_names_the_container_that_v2_does_not),
		cmocka_unit_test(a_path_of_any_length_is_cut_to_fit),
		cmocka_unit_test(lines_that_are_none_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
