/*
 * How a filter's conditions relate to a template's (FWP_FILTER_ENUM_TYPE, rule 11.3).
 *
 * Exact for integers and addresses, and for equality of everything else. Where it can't be told
 * (flags, string tails, descriptors that differ) filters count as overlapping and not as contained:
 * enumerations then return a filter too many for the first question, and one too few for the
 * second.
 */
#ifndef OPENWFP_MODEL_OVERLAP_H
#define OPENWFP_MODEL_OVERLAP_H

#include "model.h"

bool conditions_overlap(const FWPM_FILTER0 *filter, const FWPM_FILTER_CONDITION0 *conditions,
                        size_t count);
bool conditions_contain(const FWPM_FILTER_CONDITION0 *conditions, size_t count,
                        const FWPM_FILTER0 *filter);

#endif
