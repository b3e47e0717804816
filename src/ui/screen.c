// SPDX-License-Identifier: Apache-2.0
/*
 * The terminal. Signals are the caller's (a signalfd), but for faults: for those the
 * sequences that leave the screen are made ready at the start, since nothing but write(2)
 * and tcsetattr(3) may be called then.
 */
#define _XOPEN_SOURCE_EXTENDED 1
#include "ui/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/array.h"
#include "base/why.h"

static struct {
	bool is_set;
	struct termios termios;
	char leave[256];
	size_t leave_n;
} before; /* of the one terminal; read by the handler of faults */

static void on_fault(int number)
{
	if (before.is_set) {
		const ssize_t written = write(STDOUT_FILENO, before.leave, before.leave_n);

		(void)written;
		tcsetattr(STDIN_FILENO, TCSANOW, &before.termios);
	}
	raise(number); /* the default has been restored: it kills */
}

static void add_leaving(const char *capability)
{
	/* ncurses wants its argument writable */
	char name[8];
	const char *sequence;

	snprintf(name, sizeof(name), "%s", capability);
	sequence = tigetstr(name);
	if (!sequence || sequence == (const char *)-1)
		return;
	before.leave_n += (size_t)snprintf(before.leave + before.leave_n,
					   sizeof(before.leave) - before.leave_n, "%s", sequence);
	if (before.leave_n >= sizeof(before.leave))
		before.leave_n = sizeof(before.leave) - 1;
}

static void catch_faults(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = on_fault,
				    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };

	add_leaving("sgr0");
	add_leaving("cnorm");
	add_leaving("rmkx");
	add_leaving("rmcup");
	before.is_set = true;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaction(faults[i], &action, NULL);
}

static void on_exit_restore(void)
{
	if (!isendwin())
		endwin();
}

/* Pairs are numbered as looks are. */
static void make_colors(void)
{
	start_color();
	use_default_colors();
	init_pair(LOOK_GOOD, COLOR_GREEN, -1);
	init_pair(LOOK_WARN, COLOR_YELLOW, -1);
	init_pair(LOOK_BAD, COLOR_RED, -1);
	init_pair(LOOK_KEY, COLOR_CYAN, -1);
}

int screen_open(struct screen *screen, bool color, struct why *why)
{
	*screen = (struct screen){ 0 };
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &before.termios) < 0)
		return why_set(why, -ENOTTY, "weir top wants a terminal: weir list suits a pipe");
	setlocale(LC_CTYPE, "");
	screen->is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!newterm(NULL, stdout, stdin)) {
		const char *term = getenv("TERM");

		return why_set(why, -ENOTSUP, "the terminal \"%.40s\" (TERM) is not known here; "
					      "weir list 1 needs none", term ? term : "");
	}
	atexit(on_exit_restore);
	catch_faults();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	screen->has_color = color && has_colors();
	if (screen->has_color)
		make_colors();
	screen->is_open = true;
	return 0;
}

void screen_close(struct screen *screen)
{
	if (!screen->is_open)
		return;
	screen->is_open = false;
	endwin();
	before.is_set = false;
}

void screen_size(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	if (LINES != size.ws_row || COLS != size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	*rows = size.ws_row;
	*columns = size.ws_col;
}

static attr_t attribute_of(const struct screen *screen, enum look look, short *pair)
{
	*pair = 0;
	switch (look) {
	case LOOK_BOLD:
		return A_BOLD;
	case LOOK_DIM:
		return A_DIM;
	case LOOK_TITLE:
		return A_REVERSE;
	case LOOK_SELECTED:
		return A_REVERSE | A_BOLD;
	case LOOK_GOOD:
	case LOOK_WARN:
	case LOOK_KEY:
		*pair = screen->has_color ? (short)look : 0;
		return A_NORMAL;
	case LOOK_BAD:
		*pair = screen->has_color ? (short)look : 0;
		return A_BOLD;
	default:
		return A_NORMAL;
	}
}

void screen_paint(const struct screen *screen, const struct frame *frame)
{
	for (unsigned row = 0; row < frame->rows; row++) {
		for (unsigned column = 0; column < frame->columns; column++) {
			const struct frame_cell *cell =
				&frame->cell[(size_t)row * frame->columns + column];
			const wchar_t text[2] = { cell->character, 0 };
			cchar_t shown;
			short pair;
			attr_t attribute;

			if (!cell->character)
				continue;
			attribute = attribute_of(screen, (enum look)cell->look, &pair);
			setcchar(&shown, text, attribute, pair, NULL);
			mvadd_wch((int)row, (int)column, &shown);
		}
	}
	curs_set(frame->has_cursor);
	if (frame->has_cursor)
		move((int)frame->cursor_row, (int)frame->cursor_column);
	refresh();
}

void screen_repaint(void)
{
	clearok(stdscr, TRUE);
}

static int special(wint_t key)
{
	static const struct {
		wint_t curses;
		int key;
	} keys[] = {
		{ KEY_UP, KEY_IS_UP }, { KEY_DOWN, KEY_IS_DOWN }, { KEY_LEFT, KEY_IS_LEFT },
		{ KEY_RIGHT, KEY_IS_RIGHT }, { KEY_PPAGE, KEY_IS_PAGE_UP },
		{ KEY_NPAGE, KEY_IS_PAGE_DOWN }, { KEY_HOME, KEY_IS_HOME },
		{ KEY_END, KEY_IS_END }, { KEY_ENTER, KEY_IS_ENTER },
		{ KEY_BACKSPACE, KEY_IS_BACKSPACE }, { KEY_DC, KEY_IS_DELETE },
		{ KEY_F(1), KEY_IS_F1 }, { KEY_F(10), KEY_IS_F10 },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].curses == key)
			return keys[i].key;
	}
	return KEY_OTHER;
}

int screen_key(void)
{
	wint_t key;
	int r;

	do /* the size is looked at all the time: a change of it is no key */
		r = get_wch(&key);
	while (r == KEY_CODE_YES && key == KEY_RESIZE);
	switch (r) {
	case KEY_CODE_YES:
		return special(key);
	case OK:
		break;
	default:
		return KEY_NONE_YET;
	}
	if (key == '\r' || key == '\n')
		return KEY_IS_ENTER;
	if (key == 0x7f || key == '\b')
		return KEY_IS_BACKSPACE;
	return key == 0x1b ? KEY_IS_ESCAPE : (int)key;
}
