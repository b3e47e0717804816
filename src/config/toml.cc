// SPDX-License-Identifier: Apache-2.0
/* TOML by toml++, a library of headers alone: the one file of C++. It hands the
 * document over, level by level; nothing of C++ leaves it. */
#define TOML_EXCEPTIONS 0
/* some of its assertions fail on bad input that it then refuses (found by fuzzing) */
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_ASSERT_ASSUME(expression) static_cast<void>(0)
#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

#include <sstream>
#include <string>

#include "config/toml.h"

namespace {

struct place {
	unsigned line, column;
};

/* Durations of a table that dots make have no place of their own. */
place place_of(const toml::node &node)
{
	const auto &at = node.source().begin;

	return { at.line ? static_cast<unsigned>(at.line) : 1,
		 at.column ? static_cast<unsigned>(at.column) : 1 };
}

int hand_over(const toml_outlet *outlet, const toml::node &node, std::string_view key, place at);

int hand_over_members(const toml_outlet *outlet, const toml::node &node)
{
	if (const auto *table = node.as_table()) {
		for (auto &&[key, value] : *table) {
			const place at = { key.source().begin.line ? key.source().begin.line : 1,
					   key.source().begin.column ? key.source().begin.column : 1 };

			if (hand_over(outlet, value, key.str(), at) < 0)
				return -1;
		}
	} else if (const auto *array = node.as_array()) {
		for (size_t i = 0; i < array->size(); i++) {
			if (hand_over(outlet, (*array)[i], {}, place_of((*array)[i])) < 0)
				return -1;
		}
	}
	return outlet->close(outlet->context);
}

std::string plain_text(const toml::node &node)
{
	std::ostringstream out;

	node.visit([&out](auto &&value) {
		if constexpr (toml::is_value<decltype(value)>)
			out << value;
	});
	return out.str();
}

int hand_over(const toml_outlet *outlet, const toml::node &node, std::string_view key, place at)
{
	char kind = 'p';
	std::string text;

	if (node.is_table())
		kind = 'm';
	else if (node.is_array())
		kind = 'l';
	else if (const auto *string = node.as_string()) {
		kind = 's';
		text = string->get();
	} else
		text = plain_text(node);
	if (outlet->value(outlet->context, kind, key.data(), key.size(), text.data(), text.size(),
			  at.line, at.column) < 0)
		return -1;
	return kind == 'm' || kind == 'l' ? hand_over_members(outlet, node) : 0;
}

} // namespace

extern "C" int toml_read(const char *text, size_t n, const toml_outlet *outlet)
{
	const toml::parse_result result = toml::parse(std::string_view(text, n));

	if (!result) {
		const auto &error = result.error();
		const std::string sentence(error.description());

		outlet->error(outlet->context, error.source().begin.line,
			      error.source().begin.column, sentence.c_str());
		return -1;
	}
	return hand_over_members(outlet, result.table());
}
