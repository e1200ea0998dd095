/* The built-in closed policy, see enforce.h. */
#ifndef OPENWFP_BOOT_CLOSED_H
#define OPENWFP_BOOT_CLOSED_H

#include "classify/compile.h"

/* NULL: `error` says why. */
struct classify_image *boot_closed_policy(struct model_error *error);

#endif
