/*
 * The boot image of this bfe: the boot-time filters, compiled, in a file that openwfp-boot reads
 * before bfe is there (boot/image.h). It follows the policy commit by commit: the new file is on
 * the disk before the kernel gets the new policy, and the old one comes back when the kernel does
 * not take it. Without boot-time filters there is no file.
 */
#ifndef OPENWFP_BFE_BOOT_H
#define OPENWFP_BFE_BOOT_H

#include <stdbool.h>

#include "model/model.h"

struct engine;

struct boot {
    const char *path; /* NULL: none is kept */
    bool running;     /* false: a failure to write is only logged, the start goes on */
    bool replaced;    /* the file is another than before the commit that is under way */
};

/* Makes the image of the view, and the file that: another one is only written when it differs. */
uint32_t boot_prepare(struct engine *engine, const struct model_view *view,
                      struct model_error *error);
/* The commit has succeeded, or has not. */
void boot_settle(struct engine *engine, bool committed);
/* A callout's code is another: prepare and settle, with the policy as it is. */
uint32_t boot_refresh(struct engine *engine, struct model_error *error);

#endif
