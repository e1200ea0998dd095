/*
 * Values of every FWP_DATA_TYPE: soundness and comparison.
 */
#ifndef OPENWFP_MODEL_VALUE_H
#define OPENWFP_MODEL_VALUE_H

#include "model.h"

/* Every pointer the type needs is there and what it points to is well-formed. */
uint32_t value_check(const FWP_VALUE0 *value, struct model_error *error);
uint32_t condition_value_check(const FWP_CONDITION_VALUE0 *value, struct model_error *error);

/* A condition's value of a single type (not a mask, not a range) as a plain value. */
FWP_VALUE0 value_of_condition(const FWP_CONDITION_VALUE0 *value);

/* Integers, 16-byte arrays, blobs, strings: the types that have an order (rule 3.3). */
bool value_is_sortable(FWP_DATA_TYPE type);
bool value_is_unsigned(FWP_DATA_TYPE type);
uint64_t value_unsigned(const FWP_VALUE0 *value);
/* Both of the same sortable type: <0, 0, >0. */
int value_compare(const FWP_VALUE0 *a, const FWP_VALUE0 *b);
/* Any types; different types are not equal. */
bool value_equal(const FWP_VALUE0 *a, const FWP_VALUE0 *b);

/* "FWP_UINT16", for messages. */
const char *value_type_name(FWP_DATA_TYPE type);

#endif
