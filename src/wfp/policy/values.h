/*
 * What a value's text says, as numbers. Each reader reports what it can't read and returns false.
 */
#ifndef OPENWFP_POLICY_VALUES_H
#define OPENWFP_POLICY_VALUES_H

#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/spans.h"

struct arena;
struct environment;
struct report;

struct reader {
    struct arena *arena;
    struct report *report;
    const struct environment *environment;
};

struct address_range {
    int family; /* 4 or 6 */
    struct span span;
};

bool number_parse(const char *text, uint64_t max, uint64_t *number); /* decimal or 0x… */

bool read_address(const struct reader *reader, const struct value *value,
                  struct address_range *range);
bool read_port(const struct reader *reader, const struct value *value, struct span *span);
bool read_byte(const struct reader *reader, const struct value *value, struct span *span);
bool read_protocol(const struct reader *reader, const struct value *value, struct span *span);
bool read_interface(const struct reader *reader, const struct value *value, struct span *span);
bool read_user(const struct reader *reader, const struct value *value, uint32_t *uid);
bool read_group(const struct reader *reader, const struct value *value, uint32_t *gid);

#endif
