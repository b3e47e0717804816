# SPDX-License-Identifier: Apache-2.0
#
# The figures of `./dev bench kernel`, made of the lines of bench_kernel.c:
#
#   KIND_bare               without a tool; _noise: and once more, after all others
#   KIND_TOOL               with it, all that ran meanwhile
#   KIND_TOOL_itself        of that the process of the tool
#   KIND_TOOL_added         what the rest took more than without the tool; _own: of
#                           that what ran in the name of who made the traffic

function figure(name, form, value, unit, target) {
	value = sprintf(form, value)
	sub(/^-0(\.0*)?$/, "0", value)
	printf "%-45s %9s %-12s %s\n", name, value, unit, target
}

function is_bpf(tool) {
	return tool ~ /^(weir|bpf)/
}

function is_probe(tool) {
	return tool ~ /_probe$/
}

function rest_of(tool, kind) {
	return ns[tool, kind] - inside[tool, kind]
}

function added(tool, kind) {
	return (rest_of(tool, kind) - rest_of("none", kind)) / count[kind]
}

# What begins and ends nothing.
function is_steady(kind) {
	return kind == "round_trip" || kind == "udp_echo" || kind == "bulk"
}

function show_tool(kind, tool,    name, share) {
	name = kind "_" tool
	share = 100 * added(tool, kind) * count[kind] / ns["none", kind]
	figure(name, "%.0f", ns[tool, kind] / count[kind], "instr", "-")
	if (!is_probe(tool))
		figure(name "_itself", "%.0f", inside[tool, kind] / count[kind], "instr", "-")
	figure(name "_added", "%.0f", added(tool, kind), "instr", "-")
	figure(name "_added_own", "%.0f", (own[tool, kind] - own["none", kind]) / count[kind],
		"instr", "-")
	if (is_steady(kind))
		figure(name "_added_share", "%.3f", share, "%",
			is_bpf(tool) && kind != "bulk" ? "<= 0.1" : "-")
}

function show_kind(kind,    i) {
	figure(kind "_bare", "%.0f", ns["none", kind] / count[kind], "instr", "-")
	figure(kind "_noise", "%.3f", 100 * (ns["none_again", kind] / ns["none", kind] - 1), "%", "-")
	for (i = 1; i <= tools; i++)
		show_tool(kind, tool_of[i])
}

# How often programs ran, the timer's apart from the hooks.
function show_runs(tool,    i, k, kind, part) {
	for (k = 1; k <= kinds; k++) {
		kind = kind_of[k]
		if (is_bpf(tool) && is_steady(kind))
			figure(tool "_" kind "_hook_runs", "%d", hooked[tool, kind], "runs", "0")
	}
	for (i = 1; i <= ran; i++) {
		split(run_of[i], part, SUBSEP)
		if (part[1] != tool)
			continue
		kind = tool "_" part[2] "_" part[3]
		figure(kind, "%d", runs[i], "runs", "-")
		figure(kind, "%.0f", run_ns[i] / runs[i], "instr/run", "-")
	}
}

# What the process of the tool had for flows and their ends until it was at rest, but
# for what it does by the clock.
function had(tool, kind,    end) {
	end = kind "_end"
	return inside[tool, kind] + all[tool, end] - at_rest[tool] * (ns[tool, kind] + until_rest[tool, end])
}

# A flow, from its first packet to its removal. Some of what the process does is done
# once for however many flows came meanwhile: the figure is what one more takes.
function show_flow(tool,    more) {
	at_rest[tool] = all[tool, "rest"] / until_rest[tool, "rest"]
	more = (had(tool, "many_flows") - had(tool, "flow")) / (count["many_flows"] - count["flow"])
	figure("begin_and_end_" tool "_added", "%.0f", added(tool, "flow") + added(tool, "flow_end"),
		"instr/flow", is_bpf(tool) ? "<= 3000" : "-")
	figure("begin_and_end_" tool "_itself", "%.0f", more, "instr/flow",
		is_bpf(tool) ? "<= 8000" : "-")
	figure("begin_and_end_" tool "_itself_in_all", "%.0f", had(tool, "flow") / count["flow"],
		"instr/flow", "-")
	figure("rest_" tool "_itself", "%.0f", at_rest[tool] * 1e6, "kinstr/s", "-")
	if (until_rest[tool, "idle"])
		figure("idle_socket_" tool "_itself", "%.0f",
			(all[tool, "idle"] / until_rest[tool, "idle"] - at_rest[tool]) * 1e9 / IDLE_SOCKETS,
			"instr/s", is_bpf(tool) ? "<= 1200" : "-")
}

BEGIN {
	IDLE_SOCKETS = 20000 # bench_kernel.c: both ends of its connections
	kinds = split("round_trip udp_echo bulk connection connection_end flow flow_end " \
		"many_flows many_flows_end", kind_of)
	tools = split("weir bpf_kprobe ctnetlink packet_probe call_probe", tool_of)
}

$1 == "kernel" { print "# kernel " $2 }

$3 == "cost" {
	count[$2] = $4
	ns[$1, $2] = $5
	own[$1, $2] = $6
	inside[$1, $2] = $7
	until_rest[$1, $2] = $8
	all[$1, $2] = $9
}

$3 == "runs" {
	run_of[++ran] = $1 SUBSEP $2 SUBSEP $5
	runs[ran] = $6
	run_ns[ran] = $7
	if ($5 ~ /^on_/)
		hooked[$1, $2] += $6
}

END {
	for (k = 1; k <= kinds; k++)
		show_kind(kind_of[k])
	for (t = 1; t <= tools; t++)
		show_runs(tool_of[t])
	for (t = 1; t <= tools; t++)
		if (!is_probe(tool_of[t]))
			show_flow(tool_of[t])
}
