#include "src/wfp/table.h"

#include <stdarg.h>

#include "src/wfp/arena.h"
#include "src/wfp/utf8.h"

struct row {
    const char *cells[TABLE_MAX_COLUMNS];
    const struct row *next;
};

struct table {
    struct arena *arena;
    unsigned columns, filled; /* cells of the last row */
    size_t widths[TABLE_MAX_COLUMNS];
    struct row titles;
    struct row *last;
};

static void put(struct table *table, const char *text)
{
    size_t width = utf8_width(text);
    if (table->filled == table->columns)
        return;
    if (width > table->widths[table->filled])
        table->widths[table->filled] = width;
    table->last->cells[table->filled++] = text;
}

struct table *table_new(struct arena *arena, const char *const *titles)
{
    struct table *table = arena_alloc(arena, sizeof(*table));
    table->arena = arena;
    table->last = &table->titles;
    while (table->columns < TABLE_MAX_COLUMNS && titles[table->columns] != NULL)
        table->columns++;
    for (unsigned i = 0; i < table->columns; i++)
        put(table, titles[i]);
    return table;
}

void table_row(struct table *table)
{
    struct row *row = arena_alloc(table->arena, sizeof(*row));
    table->last->next = row;
    table->last = row;
    table->filled = 0;
}

void table_cell(struct table *table, const char *format, ...)
{
    va_list args;
    char text[1024];
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(table, arena_strdup(table->arena, text));
}

/* Without blanks behind the last cell that has something in it. */
static void print_row(const struct table *table, const struct row *row, FILE *out)
{
    size_t gap = 0;
    for (unsigned i = 0; i < table->columns; i++) {
        const char *cell = row->cells[i] == NULL ? "" : row->cells[i];
        if (cell[0] != '\0') {
            fprintf(out, "%*s", (int)gap, "");
            print_clean(out, cell);
            gap = 0;
        }
        gap += table->widths[i] + 2 - utf8_width(cell);
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out, bool colour)
{
    if (colour)
        fputs("\033[1m", out);
    print_row(table, &table->titles, out);
    if (colour)
        fputs("\033[0m", out);
    for (const struct row *row = table->titles.next; row != NULL; row = row->next)
        print_row(table, row, out);
}
