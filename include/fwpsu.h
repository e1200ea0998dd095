/* Run-time layer ids (FWPS_LAYER_*) and the order of each layer's fields (FWPS_FIELDS_*). */
#ifndef OPENWFP_FWPSU_H
#define OPENWFP_FWPSU_H

#include <fwps_layers.h>
#include <fwptypes.h>

#endif
