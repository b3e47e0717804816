// SPDX-License-Identifier: Apache-2.0
/* Editing as readline's users have it in their fingers. */
#include "ui/prompt.h"

#include <stdio.h>
#include <string.h>

static int is_inner(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void prompt_set(struct prompt *prompt, const char *text)
{
	snprintf(prompt->text, sizeof(prompt->text), "%s", text);
	prompt_end(prompt);
}

static size_t encode(char ret[4], unsigned character)
{
	if (character < 0x80) {
		ret[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		ret[0] = (char)(0xc0 | character >> 6);
		ret[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	ret[0] = (char)(0xe0 | (character >> 12 & 0xf));
	ret[1] = (char)(0x80 | (character >> 6 & 0x3f));
	ret[2] = (char)(0x80 | (character & 0x3f));
	return 3;
}

void prompt_insert(struct prompt *prompt, unsigned character)
{
	const size_t n = strlen(prompt->text);
	char bytes[4];
	size_t length;

	if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character > 0xffff)
		return;
	length = encode(bytes, character);
	if (n + length >= sizeof(prompt->text))
		return;
	memmove(prompt->text + prompt->cursor + length, prompt->text + prompt->cursor,
		n - prompt->cursor + 1);
	memcpy(prompt->text + prompt->cursor, bytes, length);
	prompt->cursor += length;
}

/* The bytes from `from` to the cursor go. */
static void cut_back(struct prompt *prompt, size_t from)
{
	memmove(prompt->text + from, prompt->text + prompt->cursor,
		strlen(prompt->text + prompt->cursor) + 1);
	prompt->cursor = from;
}

static size_t left_of(const struct prompt *prompt, size_t at)
{
	if (at)
		at--;
	while (at && is_inner(prompt->text[at]))
		at--;
	return at;
}

static size_t right_of(const struct prompt *prompt, size_t at)
{
	if (prompt->text[at])
		at++;
	while (is_inner(prompt->text[at]))
		at++;
	return at;
}

void prompt_backspace(struct prompt *prompt)
{
	cut_back(prompt, left_of(prompt, prompt->cursor));
}

void prompt_delete(struct prompt *prompt)
{
	const size_t at = prompt->cursor;

	prompt->cursor = right_of(prompt, at);
	cut_back(prompt, at);
}

void prompt_move(struct prompt *prompt, int by)
{
	for (; by < 0; by++)
		prompt->cursor = left_of(prompt, prompt->cursor);
	for (; by > 0; by--)
		prompt->cursor = right_of(prompt, prompt->cursor);
}

void prompt_home(struct prompt *prompt)
{
	prompt->cursor = 0;
}

void prompt_end(struct prompt *prompt)
{
	prompt->cursor = strlen(prompt->text);
	while (prompt->cursor && is_inner(prompt->text[prompt->cursor - 1]) &&
	       prompt->cursor == sizeof(prompt->text) - 1)
		prompt_backspace(prompt); /* a character that was cut in two */
}

void prompt_kill_word(struct prompt *prompt)
{
	size_t from = prompt->cursor;

	while (from && prompt->text[from - 1] == ' ')
		from--;
	while (from && prompt->text[from - 1] != ' ')
		from--;
	cut_back(prompt, from);
}

void prompt_kill_line(struct prompt *prompt)
{
	cut_back(prompt, 0);
}
