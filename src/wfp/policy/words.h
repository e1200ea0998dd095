/*
 * The words the language knows, and the nearest one to a word it doesn't know.
 */
#ifndef OPENWFP_POLICY_WORDS_H
#define OPENWFP_POLICY_WORDS_H

#include <stddef.h>

struct arena;

struct word {
    const char *text; /* NULL ends a table */
    int value;
};

extern const struct word words_verbs[], words_layers[], words_clauses[], words_statements[],
    words_protocols[], words_flags[];

/* The word's value, or -1. */
int word_find(const struct word *table, const char *text);

/* The text of a value, or NULL. */
const char *word_text(const struct word *table, int value);

/* The known word that was probably meant (a slip of a few letters or a word of another firewall's
   language), or NULL. */
const char *word_nearest(const struct word *table, const char *text);

/* "did you mean "x"?", or NULL when nothing is near. */
const char *word_hint(struct arena *arena, const struct word *table, const char *text);

/* The words as "a, b or c". */
const char *word_list(struct arena *arena, const struct word *table);

#endif
