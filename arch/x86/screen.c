/*
 * screen.c - VGA text mode: 80 columns, 25 rows, a hardware cursor, and the few escape sequences that a line editor
 * sends.
 *
 * The video memory holds more rows than the screen shows. Scrolling moves the place where the picture starts, and
 * only when it has reached the memory's end are the rows copied back to its beginning: so a new line costs one row,
 * not a screen.
 *
 * Entry points: arch_screen_init(), arch_screen_use(), arch_screen_write(). Concurrency: the caller serialises.
 */
#include "arch/x86/ports.h"
#include <arch/machine.h>
#include <arch/memory.h>

#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_SHAPE 0x0a
#define CRTC_START 0x0c /* two registers each, the high byte first */
#define CRTC_CURSOR 0x0e

#define TEXT_MEMORY 0xb8000ul
#define TEXT_MEMORY_CELLS 0x4000u /* 32 KiB of a character and its colours each */
#define COLUMNS 80u
#define ROWS 25u
#define BLANK 0x0720 /* a space, light grey on black */
#define TAB_STOP 8u
#define PARAMETERS 2

enum escape_state {
    ESCAPE_NONE,
    ESCAPE_SEEN,       /* after ESC */
    ESCAPE_PARAMETERS, /* after ESC [ */
};

static struct {
    volatile uint16_t *cells; /* NULL: there is no screen */
    unsigned columns, rows;
    unsigned memory_rows; /* rows that fit into the video memory */
    unsigned first_row;   /* of the video memory, that the screen shows at its top */
    unsigned column, row; /* of the cursor on the screen; column == columns: the next character begins a row */
    enum escape_state escape;
    unsigned parameter_count;
    unsigned parameters[PARAMETERS];
    uint16_t colours; /* of what is written: as in BLANK's upper byte */
} screen = {.colours = BLANK & 0xff00};

static void crtc_write(uint8_t index, uint8_t value)
{
    port_write8(CRTC_INDEX, index);
    port_write8(CRTC_DATA, value);
}

static void crtc_write_pair(uint8_t index, unsigned value)
{
    crtc_write(index, value >> 8);
    crtc_write(index + 1, value);
}

static unsigned cell_at(unsigned row, unsigned column)
{
    return (screen.first_row + row) * screen.columns + column;
}

static void erase(unsigned row, unsigned column, unsigned count)
{
    volatile uint16_t *cell = screen.cells + cell_at(row, column);

    while (count--)
        *cell++ = BLANK;
}

static void show_cursor(void)
{
    unsigned column = screen.column < screen.columns ? screen.column : screen.columns - 1;

    crtc_write_pair(CRTC_CURSOR, cell_at(screen.row, column));
}

static void scroll(void)
{
    if (screen.first_row + screen.rows == screen.memory_rows) {
        unsigned kept = (screen.rows - 1) * screen.columns;
        for (unsigned i = 0; i < kept; i++)
            screen.cells[i] = screen.cells[(screen.first_row + 1) * screen.columns + i];
        screen.first_row = 0;
    } else {
        screen.first_row++;
    }
    erase(screen.rows - 1, 0, screen.columns);
    crtc_write_pair(CRTC_START, cell_at(0, 0));
}

static void clear(void)
{
    screen.first_row = 0;
    erase(0, 0, screen.rows * screen.columns);
    crtc_write_pair(CRTC_START, 0);
}

