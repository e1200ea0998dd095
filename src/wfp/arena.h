/*
 * Memory with one common end: everything a policy or a command's output is made of is taken from
 * an arena and given back at once. Allocation never returns NULL: a command line that is out of
 * memory says so and exits.
 */
#ifndef OPENWFP_WFP_ARENA_H
#define OPENWFP_WFP_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
