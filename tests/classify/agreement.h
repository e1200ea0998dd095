/*
 * Whether the reference, the lookup in user space and the lookup in the kernel say the same about a
 * key of a policy set, and who of the filters is to blame when they do not.
 */
#ifndef OPENWFP_TESTS_AGREEMENT_H
#define OPENWFP_TESTS_AGREEMENT_H

#include "classify/evaluate.h"
#include "kernel_side.h"
#include "policy_set.h"

/* The reference's answer; sorted as policy_set_reference() has them. Scripted callouts. */
struct reference_result agreement_reference(const struct policy_set *set,
                                            const struct reference_filter *sorted, size_t count,
                                            const struct classify_key *key);

/* Scripted callouts. */
extern const struct classify_trace agreement_trace;

/* The key as it is to be asked of the image. */
struct classify_walk agreement_walk(const struct policy_set *set,
                                    const struct classify_image *image,
                                    const struct classify_key *key);

bool agreement_holds(const struct reference_result *reference,
                     const struct classify_result *result);

/*
 * Whether classify_evaluate() tells of all filters that match, in order; says what is wrong.
 */
bool agreement_trace_holds(const struct policy_set *set, const struct classify_image *image,
                           const struct reference_filter *sorted, size_t count,
                           const struct classify_key *key);

/* One line, after "# ". */
void agreement_print(const char *who, const struct classify_result *result);
void agreement_print_reference(const struct reference_result *result);
void agreement_print_key(const struct policy_set *set, const struct classify_key *key);
void agreement_print_filter(const struct model_view_filter *filter);

/*
 * Leaves out filters as long as the answers about the key still differ, and prints those that are
 * left. kernel: NULL when it is the lookup in user space that differs.
 */
void agreement_blame(const struct policy_set *set, const struct classify_key *key,
                     struct kernel_side *kernel);

#endif
