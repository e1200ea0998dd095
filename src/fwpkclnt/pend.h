/* Between FwpsPendOperation0 and FwpsPendClassify0, which end in the same way. */
#ifndef OPENWFP_DRIVER_PEND_H
#define OPENWFP_DRIVER_PEND_H

#include "fwpkclnt/runtime.h"

/* In the classify; sets classify->pend. */
NTSTATUS pend_begin(struct classify *classify);

/* With a decision; action 0: as the layer does it. */
void pend_complete(uint64_t number, const struct driver_complete *how);

#endif
