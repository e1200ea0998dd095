/* Inside the compiler: the image as it grows, and the jumps that are not known yet. */
#ifndef OPENWFP_CLASSIFY_COMPILER_H
#define OPENWFP_CLASSIFY_COMPILER_H

#include "compile.h"
#include "model/layers.h"

#define JUMP_HOLDS  0xfffffff0u /* the group of conditions holds: on to what follows it */
#define JUMP_FAILS  0xfffffff1u /* this condition does not hold: on to the next of its group */
#define JUMP_FILTER 0xfffffff2u /* the filter does not match: on to the next filter */

struct compiler {
    struct classify_image *image;
    const struct classify_intern *intern;
    struct model_error *error;
    const struct model_view_filter *filter; /* being compiled */
    const struct layer_info *layer;
};

uint32_t compile_fail(struct compiler *compiler, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A new element at the image's end; NULL: out of memory. */
struct classify_element *compile_emit(struct compiler *compiler, uint8_t kind);

/* A test that goes to JUMP_HOLDS or JUMP_FAILS. */
uint32_t compile_test(struct compiler *compiler, uint8_t op, int slot, uint64_t lo, uint64_t hi);

/* The tests of one condition. */
uint32_t compile_condition(struct compiler *compiler, const struct layer_field *field,
                           const FWPM_FILTER_CONDITION0 *condition);

/* The tests of a security descriptor: does it grant FWP_ACTRL_MATCH_FILTER to the user? */
uint32_t compile_descriptor(struct compiler *compiler, const FWP_BYTE_BLOB *descriptor);

#endif
