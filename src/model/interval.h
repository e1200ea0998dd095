/* Conditions on integers and addresses as intervals of numbers: what weights and templates compare.
 */
#ifndef OPENWFP_MODEL_INTERVAL_H
#define OPENWFP_MODEL_INTERVAL_H

#include "model.h"

typedef unsigned __int128 number;

struct interval {
    number low, high; /* inclusive */
};

#define INTERVALS_NONE (-1)

/*
 * The values that satisfy the condition: 0, 1 or 2 intervals in ascending order. INTERVALS_NONE
 * when it is not of that sort (flags, blobs, strings, descriptors, FWP_EMPTY). *width is the number
 * of bits of the field.
 */
int condition_intervals(const FWPM_FILTER_CONDITION0 *condition, struct interval into[2],
                        unsigned *width);

number number_of_bytes(const uint8_t bytes[16]);
number number_of_mask_width(unsigned bits); /* the greatest number of so many bits */

#endif
