// SPDX-License-Identifier: Apache-2.0
/* Filters: made, explained, freed. */
#include "flow/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/filter_impl.h"

int filter_new(struct filter **ret, const char *text, unsigned *column, struct why *why)
{
	struct filter *filter;
	unsigned here = 0;
	int r;

	if (!text)
		text = "";
	if (strlen(text) > FILTER_TEXT_MAX)
		return why_set(why, -EINVAL, "filter: longer than %d characters", FILTER_TEXT_MAX);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return why_set(why, -ENOMEM, "no memory for a filter");
	filter->text = strdup(text);
	filter->node = calloc(FILTER_NODES_MAX, sizeof(*filter->node));
	if (!filter->text || !filter->node) {
		filter_free(filter);
		return why_set(why, -ENOMEM, "no memory for a filter");
	}
	r = filter_parse(filter, &here, why);
	if (column)
		*column = here;
	if (r < 0) {
		filter_free(filter);
		return r;
	}
	*ret = filter;
	return 0;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (uint16_t i = 0; i < filter->count; i++) {
		free(filter->node[i].text);
		if (filter->node[i].regex) {
			regfree(filter->node[i].regex);
			free(filter->node[i].regex);
		}
	}
	free(filter->node);
	free(filter->text);
	free(filter);
}

bool filter_match(const struct filter *filter, const struct record *record)
{
	return !filter || filter->empty || filter_eval(filter, filter->root, record);
}

static void explain_operand(const struct node *node, struct buf *buf)
{
	static const char *const ops[] = { [TOKEN_EQ] = "=", [TOKEN_NE] = "!=", [TOKEN_LT] = "<",
					   [TOKEN_LE] = "<=", [TOKEN_GT] = ">", [TOKEN_GE] = ">=",
					   [TOKEN_MASK] = "has a bit of", [TOKEN_MATCH] = "~" };

	buf_puts(buf, field_table[node->field[0]].name);
	if (node->field[1] < FIELD_COUNT) {
		buf_puts(buf, node->combine == COMBINE_SUM ? " + " : " or ");
		buf_puts(buf, field_table[node->field[1]].name);
	}
	if (node->masked)
		buf_printf(buf, " & 0x%llx", (unsigned long long)node->mask);
	buf_printf(buf, " %s ", node->op == TOKEN_MASK ? "is not 0" : ops[node->op]);
}

static void explain_ends(const struct node *node, struct buf *buf)
{
	static const char *const names[8] = { "no end", "src", "dst", "src or dst", "nat",
					      "src or nat", "dst or nat", "src, dst or nat" };

	buf_puts(buf, names[node->ends & 7]);
}

static void explain_node(const struct filter *filter, uint16_t at, unsigned depth,
			 struct buf *buf)
{
	const struct node *node = &filter->node[at];

	buf_printf(buf, "%*s", (int)depth * 2, "");
	switch ((enum node_kind)node->kind) {
	case NODE_AND:
	case NODE_OR:
	case NODE_NOT:
		buf_puts(buf, node->kind == NODE_AND ? "and" :
			      node->kind == NODE_OR  ? "or" : "not");
		buf_putc(buf, '\n');
		explain_node(filter, node->left, depth + 1, buf);
		if (node->kind != NODE_NOT)
			explain_node(filter, node->right, depth + 1, buf);
		return;
	case NODE_NET:
		explain_ends(node, buf);
		buf_puts(buf, " address in ");
		addr_append(buf, &node->net.addr);
		buf_printf(buf, "/%d", addr_is_v4(&node->net.addr) && node->net.bits >= 96 ?
					       node->net.bits - 96 : node->net.bits);
		break;
	case NODE_PORT:
		explain_ends(node, buf);
		buf_printf(buf, " port %llu", (unsigned long long)node->low);
		if (node->high != node->low)
			buf_printf(buf, "-%llu", (unsigned long long)node->high);
		break;
	case NODE_PROTO:
		buf_printf(buf, "protocol %llu", (unsigned long long)node->low);
		break;
	case NODE_V4:
		buf_printf(buf, "family %s ipv%c", node->op == TOKEN_NE ? "!=" : "=",
			   node->low ? '4' : '6');
		break;
	case NODE_INT:
		explain_operand(node, buf);
		if (node->op != TOKEN_MASK)
			buf_u64(buf, node->low);
		break;
	case NODE_STATE:
		explain_operand(node, buf);
		buf_puts(buf, node->high != UINT64_MAX ?
				      field_table[FIELD_TCP_STATE].names[node->high] :
				      field_table[FIELD_CT_STATE].names[node->low]);
		break;
	case NODE_DOUBLE:
		explain_operand(node, buf);
		buf_printf(buf, "%.3f", node->real);
		break;
	case NODE_TEXT:
	case NODE_PREFIX:
		explain_operand(node, buf);
		buf_printf(buf, "\"%s%s\"", node->text, node->kind == NODE_PREFIX ? "…" : "");
		break;
	case NODE_REGEX:
		explain_operand(node, buf);
		buf_printf(buf, "\"%s\"", node->text);
		break;
	case NODE_ADDR:
		explain_operand(node, buf);
		addr_append(buf, &node->net.addr);
		break;
	}
	buf_putc(buf, '\n');
}

void filter_explain(const struct filter *filter, struct buf *buf)
{
	if (!filter || filter->empty)
		buf_puts(buf, "everything\n");
	else
		explain_node(filter, filter->root, 0, buf);
}
