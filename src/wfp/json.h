/*
 * Writing JSON. One document or, when following, one document a line. Keys are our own ASCII
 * names; values may be any bytes: what is not UTF-8 becomes U+FFFD.
 */
#ifndef OPENWFP_WFP_JSON_H
#define OPENWFP_WFP_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool follow; /* the value before was in the same object or array: a comma is due */
};

/* The key is NULL inside an array and for the document itself. */
void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);
void json_text(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_end(struct json *json); /* the document's newline */

#endif
