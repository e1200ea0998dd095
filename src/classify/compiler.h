/*
 * Inside the compiler: a filter's tests while its jumps are symbols, and its way into memory.
 *
 *     filter.c      a filter → records, with condition.c and descriptor.c for its conditions
 *     encode.c      tests → the units of a record
 *     memory.c      room for what must not straddle blocks
 *     tree.c        records → trees, with box.c and cut.c
 *     image.c       the image around them, its versions
 */
#ifndef OPENWFP_CLASSIFY_COMPILER_H
#define OPENWFP_CLASSIFY_COMPILER_H

#include <stdbool.h>

#include "compile.h"
#include "memory.h"
#include "model/layers.h"

#define JUMP_HOLDS  0xfffffff0u /* the group of conditions holds: on to what follows it */
#define JUMP_FAILS  0xfffffff1u /* this condition does not hold: on to the next of its group */
#define JUMP_FILTER 0xfffffff2u /* the filter does not match: on to the next filter */

enum test_kind {
    TEST_NEVER,
    TEST_ALWAYS,
    TEST_ABSENT,
    TEST_RANGE,
    TEST_RANGE128, /* [0] high, [1] low */
    TEST_FLAGS_ALL,
    TEST_FLAGS_ANY,
    TEST_FLAGS_NONE,
};

struct test {
    uint8_t kind;
    uint8_t slot;
    bool negated;
    uint32_t on_match, on_miss; /* indexes of tests, or symbols */
    uint64_t lo[2], hi[2];      /* flags: lo[0] is the mask */
};

/* All of one filter. */
struct tests {
    struct test *list;
    uint32_t count, capacity;
};

struct compiler {
    const struct classify_intern *intern;
    struct model_error *error;
    const struct model_view_filter *filter; /* being compiled */
    const struct layer_info *layer;
    struct tests tests;
    /* Groups are the image's; more are allotted as filters name them. */
    uint32_t *group_count;
    struct classify_group *groups;
    /* Where records go, and what every record of the filter begins with. */
    struct memory *memory;
    struct classify_filter head;
    uint32_t first;        /* unit of the filter's first record */
    uint32_t record_count; /* of this filter */
};

uint32_t compile_fail(struct compiler *compiler, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A test that goes to JUMP_HOLDS or JUMP_FAILS; NULL: out of memory, and said so. */
struct test *compile_test(struct compiler *compiler, enum test_kind kind, int slot, uint64_t lo,
                          uint64_t hi);

/* The tests of one condition. */
uint32_t compile_condition(struct compiler *compiler, const struct layer_field *field,
                           const FWPM_FILTER_CONDITION0 *condition);

/* The tests of a security descriptor: does it grant FWP_ACTRL_MATCH_FILTER to the user? */
uint32_t compile_descriptor(struct compiler *compiler, const FWP_BYTE_BLOB *descriptor);

/* Turns to a filter: compiler->filter, and compiler->layer. */
uint32_t compile_begin(struct compiler *compiler, const struct model_view_filter *filter);

/* The filter becomes records of that sublayer. */
uint32_t compile_filter(struct compiler *compiler, uint16_t sublayer);

/* The tests so far become one record. */
uint32_t compile_record(struct compiler *compiler);

#endif
