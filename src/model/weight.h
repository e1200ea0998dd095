/*
 * Filter weights (rule 4.x).
 *
 * The automatic weight is ours; Microsoft has not published theirs. It is a measure of how specific
 * the conditions are: each field adds the number of bits it fixes (a port 16, 10.0.0.0/8 8, a range
 * of 256 ports 8, a program or user 64), alternatives on one field (ORed conditions) count as the
 * least specific of them less log2 of their number, and any condition adds something. So a filter
 * whose matches are a subset of another's for the same reason never weighs less, and the result
 * depends on nothing but the conditions.
 */
#ifndef OPENWFP_MODEL_WEIGHT_H
#define OPENWFP_MODEL_WEIGHT_H

#include "model.h"

/* The conditions must be legal. Below 2^60. */
uint64_t weight_automatic(const FWPM_FILTER_CONDITION0 *conditions, size_t count);

/* FWP_E_INVALID_WEIGHT unless the weight is FWP_EMPTY, FWP_UINT64 or a FWP_UINT8 up to 15. */
uint32_t weight_effective(const FWPM_FILTER0 *filter, uint64_t *weight, struct model_error *error);

#endif
