/*
 * Reading JSON: one flat object of texts, whole numbers and true or false, which is all that
 * commands take on their standard input.
 */
#ifndef OPENWFP_WFP_JSON_READ_H
#define OPENWFP_WFP_JSON_READ_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

enum json_kind { JSON_TEXT, JSON_NUMBER, JSON_BOOL };

struct json_member {
    enum json_kind kind;
    const char *key;
    const char *text;
    uint64_t number; /* of a bool: 0 or 1 */
    const struct json_member *next;
};

/* False: the text is no such object. An empty one has no members: *members is NULL. */
bool json_read(struct arena *arena, const char *text, const struct json_member **members);

/* NULL: there is none of that kind. */
const struct json_member *json_member(const struct json_member *members, const char *key,
                                      enum json_kind kind);

#endif
