/*
 * Rows of text in columns as wide as their widest cell. What could move a terminal's cursor is
 * shown as a question mark: names come from others.
 */
#ifndef OPENWFP_WFP_TABLE_H
#define OPENWFP_WFP_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 12

struct arena;
struct table;

/* Titles end with NULL. */
struct table *table_new(struct arena *arena, const char *const *titles);
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *table, FILE *out, bool colour);

#endif