static void next_row(void)
{
    if (screen.row + 1 < screen.rows)
        screen.row++;
    else
        scroll();
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The text mode numbers the colours with blue as 1 and red as 4; the escape sequence the other way round. */
static void choose_colour(unsigned parameter)
{
    unsigned colour = parameter - 30;

    if (parameter == 0)
        screen.colours = BLANK & 0xff00;
    else if (colour < 8)
        screen.colours = (uint16_t)(((colour & 1) << 2 | (colour & 2) | (colour & 4) >> 2) << 8);
}

/* The end of ESC [ N ; M LETTER: a letter that is not known does nothing. */
static void escape_end(char letter)
{
    unsigned count = screen.parameters[0] ? screen.parameters[0] : 1;
    unsigned column = least(screen.column, screen.columns - 1);

    switch (letter) {
    case 'C': /* cursor right */
        screen.column = least(column + least(count, screen.columns), screen.columns - 1);
        break;
    case 'D': /* cursor left */
        screen.column = column - least(count, column);
        break;
    case 'H': /* cursor to row and column, counted from 1 */
        screen.row = least(count, screen.rows) - 1;
        screen.column = least(screen.parameters[1] ? screen.parameters[1] : 1, screen.columns) - 1;
        break;
    case 'm': /* 30 to 37: a colour; 0: the usual one */
        choose_colour(screen.parameters[0]);
        break;
    case 'J': /* 2: the whole screen */
        if (screen.parameters[0] == 2)
            clear();
        break;
    case 'K': /* to the end of the row; 2: the whole row */
        if (screen.parameters[0] == 2)
            erase(screen.row, 0, screen.columns);
        else if (screen.parameters[0] == 0)
            erase(screen.row, column, screen.columns - column);
        break;
    }
}

static void escape_byte(char byte)
{
    if (screen.escape == ESCAPE_SEEN) {
        screen.escape = byte == '[' ? ESCAPE_PARAMETERS : ESCAPE_NONE;
        screen.parameter_count = 0;
        screen.parameters[0] = screen.parameters[1] = 0;
    } else if (byte >= '0' && byte <= '9') {
        if (screen.parameter_count < PARAMETERS) {
            unsigned *parameter = &screen.parameters[screen.parameter_count];
            *parameter = least(*parameter * 10 + (byte - '0'), 1000);
        }
    } else if (byte == ';') {
        screen.parameter_count = least(screen.parameter_count + 1, PARAMETERS);
    } else {
        screen.escape = ESCAPE_NONE;
        escape_end(byte);
    }
}

static void plain_byte(unsigned char byte)
{
    switch (byte) {
    case '\n':
        next_row();
        break;
    case '\r':
        screen.column = 0;
        break;
    case '\b':
        screen.column -= screen.column > 0;
        break;
    case '\t':
        screen.column = least((screen.column / TAB_STOP + 1) * TAB_STOP, screen.columns - 1);
        break;
    case '\x1b':
        screen.escape = ESCAPE_SEEN;
        break;
    default:
        if (byte < ' ' || byte == 0x7f)
            break;
        if (screen.column >= screen.columns) {
            screen.column = 0;
            next_row();
        }
        screen.cells[cell_at(screen.row, screen.column++)] = screen.colours | byte;
    }
}

void arch_screen_use(physical_address base, unsigned columns, unsigned rows)
{
    if (!columns || !rows || columns > TEXT_MEMORY_CELLS / rows)
        return;
    screen.cells = physical_to_virtual(base);
    screen.columns = columns;
    screen.rows = rows;
    screen.memory_rows = TEXT_MEMORY_CELLS / columns;
    screen.row = screen.column = 0;
    clear();
    crtc_write(CRTC_CURSOR_SHAPE, 0x0d); /* on, from scan line 13 down */
    crtc_write(CRTC_CURSOR_SHAPE + 1, 0x0e);
    show_cursor();
}

void arch_screen_init(void)
{
    arch_screen_use(TEXT_MEMORY, COLUMNS, ROWS);
}

bool arch_screen_present(void)
{
    return screen.cells;
}

void arch_screen_write(const char *text, size_t length)
{
    if (!screen.cells)
        return;
    for (size_t i = 0; i < length; i++) {
        if (screen.escape == ESCAPE_NONE)
            plain_byte(text[i]);
        else
            escape_byte(text[i]);
    }
    show_cursor();
}
