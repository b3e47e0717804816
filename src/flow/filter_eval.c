// SPDX-License-Identifier: Apache-2.0
/* A compiled filter on a record: no allocation, no failure. A comparison with a
 * field that the record does not have is false. */
#include <arpa/inet.h>
#include <string.h>

#include "flow/filter_impl.h"

static uint64_t int_at(const struct field *field, const struct record *record)
{
	const void *value = field_at(field, record);
	uint16_t port_be;

	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_NAME:
	case FIELD_TYPE_PROTO:
		return *(const uint8_t *)value;
	case FIELD_TYPE_BOOL:
		return *(const bool *)value;
	case FIELD_TYPE_U16:
		return *(const uint16_t *)value;
	case FIELD_TYPE_PORT:
		memcpy(&port_be, value, sizeof(port_be));
		return ntohs(port_be);
	case FIELD_TYPE_U32:
	case FIELD_TYPE_STATUS:
	case FIELD_TYPE_ERRNO:
		return *(const uint32_t *)value;
	default:
		return *(const uint64_t *)value;
	}
}

static bool int_matches(const struct node *node, uint64_t value)
{
	if (node->masked)
		value &= node->mask;
	switch (node->op) {
	case TOKEN_NE:
		return value != node->low;
	case TOKEN_LT:
		return value < node->low;
	case TOKEN_LE:
		return value <= node->low;
	case TOKEN_GT:
		return value > node->low;
	case TOKEN_GE:
		return value >= node->low;
	case TOKEN_MASK:
		return value != 0;
	default:
		return value == node->low;
	}
}

static bool eval_int(const struct node *node, const struct record *record)
{
	uint64_t value = 0;
	bool any = false;

	for (int i = 0; i < 2 && node->field[i] < FIELD_COUNT; i++) {
		if (!record_has(record, node->field[i]))
			continue;
		if (node->combine == COMBINE_EITHER) {
			if (int_matches(node, int_at(&field_table[node->field[i]], record)))
				return true;
			continue;
		}
		value += int_at(&field_table[node->field[i]], record);
		any = true;
	}
	return any && int_matches(node, value);
}

static bool eval_double(const struct node *node, const struct record *record)
{
	double value;

	if (!record_has(record, node->field[0]))
		return false;
	value = *(const double *)field_at(&field_table[node->field[0]], record);
	switch (node->op) {
	case TOKEN_NE:
		return value < node->real || value > node->real;
	case TOKEN_LT:
		return value < node->real;
	case TOKEN_LE:
		return value <= node->real;
	case TOKEN_GT:
		return value > node->real;
	case TOKEN_GE:
		return value >= node->real;
	default:
		return value >= node->real && value <= node->real;
	}
}

static bool eval_state(const struct node *node, const struct record *record)
{
	const bool is = (record_has(record, FIELD_CT_STATE) && record->ct_state == node->low) ||
			(record_has(record, FIELD_TCP_STATE) && record->tcp_state == node->high);
	const bool has = record_has(record, FIELD_CT_STATE) || record_has(record, FIELD_TCP_STATE);

	return node->op == TOKEN_NE ? has && !is : is;
}

static bool text_matches(const struct node *node, const char *text)
{
	switch (node->kind) {
	case NODE_REGEX:
		return regexec(node->regex, text, 0, NULL, 0) == 0;
	case NODE_PREFIX:
		return !strncmp(text, node->text, node->text_length);
	default:
		return !strcmp(text, node->text);
	}
}

static bool eval_text(const struct node *node, const struct record *record)
{
	bool has = false, is = false;

	for (int i = 0; i < 2 && node->field[i] < FIELD_COUNT; i++) {
		if (!record_has(record, node->field[i]))
			continue;
		has = true;
		is |= text_matches(node, field_at(&field_table[node->field[i]], record));
	}
	return node->op == TOKEN_NE ? has && !is : is;
}

static bool eval_addr(const struct node *node, const struct record *record)
{
	bool is;

	if (!record_has(record, node->field[0]))
		return false;
	is = addr_net_has(&node->net, field_at(&field_table[node->field[0]], record));
	return node->op == TOKEN_NE ? !is : is;
}

static bool eval_net(const struct node *node, const struct record *record)
{
	const struct addr_net *net = &node->net;

	return (node->ends & END_SRC && addr_net_has(net, &record->orig.addr[INITIATOR])) ||
	       (node->ends & END_DST && addr_net_has(net, &record->orig.addr[RESPONDER])) ||
	       (node->ends & END_NAT && ((record_has(record, FIELD_NAT_SRC_IP) &&
					  addr_net_has(net, &record->nat.addr[INITIATOR])) ||
					 (record_has(record, FIELD_NAT_DST_IP) &&
					  addr_net_has(net, &record->nat.addr[RESPONDER]))));
}

static bool in_span(const struct node *node, uint16_t port_be)
{
	const uint16_t port = ntohs(port_be);

	return port >= node->low && port <= node->high;
}

static bool eval_port(const struct node *node, const struct record *record)
{
	return (node->ends & END_SRC && record_has(record, FIELD_SRC_PORT) &&
		in_span(node, record->orig.port_be[INITIATOR])) ||
	       (node->ends & END_DST && record_has(record, FIELD_DST_PORT) &&
		in_span(node, record->orig.port_be[RESPONDER])) ||
	       (node->ends & END_NAT && ((record_has(record, FIELD_NAT_SRC_PORT) &&
					  in_span(node, record->nat.port_be[INITIATOR])) ||
					 (record_has(record, FIELD_NAT_DST_PORT) &&
					  in_span(node, record->nat.port_be[RESPONDER]))));
}

bool filter_eval(const struct filter *filter, uint16_t at, const struct record *record)
{
	const struct node *node = &filter->node[at];

	switch ((enum node_kind)node->kind) {
	case NODE_AND:
		return filter_eval(filter, node->left, record) &&
		       filter_eval(filter, node->right, record);
	case NODE_OR:
		return filter_eval(filter, node->left, record) ||
		       filter_eval(filter, node->right, record);
	case NODE_NOT:
		return !filter_eval(filter, node->left, record);
	case NODE_NET:
		return eval_net(node, record);
	case NODE_PORT:
		return eval_port(node, record);
	case NODE_PROTO:
		return record->orig.proto == node->low;
	case NODE_V4:
		return (tuple_is_v4(&record->orig) == (node->low != 0)) ^ (node->op == TOKEN_NE);
	case NODE_INT:
		return eval_int(node, record);
	case NODE_DOUBLE:
		return eval_double(node, record);
	case NODE_STATE:
		return eval_state(node, record);
	case NODE_TEXT:
	case NODE_PREFIX:
	case NODE_REGEX:
		return eval_text(node, record);
	case NODE_ADDR:
		return eval_addr(node, record);
	}
	return false;
}
