/*
 * Which conditions a layer takes (rules 3.1 to 3.8).
 *
 * Choices, each with a test in tests/model/test_condition.c:
 *  - Several conditions on one field are alternatives (ORed) and stand next to each other; a field
 * that comes back later is refused with FWP_E_DUPLICATE_CONDITION instead of guessing what was
 * meant.
 *  - FWP_MATCH_RANGE goes with FWP_RANGE_TYPE and with nothing else, and the other way round.
 *  - A field that Linux never fills in takes only FWP_EMPTY; anything else could never match and
 *    is refused with ERROR_NOT_SUPPORTED.
 */
#ifndef OPENWFP_MODEL_CONDITION_H
#define OPENWFP_MODEL_CONDITION_H

#include "layers.h"
#include "model.h"

uint32_t condition_check(const struct layer_info *layer, const FWPM_FILTER_CONDITION0 *condition,
                         struct model_error *error);
/* A filter's conditions. */
uint32_t conditions_check(const struct layer_info *layer, const FWPM_FILTER_CONDITION0 *conditions,
                          size_t count, struct model_error *error);
/* An enumeration template's: one a field at most, and any field of the layer. */
uint32_t conditions_check_template(const struct layer_info *layer,
                                   const FWPM_FILTER_CONDITION0 *conditions, size_t count,
                                   struct model_error *error);

#endif
